"""The blocks that Markdown reports are made of: a row of the overview, a failure, a finding."""

from collections.abc import Iterator
from datetime import datetime

from driftwatch.domain.address import format_path
from driftwatch.domain.model import (
    AttributeDrift,
    Decision,
    Drift,
    Failure,
    Report,
    Severity,
    Status,
    Value,
)
from driftwatch.render.markdown_text import clip, code, fence, in_html, link, prose, row
from driftwatch.render.plain import moment
from driftwatch.render.text import (
    ago,
    count_ignored,
    describe_action,
    describe_kind,
    describe_snooze,
    show_value,
    visible,
)

TABLE = 8_000
"""Characters that the attributes of one finding may take."""

_VALUE = 300
_LINE = 600

_STATUS = {
    Status.IN_SYNC: "✅",
    Status.PENDING: "🔵",
    Status.DRIFTED: "🔴",
    Status.DRIFTED_AND_PENDING: "🔴",
    Status.UNKNOWN: "⚪",
    Status.SNOOZED: "💤",
    Status.FAILED: "❌",
    Status.STALE: "⏰",
    Status.NEVER: "⏰",
}
_SEVERITY = {
    Severity.CRITICAL: "🟥",
    Severity.HIGH: "🟧",
    Severity.MEDIUM: "🟨",
    Severity.LOW: "🟦",
    Severity.INFO: "⬜",
}

_COUNTS = ("Drifted", "Pending", "Snoozed", "Ignored")

OVERVIEW = "\n".join(
    [
        row("Environment", "Status", "Looked at", *_COUNTS, "Worst"),
        row("---", "---", "---", *["---:"] * len(_COUNTS), "---"),
    ]
)


def overview_row(report: Report, now: datetime) -> str:
    """Write one environment's line of the overview."""
    status = report.status_at(now)
    seen = report.visible
    worst = min((d.finding.severity for d in seen), key=lambda s: s.rank, default=None)
    return row(
        f"{_STATUS[status]} {code(clip(report.environment, _VALUE))}",
        status.value,
        _looked(report, now),
        str(len(report.drifted)),
        str(len(report.pending)),
        str(len(report.snoozed)),
        str(count_ignored(report)),
        worst.value if worst else "—",
    )


def _looked(report: Report, now: datetime) -> str:
    """Say when the environment was last looked at completely, which a failed check did not."""
    if report.failure is None:
        return ago(report.checked_at, now)
    return "never" if report.proven_at is None else ago(report.proven_at, now)


def opening(report: Report, now: datetime) -> str:
    """Open an environment's section and say what was looked at."""
    status = report.status_at(now)
    name = in_html(clip(report.environment, _VALUE))
    lines = [
        "<details open>" if report.failure is not None else "<details>",
        f"<summary>{_STATUS[status]} {name}: {status.value}{_count(report)}</summary>\n",
        f"{', '.join(_facts(report, now))}.\n",
    ]
    if report.sources_note:
        lines.append(f"Note: {prose(clip(report.sources_note, _LINE))}\n")
    return "\n".join(lines)


def _count(report: Report) -> str:
    count = len(report.visible)
    if not count:
        return ""
    known = "last known " if report.failure is not None else ""
    return f", {count} {known}{'finding' if count == 1 else 'findings'}"


def _facts(report: Report, now: datetime) -> Iterator[str]:
    yield f"Directory {code(clip(report.directory or '.', _VALUE))}"
    yield f"repository {code(clip(report.repository, _VALUE))}"
    if report.commit:
        yield f"commit {code(visible(report.commit[:12]))}"
    if report.workspace not in ("", "default"):
        yield f"workspace {code(clip(report.workspace, _VALUE))}"
    if report.owners:
        yield f"owned by {code(clip(', '.join(report.owners), _VALUE))}"
    yield f"checked {ago(report.checked_at, now)}"
    if report.in_sync_at is not None:
        yield f"last proven in sync {ago(report.in_sync_at, now)}"


def failure_block(failure: Failure, room: int) -> str:
    """Say why a check could not look, with the last `room` characters of what the program said."""
    retry = "a retry may help" if failure.retryable else "a retry will not help"
    lines = [
        f"**Could not look** ({failure.cause}; {retry}): {prose(clip(failure.message, _LINE))}"
    ]
    if failure.command:
        code_text = (
            "" if failure.exit_code is None else f" ended with exit code {failure.exit_code}"
        )
        lines.append(f"\nThe command {code(clip(' '.join(failure.command), _LINE))}{code_text}.")
    if failure.detail:
        lines.append(f"\n{fence(failure.detail[-room:])}")
    return "\n".join(lines) + "\n"


def finding_block(decision: Decision, now: datetime) -> str:
    """Write one finding: how bad, why, since when, where, and its attributes as a table."""
    finding, drift = decision.finding, decision.finding.drift
    grade = f"{_SEVERITY[finding.severity]} {finding.severity}"
    lines = [f"#### {grade} {describe_kind(drift)}: {code(clip(drift.address, _VALUE))}\n"]
    lines.extend(_circumstances(decision, now))
    lines.append("")
    if drift.attributes:
        lines.extend(_attributes(drift))
    return "\n".join(lines)


def _circumstances(decision: Decision, now: datetime) -> Iterator[str]:
    finding, drift, seen = decision.finding, decision.finding.drift, decision.first_seen
    if drift.message:
        yield f"- Terraform says: {prose(clip(drift.message, _LINE))}"
    yield f"- Because: {prose(clip(finding.because, _LINE))}"
    yield f"- An apply {describe_action(drift)}."
    yield f"- Since: {moment(seen)} ({ago(seen, now)}, {decision.transition})."
    if drift.location is not None:
        yield f"- In code: {link(drift.location)}."


def _attributes(drift: Drift) -> Iterator[str]:
    """Write the table of attributes, cut at a whole row when it grows too long."""
    yield row("Attribute", "Kind", "Recorded", "Actual", "Desired", "Code")
    yield row(*["---"] * 6)
    room = TABLE
    for count, attribute in enumerate(drift.attributes):
        line = _attribute(attribute)
        room -= len(line)
        if room < 0:
            yield f"\n{len(drift.attributes) - count} more attributes of this finding not shown."
            break
        yield line
    yield ""


def _attribute(attribute: AttributeDrift) -> str:
    unchanged = attribute.unchanged_elements
    tail = f" ({unchanged} more unchanged)" if unchanged else ""
    return row(
        f"{code(clip(format_path(attribute.path), _VALUE))}{tail}",
        describe_kind(attribute),
        _value(attribute.recorded),
        _value(attribute.actual),
        _value(attribute.desired),
        link(attribute.location) if attribute.location else "—",
    )


def _value(value: Value) -> str:
    return code(show_value(value, _VALUE))


def snoozed_line(decision: Decision) -> str:
    """Write in one line what nobody needs to hear of, until when and why."""
    finding = decision.finding
    what = f"{code(clip(finding.drift.address, _VALUE))}: {describe_kind(finding.drift)}"
    return f"- 💤 {what}, {prose(clip(describe_snooze(decision), _LINE))}"


def resolved_block(report: Report) -> str:
    """Name what the last check found and this one no longer sees."""
    names = [code(clip(resolved.address, _VALUE)) for resolved in report.resolved[:20]]
    more = len(report.resolved) - len(names)
    tail = f" and {more} more" if more else ""
    return f"Resolved since the last check: {', '.join(names)}{tail}.\n"
