"""Reports for a terminal or a pipe: the fleet as a table, then what was found, worst first."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from driftwatch.domain.address import format_path
from driftwatch.domain.model import AttributeDrift, Decision, Failure, Report, Severity, Status
from driftwatch.render.plain import failure_lines, place
from driftwatch.render.terminal_page import TerminalPage
from driftwatch.render.text import (
    ago,
    count_ignored,
    describe_action,
    describe_kind,
    describe_snooze,
    headline,
    show_value,
    sort_worst_first,
    visible,
)

_INDENT = " " * 6

_STATUS = {
    Status.IN_SYNC: ("✓", "green"),
    Status.PENDING: ("•", "blue"),
    Status.DRIFTED: ("✗", "red"),
    Status.DRIFTED_AND_PENDING: ("✗", "red"),
    Status.UNKNOWN: ("?", "yellow"),
    Status.SNOOZED: ("☾", "dim"),
    Status.FAILED: ("!", "bold red"),
    Status.STALE: ("!", "yellow"),
    Status.NEVER: ("!", "yellow"),
}
_SEVERITY = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}


def render_terminal(reports: Sequence[Report], now: datetime, width: int, color: bool) -> str:
    """Write lines of at most `width` columns; without `color` no escape sequence at all."""
    ordered = sort_worst_first(reports, now)
    page = TerminalPage(width, color=color)
    page.add(("", ""), (headline(ordered, now), "bold"))
    if ordered:
        page.add_blank()
        page.add_rich(_fleet(ordered, now))
    for report in ordered:
        if report.decisions or report.resolved or report.failure is not None:
            _add_environment(page, report, now)
    return page.text()


def _fleet(reports: Sequence[Report], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "environment", "status", "drifted", "pending", "looked at"):
        number = heading in ("drifted", "pending")
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for report in reports:
        status = report.status_at(now)
        mark, style = _STATUS[status]
        looked = report.checked_at if report.failure is None else report.proven_at
        table.add_row(
            Text(mark, style),
            Text(visible(report.environment)),
            Text(status.value, style),
            str(len(report.drifted)),
            str(len(report.pending)),
            "never" if looked is None else ago(looked, now),
        )
    return table


def _add_environment(page: TerminalPage, report: Report, now: datetime) -> None:
    """Add what the fleet's table cannot tell about an environment."""
    page.add_blank()
    commit = f" at {visible(report.commit[:12])}" if report.commit else ""
    source = f"  {visible(report.repository)}/{visible(report.directory)}{commit}"
    page.add(("", ""), (visible(report.environment), "bold"), (source, "dim"))
    if report.failure is not None:
        _add_failure(page, report.failure)
    decisions = sorted(report.visible, key=lambda d: d.finding.severity.rank)
    for decision in decisions:
        _add_finding(page, decision, now)
    for resolved in report.resolved:
        page.add(("  ✓ resolved ", "green"), (visible(resolved.address), ""))
    for decision in report.snoozed:
        _add_snoozed(page, decision)
    if ignored := count_ignored(report):
        page.add(("  ", ""), (f"{ignored} ignored by rules", "dim"))
    if report.sources_note:
        page.add(("  ", ""), (visible(report.sources_note), "dim"))


def _add_failure(page: TerminalPage, failure: Failure) -> None:
    message, *rest = failure_lines(failure)
    page.add(("  ! COULD NOT LOOK ", "bold red"), (f"({failure.cause}) {message}", ""))
    for line in rest:
        page.add((_INDENT, ""), (line, "dim"))


def _add_finding(page: TerminalPage, decision: Decision, now: datetime) -> None:
    finding, drift = decision.finding, decision.finding.drift
    page.add(
        (
            f"  {'✗' if drift.moved else '•'} {finding.severity.upper()} ",
            _SEVERITY[finding.severity],
        ),
        (f"{describe_kind(drift)} ", ""),
        (visible(drift.address), "bold"),
        (f"  {decision.transition}, first seen {ago(decision.first_seen, now)}", "dim"),
    )
    if drift.message:
        page.add((_INDENT, ""), (visible(drift.message), ""))
    for attribute in drift.attributes:
        _add_attribute(page, attribute)
    page.add((f"{_INDENT}because: ", "dim"), (visible(finding.because), ""))
    page.add((f"{_INDENT}an apply ", "dim"), (describe_action(drift), ""))
    if drift.location is not None:
        page.add((f"{_INDENT}code: ", "dim"), (place(drift.location), "cyan"))


def _add_snoozed(page: TerminalPage, decision: Decision) -> None:
    finding = decision.finding
    page.add(
        ("  ☾ ", "dim"),
        (visible(finding.drift.address), ""),
        (
            f"  {finding.severity} {describe_kind(finding.drift)}, {describe_snooze(decision)}",
            "dim",
        ),
    )


def _add_attribute(page: TerminalPage, attribute: AttributeDrift) -> None:
    """Add the three values on one line where they fit, else on one line each."""
    path = visible(format_path(attribute.path))
    recorded = (show_value(attribute.recorded), "")
    actual = (show_value(attribute.actual), "yellow")
    desired = (show_value(attribute.desired), "")
    note = (_note(attribute), "dim")
    line = [(f"{path}: ", ""), recorded, (" → ", "dim"), actual, (" → ", "dim"), desired, note]
    if page.fits(len(_INDENT), *line):
        page.add((_INDENT, ""), *line)
        return
    page.add((_INDENT, ""), (f"{path}:", ""), note)
    page.add((f"{_INDENT}  recorded ", "dim"), recorded)
    page.add((f"{_INDENT}    actual ", "dim"), actual)
    page.add((f"{_INDENT}   desired ", "dim"), desired)


def _note(attribute: AttributeDrift) -> str:
    notes = (
        [f"{attribute.unchanged_elements} more unchanged"] if attribute.unchanged_elements else []
    )
    if attribute.location is not None:
        notes.append(place(attribute.location))
    return f"  {', '.join(notes)}" if notes else ""
