"""Report x what people know → what is news: one event for each transition, none for the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from driftwatch.domain.model import Decision, Drift, Kind, Report, Severity, Verdict
from driftwatch.domain.notice import Condition, Event, EventKind, Thread

_NO_LONGER_WATCHED = "the environment is no longer watched"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long people are spared: `pending` for a change that waits, `failures` in a row."""

    pending: timedelta = timedelta(days=3)
    failures: int = 2


@dataclass(frozen=True, slots=True)
class News:
    """What happened, and what people know from now on; `closed` names threads that ended."""

    events: tuple[Event, ...]
    condition: Condition
    open: tuple[Thread, ...] = ()
    closed: tuple[str, ...] = ()


def find_news(
    report: Report, threads: Mapping[str, Thread], condition: Condition, patience: Patience
) -> News:
    """Compare a report with what people know of its environment; `threads` are the open ones."""
    if report.failure is not None:
        return _failed(report, threads, condition, patience)
    story = _Story(report, threads, quiet=condition.quiet, limit=patience.pending)
    events = [*_relieved(report, condition), *story.events()]
    return News(tuple(events), Condition(), tuple(story.open), tuple(story.closed))


def find_staleness(
    environment: str, condition: Condition, proven_at: datetime | None, now: datetime
) -> News:
    """Tell once that an environment was not looked at for too long."""
    if condition.told_stale:
        return News((), condition)
    event = Event(
        EventKind.STALE,
        environment,
        now,
        Severity.HIGH,
        since=proven_at,
        because="Nobody knows what is there now: the last look is too long ago.",
    )
    return News((event,), replace(condition, told_stale=True))


def close_all(environment: str, threads: Mapping[str, Thread], now: datetime) -> News:
    """End every thread of an environment that is no longer watched."""
    events = tuple(
        _event(EventKind.CLOSED, environment, now, thread, note=_NO_LONGER_WATCHED)
        for thread in threads.values()
        if thread.told
    )
    return News(events, Condition(), closed=tuple(threads))


def _failed(
    report: Report, threads: Mapping[str, Thread], condition: Condition, patience: Patience
) -> News:
    failure = report.failure
    assert failure is not None  # noqa: S101 - the caller asked
    failures = condition.failures + 1
    since = condition.failing_since or report.checked_at
    enough = not failure.retryable or failures >= patience.failures
    known = replace(condition, failures=failures, failing_since=since)
    if not enough or condition.told_failed:
        return News((), known, tuple(threads.values()))
    event = Event(
        EventKind.FAILED,
        report.environment,
        report.checked_at,
        Severity.HIGH,
        because=failure.message,
        since=since,
        note=failure.cause,
    )
    return News((event,), replace(known, told_failed=True), tuple(threads.values()))


def _relieved(report: Report, condition: Condition) -> Iterator[Event]:
    told = (
        (condition.told_failed, EventKind.RECOVERED, condition.failing_since),
        (condition.told_stale, EventKind.FRESH, None),
    )
    for was_told, kind, since in told:
        if was_told:
            yield Event(
                kind,
                report.environment,
                report.checked_at,
                Severity.HIGH,
                because="driftwatch can look again.",
                since=since,
            )


