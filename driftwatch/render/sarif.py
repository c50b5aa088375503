"""Reports as SARIF 2.1.0, within the limits that GitHub code scanning sets.

Limits: https://docs.github.com/code-security/code-scanning/troubleshooting-sarif-uploads/results-exceed-limit
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from driftwatch.domain.model import Decision, Location, Report, Severity, Status, Transition
from driftwatch.render.plain import failure_lines, finding_lines
from driftwatch.render.text import (
    ago,
    describe_snooze,
    explain_kind,
    sort_worst_first,
    visible,
)

MAX_RESULTS = 25_000
MAX_MESSAGE = 4_000

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
_BASELINES = {
    Transition.NEW: "new",
    Transition.CHANGED: "updated",
    Transition.ONGOING: "unchanged",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A finding that no rule ignores and the report that it is in."""

    report: Report
    decision: Decision

    @property
    def rule_id(self) -> str:
        finding = self.decision.finding
        return visible(finding.rule) or f"driftwatch/{finding.drift.kind}"


def render_sarif(reports: Sequence[Report], now: datetime) -> str:
    """Write one run whose results are the findings that no rule ignores, ASCII only.

    Snoozed ones are suppressed results.
    """
    ordered = sort_worst_first(reports, now)
    told = ((report, d) for report in ordered for d in (*report.visible, *report.snoozed))
    sightings = [_Sighting(report, decision) for report, decision in told]
    sightings.sort(key=lambda s: (s.decision.snooze is not None, s.decision.finding.severity.rank))
    kept = sightings[:MAX_RESULTS]
    rules = _rules(kept)
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "driftwatch",
                "rules": rules,
            }
        },
        "automationDetails": {"id": "driftwatch/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The repository's root."}}},
        "invocations": [_invocation(ordered, now, len(sightings) - len(kept))],
        "results": [_result(sighting, order) for sighting in kept],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _rules(sightings: Sequence[_Sighting]) -> list[Json]:
    """Describe each rule that decided, at the level of the worst finding that it decided."""
    first: dict[str, _Sighting] = {}
    for sighting in sightings:
        first.setdefault(sighting.rule_id, sighting)
    return [_rule(rule_id, first[rule_id]) for rule_id in sorted(first)]


def _rule(rule_id: str, sighting: _Sighting) -> Json:
    finding = sighting.decision.finding
    kind = explain_kind(finding.drift.kind, finding.drift.reason)
    summary = _message(visible(finding.because) if finding.rule else kind)
    return {
        "id": rule_id,
        "shortDescription": summary,
        "fullDescription": summary,
        "help": summary,
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }


def _invocation(reports: Sequence[Report], now: datetime, left_out: int) -> Json:
    notices = [notice for report in reports for notice in _notices(report, now)]
    unseen = bool(notices)
    if left_out:
        sentence = f"{left_out} more findings are left out: a run may hold {MAX_RESULTS}."
        notices.append({"level": "warning", "message": _message(sentence)})
    return {
        "executionSuccessful": not unseen,
        "endTimeUtc": _time(now),
        "toolExecutionNotifications": notices,
    }


def _notices(report: Report, now: datetime) -> Iterator[Json]:
    """Say that an environment could not be looked at, or not lately."""
    if report.failure is not None:
        lines = [f"{visible(report.environment)}: could not look", *failure_lines(report.failure)]
        yield _notice(report, f"could-not-look/{report.failure.cause}", "\n".join(lines))
    elif report.status_at(now) is Status.STALE:
        looked = ago(report.checked_at, now)
        yield _notice(report, "stale", f"{visible(report.environment)}: last looked at {looked}")


def _notice(report: Report, descriptor: str, text: str) -> Json:
    return {
        "descriptor": {"id": descriptor},
        "level": "error",
        "message": _message(text),
        "timeUtc": _time(report.checked_at),
        "properties": {"environment": report.environment},
    }


def _result(sighting: _Sighting, order: dict[str, int]) -> Json:
    report, decision = sighting.report, sighting.decision
    finding, drift = decision.finding, decision.finding.drift
    rule_id = sighting.rule_id
    text = "\n".join([*finding_lines(decision), f"environment: {visible(report.environment)}"])
    told = _suppressed(decision)
    return told | {
        "ruleId": rule_id,
        "ruleIndex": order[rule_id],
        "level": _LEVELS[finding.severity],
        "kind": "fail",
        "baselineState": _BASELINES[decision.transition],
        "message": _message(text),
        "locations": [_location(report, decision)],
        "partialFingerprints": {
            "driftwatch/v1": drift.fingerprint,
            "primaryLocationLineHash": _line_hash(report, drift.fingerprint),
        },
        "properties": {
            "environment": report.environment,
            "repository": report.repository,
            "kind": drift.kind,
            "severity": finding.severity,
            "firstSeen": _time(decision.first_seen),
        },
    }


def _suppressed(decision: Decision) -> Json:
    if decision.snooze is None:
        return {}
    justification = _message(describe_snooze(decision))["text"]
    return {
        "suppressions": [{"kind": "external", "status": "accepted", "justification": justification}]
    }


def _line_hash(report: Report, fingerprint: str) -> str:
    """Keep two environments that share a module's line apart: GitHub tells alerts by this hash."""
    digest = hashlib.sha256(f"{report.environment}\n{fingerprint}".encode(errors="replace"))
    return f"{digest.hexdigest()[:16]}:1"


def _location(report: Report, decision: Decision) -> Json:
    """Name the address, and the place in the source or else the directory that was planned.

    GitHub refuses a whole file for one result without a physical location.
    """
    drift = decision.finding.drift
    return {
        "physicalLocation": _physical(drift.location, report.directory),
        "logicalLocations": [{"fullyQualifiedName": visible(drift.address), "kind": "resource"}],
    }


def _physical(location: Location | None, directory: str) -> Json:
    path = directory if location is None else location.file
    uri = quote(path.lstrip("/") or ".", errors="replace")
    artifact = {"uri": uri, "uriBaseId": "%SRCROOT%"}
    if location is None:
        return {"artifactLocation": artifact}
    return {"artifactLocation": artifact, "region": {"startLine": location.line}}


def _message(text: str) -> Json:
    """Cut text to what code scanning shows, in which no value can start a link."""
    if len(text) > MAX_MESSAGE:
        text = text[:MAX_MESSAGE].rsplit("\n", 1)[0] + "\n… (cut: the other formats hold it all)"
    return {"text": text.replace("](", "]\\(")}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
