"""The parts of an HTML report that take some thinking: value cells, differences, advice."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from driftwatch.domain.address import format_path
from driftwatch.domain.model import (
    AttributeDrift,
    Decision,
    Drift,
    Report,
    Severity,
    Status,
    Transition,
    Value,
)
from driftwatch.errors import Cause
from driftwatch.render.text import ago, describe_kind, show_value, visible

ICONS = {
    Status.IN_SYNC: "✓",
    Status.PENDING: "●",
    Status.DRIFTED: "✗",
    Status.DRIFTED_AND_PENDING: "✗",
    Status.UNKNOWN: "?",
    Status.SNOOZED: "☾",
    Status.FAILED: "!",
    Status.STALE: "◷",
    Status.NEVER: "◷",
}
_ADVICE = {
    Cause.GIT: "Check the repository's address, branch and credentials with `driftwatch doctor`.",
    Cause.CONFIGURATION: "Mend the code, or what driftwatch.yaml says of this environment.",
    Cause.CREDENTIALS: "Renew the credentials, or give the role the right to read.",
    Cause.PROVIDER: "Check that the registry, or your mirror, and the cloud can be reached.",
    Cause.STATE: "Check the backend: driftwatch reads the state and never writes or locks it.",
    Cause.TERRAFORM: "Run `terraform plan` in this directory to see the same.",
    Cause.TIMEOUT: "Raise the environment's `timeout`, or look for what hangs.",
    Cause.PLAN: "Check that the versions of Terraform and driftwatch go together.",
    Cause.MACHINE: "Look at the machine that driftwatch runs on: memory, disk, programs.",
    Cause.INTERNAL: "Report it, with the detail below.",
}
_LONGEST_DIFF = 400  # lines


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute as the page shows it; `lines` is a line-by-line difference, if that helps."""

    path: str
    recorded: str
    actual: str
    desired: str
    kind: str
    moved: bool
    waits: bool
    unchanged: int
    compared: str
    lines: tuple[tuple[str, str], ...] = ()


def attribute_rows(drift: Drift) -> Iterator[Row]:
    """List the attributes of a drift; what moved and what waits is marked."""
    for attribute in drift.attributes:
        yield Row(
            path=visible(format_path(attribute.path)),
            recorded=show_value(attribute.recorded),
            actual=show_value(attribute.actual),
            desired=show_value(attribute.desired),
            kind=describe_kind(attribute),
            moved=attribute.recorded != attribute.actual,
            waits=attribute.actual != attribute.desired,
            unchanged=attribute.unchanged_elements,
            compared=_compared(attribute),
            lines=tuple(_difference(attribute)),
        )


def _compared(attribute: AttributeDrift) -> str:
    """Say which two values a line-by-line difference compares, and where the third stands."""
    if attribute.recorded == attribute.actual:
        return "- recorded and actual, + desired"
    if attribute.desired == attribute.actual:
        return "- recorded, + actual and desired"
    if attribute.desired == attribute.recorded:
        return "- recorded and desired, + actual"
    return f"- recorded, + actual; desired is {show_value(attribute.desired)}"


def _difference(attribute: AttributeDrift) -> Iterator[tuple[str, str]]:
    """Compare JSON documents line by line: recorded and actual, or actual and desired."""
    moved = attribute.recorded != attribute.actual
    before, after = (
        (attribute.recorded, attribute.actual) if moved else (attribute.actual, attribute.desired)
    )
    left, right = _pretty(before), _pretty(after)
    if left is None or right is None or len(left) + len(right) > _LONGEST_DIFF:
        return
    for line in difflib.ndiff(left, right):
        if not line.startswith("?"):
            yield {"+": "added", "-": "removed"}.get(line[0], "same"), visible(line)


def _pretty(value: Value) -> list[str] | None:
    """Spread a JSON document over lines; None for anything that is short or is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value[:1] in ("{", "[") else None
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict | list):
        return None
    return json.dumps(value, indent=2, ensure_ascii=False).splitlines()


def safe_link(url: str | None) -> str | None:
    """Give a link that a page may hold: nothing but http and https."""
    return url if url is not None and url.startswith(("https://", "http://")) else None


def failure_advice(report: Report) -> str:
    """Say what to do about a check that could not look."""
    return _ADVICE[report.failure.cause] if report.failure else ""


def since(decision: Decision, now: datetime) -> str:
    """Say since when something has been out of step."""
    if decision.transition is Transition.NEW:
        return f"new, first seen {ago(decision.first_seen, now)}"
    return f"{decision.transition}, since {ago(decision.first_seen, now)}"


def summary(report: Report) -> list[tuple[Severity, int]]:
    """Count the visible findings by severity, worst first, leaving out what there is none of."""
    counts = Counter(decision.finding.severity for decision in report.visible)
    return [(severity, counts[severity]) for severity in Severity if counts[severity]]
