"""What the nouns say about themselves."""

from datetime import timedelta
from typing import Any

import pytest

from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.model import (
    Action,
    Decision,
    Drift,
    Kind,
    Reason,
    Report,
    Severity,
    Status,
    Subject,
    Verdict,
)
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_report,
    make_snooze,
)


def drift_of(*kinds: tuple[Kind, Reason | None]) -> Drift:
    attributes = tuple(make_attribute(kind=kind, reason=reason) for kind, reason in kinds)
    kind, reason = kinds[0]
    return make_drift(kind=kind, reason=reason, attributes=attributes)


def report_of(*drifts: Drift, verdict: Verdict = Verdict.NOTIFY) -> Report:
    decisions = (make_decision(make_finding(drift, verdict=verdict)) for drift in drifts)
    return make_report(*decisions, checked_at=NOW, stale_after=3600.0)


def test_severities_rank_from_critical_to_info() -> None:
    ranked = sorted(Severity, key=lambda severity: severity.rank)
    assert [str(severity) for severity in ranked] == ["critical", "high", "medium", "low", "info"]


def test_a_key_names_the_thing_whatever_its_values_are() -> None:
    assert make_drift(fingerprint="a").key == make_drift(fingerprint="b").key
    assert make_drift(subject=Subject.OUTPUT).key != make_drift().key


@pytest.mark.parametrize(
    ("kind", "reason", "moved", "waiting"),
    [
        (Kind.DRIFT, None, True, False),
        (Kind.CONFLICT, None, True, True),
        (Kind.PENDING, None, False, True),
        (Kind.UNKNOWN, None, False, False),
        (Kind.UNOPPOSED, Reason.CODIFIED, False, False),
        (Kind.UNOPPOSED, Reason.UNDECLARED, True, False),
        (Kind.UNOPPOSED, Reason.IGNORED, True, False),
    ],
)
def test_each_kind_says_whether_reality_moved_and_whether_code_waits(
    kind: Kind, reason: Reason | None, moved: bool, waiting: bool
) -> None:
    drift = drift_of((kind, reason))
    assert (drift.moved, drift.waiting) == (moved, waiting)


def test_an_attribute_speaks_for_its_resource() -> None:
    drift = drift_of((Kind.DRIFT, None), (Kind.PENDING, None))
    assert drift.moved
    assert drift.waiting


def test_a_replacement_is_told_from_an_update() -> None:
    assert make_drift(action=Action.REPLACE).replaces
    assert not make_drift(action=Action.UPDATE).replaces


@pytest.mark.parametrize(
    ("drifts", "status"),
    [
        ((), Status.IN_SYNC),
        ((drift_of((Kind.PENDING, None)),), Status.PENDING),
        ((drift_of((Kind.DRIFT, None)),), Status.DRIFTED),
        ((drift_of((Kind.UNOPPOSED, Reason.UNDECLARED)),), Status.DRIFTED),
        ((drift_of((Kind.UNOPPOSED, Reason.CODIFIED)),), Status.IN_SYNC),
        ((drift_of((Kind.CONFLICT, None)),), Status.DRIFTED_AND_PENDING),
        (
            (drift_of((Kind.DRIFT, None)), drift_of((Kind.PENDING, None))),
            Status.DRIFTED_AND_PENDING,
        ),
        ((drift_of((Kind.UNKNOWN, None)),), Status.UNKNOWN),
        ((drift_of((Kind.UNKNOWN, None)), drift_of((Kind.PENDING, None))), Status.UNKNOWN),
        ((drift_of((Kind.UNKNOWN, None)), drift_of((Kind.DRIFT, None))), Status.DRIFTED),
    ],
)
def test_a_report_sums_up_what_it_found(drifts: tuple[Drift, ...], status: Status) -> None:
    assert report_of(*drifts).status is status


def test_what_rules_ignore_counts_for_nothing() -> None:
    report = report_of(drift_of((Kind.DRIFT, None)), verdict=Verdict.IGNORE)
    assert report.status is Status.IN_SYNC
    assert report.visible == report.drifted == report.pending == ()


def test_a_failed_check_is_never_in_sync_and_never_merely_stale() -> None:
    report = make_report(failure=make_failure(), checked_at=NOW)
    assert report.status is Status.FAILED
    assert report.status_at(NOW + timedelta(days=9)) is Status.FAILED


def test_a_result_older_than_its_limit_is_stale() -> None:
    report = report_of()
    assert report.status_at(NOW + timedelta(hours=1)) is Status.IN_SYNC
    assert report.status_at(NOW + timedelta(hours=1, seconds=1)) is Status.STALE


def test_nothing_secret_is_in_the_text_of_a_noun() -> None:
    repository = Repository("live", "https://example.com", password="hunter2")
    environment = Environment("prod", "live", ".", variables={"p": "hunter2"}, env={"P": "hunter2"})
    assert "hunter2" not in f"{repository!r}{environment!r}"


def snoozed(*reasons: tuple[Kind, Reason | None], **changes: Any) -> Decision:
    return make_decision(make_finding(drift_of(*reasons), **changes), snooze=make_snooze())


def test_what_somebody_snoozed_is_no_drift_and_not_in_sync_either() -> None:
    drift = (Kind.DRIFT, None)
    report = make_report(snoozed(drift), checked_at=NOW)
    assert (report.status, report.visible, report.drifted) == (Status.SNOOZED, (), ())
    assert len(report.snoozed) == 1
    assert report.status_at(NOW + timedelta(days=2)) is Status.STALE


def test_a_snooze_hides_nothing_else() -> None:
    drift, pending = (Kind.DRIFT, None), (Kind.PENDING, None)
    other = make_decision(make_finding(drift_of(pending)))
    assert make_report(snoozed(drift), other).status is Status.PENDING
    assert make_report(snoozed(pending), make_decision()).status is Status.DRIFTED
    assert make_report(snoozed(drift), failure=make_failure()).status is Status.FAILED


def test_what_a_rule_ignores_needs_no_snooze() -> None:
    report = make_report(snoozed((Kind.DRIFT, None), verdict=Verdict.IGNORE))
    assert (report.status, report.snoozed) == (Status.IN_SYNC, ())
