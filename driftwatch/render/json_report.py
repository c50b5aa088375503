"""Reports as JSON for machines; `driftwatch.render.schema` says what it holds."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from driftwatch.domain.address import format_path
from driftwatch.domain.model import (
    AttributeDrift,
    Decision,
    Failure,
    Kind,
    Location,
    Report,
    Severity,
    Status,
)
from driftwatch.domain.snooze import Snooze
from driftwatch.render import schema
from driftwatch.render.text import count_ignored, sort_worst_first


def render_json(reports: Sequence[Report], now: datetime) -> str:
    """Write what every environment's newest check found as one JSON document, ASCII only."""
    ordered = sort_worst_first(reports, now)
    document = schema.Document(
        format_version=schema.FORMAT_VERSION,
        generated_at=_time(now),
        summary=_summary(ordered, now),
        environments=[_environment(report, now) for report in ordered],
    )
    return json.dumps(msgspec.to_builtins(document), indent=2, allow_nan=False) + "\n"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _maybe_time(moment: datetime | None) -> str | None:
    return None if moment is None else _time(moment)


def _summary(reports: Sequence[Report], now: datetime) -> schema.Summary:
    visible = [decision.finding for report in reports for decision in report.visible]
    severities = Counter(finding.severity for finding in visible)
    statuses = Counter(report.status_at(now) for report in reports)
    return schema.Summary(
        environments=len(reports),
        environments_by_status=schema.StatusCounts(
            **{status.value.replace(" ", "_"): statuses[status] for status in Status}
        ),
        could_not_look=sum(report.failure is not None for report in reports),
        drifted=sum(len(report.drifted) for report in reports),
        pending=sum(len(report.pending) for report in reports),
        unknown=sum(finding.drift.kind is Kind.UNKNOWN for finding in visible),
        ignored=sum(map(count_ignored, reports)),
        snoozed=sum(len(report.snoozed) for report in reports),
        resolved=sum(len(report.resolved) for report in reports),
        findings_by_severity=schema.SeverityCounts(
            **{severity.value: severities[severity] for severity in Severity}
        ),
        worst_severity=min(severities, key=lambda severity: severity.rank, default=None),
    )


def _environment(report: Report, now: datetime) -> schema.Environment:
    decisions = sorted(report.decisions, key=_worst_first)
    return schema.Environment(
        environment=report.environment,
        repository=report.repository,
        directory=report.directory,
        workspace=report.workspace,
        commit=report.commit,
        tool=report.tool,
        owners=list(report.owners),
        labels=list(report.labels),
        status=report.status_at(now),
        status_when_checked=report.status,
        checked_at=_time(report.checked_at),
        proven_at=_maybe_time(report.proven_at),
        in_sync_at=_maybe_time(report.in_sync_at),
        stale_after_seconds=report.stale_after,
        duration_seconds=report.duration,
        resources=report.resources,
        redactions=report.redactions,
        sources_note=report.sources_note,
        failure=_failure(report.failure),
        findings=[build_finding(decision) for decision in decisions],
        resolved=[
            schema.Resolved(r.address, r.fingerprint, r.severity, _time(r.first_seen))
            for r in report.resolved
        ],
    )


def _worst_first(decision: Decision) -> tuple[int, str]:
    return decision.finding.severity.rank, decision.finding.drift.key


def _failure(failure: Failure | None) -> schema.Failure | None:
    if failure is None:
        return None
    return schema.Failure(
        cause=failure.cause,
        message=failure.message,
        retryable=failure.retryable,
        command=list(failure.command),
        exit_code=failure.exit_code,
        detail=failure.detail,
    )


def build_finding(decision: Decision) -> schema.Finding:
    """Build what a document holds of one decision."""
    finding, drift = decision.finding, decision.finding.drift
    return schema.Finding(
        subject=drift.subject,
        address=drift.address,
        resource_type=drift.resource_type,
        provider=drift.provider,
        kind=drift.kind,
        reason=drift.reason,
        deleted=drift.deleted,
        moved=drift.moved,
        waiting=drift.waiting,
        severity=finding.severity,
        verdict=finding.verdict,
        because=finding.because,
        rule=finding.rule,
        transition=decision.transition,
        first_seen=_time(decision.first_seen),
        fingerprint=drift.fingerprint,
        action=drift.action,
        action_reason=drift.action_reason,
        message=drift.message,
        location=_location(drift.location),
        attributes=[_attribute(attribute) for attribute in drift.attributes],
        snooze=_snooze(decision.snooze),
    )


def _snooze(snooze: Snooze | None) -> schema.Snooze | None:
    if snooze is None:
        return None
    return schema.Snooze(snooze.number, _time(snooze.until), snooze.by, snooze.because)


def _attribute(attribute: AttributeDrift) -> schema.Attribute:
    return schema.Attribute(
        path=list(attribute.path),
        path_text=format_path(attribute.path),
        recorded=attribute.recorded,
        actual=attribute.actual,
        desired=attribute.desired,
        kind=attribute.kind,
        reason=attribute.reason,
        sensitive=attribute.sensitive,
        unchanged_elements=attribute.unchanged_elements,
        location=_location(attribute.location),
    )


def _location(location: Location | None) -> schema.Location | None:
    if location is None:
        return None
    return schema.Location(location.file, location.line, location.url)
