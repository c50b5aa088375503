"""The words of a notice, shared by every channel: its first lines and its events.

They are text in which nothing acts; what may stand in a header is in `notice_subject`.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from driftwatch.domain.address import format_path
from driftwatch.domain.model import Decision, Drift, Kind, Reason, Report, Severity, Status
from driftwatch.domain.notice import Event, EventKind, Notice
from driftwatch.errors import Cause
from driftwatch.render.plain import moment
from driftwatch.render.text import ago, visible

ADDRESS = 200
"""Characters of an address, or a name, that people are shown."""
WORDS = 400
"""Characters of a reason that people are shown."""

# What mail clients and chats turn into a link or a mention, wherever it stands.
_LIVE = re.compile(r"@|:(?=//)|www(?=\.)", re.IGNORECASE)
_PART = "\u200b"

_TALLY = {
    EventKind.OPENED: "new",
    EventKind.CHANGED: "changed",
    EventKind.REMINDED: "still open",
    EventKind.OVERDUE: "waiting to be applied",
    EventKind.FAILED: "could not be looked at",
    EventKind.STALE: "stale",
    EventKind.CLOSED: "resolved",
    EventKind.RECOVERED: "seen again",
    EventKind.FRESH: "fresh again",
}
_SEEN = {
    EventKind.STALE: "nobody has looked for too long",
    EventKind.RECOVERED: "driftwatch looks at it again",
    EventKind.FRESH: "driftwatch looks at it again",
}
_SINCE = {
    EventKind.CLOSED: "It began",
    EventKind.RECOVERED: "It could not since",
    EventKind.FRESH: "It did not since",
    EventKind.STALE: "Last seen",
}
OFF = (EventKind.OPENED, EventKind.CHANGED, EventKind.REMINDED)
"""What happens where reality is off."""
THINGS = (*OFF, EventKind.OVERDUE, EventKind.CLOSED)
"""What happens to one thing, rather than to an environment."""
_WHOLE = (EventKind.FAILED, EventKind.STALE, EventKind.RECOVERED, EventKind.FRESH)


@dataclass(frozen=True, slots=True)
class Item:
    """An event, the report of its environment, and the finding that it is about, where there is."""

    event: Event
    report: Report | None = None
    decision: Decision | None = None


def find_items(notice: Notice) -> list[Item]:
    """Give a notice's events with their findings: alarms before reliefs, the worst first."""
    reports = {report.environment: report for report in notice.reports}
    found = {
        (report.environment, decision.finding.drift.key): decision
        for report in notice.reports
        for decision in report.decisions
    }
    items = [
        Item(
            event,
            reports.get(event.environment),
            None if event.kind.is_good else found.get((event.environment, event.key)),
        )
        for event in notice.events
    ]
    kinds = list(_TALLY)
    return sorted(
        items,
        key=lambda item: (
            item.event.kind.is_good,
            item.event.severity.rank,
            kinds.index(item.event.kind),
            item.event.environment,
            item.event.address,
        ),
    )


def opening(notice: Notice) -> tuple[str, str]:
    """Say in two sentences what happened where and how bad it is; since when, and why."""
    if notice.digest:
        return _digest_opening(notice)
    items = find_items(notice)
    if not items:
        return f"Nothing happened in {shown(notice.environment, ADDRESS)}.", ""
    first = items[0]
    where = shown(first.event.environment, ADDRESS)
    if len(items) == 1:
        return f"{label(first.event)} in {where}: {sentence(first)}", reason(first, notice.at)
    worst = " ".join(part for part in (sentence(first), reason(first, notice.at)) if part)
    return f"{label(first.event)} in {where}: {tally(notice)}.", f"Worst: {worst}"


def label(event: Event) -> str:
    """Say in capitals how bad an event is, or that it is good."""
    if event.kind is EventKind.CLOSED:
        return "RESOLVED"
    return "GOOD NEWS" if event.kind.is_good else event.severity.upper()


def sentence(item: Item) -> str:
    """Say in one sentence what happened, without where."""
    event = item.event
    if event.kind is EventKind.CLOSED:
        return f"{shown(event.address, ADDRESS)}{_note(event)}."  # its label says the rest
    told = predicate(item)
    return f"{shown(event.address, ADDRESS)} {told}." if event.address else f"{told}."


def predicate(item: Item) -> str:
    """Say what became of a thing, or what driftwatch could or could not do."""
    event = item.event
    if event.kind is EventKind.CLOSED:
        return f"is resolved{_note(event)}"
    if event.kind is EventKind.FAILED:
        return f"driftwatch could not look{_cause(event)}"
    return _SEEN.get(event.kind) or _drifted(item)


def reason(item: Item, now: datetime) -> str:
    """Say since when, and why it matters; "" where there is neither."""
    because, lasting = shown(item.event.because, WORDS), since(item.event, now)
    if not lasting or item.event.kind.is_good:
        return f"{lasting}." if lasting else because
    return f"{lasting}: {because}" if because else f"{lasting}."


