"""What somebody did behind Terraform's back, each deed with the finding that it must lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from driftwatch.demo import hands
from driftwatch.demo.cases import PlantedCase
from driftwatch.demo.cloud import Cloud
from driftwatch.demo.repository import CodeChange
from driftwatch.domain.model import Kind, Reason

Deed = Callable[[Cloud], None]

_API = 'module.service["api"]'
_PROD = "environments/prod/main.tf"
_STAGING = "environments/staging/main.tf"


@dataclass(frozen=True, slots=True)
class Planted:
    """A case, how reality is moved for it, and what is merged to `main` and not applied."""

    case: PlantedCase
    deed: Deed | None = None
    change: CodeChange | None = None


def _shorter_logs(environment: str) -> Planted:
    return Planted(
        PlantedCase(
            name=f"shorter-logs-{environment}",
            story="To save money, somebody cut log retention from 30 to 7 days, in dev and staging",
            environment=environment,
            address=f"{_API}.aws_cloudwatch_log_group.this",
            attribute=("retention_in_days",),
            kind=Kind.DRIFT,
        ),
        partial(hands.keep_logs, group=f"/acme/{environment}-api", days=7),
    )


_BASE = (
    Planted(
        PlantedCase(
            name="untouched",
            story="Nobody touched the network",
            environment="base-networking",
        )
    ),
    Planted(
        PlantedCase(
            name="policy-widened",
            story="A deployment failed at night, and the pipeline's policy now allows everything",
            environment="base-security",
            address="aws_iam_policy.deploy",
            attribute=("policy",),
            kind=Kind.DRIFT,
        ),
        partial(hands.widen_policy, name="acme-deploy"),
    ),
    Planted(
        PlantedCase(
            name="images-mutable",
            story="Somebody made image tags mutable, to push a fix under an old tag",
            environment="base-storage",
            address='aws_ecr_repository.service["api"]',
            attribute=("image_tag_mutability",),
            kind=Kind.DRIFT,
        ),
        partial(hands.allow_moving_tags, repository="acme/api"),
    ),
    Planted(
        PlantedCase(
            name="public-access-unblocked",
            story="The block on public access was deleted from the bucket of invoices",
            environment="base-storage",
            address='module.bucket["invoices"].aws_s3_bucket_public_access_block.this',
            kind=Kind.DRIFT,
            deleted=True,
        ),
        partial(hands.unblock_public_access, bucket="acme-invoices"),
    ),
    Planted(
        PlantedCase(
            name="bucket-public",
            story="Then a bucket policy was attached that lets anybody read the invoices; "
            "code declares no policy, so a plan does not mention it",
            environment="base-storage",
            address='module.bucket["invoices"].aws_s3_bucket.this',
            attribute=("policy",),
            kind=Kind.UNOPPOSED,
            reason=Reason.UNDECLARED,
        ),
        partial(hands.let_anybody_read, bucket="acme-invoices"),
    ),
)

_STAGES = (
    _shorter_logs("dev"),
    _shorter_logs("staging"),
    Planted(
        PlantedCase(
            name="topic-deleted",
            story="A clean-up script deleted the topic that carries the alerts",
            environment="dev",
            address="aws_sns_topic.alerts",
            kind=Kind.DRIFT,
            deleted=True,
        ),
        partial(hands.delete_topic, name="dev-alerts"),
    ),
    Planted(
        PlantedCase(
            name="follows-from-deletion",
            story="An alarm still sends to that topic; where to, only an apply will know",
            environment="dev",
            address="aws_cloudwatch_metric_alarm.latency",
            attribute=("alarm_actions",),
            kind=Kind.UNKNOWN,
        ),
    ),
    Planted(
        PlantedCase(
            name="rule-removed",
            story="Somebody removed the rule that lets Prometheus in, and monitoring went blind",
            environment="staging",
            address=f'{_API}.aws_vpc_security_group_ingress_rule.this["metrics"]',
            kind=Kind.DRIFT,
            deleted=True,
        ),
        partial(hands.close_port, group="staging-api", port=9090),
    ),
    Planted(
        PlantedCase(
            name="already-codified",
            story="An alarm was made less nervous by hand; the same value was merged since",
            environment="staging",
            address="aws_cloudwatch_metric_alarm.latency",
            attribute=("threshold",),
            kind=Kind.UNOPPOSED,
            reason=Reason.CODIFIED,
        ),
        partial(hands.set_threshold, alarm="staging-api-latency", threshold=800),
        CodeChange(
            title="Staging: alarm at 800 ms, as set by hand on Tuesday",
            branch="staging-alarm",
            file=_STAGING,
            old="= 500\n",
            new="= 800\n",
        ),
    ),
    Planted(
        PlantedCase(
            name="ssh-opened",
            story="SSH was opened to the whole internet, in a group whose rules are resources of "
            "their own: a plan says 'No changes'",
            environment="prod",
            address=f"{_API}.aws_security_group.this",
            attribute=("ingress",),
            kind=Kind.UNOPPOSED,
            reason=Reason.UNDECLARED,
        ),
        partial(hands.open_port, group="prod-api", port=22),
    ),
    Planted(
        PlantedCase(
            name="inline-policy-added",
            story="A task's role was given a policy by hand to debug something; "
            "code does not know it, so a plan does not mention it",
            environment="prod",
            address='module.service["checkout"].aws_iam_role.task',
            attribute=("inline_policy",),
            kind=Kind.UNOPPOSED,
            reason=Reason.UNDECLARED,
        ),
        partial(hands.grant_everything, role="prod-checkout-task"),
    ),
    Planted(
        PlantedCase(
            name="tag-changed",
            story="Somebody wrote their own name into the Owner tag",
            environment="prod",
            address="aws_sns_topic.alerts",
            attribute=("tags", "Owner"),
            kind=Kind.DRIFT,
        ),
        partial(hands.tag_topic, name="prod-alerts", key="Owner", value="jane"),
    ),
    Planted(
        PlantedCase(
            name="conflict",
            story="An alarm was muted by hand (2,000 ms) while code was merged that tightens it "
            "(300 ms)",
            environment="prod",
            address="aws_cloudwatch_metric_alarm.latency",
            attribute=("threshold",),
            kind=Kind.CONFLICT,
        ),
        partial(hands.set_threshold, alarm="prod-api-latency", threshold=2000),
        CodeChange(
            title="Prod: alarm at 300 ms",
            branch="prod-alarm",
            file=_PROD,
            old="= 500\n",
            new="= 300\n",
        ),
    ),
    Planted(
        PlantedCase(
            name="merged-not-applied",
            story="Longer log retention was merged and nobody has applied it yet: not drift",
            environment="prod",
            address='module.service["checkout"].aws_cloudwatch_log_group.this',
            attribute=("retention_in_days",),
            kind=Kind.PENDING,
        ),
        change=CodeChange(
            title="Prod: keep the checkout's logs for half a year",
            branch="prod-checkout-logs",
            file=_PROD,
            old="log_retention_days = 90\n",
            new="log_retention_days = 180\n",
        ),
    ),
)

_STOREFRONT = (
    Planted(
        PlantedCase(
            name="capacity-scaled",
            story="Auto scaling raised the read capacity, as code allows (ignore_changes)",
            environment="storefront",
            address="aws_dynamodb_table.carts",
            attribute=("read_capacity",),
            kind=Kind.UNOPPOSED,
            reason=Reason.IGNORED,
        ),
        partial(hands.scale_reads, table="storefront-carts", capacity=25),
    ),
    Planted(
        PlantedCase(
            name="protected-by-hand",
            story="Somebody turned deletion protection on; code does not ask for it, and the next "
            "apply would turn it off again",
            environment="storefront",
            address="aws_dynamodb_table.carts",
            attribute=("deletion_protection_enabled",),
            kind=Kind.DRIFT,
        ),
        partial(hands.protect_table, table="storefront-carts"),
    ),
    Planted(
        PlantedCase(
            name="secret-rotated",
            story="The payment provider's key was rotated by hand; no report may show it",
            environment="storefront",
            address="aws_ssm_parameter.payment_api_key",
            attribute=("value",),
            kind=Kind.DRIFT,
            secret="pk_live_rotated_by_hand_9Qv2",
        ),
        partial(
            hands.put_secret,
            name="/storefront/payment-api-key",
            value="pk_live_rotated_by_hand_9Qv2",
        ),
    ),
    Planted(
        PlantedCase(
            name="logs-kept-forever",
            story="Somebody removed the log retention during an incident and forgot it",
            environment="storefront",
            address="aws_cloudwatch_log_group.storefront",
            attribute=("retention_in_days",),
            kind=Kind.DRIFT,
        ),
        partial(hands.keep_logs, group="/acme/storefront", days=0),
    ),
)

PLANTED = (*_BASE, *_STAGES, *_STOREFRONT)
