"""The mistakes of other tools' services: for each, a test that it is not made here.

The numbers are those of the list that `tests/test_peers.py` begins.
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from driftwatch.adapters.store.presence import Presence
from driftwatch.adapters.store.store import open_store
from driftwatch.domain.model import Severity, Status, Transition
from driftwatch.domain.notice import EventKind
from driftwatch.domain.routing import Telling
from driftwatch.domain.snoozing import bind
from tests.adapters.store.worlds import TELLING, checked, kinds, later, open_with
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
)

FAILED = make_failure(retryable=False)


def drifted(actual: int = 7, **changes: object):  # type: ignore[no-untyped-def]  # noqa: ANN201
    drift = make_drift(
        attributes=(make_attribute(actual=actual),), fingerprint=f"fingerprint-{actual}", **changes
    )
    return make_decision(make_finding(drift), transition=Transition.ONGOING)


# --- T6: one environment's error drops the notices of all.


def test_t6_an_environment_that_fails_takes_no_notice_away_from_another(tmp_path: Path) -> None:
    store = open_with(tmp_path, "bad", "good")
    store.ledger.record(checked(environment="bad", failure=FAILED), None, TELLING)
    store.ledger.record(checked(drifted(), environment="good"), None, TELLING)
    assert {m.environment for m in store.outbox.due(later(1))} == {"bad", "good"}


# --- T7: what is known lives in memory, and a restart forgets it.


def test_t7_a_restart_forgets_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    open_with(tmp_path, "prod").ledger.record(checked(drifted()), None, TELLING)
    for hours in range(1, 4):
        store = open_store(tmp_path)
        assert store.ledger.record(checked(drifted(), hours=hours), None, TELLING) == ()
    store = open_store(tmp_path)
    store.ledger.record(checked(hours=5), None, TELLING)
    assert kinds(store) == [EventKind.OPENED, EventKind.CLOSED]


# --- T11: an alert is identified by its title.


def test_t11_what_reads_alike_is_told_apart(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    for name in ("prod", "dev"):
        store.ledger.record(checked(drifted(), environment=name), None, TELLING)
    assert len({message.message_id for message in store.outbox.newest()}) == 2
    store.ledger.record(checked(environment="dev", hours=1), None, TELLING)
    assert len(store.ledger.open_threads("prod")) == 1
    assert store.ledger.open_threads("dev") == {}


def test_t11_what_reads_otherwise_is_still_the_same(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(drifted()), None, TELLING)
    louder = drifted()
    finding = replace(louder.finding, severity=Severity.CRITICAL, because="Rules were changed.")
    store.ledger.record(checked(replace(louder, finding=finding), hours=1), None, TELLING)
    assert kinds(store) == [EventKind.OPENED]


# --- T13: what was accepted is stored and never compared.


def test_t13_a_snooze_ends_when_the_value_moves(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    decision = drifted(443)
    store.ledger.record(checked(decision), None, TELLING)
    drift = decision.finding.drift
    snooze = store.snoozes.add(
        "prod",
        drift.key,
        drift.address,
        "",
        bind(drift, ""),
        until=later(24 * 14),
        because="known",
        by="ana",
        now=NOW,
    )
    resting = replace(decision, snooze=snooze)
    store.ledger.record(checked(resting, hours=1), None, TELLING)
    assert store.snoozes.active("prod") == [snooze]
    store.ledger.record(checked(drifted(9443), hours=2), None, TELLING)
    assert store.snoozes.active("prod") == []
    assert kinds(store) == [EventKind.OPENED, EventKind.CHANGED]


# --- T20: locks of a whole sweep are held to its end, and outlive a dead runner.


def test_t20_what_a_dead_runner_held_is_free_and_nothing_else_was_held(tmp_path: Path) -> None:
    store = open_with(tmp_path, "a", "b")
    for name in ("a", "b"):
        store.queue.add(name, "schedule", NOW)
    runner = Presence(tmp_path / "running")
    runner.enter()
    first, second = store.queue.candidates()
    held = store.queue.claim(first.number, runner.identity, NOW, timedelta(hours=1))
    assert held is not None
    assert [one.number for one in store.queue.candidates()] == [second.number]
    runner.leave()
    store.queue.recover(store.presence.is_alive, NOW, ("us", set()))
    assert len(store.queue.candidates()) == 2


# --- T21: the detector is paused by runs that failed.


def test_t21_failures_pause_nothing(tmp_path: Path) -> None:
    store = open_with(tmp_path, "bad", "good")
    for hours in range(50):
        report = checked(environment="bad", hours=hours, failure=FAILED)
        store.ledger.record(report, None, TELLING)
    watched = store.watchlist.find("bad")
    assert watched is not None
    assert watched.next_due is not None
    assert watched.next_due <= later(50) + timedelta(hours=1)
    store.ledger.record(checked(drifted(), environment="bad", hours=51), None, TELLING)
    assert kinds(store, "bad") == [EventKind.FAILED, EventKind.RECOVERED, EventKind.OPENED]


# --- T22: what is skipped is not shown.


@pytest.mark.parametrize("why", ["other checks run first", "window freeze denies it"])
def test_t22_a_check_that_waits_says_why_and_its_environment_grows_stale(
    tmp_path: Path, why: str
) -> None:
    store = open_with(tmp_path, "prod")
    store.queue.add("prod", "schedule", NOW)
    (waiting,) = store.queue.candidates()
    store.queue.explain({waiting.number: why})
    assert [job.waiting for job in store.queue.all()] == [why]
    watched = store.watchlist.find("prod")
    assert watched is not None
    assert watched.status_at(later(25)) is Status.STALE
    assert store.watchlist.going_stale(later(25)) == ["prod"]
    assert len(store.ledger.note_stale("prod", later(25), Telling())) == 1
