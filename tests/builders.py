"""Test data: one `make_<noun>` per noun, every field with a sensible default."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.model import (
    Action,
    AttributeDrift,
    Decision,
    Drift,
    Failure,
    Finding,
    Kind,
    Location,
    Reason,
    Report,
    Resolved,
    Severity,
    Subject,
    Transition,
    Verdict,
)
from driftwatch.domain.snooze import Snooze
from driftwatch.domain.snoozing import bind
from driftwatch.errors import Cause

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
COMMIT = "4f0c2d9be1a7735c86e4d1f29b0a8c37e5d61f02"
WEB = f"https://github.com/example/infrastructure/blob/{COMMIT}"


def make_location(file: str = "environments/prod/main.tf", line: int = 12) -> Location:
    return Location(file, line, f"{WEB}/{file}#L{line}")


def make_attribute(**changes: Any) -> AttributeDrift:
    blank = AttributeDrift(
        path=("retention_in_days",),
        recorded=30,
        actual=7,
        desired=30,
        kind=Kind.DRIFT,
        location=make_location(line=14),
    )
    return replace(blank, **changes)


def make_drift(**changes: Any) -> Drift:
    blank = Drift(
        subject=Subject.RESOURCE,
        address="aws_cloudwatch_log_group.app",
        kind=Kind.DRIFT,
        fingerprint="5d41402abc4b2a76",
        resource_type="aws_cloudwatch_log_group",
        provider="registry.terraform.io/hashicorp/aws",
        action=Action.UPDATE,
        attributes=(make_attribute(),),
        location=make_location(),
    )
    return replace(blank, **changes)


def make_finding(drift: Drift | None = None, **changes: Any) -> Finding:
    blank = Finding(
        drift=drift or make_drift(),
        severity=Severity.MEDIUM,
        verdict=Verdict.NOTIFY,
        because="Somebody changed reality; the next apply would undo it.",
    )
    return replace(blank, **changes)


def make_decision(finding: Finding | None = None, **changes: Any) -> Decision:
    blank = Decision(finding or make_finding(), Transition.NEW, NOW - timedelta(hours=5))
    return replace(blank, **changes)


def make_snooze(drift: Drift | None = None, attribute: str = "", **changes: Any) -> Snooze:
    """Make a snooze that is bound to the values that a drift has now."""
    drift = drift or make_drift()
    blank = Snooze(
        number=7,
        environment="prod",
        key=drift.key,
        address=drift.address,
        attribute=attribute,
        binding=bind(drift, attribute),
        until=datetime(2026, 3, 16, tzinfo=UTC),
        because="known, ticket 4711",
        by="ana",
        created_at=NOW - timedelta(days=1),
    )
    return replace(blank, **changes)


def make_snoozed(finding: Finding | None = None, **changes: Any) -> Decision:
    """Make a decision about a finding that somebody snoozed."""
    finding = finding or make_finding()
    changes = {"transition": Transition.ONGOING} | changes
    return make_decision(finding, snooze=make_snooze(finding.drift), **changes)


def make_failure(**changes: Any) -> Failure:
    blank = Failure(
        cause=Cause.CREDENTIALS,
        message="The credentials have expired.",
        retryable=True,
        command=("terraform", "plan", "-input=false", "-lock=false"),
        exit_code=1,
        detail="Error: ExpiredToken: The security token included in the request is expired",
    )
    return replace(blank, **changes)


def make_environment(**changes: Any) -> Environment:
    return replace(Environment("prod", "live", "environments/prod"), **changes)


def make_repository(**changes: Any) -> Repository:
    return replace(Repository("live", "https://github.com/example/infrastructure"), **changes)


def make_report(*decisions: Decision, **changes: Any) -> Report:
    blank = Report(
        environment="prod",
        repository="live",
        directory="environments/prod",
        checked_at=NOW - timedelta(minutes=4),
        duration=6.4,
        commit=COMMIT,
        workspace="default",
        owners=("platform",),
        labels=("production",),
        tool="terraform 1.11.4",
        resources=42,
        decisions=decisions,
        proven_at=NOW - timedelta(minutes=4),
        in_sync_at=NOW - timedelta(days=2),
    )
    return replace(blank, **changes)


def make_fleet() -> tuple[Report, ...]:
    """Make eight reports that show every status, kind and shape of finding once."""
    return (
        _prod(),
        _staging(),
        _dev(),
        _storefront(),
        _networking(),
        _security(),
        _storage(),
        _analytics(),
    )


def _rule(cidr: str, port: int) -> dict[str, Any]:
    return {
        "cidr_blocks": [cidr],
        "description": "",
        "from_port": port,
        "protocol": "tcp",
        "self": False,
        "to_port": port,
    }


def _policy(action: str) -> str:
    return (
        '{"Statement":[{"Action":"' + action + '","Effect":"Allow",'
        '"Resource":"arn:aws:s3:::orders/*"}],"Version":"2012-10-17"}'
    )


def _prod() -> Report:
    opened = make_attribute(
        path=("ingress",),
        recorded=[],
        actual=[_rule("0.0.0.0/0", 22)],
        desired=[_rule("0.0.0.0/0", 22)],
        kind=Kind.UNOPPOSED,
        reason=Reason.UNDECLARED,
        unchanged_elements=2,
        location=make_location("modules/web/main.tf", 31),
    )
    group = make_drift(
        address='module.web["storefront"].aws_security_group.this',
        resource_type="aws_security_group",
        kind=Kind.UNOPPOSED,
        reason=Reason.UNDECLARED,
        action=Action.NO_OP,
        attributes=(opened,),
        fingerprint="0cc175b9c0f1b6a8",
        location=make_location("modules/web/main.tf", 31),
    )
    widened = make_attribute(
        path=("policy",),
        recorded=_policy("s3:GetObject"),
        actual=_policy("s3:*"),
        desired=_policy("s3:GetObject"),
        location=make_location("environments/prod/iam.tf", 9),
    )
    role = make_drift(
        address="aws_iam_role_policy.orders",
        resource_type="aws_iam_role_policy",
        attributes=(widened,),
        fingerprint="92eb5ffee6ae2fec",
        location=make_location("environments/prod/iam.tf", 5),
    )
    secret = make_attribute(
        path=("value",),
        recorded="(sensitive #1f3870be)",
        actual="(sensitive #8d5e957f)",
        desired="(sensitive #1f3870be)",
        sensitive=True,
    )
    parameter = make_drift(
        address="aws_ssm_parameter.database_password",
        resource_type="aws_ssm_parameter",
        attributes=(secret,),
        fingerprint="4a8a08f09d37b737",
    )
    capacity = make_drift(
        address="aws_ecs_service.web",
        resource_type="aws_ecs_service",
        kind=Kind.UNOPPOSED,
        reason=Reason.IGNORED,
        action=Action.NO_OP,
        attributes=(
            make_attribute(
                path=("desired_count",),
                recorded=2,
                actual=6,
                desired=6,
                kind=Kind.UNOPPOSED,
                reason=Reason.IGNORED,
            ),
        ),
        fingerprint="b14a7b8059d9c055",
    )
    return make_report(
        make_decision(
            make_finding(
                group,
                severity=Severity.CRITICAL,
                because="A port for administration is open to the whole internet.",
                rule="ssh open to the world",
            ),
            first_seen=NOW - timedelta(minutes=4),
        ),
        make_decision(
            make_finding(
                role,
                severity=Severity.HIGH,
                because="What a role may do changed outside review.",
                rule="iam policies",
                verdict=Verdict.REVERT,
            ),
            transition=Transition.CHANGED,
        ),
        make_decision(make_finding(parameter), transition=Transition.ONGOING),
        make_decision(
            make_finding(
                capacity,
                severity=Severity.INFO,
                verdict=Verdict.IGNORE,
                because="The code says ignore_changes.",
            ),
            transition=Transition.ONGOING,
        ),
        resolved=(
            Resolved(
                key="resource:aws_sqs_queue.orders",
                address="aws_sqs_queue.orders",
                fingerprint="e1671797c52e15f7",
                first_seen=NOW - timedelta(days=3),
                severity=Severity.MEDIUM,
            ),
        ),
        redactions=3,
    )


def _staging() -> Report:
    conflict = make_attribute(actual=7, desired=60, kind=Kind.CONFLICT)
    gone = make_drift(
        address="aws_sns_topic.alerts",
        resource_type="aws_sns_topic",
        action=Action.CREATE,
        deleted=True,
        attributes=(),
        fingerprint="8277e0910d750195",
        location=make_location("environments/staging/main.tf", 40),
    )
    both = make_drift(kind=Kind.CONFLICT, attributes=(conflict,), fingerprint="e4da3b7fbbce2345")
    return make_report(
        make_decision(make_finding(gone, severity=Severity.HIGH, because="It was deleted.")),
        make_decision(make_finding(both, severity=Severity.HIGH, because="Both moved.")),
        environment="staging",
        directory="environments/staging",
        labels=("staging",),
        sources_note="environments/staging/broken.tf does not parse; links into it are missing.",
    )


def _dev() -> Report:
    waiting = make_attribute(actual=30, desired=60, kind=Kind.PENDING)
    known_later = make_attribute(
        path=("policy",),
        recorded="{}",
        actual="{}",
        desired="(known after apply)",
        kind=Kind.UNKNOWN,
    )
    pending = make_drift(
        kind=Kind.PENDING,
        attributes=(waiting, known_later),
        fingerprint="1679091c5a880faf",
    )
    codified = make_drift(
        address="aws_vpc.main",
        resource_type="aws_vpc",
        kind=Kind.UNOPPOSED,
        reason=Reason.CODIFIED,
        action=Action.NO_OP,
        attributes=(
            make_attribute(
                path=("tags", "kubernetes.io/role"),
                recorded=None,
                actual="elb",
                desired="elb",
                kind=Kind.UNOPPOSED,
                reason=Reason.CODIFIED,
            ),
        ),
        fingerprint="8f14e45fceea167a",
    )
    return make_report(
        make_decision(make_finding(pending, severity=Severity.LOW, because="Code waits.")),
        make_decision(make_finding(codified, severity=Severity.INFO, because="Code has it.")),
        environment="dev",
        directory="environments/dev",
        labels=("development",),
    )


def _storefront() -> Report:
    return make_report(
        environment="storefront",
        directory="applications/storefront",
        owners=("shop",),
        failure=make_failure(),
        proven_at=NOW - timedelta(hours=9),
    )


def _networking() -> Report:
    return make_report(
        environment="base-networking",
        directory="base/networking",
        in_sync_at=NOW - timedelta(minutes=4),
        labels=(),
    )


def _security() -> Report:
    return make_report(
        environment="base-security",
        directory="base/security",
        checked_at=NOW - timedelta(days=3),
        proven_at=NOW - timedelta(days=3),
        in_sync_at=NOW - timedelta(days=3),
        labels=(),
    )


def _storage() -> Report:
    check = make_drift(
        subject=Subject.CHECK,
        address="check.backups",
        kind=Kind.UNKNOWN,
        action=Action.NO_OP,
        attributes=(),
        message="The check ended with status error.",
        fingerprint="c9f0f895fb98ab91",
        location=make_location("base/storage/checks.tf", 3),
    )
    return make_report(
        make_decision(make_finding(check, severity=Severity.HIGH, because="A check fails.")),
        environment="base-storage",
        directory="base/storage",
        labels=(),
    )


def _analytics() -> Report:
    tag = make_attribute(
        path=("tags", "cost-center"),
        recorded="4711",
        actual="4812",
        desired="4711",
        location=make_location("base/analytics/main.tf", 8),
    )
    bucket = make_drift(
        address="aws_s3_bucket.exports",
        resource_type="aws_s3_bucket",
        attributes=(tag,),
        fingerprint="45c48cce2e2d7fbd",
        location=make_location("base/analytics/main.tf", 1),
    )
    return make_report(
        make_snoozed(make_finding(bucket, severity=Severity.LOW)),
        environment="base-analytics",
        directory="base/analytics",
        labels=(),
    )
