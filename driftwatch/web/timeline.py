"""An environment's past, newest first: what happened, and the checks between, alike ones as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from driftwatch.domain.notice import Event, EventKind
from driftwatch.domain.watched import Check

Numbered = tuple[int, int | None, Event]

_TITLES = {
    EventKind.OPENED: "Drift opened",
    EventKind.CHANGED: "Drift changed",
    EventKind.CLOSED: "Drift closed",
    EventKind.REMINDED: "Drift is heard of again",
    EventKind.OVERDUE: "Change waits too long",
    EventKind.FAILED: "Checks fail",
    EventKind.RECOVERED: "Checks work again",
    EventKind.STALE: "Went stale",
    EventKind.FRESH: "Fresh again",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline; `checks` counts the alike checks that it stands for."""

    at: datetime
    report: int | None
    event: Event | None = None
    check: Check | None = None
    checks: int = 0
    since: datetime | None = None

    @property
    def title(self) -> str:
        """Say what it is."""
        return event_title(self.event) if self.event else ""


def event_title(event: Event) -> str:
    """Name what happened."""
    return _TITLES[event.kind]


def build_timeline(checks: Sequence[Check], events: Sequence[Numbered]) -> list[Entry]:
    """Merge checks and events; checks without an event in between that say the same are one."""
    found = [Entry(check.checked_at, check.number, check=check, checks=1) for check in checks]
    found += [Entry(event.at, report, event=event) for _, report, event in events]
    # What a check found has the check's time: it stands above it, for it is the newer thought.
    found.sort(key=lambda entry: (entry.at, entry.event is not None), reverse=True)
    merged: list[Entry] = []
    for entry in found:
        last = merged[-1] if merged else None
        if last and last.check and entry.check and _say_the_same(last.check, entry.check):
            merged[-1] = replace(last, checks=last.checks + 1, since=entry.at)
        else:
            merged.append(entry)
    return merged


def _say_the_same(one: Check, other: Check) -> bool:
    return (one.status, one.drifted, one.cause) == (other.status, other.drifted, other.cause)
