"""A report, its events and its messages are saved together: each transition once."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from driftwatch.adapters.store.store import Store
from driftwatch.domain.job import Job
from driftwatch.domain.model import Kind, Severity, Status, Subject
from driftwatch.domain.notice import EventKind
from driftwatch.domain.routing import Digest, Route, Telling
from driftwatch.domain.schedule import parse_schedule
from driftwatch.errors import StoreError
from tests.adapters.store.worlds import DAILY, MAIL, TELLING, checked, kinds, later, open_with
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
)

DRIFT = make_decision()


def moved(value: int, fingerprint: str) -> object:
    drift = make_drift(attributes=(make_attribute(actual=value),), fingerprint=fingerprint)
    return make_decision(make_finding(drift))


def test_a_drift_that_stays_for_thirty_days_opens_once_and_closes_once(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    for hours in range(30 * 24):
        store.ledger.record(checked(DRIFT, hours=hours), None, TELLING)
    store.ledger.record(checked(hours=30 * 24), None, TELLING)
    assert kinds(store) == [EventKind.OPENED, EventKind.CLOSED]
    assert len(store.outbox.newest(100)) == 2


def test_the_first_pass_of_a_new_installation_is_quiet(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", quiet=True)
    assert store.ledger.record(checked(DRIFT), None, TELLING) == ()
    assert store.ledger.record(checked(DRIFT, hours=1), None, TELLING) == ()
    other = make_decision(make_finding(make_drift(address="aws_x.y", fingerprint="f")))
    store.ledger.record(checked(DRIFT, other, hours=2), None, TELLING)
    store.ledger.record(checked(hours=3), None, TELLING)
    assert kinds(store) == [EventKind.OPENED, EventKind.CLOSED]


def test_a_failure_is_told_once_and_its_end_too(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    for hours in range(5):
        store.ledger.record(checked(hours=hours, failure=make_failure()), None, TELLING)
    store.ledger.record(checked(hours=5), None, TELLING)
    assert kinds(store) == [EventKind.FAILED, EventKind.RECOVERED]


def test_a_failure_does_not_close_what_is_open(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(DRIFT), None, TELLING)
    failing = checked(DRIFT, hours=1, failure=make_failure(retryable=False))
    store.ledger.record(failing, None, TELLING)
    store.ledger.record(checked(DRIFT, hours=2), None, TELLING)
    assert kinds(store) == [EventKind.OPENED, EventKind.FAILED, EventKind.RECOVERED]
    assert len(store.ledger.open_threads("prod")) == 1


def test_each_route_gets_one_message_for_a_check_whatever_it_found(tmp_path: Path) -> None:
    other = make_decision(make_finding(make_drift(address="aws_x.y", fingerprint="f")))
    severe = replace(MAIL, name="severe", severity=Severity.CRITICAL)
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(DRIFT, other), None, Telling(routes=(MAIL, severe)))
    (message,) = store.outbox.newest()
    assert (message.route, message.recipients) == ("everybody", MAIL.recipients)
    assert [event.address for event in store.outbox.events_of(message)] == [
        "aws_cloudwatch_log_group.app",
        "aws_x.y",
    ]


def test_a_route_without_recipients_reaches_its_channels_targets(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    telling = Telling((Route("chat", "room"),), {"room": ("slack #1", "slack #2")})
    store.ledger.record(checked(DRIFT), None, telling)
    assert store.outbox.newest()[0].recipients == ("slack #1", "slack #2")


def test_digests_collect_until_it_is_time(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    daily = Route("daily", "mail", ("a@example.org",), digest=Digest("daily", "0 7 * * *"))
    telling = Telling((daily,))
    store.outbox.release_digests(telling, NOW, lambda _: False)
    for name in ("prod", "dev"):
        store.ledger.record(checked(DRIFT, environment=name), None, telling)
    assert [message.state for message in store.outbox.newest()] == ["held"]
    assert store.outbox.due(later(999)) == []
    assert store.outbox.release_digests(telling, later(20), lambda _: False) == 0
    assert store.outbox.release_digests(telling, later(22), lambda _: False) == 1
    assert store.outbox.release_digests(telling, later(22), lambda _: True) == 0
    (message,) = store.outbox.due(later(22))
    assert message.digest == "daily"
    assert len(store.outbox.events_of(message)) == 2
    assert store.outbox.release_digests(telling, later(46), lambda _: False) == 0
    assert store.outbox.release_digests(telling, later(70), lambda _: True) == 1


def test_nothing_is_saved_where_anything_fails(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    connection = sqlite3.connect(tmp_path / "driftwatch.db")
    connection.execute(
        "CREATE TRIGGER no BEFORE INSERT ON message BEGIN SELECT raise(ABORT, 'no room'); END"
    )
    with pytest.raises(StoreError, match="no room"):
        store.ledger.record(checked(DRIFT), None, TELLING)
    assert store.reports.of("prod", 9) == []
    assert kinds(store) == []
    connection.execute("DROP TRIGGER no")
    connection.close()
    store.ledger.record(checked(DRIFT), None, TELLING)
    assert kinds(store) == [EventKind.OPENED]


def test_a_failure_that_may_pass_is_looked_at_again_soon_and_ever_later(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    with store.database.writing() as tables:
        tables.conn.execute("UPDATE watch SET next_due = '2999-01-01T00:00:00.000000+00:00'")
    waits = []
    for hours in range(8):
        store.ledger.record(checked(hours=hours, failure=make_failure()), None, TELLING)
        retry = found(store).retry_at
        assert retry is not None
        waits.append(retry - later(hours))
    assert timedelta(seconds=30) <= waits[0] <= timedelta(seconds=70)
    assert waits[:6] == sorted(waits[:6])
    assert waits[-1] <= timedelta(hours=1, minutes=1)
    store.ledger.record(checked(hours=9, failure=make_failure(retryable=False)), None, TELLING)
    assert found(store).retry_at is None
    assert found(store).failures == 9
    store.ledger.record(checked(hours=10), None, TELLING)
    assert (found(store).failures, found(store).retry_at) == (0, None)


def test_what_fails_again_and_again_is_looked_at_less_often(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    minutely = {"prod": parse_schedule("every 1m")}
    checks = 0
    for minute in range(24 * 60):
        now = later(minutes=minute)
        store.watchlist.align(now, minutely)
        if store.watchlist.tick(now, minutely):
            checks += 1
            job = claim(store)
            failing = checked(hours=minute / 60, failure=make_failure(retryable=False))
            store.ledger.record(failing, job, TELLING)
    assert 24 <= checks <= 60
    store.ledger.record(checked(hours=24), None, TELLING)
    assert store.watchlist.tick(later(24, minutes=2), minutely) == 1


def claim(store: Store) -> Job | None:
    (waiting,) = store.queue.candidates()
    return store.queue.claim(waiting.number, "me", NOW, timedelta(hours=1))


def test_a_check_whose_environment_went_meanwhile_raises_no_alarm(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.queue.add("prod", "schedule", NOW)
    job = claim(store)
    store.ledger.stop_watching("prod", NOW, TELLING)
    assert store.ledger.record(checked(DRIFT), job, TELLING) is None
    assert store.ledger.open_threads("prod") == {}
    assert store.outbox.newest() == []
    assert store.queue.all() == []


def test_a_plan_with_gaps_ends_the_quiet_too(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", quiet=True)
    gap = make_decision(
        make_finding(make_drift(subject=Subject.PLAN, address="plan", kind=Kind.UNKNOWN))
    )
    store.ledger.record(checked(gap), None, TELLING)
    store.ledger.record(checked(gap, DRIFT, hours=1), None, TELLING)
    assert kinds(store) == [EventKind.OPENED]


def test_a_clock_that_ran_ahead_holds_nothing_back(tmp_path: Path) -> None:
    year = 24 * 365
    store = open_with(tmp_path, "prod")
    store.outbox.release_digests(Telling((DAILY,)), later(year), lambda _: False)
    store.ledger.record(checked(hours=year), None, TELLING)
    store.align(later(1))
    store.ledger.record(checked(DRIFT, hours=1.1), None, TELLING)
    watched = found(store)
    assert (watched.status, watched.drifted) == (Status.DRIFTED, 1)
    assert store.watchlist.going_stale(later(30)) == ["prod"]
    assert store.outbox.release_digests(Telling((DAILY,)), later(24), lambda _: True) == 1


def found(store: Store):  # type: ignore[no-untyped-def]  # noqa: ANN201
    watched = store.watchlist.find("prod")
    assert watched is not None
    return watched


def test_what_is_no_longer_watched_ends_its_threads_and_keeps_its_reports(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(DRIFT), None, TELLING)
    store.queue.add("prod", "schedule", NOW)
    (event,) = store.ledger.stop_watching("prod", later(1), TELLING)
    assert (event.kind, event.note) == (
        EventKind.CLOSED,
        "the environment is no longer watched",
    )
    assert store.watchlist.all() == []
    assert store.queue.all() == []
    assert store.ledger.open_threads("prod") == {}
    assert len(store.reports.of("prod", 9)) == 1
    assert store.ledger.stop_watching("prod", later(2), TELLING) == ()
    assert store.ledger.note_stale("prod", later(2), TELLING) == ()


def test_staleness_is_told_once_and_ends_with_the_next_look(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.note_stale("prod", later(30), TELLING)
    assert store.ledger.note_stale("prod", later(31), TELLING) == ()
    store.ledger.record(checked(hours=32), None, TELLING)
    assert kinds(store) == [EventKind.STALE, EventKind.FRESH]


def test_half_of_a_surrogate_pair_loses_no_alarm(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    drift = make_drift(address='a.b["\udfff"]', fingerprint="\ud800", kind=Kind.DRIFT)
    decision = make_decision(make_finding(drift, because="\ud800"))
    store.ledger.record(checked(decision), None, TELLING)
    (message,) = store.outbox.newest()
    (event,) = store.outbox.events_of(message)
    assert event.address == 'a.b["?"]'
    assert kinds(store) == [EventKind.OPENED]
    store.ledger.record(checked(decision, hours=1), None, TELLING)
    assert kinds(store)[0] is EventKind.OPENED


def test_a_check_outside_of_the_watchlist_tells_too(tmp_path: Path) -> None:
    store = open_with(tmp_path)
    store.ledger.record(checked(DRIFT), None, TELLING)
    store.ledger.record(checked(DRIFT, hours=1), None, TELLING)
    assert kinds(store) == [EventKind.OPENED]


def test_looking_without_delivering_tells_nobody_and_spoils_nothing(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.reports.add(checked(DRIFT))
    assert kinds(store) == []
    assert moved(3, "x") is not None
    store.ledger.record(checked(DRIFT, hours=1), None, TELLING)
    assert kinds(store) == [EventKind.OPENED]
