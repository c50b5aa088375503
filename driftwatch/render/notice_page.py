"""Everything that a mail says, in the order in which it says it, before it is text or HTML."""

from dataclasses import dataclass

from driftwatch.domain.model import Status
from driftwatch.domain.notice import Notice
from driftwatch.render.notice import ADDRESS, digest_name, find_items, label, opening, shown
from driftwatch.render.notice_cards import (
    Card,
    Standing,
    environment_url,
    main_url,
    make_cards,
    make_standings,
    report_url,
)
from driftwatch.render.notice_subject import subject
from driftwatch.render.text import sort_worst_first
from driftwatch.render.trend import describe_trend

_QUIET = (Status.IN_SYNC, Status.SNOOZED)


@dataclass(frozen=True, slots=True)
class Page:
    """A mail's contents; `more` and `more_standings` count what there was no room for.

    `tone` is the worst severity of an alarm, or "good". `calm` counts environments in sync.
    """

    subject: str
    heading: str
    lead: tuple[str, str]
    tone: str
    sample: bool
    digest: bool
    links: tuple[tuple[str, str], ...]
    alarms: tuple[Card, ...]
    reliefs: tuple[Card, ...]
    more: int
    standings: tuple[Standing, ...]
    more_standings: int
    calm: int
    trend: str
    note: str
    route: str


def make_page(notice: Notice, room: int, note: str = "") -> Page:
    """Lay out a notice with at most `room` events and as many environments."""
    items = find_items(notice)
    cards = make_cards(items, notice, room)
    reports = sort_worst_first(notice.reports, notice.at)
    if notice.digest:
        reports = [r for r in reports if r.status_at(notice.at) not in _QUIET]
    standings = make_standings(reports, notice, room)
    return Page(
        subject=subject(notice),
        heading=digest_name(notice) if notice.digest else shown(notice.environment, ADDRESS),
        lead=opening(notice),
        tone=_tone(notice),
        sample=notice.sample,
        digest=bool(notice.digest),
        links=tuple(_links(notice)),
        alarms=tuple(card for card in cards if not card.good),
        reliefs=tuple(card for card in cards if card.good),
        more=len(items) - len(cards),
        standings=standings,
        more_standings=len(reports) - len(standings),
        calm=len(notice.reports) - len(reports),
        trend=describe_trend(notice.trend) if notice.trend else "",
        note=note,
        route=shown(notice.route, ADDRESS),
    )


def _tone(notice: Notice) -> str:
    items = find_items(notice)
    if not items or items[0].event.kind.is_good:
        return "good"
    return label(items[0].event).lower()


def _links(notice: Notice) -> list[tuple[str, str]]:
    """Name the pages where people read on; none where the dashboard cannot be reached."""
    if notice.digest or notice.sample:
        found = [("Dashboard", main_url(notice))]
    else:
        found = [
            ("Full report", report_url(notice)),
            ("History of this environment", environment_url(notice, notice.environment)),
        ]
    return [(words, url) for words, url in found if url]
