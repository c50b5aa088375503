"""What people are told: each transition once, and nothing of what they know."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftwatch.domain.lifecycle import carried, decide
from driftwatch.domain.model import (
    Failure,
    Finding,
    Kind,
    Reason,
    Report,
    Severity,
    Subject,
    Verdict,
)
from driftwatch.domain.news import News, Patience, close_all, find_news, find_staleness
from driftwatch.domain.notice import Condition, Event, EventKind, Thread
from driftwatch.domain.snooze import Snooze
from driftwatch.domain.snoozing import verdict
from driftwatch.errors import Cause
from tests.builders import NOW, make_attribute, make_drift, make_finding, make_report, make_snooze

HOUR = timedelta(hours=1)
OPENED, CHANGED, CLOSED = EventKind.OPENED, EventKind.CHANGED, EventKind.CLOSED
REMINDED, OVERDUE = EventKind.REMINDED, EventKind.OVERDUE
FAILED, RECOVERED = EventKind.FAILED, EventKind.RECOVERED
STALE, FRESH = EventKind.STALE, EventKind.FRESH


def drifted(value: int = 1, key: str = "aws_x.y", **changes: Any) -> Finding:
    attribute = make_attribute(actual=value + 100, kind=changes.pop("attribute_kind", Kind.DRIFT))
    blank = {"kind": Kind.DRIFT, "address": key, "fingerprint": f"f{value}"}
    given = {
        name: changes.pop(name) for name in ("severity", "verdict", "because") if name in changes
    }
    drift = make_drift(**(blank | {"attributes": (attribute,)} | changes))
    return make_finding(drift, **given)


def waiting(value: int = 1, key: str = "aws_x.y", **changes: Any) -> Finding:
    pending = {"kind": Kind.PENDING, "attribute_kind": Kind.PENDING, "fingerprint": f"p{value}"}
    return drifted(value, key, **(pending | changes))


def both(value: int = 1, key: str = "aws_x.y") -> Finding:
    return drifted(
        value, key, kind=Kind.CONFLICT, attribute_kind=Kind.CONFLICT, fingerprint=f"c{value}"
    )


def codified(key: str = "aws_x.y") -> Finding:
    change = {"kind": Kind.UNOPPOSED, "reason": Reason.CODIFIED, "attributes": ()}
    return drifted(1, key, fingerprint="k", **change)


def unseen(key: str = "aws_x.y") -> Finding:
    return drifted(1, key, kind=Kind.UNKNOWN, attributes=(), fingerprint="u")


def gap() -> Finding:
    return drifted(1, "plan", subject=Subject.PLAN, kind=Kind.UNKNOWN, attributes=())


def ignored(value: int = 1, key: str = "aws_x.y") -> Finding:
    return drifted(value, key, verdict=Verdict.IGNORE, because="The autoscaler owns it.")


MENDED_BY_A_RETRY = Failure(Cause.PROVIDER, "The cloud does not answer.", retryable=True)
BROKEN = Failure(Cause.CONFIGURATION, "The code does not parse.")


@dataclass
class Watch:
    """An environment that is checked again and again, as the service would do it."""

    condition: Condition = field(default_factory=Condition)
    patience: Patience = field(default_factory=Patience)
    now: datetime = NOW
    threads: dict[str, Thread] = field(default_factory=dict)
    snoozes: list[Snooze] = field(default_factory=list)
    last: Report | None = None
    told: list[Event] = field(default_factory=list)

    def check(self, *findings: Finding, after: timedelta = HOUR) -> list[EventKind]:
        self.now += after
        decisions, resolved = decide(findings, self.last, self.now, self.snoozes)
        report = make_report(*decisions, resolved=resolved, checked_at=self.now)
        self.last = report
        kinds = self._hear(find_news(report, self.threads, self.condition, self.patience))
        drifts = {d.finding.drift.key: d.finding.drift for d in decisions}
        self.snoozes = [s for s in self.snoozes if not verdict(s, drifts.get(s.key), self.now)]
        return kinds

    def fail(self, failure: Failure = BROKEN, after: timedelta = HOUR) -> list[EventKind]:
        self.now += after
        known = carried(self.last.decisions, self.snoozes, self.now) if self.last else ()
        report = make_report(*known, checked_at=self.now, failure=failure)
        return self._hear(find_news(report, self.threads, self.condition, self.patience))

    def wait(self, proven_at: datetime | None = NOW) -> list[EventKind]:
        return self._hear(find_staleness("prod", self.condition, proven_at, self.now))

    def snooze(self, finding: Finding, length: timedelta = timedelta(days=2)) -> None:
        self.snoozes.append(make_snooze(finding.drift, until=self.now + length))

    def _hear(self, news: News) -> list[EventKind]:
        for key in news.closed:
            del self.threads[key]
        self.threads |= {thread.key: thread for thread in news.open}
        self.condition = news.condition
        self.told += news.events
        return [event.kind for event in news.events]

    def of(self, key: str) -> list[Event]:
        return [event for event in self.told if event.key == key]


# --- One drift is one thread.


def test_a_drift_is_opened_changed_and_closed_and_otherwise_quiet() -> None:
    watch = Watch()
    told = [
        watch.check(*findings)
        for findings in ([], [drifted()], [drifted()], [drifted(2)], [drifted(2)], [], [])
    ]
    assert told == [[], [OPENED], [], [CHANGED], [], [CLOSED], []]
    assert watch.threads == {}


def test_an_event_says_what_since_when_why_and_how_bad() -> None:
    watch = Watch()
    watch.check(drifted(severity=Severity.CRITICAL, because="Open to the world."))
    watch.check(drifted(2, severity=Severity.LOW, because="Less open."))
    watch.check()
    opened, changed, closed = watch.told
    begun = NOW + HOUR
    assert (opened.key, opened.address, opened.fingerprint) == ("resource:aws_x.y", "aws_x.y", "f1")
    assert (opened.at, opened.since, opened.because) == (begun, begun, "Open to the world.")
    assert (changed.since, changed.fingerprint, changed.because) == (begun, "f2", "Less open.")
    assert (closed.since, closed.fingerprint, closed.note) == (begun, "f2", "")
    # Whoever wants critical ones alone heard of the opening, and hears of the end.
    assert {event.worst for event in watch.told} == {Severity.CRITICAL}


def test_a_drift_that_grows_worse_is_as_bad_as_it_is_now() -> None:
    watch = Watch()
    watch.check(drifted(severity=Severity.LOW))
    watch.check(drifted(2, severity=Severity.HIGH))
    assert [event.severity for event in watch.told] == [Severity.LOW, Severity.HIGH]


def test_each_drift_has_its_own_thread() -> None:
    watch = Watch()
    a, b = drifted(key="a"), drifted(key="b")
    told = [watch.check(*found) for found in ([a], [a, b], [b], [])]
    assert told == [[OPENED], [OPENED], [CLOSED], [CLOSED]]
    assert [event.address for event in watch.told] == ["a", "b", "a", "b"]


@pytest.mark.parametrize("finding", [unseen(), both(), gap()])
def test_what_conflicts_or_cannot_be_seen_is_told_like_drift(finding: Finding) -> None:
    watch = Watch()
    assert [watch.check(finding), watch.check(finding), watch.check()] == [[OPENED], [], [CLOSED]]


def test_a_plan_with_gaps_closes_nothing_that_it_does_not_show() -> None:
    watch = Watch()
    watch.check(drifted())
    assert watch.check(gap()) == [OPENED]
    assert watch.check(gap()) == []
    assert watch.check() == [CLOSED, CLOSED]


@pytest.mark.parametrize(
    ("then", "note"),
    [
        ([ignored()], "a rule ignores it now: The autoscaler owns it."),
        ([codified()], "the code states it now"),
        ([], ""),
    ],
)
def test_a_close_says_why_where_the_report_does_not(then: list[Finding], note: str) -> None:
    watch = Watch()
    watch.check(drifted())
    assert watch.check(*then) == [CLOSED]
    assert watch.told[-1].note == note
    assert watch.check(*then) == []


def test_what_a_rule_no_longer_ignores_is_opened() -> None:
    watch = Watch()
    assert [watch.check(ignored()), watch.check(drifted())] == [[], [OPENED]]


# --- The first pass.


def test_what_a_new_installation_finds_first_is_not_told_until_it_changes() -> None:
    watch = Watch(Condition(quiet=True))
    a, b = drifted(key="a"), drifted(key="b")
    told = [watch.check(*found) for found in ([a, b], [a, b], [drifted(2, "a")], [])]
    assert told == [[], [], [OPENED], [CLOSED]]
    assert {event.address for event in watch.told} == {"a"}


def test_what_comes_after_the_first_pass_is_told() -> None:
    watch = Watch(Condition(quiet=True))
    assert watch.check() == []
    assert not watch.condition.quiet
    assert watch.check(drifted()) == [OPENED]


def test_the_first_pass_lasts_until_somebody_could_look_gaps_or_not() -> None:
    watch = Watch(Condition(quiet=True))
    assert watch.fail() == [FAILED]
    assert watch.check(gap(), drifted()) == [RECOVERED]
    assert watch.check(gap(), drifted(), drifted(key="aws_x.z")) == [OPENED]


def test_what_the_first_pass_found_waiting_is_overdue_in_its_time() -> None:
    watch = Watch(Condition(quiet=True))
    assert watch.check(waiting()) == []
    assert watch.check(waiting(), after=timedelta(days=3)) == [OVERDUE]


# --- Snoozed.


def test_a_snoozed_drift_is_quiet_until_its_time_is_up() -> None:
    watch = Watch()
    watch.check(drifted())
    watch.snooze(drifted())
    assert watch.check(drifted()) == []
    assert watch.threads["resource:aws_x.y"].resting
    assert watch.check(drifted(), after=timedelta(days=2)) == [REMINDED]
    assert watch.told[-1].note == "its snooze ended"
    assert [watch.check(drifted()), watch.check()] == [[], [CLOSED]]


def test_a_snoozed_value_that_moves_is_told_at_once() -> None:
    watch = Watch()
    watch.check(drifted())
    watch.snooze(drifted())
    watch.check(drifted())
    assert watch.check(drifted(2)) == [CHANGED]
    assert watch.told[-1].note == "its snooze ended"
    assert watch.check(drifted()) == [CHANGED]


def test_a_snoozed_thing_that_is_deleted_is_told_at_once() -> None:
    watch = Watch()
    watch.check(drifted())
    watch.snooze(drifted())
    watch.check(drifted())
    assert watch.check(drifted(fingerprint="gone", deleted=True)) == [CHANGED]


def test_a_snoozed_drift_that_goes_away_is_closed() -> None:
    watch = Watch()
    watch.check(drifted())
    watch.snooze(drifted())
    assert [watch.check(drifted()), watch.check()] == [[], [CLOSED]]
    assert watch.check(drifted()) == [OPENED]


@pytest.mark.parametrize("then", [drifted(), drifted(2)])
def test_what_nobody_heard_of_before_it_was_snoozed_is_opened_when_it_wakes(then: Finding) -> None:
    watch = Watch(Condition(quiet=True))
    watch.check(drifted())
    watch.snooze(drifted())
    assert watch.check(drifted()) == []
    assert watch.check(then, after=timedelta(days=2)) == [OPENED]


def test_a_snoozed_drift_that_nobody_heard_of_closes_quietly() -> None:
    watch = Watch(Condition(quiet=True))
    watch.check(drifted())
    watch.snooze(drifted())
    assert [watch.check(drifted()), watch.check()] == [[], []]


def test_a_snoozed_change_is_not_overdue_until_it_wakes() -> None:
    watch = Watch()
    watch.check(waiting())
    watch.snooze(waiting(), timedelta(days=5))
    assert watch.check(waiting(), after=timedelta(days=4)) == []
    assert watch.check(waiting(), after=timedelta(days=1)) == [OVERDUE]


# --- Changes that wait.


def test_a_change_that_waits_is_told_once_when_it_waits_too_long() -> None:
    watch = Watch()
    told = [watch.check(waiting(), after=timedelta(days=1)) for _ in range(9)]
    assert told == [[], [], [], [OVERDUE], [], [], [], [], []]
    assert watch.told[0].since == NOW + timedelta(days=1)
    assert watch.check() == [CLOSED]
    assert watch.told[-1].note == "it was applied, or taken back"


def test_a_change_that_is_changed_while_it_waits_is_told_once_all_the_same() -> None:
    watch = Watch()
    told = [watch.check(waiting(day), after=timedelta(days=1)) for day in range(9)]
    assert [kinds for kinds in told if kinds] == [[OVERDUE]]


def test_a_change_that_is_applied_in_time_is_no_news() -> None:
    watch = Watch()
    assert [watch.check(waiting()), watch.check(waiting()), watch.check()] == [[], [], []]


def test_how_long_a_change_may_wait_is_configurable() -> None:
    watch = Watch(patience=Patience(pending=timedelta(hours=2)))
    assert [watch.check(waiting()) for _ in range(4)] == [[], [], [OVERDUE], []]


def test_a_drift_whose_reality_is_back_closes_and_what_waits_begins_anew() -> None:
    watch = Watch()
    watch.check(both(), after=timedelta(days=1))
    watch.check(both(), after=timedelta(days=9))
    assert watch.check(waiting()) == [CLOSED]
    assert watch.told[-1].note == "reality is back, and code waits to be applied"
    assert watch.check(waiting(), after=timedelta(days=2)) == []
    assert watch.check(waiting(), after=timedelta(days=1)) == [OVERDUE]
    assert watch.check() == [CLOSED]


def test_a_change_that_waits_and_then_drifts_is_opened_and_closed_once() -> None:
    watch = Watch()
    assert [watch.check(waiting()), watch.check(both()), watch.check()] == [[], [OPENED], [CLOSED]]


def test_whoever_heard_that_a_change_is_overdue_hears_of_its_drift_and_of_its_end() -> None:
    watch = Watch()
    watch.check(waiting(severity=Severity.HIGH))
    assert watch.check(waiting(severity=Severity.HIGH), after=timedelta(days=4)) == [OVERDUE]
    assert [watch.check(both()), watch.check(both(2)), watch.check()] == [
        [OPENED],
        [CHANGED],
        [CLOSED],
    ]
    assert {event.worst for event in watch.told} == {Severity.HIGH}


def test_what_was_overdue_and_drifts_while_snoozed_is_opened_when_it_wakes() -> None:
    watch = Watch()
    watch.check(waiting())
    watch.check(waiting(), after=timedelta(days=4))
    watch.snooze(both())
    assert watch.check(both()) == []
    assert watch.check(both(), after=timedelta(days=2)) == [OPENED]


# --- Health.


def test_a_failure_that_no_retry_mends_is_told_once() -> None:
    watch = Watch()
    told = [watch.fail(), watch.fail(), watch.fail(MENDED_BY_A_RETRY), watch.check(), watch.check()]
    assert told == [[FAILED], [], [], [RECOVERED], []]
    failed, recovered = watch.told
    assert (failed.because, failed.note) == ("The code does not parse.", "configuration")
    assert failed.since == recovered.since == NOW + HOUR


def test_a_failure_that_a_retry_may_mend_is_told_when_it_lasts() -> None:
    watch = Watch(patience=Patience(failures=3))
    told = [watch.fail(MENDED_BY_A_RETRY) for _ in range(5)]
    assert told == [[], [], [FAILED], [], []]
    assert watch.told[0].since == NOW + HOUR
    assert watch.check() == [RECOVERED]


def test_a_failure_that_nobody_heard_of_recovers_quietly_and_counts_from_one_again() -> None:
    watch = Watch()
    for _ in range(3):
        assert watch.fail(MENDED_BY_A_RETRY) == []
        assert watch.check() == []
    assert watch.condition == Condition()


def test_a_failure_neither_closes_nor_opens_a_drift() -> None:
    watch = Watch()
    watch.check(drifted())
    assert [watch.fail(), watch.check(drifted()), watch.check()] == [
        [FAILED],
        [RECOVERED],
        [CLOSED],
    ]


def test_what_moved_while_nobody_could_look_is_told_together_with_the_recovery() -> None:
    watch = Watch()
    watch.check(drifted(), drifted(key="b"))
    watch.fail()
    assert watch.check(drifted(2), drifted(key="c")) == [RECOVERED, CHANGED, OPENED, CLOSED]


def test_an_environment_that_nobody_looked_at_for_too_long_is_told_once() -> None:
    watch = Watch()
    assert [watch.wait(), watch.wait(), watch.check(), watch.check()] == [[STALE], [], [FRESH], []]
    assert (watch.told[0].since, watch.told[0].severity) == (NOW, Severity.HIGH)
    assert watch.wait(None) == [STALE]
    assert watch.told[-1].since is None


def test_failed_and_stale_are_two_things_and_each_is_told_to_be_over() -> None:
    watch = Watch()
    told = [watch.fail(), watch.wait(), watch.fail(), watch.wait(), watch.check()]
    assert told == [[FAILED], [STALE], [], [], [RECOVERED, FRESH]]


def test_an_environment_that_is_no_longer_watched_closes_what_people_know_of() -> None:
    watch = Watch(Condition(quiet=True))
    watch.check(drifted(key="unheard"))
    watch.check(drifted(key="unheard"), drifted(key="heard"))
    news = close_all("prod", watch.threads, watch.now)
    assert [(event.kind, event.address, event.note) for event in news.events] == [
        (CLOSED, "heard", "the environment is no longer watched")
    ]
    assert set(news.closed) == {"resource:heard", "resource:unheard"}
    assert (news.condition, news.open) == (Condition(), ())


# --- Over a long time.


def test_in_30_days_a_drift_that_stays_is_told_twice() -> None:
    watch = Watch()
    for hour in range(30 * 24):
        there = 24 <= hour < 29 * 24
        flaky = hour % 17 == 5
        if flaky:
            watch.fail(MENDED_BY_A_RETRY)
        else:
            watch.check(*([drifted(7)] if there else []))
    assert [event.kind for event in watch.told] == [OPENED, CLOSED]
    assert watch.told[1].at - watch.told[0].at == timedelta(days=28)


LETTERS = {
    OPENED: "O",
    CHANGED: "C",
    REMINDED: "R",
    OVERDUE: "V",
    CLOSED: "X",
    FAILED: "F",
    RECOVERED: "R",
    STALE: "S",
    FRESH: "N",
}
# Overdue may come before the opening; each told thread is closed once, and only then opens anew.
TOLD = re.compile(r"(?:(?:VO[CR]*|O[CR]*|V)X)*(?:VO[CR]*|O[CR]*|V)?")
KEYS = ("a", "b")
STATES = (
    lambda _: None,
    lambda key: drifted(1, key),
    lambda key: drifted(2, key),
    lambda key: both(1, key),
    lambda key: waiting(1, key),
    lambda key: waiting(2, key),
    lambda key: ignored(1, key),
    codified,
    unseen,
    lambda key: drifted(3, key, deleted=True),
)
looks = st.tuples(*[st.sampled_from(STATES) for _ in KEYS], st.booleans())
steps = st.lists(
    st.one_of(
        looks.map(lambda drawn: ("look", drawn)),
        st.sampled_from([("fail", BROKEN), ("fail", MENDED_BY_A_RETRY), ("stale", None)]),
        st.sampled_from(KEYS).map(lambda key: ("snooze", key)),
    ),
    max_size=40,
)


def speaks(finding: Finding) -> bool:
    off = finding.drift.moved or finding.drift.kind is Kind.UNKNOWN
    return finding.verdict is not Verdict.IGNORE and (off or finding.drift.waiting)


def seen(states: Iterable[Any], *, gaps: bool) -> list[Finding]:
    findings = [state(key) for state, key in zip(states, KEYS, strict=True)]
    return [*filter(None, findings), *([gap()] if gaps else [])]


def expect_nothing_lost(watch: Watch) -> None:
    """After a look people know of what is off, with its last value, and of nothing else."""
    assert watch.last is not None
    off = {d.finding.drift.key: d for d in watch.last.decisions if speaks(d.finding)}
    assert watch.threads.keys() == off.keys()
    for key in ("resource:a", "resource:b"):
        last = next(reversed(watch.of(key)), None)
        decision = off.get(key)
        if decision is None or not (thread := watch.threads[key]).told:
            assert last is None or last.kind is CLOSED
        elif not (thread.pending or thread.resting):
            assert last is not None
            assert last.kind in (OPENED, CHANGED, REMINDED)
            assert last.fingerprint == decision.finding.drift.fingerprint


@settings(max_examples=400)
@given(steps, st.booleans(), st.sampled_from([timedelta(hours=1), timedelta(days=1)]))
def test_whatever_happens_each_transition_is_told_once_and_none_is_lost(
    story: list[tuple[str, Any]], quiet: bool, pause: timedelta
) -> None:
    watch = Watch(Condition(quiet=quiet))
    for what, how in story:
        if what == "look":
            *states, gaps = how
            watch.check(*seen(states, gaps=gaps), after=pause)
            expect_nothing_lost(watch)
        elif what == "fail":
            watch.fail(how, after=pause)
        elif what == "stale":
            watch.wait()
        elif thing := find(watch, f"resource:{how}"):
            watch.snooze(thing, 2 * pause)
    told: dict[str, str] = defaultdict(str)
    for event in watch.told:
        told[event.key] += LETTERS[event.kind]
    health = told.pop("", "")
    assert re.fullmatch("(FR)*F?", re.sub("[SN]", "", health))
    assert re.fullmatch("(SN)*S?", re.sub("[FR]", "", health))
    assert all(TOLD.fullmatch(letters) for letters in told.values()), told
    if not quiet:
        assert_all_heard(watch)


def find(watch: Watch, key: str) -> Finding | None:
    """Find what may be snoozed of what was last seen."""
    for decision in watch.last.decisions if watch.last else ():
        drift = decision.finding.drift
        if drift.key == key and not drift.deleted:
            return decision.finding
    return None


def assert_all_heard(watch: Watch) -> None:
    """Without a quiet first pass, whatever is off and awake has been told."""
    for thread in watch.threads.values():
        assert thread.told or thread.pending or thread.resting


def test_two_changes_in_a_row_never_tell_the_same_value_twice() -> None:
    watch = Watch()
    for value in (1, 1, 2, 2, 1, 3, 3):
        watch.check(drifted(value))
    assert [event.fingerprint for event in watch.told] == ["f1", "f2", "f1", "f3"]


def test_a_thread_is_carried_on_by_its_key_and_not_by_its_values() -> None:
    watch = Watch()
    watch.check(drifted())
    watch.threads = {key: replace(thread, fingerprint="x") for key, thread in watch.threads.items()}
    assert watch.check(drifted()) == [CHANGED]