class _Story:
    """Goes through a report's decisions once; `open` and `closed` are what it leaves behind."""

    def __init__(
        self, report: Report, threads: Mapping[str, Thread], *, quiet: bool, limit: timedelta
    ) -> None:
        self._report = report
        self._threads = threads
        self._quiet = quiet
        self._limit = limit
        self.open: list[Thread] = []
        self.closed: list[str] = []

    def events(self) -> Iterator[Event]:
        told = {
            decision.finding.drift.key: decision
            for decision in self._report.decisions
            if _speaks(decision)
        }
        for key, decision in told.items():
            yield from self._one(self._threads.get(key), decision)
        for key, thread in self._threads.items():
            if key not in told:
                yield from self._close(thread)

    def _one(self, old: Thread | None, decision: Decision) -> Iterator[Event]:
        thread = self._thread(old, decision)
        if old is not None and thread.pending and not old.pending:
            yield from self._close(old, "reality is back, and code waits to be applied")
        kind = None if thread.resting else self._kind(old, thread)
        if kind is not None and not self._quiet:
            thread = replace(thread, told=True, overdue=kind is EventKind.OVERDUE)
            yield self._event(kind, thread, decision, woken=old is not None and old.resting)
        self.open.append(thread)

    def _kind(self, old: Thread | None, thread: Thread) -> EventKind | None:
        """Say what about a drift is news; a change that waits is none until it waits too long.

        What people never heard of as drift opens for them when it changes or wakes.
        """
        if thread.pending:
            late = self._report.checked_at - thread.opened_at >= self._limit
            return EventKind.OVERDUE if late and not thread.overdue else None
        if old is None or old.pending:
            return EventKind.OPENED
        heard = old.told and not old.overdue
        if thread.fingerprint != old.fingerprint:
            return EventKind.CHANGED if heard else EventKind.OPENED
        if old.resting:
            return EventKind.REMINDED if heard else EventKind.OPENED
        return None

    def _thread(self, old: Thread | None, decision: Decision) -> Thread:
        """Carry on what people know, unless what was drift now only waits: that begins anew.

        Whoever heard that a change waits too long hears how it goes on, and of its end.
        """
        finding, drift = decision.finding, decision.finding.drift
        pending = not _is_off(drift)
        turned = old is not None and old.pending != pending
        fresh = Thread(
            key=drift.key,
            address=drift.address,
            fingerprint=drift.fingerprint,
            severity=finding.severity,
            opened_at=self._report.checked_at if turned else decision.first_seen,
            pending=pending,
            told=False,
            resting=decision.snooze is not None,
        )
        if old is None or (turned and pending):
            return fresh
        worst = min(old.severity, finding.severity, key=lambda severity: severity.rank)
        since = fresh.opened_at if turned else old.opened_at
        return replace(fresh, severity=worst, opened_at=since, told=old.told, overdue=old.overdue)

    def _close(self, thread: Thread, note: str = "") -> Iterator[Event]:
        self.closed.append(thread.key)
        if thread.told:
            report = self._report
            why = note or self._why_closed(thread)
            yield _event(EventKind.CLOSED, report.environment, report.checked_at, thread, why)

    def _why_closed(self, thread: Thread) -> str:
        for decision in self._report.decisions:
            if decision.finding.drift.key == thread.key:
                if decision.finding.verdict is Verdict.IGNORE:
                    return f"a rule ignores it now: {decision.finding.because}"
                return "the code states it now"
        return "it was applied, or taken back" if thread.pending else ""

    def _event(self, kind: EventKind, thread: Thread, decision: Decision, *, woken: bool) -> Event:
        event = _event(kind, self._report.environment, self._report.checked_at, thread)
        note = "its snooze ended" if woken else ""
        now = decision.finding
        return replace(event, severity=now.severity, because=now.because, note=note)


def _event(
    kind: EventKind, environment: str, at: datetime, thread: Thread, note: str = ""
) -> Event:
    return Event(
        kind=kind,
        environment=environment,
        at=at,
        severity=thread.severity,
        key=thread.key,
        address=thread.address,
        fingerprint=thread.fingerprint,
        since=thread.opened_at,
        note=note,
        worst=thread.severity,
    )


def _speaks(decision: Decision) -> bool:
    """Say whether people are concerned: reality is off or unseen, or code waits; not by a rule."""
    drift = decision.finding.drift
    return decision.finding.verdict is not Verdict.IGNORE and (_is_off(drift) or drift.waiting)


def _is_off(drift: Drift) -> bool:
    return drift.moved or drift.kind is Kind.UNKNOWN
