"""Planted cases beside reports: found, missed, misnamed, leaked, and found without cause."""

from typing import Any

import pytest

from driftwatch.demo.cases import PlantedCase
from driftwatch.demo.verification import render_verification, verify
from driftwatch.domain.model import Action, Drift, Kind, Reason, Report
from tests.builders import (
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_report,
)

CASE = PlantedCase(
    name="shorter-logs",
    story="Somebody cut log retention",
    environment="prod",
    address="aws_cloudwatch_log_group.app",
    attribute=("retention_in_days",),
    kind=Kind.DRIFT,
)
OPENED = PlantedCase(
    name="ssh-opened",
    story="Somebody opened SSH",
    environment="prod",
    address="aws_security_group.web",
    attribute=("ingress",),
    kind=Kind.UNOPPOSED,
    reason=Reason.UNDECLARED,
)
DELETED = PlantedCase(
    name="topic-deleted",
    story="Somebody deleted a topic",
    environment="prod",
    address="aws_sns_topic.alerts",
    kind=Kind.DRIFT,
    deleted=True,
)
SECRET = PlantedCase(
    name="secret-rotated",
    story="Somebody rotated a key",
    environment="prod",
    address="aws_ssm_parameter.key",
    attribute=("value",),
    kind=Kind.DRIFT,
    secret="hunter2",
)
UNTOUCHED = PlantedCase(name="untouched", story="Nobody touched it", environment="prod")


def report_of(*drifts: Drift, **changes: Any) -> Report:
    return make_report(*(make_decision(make_finding(drift)) for drift in drifts), **changes)


def ingress(reason: Reason = Reason.UNDECLARED) -> Drift:
    attribute = make_attribute(path=("ingress", 0), kind=Kind.UNOPPOSED, reason=reason)
    return make_drift(
        address=OPENED.address, kind=Kind.UNOPPOSED, reason=reason, attributes=(attribute,)
    )


def gone(*, deleted: bool) -> Drift:
    return make_drift(address=DELETED.address, deleted=deleted, action=Action.CREATE, attributes=())


def secret(*, sensitive: bool, actual: str = "(sensitive #1)") -> Drift:
    attribute = make_attribute(path=("value",), sensitive=sensitive, actual=actual)
    return make_drift(address=SECRET.address, attributes=(attribute,))


@pytest.mark.parametrize(
    ("case", "drift"),
    [
        (CASE, make_drift()),
        (OPENED, ingress()),
        (DELETED, gone(deleted=True)),
        (SECRET, secret(sensitive=True)),
    ],
)
def test_a_case_that_is_rightly_named_is_found(case: PlantedCase, drift: Drift) -> None:
    verification = verify([case], [report_of(drift)])
    assert verification.all_found
    assert verification.results[0].detected == case.expectation


@pytest.mark.parametrize(
    ("case", "drift", "detected"),
    [
        (CASE, make_drift(attributes=(make_attribute(kind=Kind.PENDING),)), "pending"),
        (CASE, make_drift(attributes=(make_attribute(path=("name",)),)), "nothing"),
        (CASE, make_drift(deleted=True), "drift, deleted"),
        (OPENED, ingress(Reason.IGNORED), "unopposed (ignored)"),
        (DELETED, gone(deleted=False), "drift"),
        (SECRET, secret(sensitive=False), "drift"),
        (SECRET, secret(sensitive=True, actual="is hunter2"), "the secret itself, in clear text"),
    ],
)
def test_a_case_that_is_misnamed_is_not_found(
    case: PlantedCase, drift: Drift, detected: str
) -> None:
    verification = verify([case], [report_of(drift)])
    assert not verification.all_found
    assert verification.results[0].detected == detected


def test_every_matching_attribute_must_be_rightly_named() -> None:
    attributes = (
        make_attribute(path=("retention_in_days", 0)),
        make_attribute(path=("retention_in_days", 1), kind=Kind.CONFLICT),
    )
    verification = verify([CASE], [report_of(make_drift(attributes=attributes))])
    assert not verification.all_found
    assert verification.results[0].detected == "drift; conflict"


def test_a_case_in_another_environment_does_not_count() -> None:
    elsewhere = report_of(make_drift(), environment="dev")
    verification = verify([CASE], [elsewhere, report_of()])
    assert not verification.results[0].found
    assert verification.unplanted == ("dev  aws_cloudwatch_log_group.app: drift",)


def test_a_missing_report_finds_nothing() -> None:
    assert verify([CASE], []).results[0].detected == "no report"


@pytest.mark.parametrize("case", [CASE, UNTOUCHED])
def test_a_check_that_could_not_look_finds_nothing_however_much_it_remembers(
    case: PlantedCase,
) -> None:
    failed = report_of(make_drift(), failure=make_failure(message="No credentials."))
    verification = verify([case], [failed])
    assert not verification.all_found
    assert verification.results[0].detected == "could not look: No credentials."
    assert verification.unplanted == ()


def test_an_untouched_environment_must_be_in_sync() -> None:
    assert verify([UNTOUCHED], [report_of()]).all_found
    drifted = verify([UNTOUCHED], [report_of(make_drift())])
    assert drifted.results[0].detected == "drifted"
    assert not drifted.results[0].found


def test_a_finding_that_nobody_planted_is_a_failure() -> None:
    verification = verify([CASE], [report_of(make_drift(), gone(deleted=True))])
    assert verification.results[0].found
    assert not verification.all_found
    assert verification.unplanted == ("prod  aws_sns_topic.alerts: drift, deleted",)


def test_the_table_explains_each_case_beside_what_was_detected() -> None:
    report = report_of(make_drift(), ingress(Reason.IGNORED), gone(deleted=True))
    text = render_verification(verify([CASE, OPENED], [report]))
    assert text == (
        "✓ prod  aws_cloudwatch_log_group.app.retention_in_days\n"
        "    Somebody cut log retention.\n"
        "    detected: drift, as expected\n"
        "\n"
        "✗ prod  aws_security_group.web.ingress\n"
        "    Somebody opened SSH.\n"
        "    detected: unopposed (ignored), but expected unopposed (undeclared)\n"
        "\n"
        "1 of 2 planted cases found and rightly named.\n"
        "Reported, though nobody planted it:\n"
        "  ✗ prod  aws_sns_topic.alerts: drift, deleted\n"
    )


def test_an_untouched_environment_is_shown_by_its_name_alone() -> None:
    text = render_verification(verify([UNTOUCHED], [report_of()]))
    assert text.startswith("✓ prod\n    Nobody touched it.\n    detected: in sync, as expected\n")
