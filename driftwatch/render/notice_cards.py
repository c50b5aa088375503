"""What a mail shows of each event and of each environment: text in which nothing acts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from urllib.parse import quote

from driftwatch.domain.model import Drift, Kind, Report, Severity, Status
from driftwatch.domain.notice import EventKind, Notice
from driftwatch.render.html_parts import Row, attribute_rows, failure_advice, safe_link
from driftwatch.render.notice import ADDRESS, WORDS, Item, label, predicate, shown, since, standing
from driftwatch.render.plain import moment, place
from driftwatch.render.text import ago, describe_action, describe_kind

_VALUE = 160  # characters
_LINE = 120
_VALUES = 4  # attributes of one finding
_LINES = 8  # lines of one difference
_URL_SAFE = "/:?#@!$&'*+,;=~%-._"
_FEW = 4
_DETAIL = 6  # lines of what a failing program printed
_TITLES = {
    EventKind.OPENED: "Drifted",
    EventKind.CHANGED: "Changed again",
    EventKind.REMINDED: "Still off",
    EventKind.OVERDUE: "Waits to be applied",
    EventKind.CLOSED: "Resolved",
    EventKind.FAILED: "Could not look",
    EventKind.STALE: "Stale",
    EventKind.RECOVERED: "Looks again",
    EventKind.FRESH: "Fresh again",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One attribute: its values, or the lines of it that differ (added, removed).

    `was` and `code` are None where they tell nothing that `actual` or `was` does not.
    """

    path: str
    was: str | None
    actual: str
    code: str | None
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One event: `title` in two words, `told` in full, and what the report knows of it."""

    severity: Severity
    good: bool
    label: str
    title: str
    environment: str
    address: str
    told: str
    because: str
    since: str
    kind: str = ""
    message: str = ""
    apply: str = ""
    changes: tuple[Change, ...] = ()
    more: int = 0
    detail: tuple[str, ...] = ()
    place: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one environment stands at the time of a notice."""

    environment: str
    url: str
    status: Status
    words: str
    seen: str
    in_sync: str
    source: str


def make_cards(items: list[Item], notice: Notice, room: int) -> tuple[Card, ...]:
    """Make the cards of at most `room` events; a digest's show no values."""
    return tuple(_card(item, notice) for item in items[:room])


def make_standings(reports: list[Report], notice: Notice, room: int) -> tuple[Standing, ...]:
    """Say of at most `room` environments how they stand."""
    return tuple(_standing(report, notice) for report in reports[:room])


def environment_url(notice: Notice, environment: str) -> str:
    """Give the dashboard's page of an environment, "" where people cannot reach it.

    The environment of a sample has none.
    """
    base = "" if notice.sample else _base(notice)
    return f"{base}/environments/{quote(environment, safe='', errors='replace')}" if base else ""


def report_url(notice: Notice) -> str:
    """Give the dashboard's page of the report that a notice is about, "" where there is none."""
    base = _base(notice)
    return f"{base}/reports/{notice.report_number}" if base and notice.report_number else ""


def main_url(notice: Notice) -> str:
    """Give the page where the notice is told in full, "" where people cannot reach it."""
    if notice.digest or notice.sample:
        return _base(notice)
    return report_url(notice) or environment_url(notice, notice.environment)


def _base(notice: Notice) -> str:
    return (safe_link(notice.base_url) or "").rstrip("/")


def _card(item: Item, notice: Notice) -> Card:
    event = item.event
    card = Card(
        severity=event.severity,
        good=event.kind.is_good,
        label=label(event),
        title=_TITLES[event.kind],
        environment=shown(event.environment, _LINE),
        address=shown(event.address, ADDRESS),
        told=predicate(item),
        because=shown(event.because, WORDS),
        since=since(event, notice.at),
    )
    if event.kind is EventKind.FAILED and item.report is not None:
        return _with_failure(card, item.report, brief=bool(notice.digest))
    if item.decision is None:
        return card
    return _with_drift(card, item.decision.finding.drift, brief=bool(notice.digest))


def _with_failure(card: Card, report: Report, *, brief: bool) -> Card:
    detail = report.failure.detail.splitlines()[-_DETAIL:] if report.failure and not brief else ()
    return replace(
        card,
        message=failure_advice(report),
        detail=tuple(shown(line, _LINE) for line in detail),
    )


def _with_drift(card: Card, drift: Drift, *, brief: bool) -> Card:
    changes = () if brief else tuple(_changes(drift))
    where = drift.location
    return replace(
        card,
        kind=_kind(drift),
        message=shown(drift.message, ADDRESS),
        apply="" if brief else describe_action(drift),
        changes=changes,
        more=0 if brief else len(drift.attributes) - len(changes),
        place=shown(place(where), ADDRESS) if where else "",
        link=_web_address(where.url) if where else None,
    )


def _kind(drift: Drift) -> str:
    """Name a kind where it says more than that something drifted."""
    if drift.deleted:
        return "deleted outside Terraform"
    return "" if drift.kind is Kind.DRIFT else describe_kind(drift)


def _web_address(url: str | None) -> str | None:
    """Give the address of a place in the source so that it is one word wherever it stands."""
    found = safe_link(url)
    return quote(found, safe=_URL_SAFE, errors="replace") if found else None


def _changes(drift: Drift) -> Iterator[Change]:
    for row in islice(attribute_rows(drift), _VALUES):
        waits = row.waits and (row.desired != row.recorded or not row.moved)
        yield Change(
            path=shown(row.path, _LINE),
            was=shown(row.recorded, _VALUE) if row.moved else None,
            actual=shown(row.actual, _VALUE),
            code=shown(row.desired, _VALUE) if waits else None,
            lines=tuple(_lines(row)),
        )


def _lines(row: Row) -> Iterator[tuple[str, str]]:
    """Give the lines that differ, where they tell more than the values: few of them, or long ones.

    Two policies that differ in a word look alike, and a list that is all new needs no lines.
    """
    moved = [(change, line) for change, line in row.lines if change != "same"]
    longest = max(len(row.recorded), len(row.actual), len(row.desired))
    if len(moved) > _FEW and longest <= _VALUE:
        return
    for change, line in moved[:_LINES]:
        yield change, shown(line, _LINE)
    if len(moved) > _LINES:
        yield "same", f"… {len(moved) - _LINES} more lines"


def _standing(report: Report, notice: Notice) -> Standing:
    now = notice.at
    return Standing(
        environment=shown(report.environment, _LINE),
        url=environment_url(notice, report.environment),
        status=report.status_at(now),
        words=standing(report, now),
        seen=_when(report.proven_at, now),
        in_sync=_when(report.in_sync_at, now),
        source=shown(_source(report), ADDRESS),
    )


def _when(then: datetime | None, now: datetime) -> str:
    return "never" if then is None else f"{ago(then, now)} ({moment(then)})"


def _source(report: Report) -> str:
    commit = f" at {report.commit[:12]}" if report.commit else ""
    return f"{report.repository}/{report.directory}{commit}"
