"""A notice of something that never happened, to try routes with."""

from datetime import datetime, timedelta

from driftwatch.domain.model import (
    Action,
    AttributeDrift,
    Decision,
    Drift,
    Finding,
    Kind,
    Report,
    Severity,
    Subject,
    Transition,
    Verdict,
)
from driftwatch.domain.notice import Event, EventKind, Notice

_DAYS = 14


def make_sample(
    message_id: str, now: datetime, *, route: str, base_url: str = "", digest: str = ""
) -> Notice:
    """Make a sample of what a route carries: the opening of one drift, or a digest with it."""
    report = _report(now)
    (decision,) = report.decisions
    drift = decision.finding.drift
    event = Event(
        kind=EventKind.OPENED,
        environment=report.environment,
        at=now,
        severity=decision.finding.severity,
        key=drift.key,
        address=drift.address,
        fingerprint=drift.fingerprint,
        because=decision.finding.because,
        since=decision.first_seen,
    )
    return Notice(
        message_id=message_id,
        events=(event,),
        reports=(report,),
        at=now,
        route=route,
        environment="" if digest else report.environment,
        digest=digest,
        sample=True,
        base_url=base_url,
        trend=tuple((now - timedelta(days=_DAYS - day), day % 3) for day in range(_DAYS + 1)),
    )


def _report(now: datetime) -> Report:
    opened = AttributeDrift(
        path=("acl",), recorded="private", actual="public-read", desired="private", kind=Kind.DRIFT
    )
    drift = Drift(
        subject=Subject.RESOURCE,
        address="aws_s3_bucket_acl.sample",
        kind=Kind.DRIFT,
        fingerprint="sample",
        resource_type="aws_s3_bucket_acl",
        action=Action.UPDATE,
        attributes=(opened,),
    )
    finding = Finding(
        drift=drift,
        severity=Severity.HIGH,
        verdict=Verdict.NOTIFY,
        because="This bucket would be open to everybody, were it there.",
    )
    return Report(
        environment="sample",
        repository="sample",
        directory="environments/sample",
        checked_at=now,
        duration=1.0,
        resources=1,
        decisions=(Decision(finding, Transition.NEW, now - timedelta(minutes=5)),),
        proven_at=now,
        in_sync_at=now - timedelta(days=1),
    )
