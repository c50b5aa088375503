"""Reports as GitHub-flavoured Markdown that always fits into one comment."""

from collections.abc import Sequence
from datetime import datetime

from driftwatch.domain.model import Report, Status
from driftwatch.render.markdown_blocks import (
    OVERVIEW,
    failure_block,
    finding_block,
    opening,
    overview_row,
    resolved_block,
    snoozed_line,
)
from driftwatch.render.markdown_text import prose
from driftwatch.render.text import headline, sort_worst_first

LIMIT = 60_000
"""Characters; GitHub takes 65,536, and the rest is for whoever quotes the report."""

_CLOSING = 500  # room for the sentences that count what is left out, and for the closing tag
_DETAIL = 3_000


class _Page:
    """Text that grows by whole blocks and keeps room for its closing sentences."""

    def __init__(self, room: int) -> None:
        self._room = room - _CLOSING
        self._blocks: list[str] = []

    def fits(self, block: str) -> bool:
        return len(block) < self._room

    def add(self, block: str) -> None:
        self._room -= len(block) + 1
        self._blocks.append(block)

    def text(self) -> str:
        return "\n".join(self._blocks)


def render_markdown(reports: Sequence[Report], now: datetime, limit: int = LIMIT) -> str:
    """Write the fleet's state and its findings, worst first, in at most `limit` characters.

    What does not fit is left out from the end, by whole environments, findings and rows, and is
    counted. The limit is never under 2,000.
    """
    limit = max(limit, 2_000)
    ordered = sort_worst_first(reports, now)
    page = _Page(limit)
    page.add(f"**{prose(headline(ordered, now))}**\n")
    _add_overview(page, ordered, now, limit // 3)
    speaking = [report for report in ordered if _speaks(report, now)]
    failed = sum(report.failure is not None for report in speaking)
    detail = min(_DETAIL, limit // 4 // max(failed, 1) + 1)
    shown = hidden = 0
    for report in speaking:
        if not page.fits(head := _head(report, now, detail)):
            break
        shown += 1
        hidden += _add_environment(page, head, report, now)
    _add_remainder(page, speaking[shown:], hidden)
    return page.text()


def _speaks(report: Report, now: datetime) -> bool:
    """Say whether there is more to tell than the overview does."""
    quiet = report.status_at(now) is Status.IN_SYNC
    return not quiet or bool(report.visible or report.resolved)


def _add_overview(page: _Page, reports: Sequence[Report], now: datetime, room: int) -> None:
    """List the environments, in at most `room` characters."""
    page.add(OVERVIEW)
    for count, report in enumerate(reports):
        line = overview_row(report, now)
        room -= len(line) + 1
        if room < 0:
            page.add(f"\n{_count(len(reports) - count, 'more environment')} not listed.")
            break
        page.add(line)
    page.add("")


def _head(report: Report, now: datetime, detail: int) -> str:
    blocks = [opening(report, now)]
    if report.failure is not None:
        blocks.append(failure_block(report.failure, detail))
    if report.resolved:
        blocks.append(resolved_block(report))
    return "\n".join(blocks)


def _add_environment(page: _Page, head: str, report: Report, now: datetime) -> int:
    """Add an environment's section and return how many of its findings did not fit."""
    page.add(head)
    decisions = sorted(report.visible, key=lambda d: d.finding.severity.rank)
    hidden = 0
    for count, decision in enumerate(decisions):
        if not page.fits(block := finding_block(decision, now)):
            hidden = len(decisions) - count
            page.add(f"{_count(hidden, 'more finding')} not shown.\n")
            break
        page.add(block)
    _add_snoozed(page, report)
    page.add("</details>\n")
    return hidden


def _add_snoozed(page: _Page, report: Report) -> None:
    for count, decision in enumerate(report.snoozed):
        if not page.fits(line := snoozed_line(decision)):
            page.add(f"\n{len(report.snoozed) - count} more snoozed not shown.")
            break
        page.add(line)
    if report.snoozed:
        page.add("")


def _add_remainder(page: _Page, reports: Sequence[Report], hidden: int) -> None:
    """Count what did not fit, over the whole page."""
    hidden += sum(len(report.visible) for report in reports)
    if reports:
        page.add(f"**{_count(len(reports), 'more environment')} not shown.**\n")
    if hidden:
        page.add(f"**{_count(hidden, 'more finding')} not shown:** other formats hold them all.\n")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
