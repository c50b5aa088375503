"""A finding as lines of plain text, for formats that know no markup (SARIF, JUnit)."""

from collections.abc import Iterator
from datetime import UTC, datetime

from driftwatch.domain.address import format_path
from driftwatch.domain.model import AttributeDrift, Decision, Failure, Location
from driftwatch.render.text import describe_action, describe_kind, show_value, visible


def title(decision: Decision) -> str:
    """Say in one line what drifted and how bad it is."""
    finding = decision.finding
    address = visible(finding.drift.address)
    return f"{finding.severity.upper()} {describe_kind(finding.drift)}: {address}"


def attribute_line(attribute: AttributeDrift) -> str:
    """Write one attribute's three values on one line."""
    values = (
        f"recorded {show_value(attribute.recorded)}",
        f"actual {show_value(attribute.actual)}",
        f"desired {show_value(attribute.desired)}",
    )
    start = f"{visible(format_path(attribute.path))}: {describe_kind(attribute)}"
    unchanged = attribute.unchanged_elements
    tail = f", {unchanged} more unchanged" if unchanged else ""
    return f"{start}: {', '.join(values)}{tail}"


def moment(then: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return f"{then.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def place(location: Location) -> str:
    """Write a place in the source as editors and terminals understand it."""
    return f"{visible(location.file)}:{location.line}"


def finding_lines(decision: Decision) -> Iterator[str]:
    """Write everything that people should know about a finding, its attributes last."""
    finding, drift = decision.finding, decision.finding.drift
    yield title(decision)
    if drift.message:
        yield visible(drift.message)
    yield f"because: {visible(finding.because)}"
    yield f"an apply {describe_action(drift)}"
    yield f"since: {moment(decision.first_seen)} ({decision.transition})"
    if drift.location is not None:
        yield f"where: {place(drift.location)}"
    for attribute in drift.attributes:
        yield attribute_line(attribute)


def failure_lines(failure: Failure) -> Iterator[str]:
    """Write why a check could not look, and the end of what the failing program printed."""
    yield visible(failure.message)
    if failure.command:
        yield f"command: {visible(' '.join(failure.command))}"
    if failure.exit_code is not None:
        yield f"exit code: {failure.exit_code}"
    yield "a retry may help" if failure.retryable else "a retry will not help"
    for line in failure.detail.splitlines():
        yield visible(line)