def since(event: Event, now: datetime) -> str:
    """Say since when something is so, "" where nobody knows."""
    if event.since is None:
        return ""
    lasting = f"{moment(event.since)} ({ago(event.since, now)})"
    return f"{_SINCE.get(event.kind, 'Since')} {lasting}"


def tally(notice: Notice, kinds: Iterable[EventKind] = tuple(_TALLY)) -> str:
    """Count the events of a notice by their kind, in words."""
    counts = Counter(event.kind for event in notice.events)
    parts = [
        _TALLY[kind] if kind in _WHOLE and not notice.digest else f"{counts[kind]} {_TALLY[kind]}"
        for kind in kinds
        if counts[kind]
    ]
    return ", ".join(parts) or "nothing new"


def worst(events: Iterable[Event]) -> Severity:
    """Find the worst severity among events that are no relief; info where all are."""
    ranks = (event.severity for event in events if not event.kind.is_good)
    return min(ranks, key=lambda severity: severity.rank, default=Severity.INFO)


def shown(text: str, limit: int) -> str:
    """Quote text from outside: all of it visible, nothing in it a link or a mention, and short."""
    cut = visible(text[:limit])
    cut = cut if len(text) <= limit and len(cut) <= limit else f"{cut[:limit]}…"
    return _LIVE.sub(rf"\g<0>{_PART}", cut)


def standing(report: Report, now: datetime) -> str:
    """Say in a few words how an environment stands now."""
    status = report.status_at(now)
    counts = [
        f"{len(report.drifted)} drifted" if report.drifted else "",
        f"{len(report.pending)} pending" if report.pending else "",
        f"{len(report.snoozed)} snoozed" if report.snoozed else "",
    ]
    told = ", ".join(count for count in counts if count)
    if status in (Status.FAILED, Status.STALE, Status.UNKNOWN):
        return f"{status}; last known: {told}" if told else status.value
    return told or status.value


def _digest_opening(notice: Notice) -> tuple[str, str]:
    whole, unseen = len(notice.reports), count_unseen(notice)
    drifts = sum(len(report.drifted) for report in notice.reports)
    still = f"{drifts} drift{'s' if drifts > 1 else ''} in {len(open_reports(notice))} of {whole}"
    told = (
        f"Still open: {still} environments"
        if drifts
        else f"No drift is open in {whole} environments"
    )
    blind = f"; {unseen} not seen" if unseen else ""
    return f"{digest_name(notice)}: {tally(notice, THINGS)}.", f"{told}{blind}."


def count_unseen(notice: Notice) -> int:
    """Count the environments of which nobody knows how they are."""
    unseen = (Status.FAILED, Status.STALE, Status.NEVER, Status.UNKNOWN)
    return sum(report.status_at(notice.at) in unseen for report in notice.reports)


def digest_name(notice: Notice) -> str:
    """Name a digest by how often it comes."""
    return (
        f"{notice.digest.capitalize()} digest" if notice.digest in ("daily", "weekly") else "Digest"
    )


def open_reports(notice: Notice) -> list[Report]:
    """List the reports of environments where a drift is open."""
    return [report for report in notice.reports if report.drifted]


def _drifted(item: Item) -> str:
    drift = item.decision.finding.drift if item.decision else None
    told = {
        EventKind.OVERDUE: f"waits to be applied{_paths(drift)}",
        EventKind.CHANGED: f"is still off, and its values moved again{_paths(drift)}",
        EventKind.REMINDED: f"is still off{_paths(drift)}",
    }.get(item.event.kind) or _opened(drift)
    return f"{told}{_note(item.event)}"


def _opened(drift: Drift | None) -> str:
    if drift is None:
        return "drifted"
    if drift.deleted:
        return "was deleted outside Terraform"
    if drift.kind is Kind.UNKNOWN:
        return f"cannot be judged{_paths(drift)}"
    if drift.kind is Kind.CONFLICT:
        return f"drifted, and its code waits to be applied{_paths(drift)}"
    if drift.reason is Reason.UNDECLARED:
        return f"drifted where the code says nothing{_paths(drift)}"
    return f"drifted{_paths(drift)}"


def _paths(drift: Drift | None) -> str:
    attributes = drift.attributes if drift else ()
    if not attributes:
        return ""
    paths = ", ".join(shown(format_path(a.path), 60) for a in islice(attributes, 3))
    more = f" and {len(attributes) - 3} more" if len(attributes) > 3 else ""  # noqa: PLR2004
    return f" ({paths}{more})"


def _note(event: Event) -> str:
    return f": {shown(event.note, WORDS)}" if event.note else ""


def _cause(event: Event) -> str:
    return f" ({event.note})" if event.note in set(Cause) else ""
