"""How values, times and kinds read in plain words; every renderer shares these."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from driftwatch.domain.model import (
    Action,
    AttributeDrift,
    Decision,
    Drift,
    Kind,
    Reason,
    Report,
    Severity,
    Status,
    Value,
)
from driftwatch.domain.snooze import Snooze

# Controls, and what turns, hides or joins text: a cloud value must not be able to lie to a reader.
_UNSEEN = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LIKE_JSON = re.compile(r"""\A(?:[\s"]|-?\d|true\Z|false\Z|null\Z)|\s\Z|\A\Z""")

_KINDS = {
    Kind.DRIFT: "drift",
    Kind.PENDING: "pending change",
    Kind.CONFLICT: "conflict",
    Kind.UNKNOWN: "unknown",
    Kind.UNOPPOSED: "unopposed",
}
_MEANINGS = {
    (Kind.DRIFT, None): "Somebody changed reality; an apply would revert it.",
    (Kind.PENDING, None): "Code waits to be applied; reality did not move.",
    (Kind.CONFLICT, None): "Reality and code both moved, apart; a person has to choose.",
    (Kind.UNKNOWN, None): "What the code wants is known only after an apply.",
    (Kind.UNOPPOSED, None): "Reality moved, and an apply would change nothing.",
    (Kind.UNOPPOSED, Reason.CODIFIED): (
        "Reality moved to what the code states; the next apply only records it."
    ),
    (Kind.UNOPPOSED, Reason.IGNORED): (
        "Reality moved where the code says ignore_changes; an apply leaves it."
    ),
    (Kind.UNOPPOSED, Reason.UNDECLARED): (
        "Reality moved where the code says nothing; no apply will bring it back."
    ),
}
_APPLY = {
    Action.NO_OP: "would change nothing",
    Action.CREATE: "would create it",
    Action.READ: "would read it",
    Action.UPDATE: "would update it in place",
    Action.DELETE: "would destroy it",
    Action.REPLACE: "would destroy it and create it anew",
    Action.FORGET: "would forget it and leave it as it is",
}
WORST_FIRST = (
    Status.FAILED,
    Status.DRIFTED_AND_PENDING,
    Status.DRIFTED,
    Status.UNKNOWN,
    Status.STALE,
    Status.NEVER,
    Status.PENDING,
    Status.SNOOZED,
    Status.IN_SYNC,
)
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def visible(text: str) -> str:
    """Write every character that a reader would not see, or that would act, as an escape."""
    return _UNSEEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found.group()
    return _ESCAPES.get(character) or f"<U+{ord(character):04X}>"


def show_value(value: Value, limit: int = 2000) -> str:
    """Write a value on one line, cut after `limit` characters with its full length told.

    Text stands bare unless it could be taken for something else.
    """
    if value is None:
        return "null"
    if isinstance(value, str) and not _LIKE_JSON.search(value):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False)
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text)} characters)"
    return visible(text)


def ago(then: datetime, now: datetime) -> str:
    """Say how long ago a moment was, in its largest unit."""
    seconds = int((now - then).total_seconds())
    for size, unit in _UNITS:
        count = seconds // size
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def describe_kind(drift: Drift | AttributeDrift) -> str:
    """Name a kind, with the reason where there is one."""
    name = _KINDS[drift.kind]
    if isinstance(drift, Drift) and drift.deleted:
        return f"{name}, deleted outside Terraform"
    return f"{name} ({drift.reason})" if drift.reason else name


def explain_kind(kind: Kind, reason: Reason | None = None) -> str:
    """Say in one sentence what a kind means for people."""
    return _MEANINGS[kind, reason if kind is Kind.UNOPPOSED else None]


def describe_action(drift: Drift) -> str:
    """Say what an apply of the code would do."""
    if drift.deleted and drift.action is Action.CREATE:
        return "would create it again"
    return _APPLY[drift.action]


def describe_snooze(decision: Decision) -> str:
    """Say until when nobody needs to hear of a finding, who says so, and why; "" for no snooze."""
    return "" if decision.snooze is None else describe_silence(decision.snooze)


def describe_silence(snooze: Snooze) -> str:
    """Say of what in a drift nobody needs to hear, until when, who says so, and why."""
    until = snooze.until.astimezone(UTC)
    exact = "" if (until.hour, until.minute) == (0, 0) else f"{until: %H:%M} UTC"
    by, because = visible(snooze.by), visible(snooze.because)
    what = f"{visible(snooze.attribute)} " if snooze.attribute else ""
    return f"{what}snoozed until {until:%Y-%m-%d}{exact} by {by}: {because}"


def count_ignored(report: Report) -> int:
    """Count the findings that a rule ignores."""
    return len(report.decisions) - len(report.visible) - len(report.snoozed)


def headline(reports: Sequence[Report], now: datetime) -> str:
    """Sum the fleet up in one sentence, the worst first."""
    if not reports:
        return "No environment has been checked yet."
    counts = Counter(report.status_at(now) for report in reports)
    drifted = counts[Status.DRIFTED] + counts[Status.DRIFTED_AND_PENDING]
    pending = counts[Status.PENDING]
    parts = [
        f"{drifted} drifted" if drifted else "",
        f"{counts[Status.FAILED]} could not be looked at" if counts[Status.FAILED] else "",
        f"{counts[Status.UNKNOWN]} could not be seen whole" if counts[Status.UNKNOWN] else "",
        f"{counts[Status.STALE]} not looked at for too long" if counts[Status.STALE] else "",
        f"{pending} with changes that wait to be applied" if pending else "",
        f"{counts[Status.SNOOZED]} snoozed" if counts[Status.SNOOZED] else "",
    ]
    told = [part for part in parts if part]
    noun = "environment" if len(reports) == 1 else "environments"
    if not told:
        whole = "The environment is" if len(reports) == 1 else f"All {len(reports)} {noun} are"
        return f"{whole} in sync."
    return f"Of {len(reports)} {noun}: {', '.join(told)}."


def sort_worst_first(reports: Sequence[Report], now: datetime) -> list[Report]:
    """Order reports by how much they need people: status, severity, then name."""
    return sorted(reports, key=lambda report: _urgency(report, now))


def _urgency(report: Report, now: datetime) -> tuple[int, int, str]:
    ranks = [decision.finding.severity.rank for decision in report.visible]
    worst = min(ranks, default=len(Severity))
    return WORST_FIRST.index(report.status_at(now)), worst, report.environment
