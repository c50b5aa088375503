"""Lists which attributes of AWS resources merely mirror other resources.

Sources: the AWS provider's notes on in-line and stand-alone rules of each resource type.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from driftwatch.domain.security_rules import Values, egress_atoms, ingress_atoms, rule_atoms

Atoms = Callable[[Values, Values], Iterator[str]]
"""Name the parts of an element, given it and the resource that it belongs to."""


@dataclass(frozen=True, slots=True)
class Sibling:
    """A resource type that manages a part of its parent's attribute.

    `link` is the attribute that names the parent, `to` the parent's attributes that it may
    hold. Without `element` the sibling stands for the whole attribute; with it, for the elements
    whose atoms `element` lists.
    """

    resource_type: str
    link: str
    to: tuple[str, ...] = ("id",)
    element: Atoms | None = None


def named(*names: str) -> Atoms:
    """Identify an element by the first of `names` that it sets, or by `value` where it is text."""

    def atoms(values: Values, owner: Values) -> Iterator[str]:  # noqa: ARG001 - one of many `Atoms`
        found: Any = next((values[n] for n in (*names, "value") if values.get(n)), None)
        if isinstance(found, str):
            yield found

    return atoms


def inbound_number(values: Values, owner: Values) -> Iterator[str]:  # noqa: ARG001
    """Identify a network ACL's rule for what comes in; in-line ones say no direction."""
    if values.get("egress") is not True:
        yield str(values.get("rule_number") or values.get("rule_no"))


def outbound_number(values: Values, owner: Values) -> Iterator[str]:  # noqa: ARG001
    """Identify a network ACL's rule for what goes out; in-line ones say no direction."""
    if values.get("egress") is not False:
        yield str(values.get("rule_number") or values.get("rule_no"))


SIBLINGS: dict[tuple[str, str], tuple[Sibling, ...]] = {
    ("aws_security_group", "ingress"): (
        Sibling("aws_vpc_security_group_ingress_rule", "security_group_id", element=rule_atoms),
        Sibling("aws_security_group_rule", "security_group_id", element=ingress_atoms),
    ),
    ("aws_security_group", "egress"): (
        Sibling("aws_vpc_security_group_egress_rule", "security_group_id", element=rule_atoms),
        Sibling("aws_security_group_rule", "security_group_id", element=egress_atoms),
    ),
    ("aws_route_table", "route"): (
        Sibling(
            "aws_route",
            "route_table_id",
            element=named(
                "cidr_block",
                "destination_cidr_block",
                "ipv6_cidr_block",
                "destination_ipv6_cidr_block",
                "destination_prefix_list_id",
            ),
        ),
    ),
    ("aws_iam_role", "inline_policy"): (
        Sibling("aws_iam_role_policy", "role", ("name", "id"), named("name")),
    ),
    ("aws_iam_role", "managed_policy_arns"): (
        Sibling("aws_iam_role_policy_attachment", "role", ("name", "id"), named("policy_arn")),
        Sibling("aws_iam_policy_attachment", "roles", ("name", "id"), named("policy_arn")),
    ),
    ("aws_iam_user", "managed_policy_arns"): (
        Sibling("aws_iam_user_policy_attachment", "user", ("name", "id"), named("policy_arn")),
    ),
    ("aws_autoscaling_group", "target_group_arns"): (
        Sibling(
            "aws_autoscaling_attachment",
            "autoscaling_group_name",
            ("name", "id"),
            named("lb_target_group_arn"),
        ),
    ),
    ("aws_autoscaling_group", "load_balancers"): (
        Sibling(
            "aws_autoscaling_attachment", "autoscaling_group_name", ("name", "id"), named("elb")
        ),
    ),
    ("aws_network_acl", "ingress"): (
        Sibling("aws_network_acl_rule", "network_acl_id", element=inbound_number),
    ),
    ("aws_network_acl", "egress"): (
        Sibling("aws_network_acl_rule", "network_acl_id", element=outbound_number),
    ),
    ("aws_instance", "ebs_block_device"): (
        Sibling("aws_volume_attachment", "instance_id", element=named("volume_id")),
    ),
    ("aws_network_interface", "security_groups"): (
        Sibling(
            "aws_network_interface_sg_attachment",
            "network_interface_id",
            element=named("security_group_id"),
        ),
    ),
    ("aws_route53_zone", "vpc"): (
        Sibling("aws_route53_zone_association", "zone_id", ("zone_id", "id"), named("vpc_id")),
    ),
    ("aws_rds_cluster", "cluster_members"): (
        Sibling("aws_rds_cluster_instance", "cluster_identifier", element=named("identifier")),
    ),
    ("aws_vpc_endpoint", "route_table_ids"): (
        Sibling(
            "aws_vpc_endpoint_route_table_association",
            "vpc_endpoint_id",
            element=named("route_table_id"),
        ),
    ),
    ("aws_vpc_endpoint", "subnet_ids"): (
        Sibling(
            "aws_vpc_endpoint_subnet_association", "vpc_endpoint_id", element=named("subnet_id")
        ),
    ),
    ("aws_vpc_endpoint", "policy"): (Sibling("aws_vpc_endpoint_policy", "vpc_endpoint_id"),),
    ("aws_internet_gateway", "vpc_id"): (
        Sibling("aws_internet_gateway_attachment", "internet_gateway_id"),
    ),
    ("aws_eip", "instance"): (Sibling("aws_eip_association", "allocation_id", ("id",)),),
    ("aws_eip", "network_interface"): (Sibling("aws_eip_association", "allocation_id", ("id",)),),
    ("aws_eip", "association_id"): (Sibling("aws_eip_association", "allocation_id", ("id",)),),
    ("aws_eip", "private_ip"): (Sibling("aws_eip_association", "allocation_id", ("id",)),),
    ("aws_ecs_cluster", "capacity_providers"): (
        Sibling("aws_ecs_cluster_capacity_providers", "cluster_name", ("name",)),
    ),
    ("aws_iam_policy", "attachment_count"): (
        Sibling("aws_iam_role_policy_attachment", "policy_arn", ("arn", "id")),
        Sibling("aws_iam_user_policy_attachment", "policy_arn", ("arn", "id")),
        Sibling("aws_iam_group_policy_attachment", "policy_arn", ("arn", "id")),
        Sibling("aws_iam_policy_attachment", "policy_arn", ("arn", "id")),
    ),
    ("aws_kms_key", "policy"): (Sibling("aws_kms_key_policy", "key_id", ("id", "key_id", "arn")),),
    ("aws_secretsmanager_secret", "policy"): (
        Sibling("aws_secretsmanager_secret_policy", "secret_arn", ("arn", "id")),
    ),
    ("aws_sns_topic", "policy"): (Sibling("aws_sns_topic_policy", "arn", ("arn", "id")),),
    ("aws_sqs_queue", "policy"): (Sibling("aws_sqs_queue_policy", "queue_url", ("id", "url")),),
    ("aws_sqs_queue", "redrive_policy"): (
        Sibling("aws_sqs_queue_redrive_policy", "queue_url", ("id", "url")),
    ),
    ("aws_sqs_queue", "redrive_allow_policy"): (
        Sibling("aws_sqs_queue_redrive_allow_policy", "queue_url", ("id", "url")),
    ),
    ("aws_s3_bucket", "server_side_encryption_configuration"): (
        Sibling("aws_s3_bucket_server_side_encryption_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "acceleration_status"): (
        Sibling("aws_s3_bucket_accelerate_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "acl"): (Sibling("aws_s3_bucket_acl", "bucket"),),
    ("aws_s3_bucket", "grant"): (Sibling("aws_s3_bucket_acl", "bucket"),),
    ("aws_s3_bucket", "cors_rule"): (Sibling("aws_s3_bucket_cors_configuration", "bucket"),),
    ("aws_s3_bucket", "lifecycle_rule"): (
        Sibling("aws_s3_bucket_lifecycle_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "logging"): (Sibling("aws_s3_bucket_logging", "bucket"),),
    ("aws_s3_bucket", "object_lock_configuration"): (
        Sibling("aws_s3_bucket_object_lock_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "policy"): (Sibling("aws_s3_bucket_policy", "bucket"),),
    ("aws_s3_bucket", "replication_configuration"): (
        Sibling("aws_s3_bucket_replication_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "request_payer"): (
        Sibling("aws_s3_bucket_request_payment_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "versioning"): (Sibling("aws_s3_bucket_versioning", "bucket"),),
    ("aws_s3_bucket", "website"): (Sibling("aws_s3_bucket_website_configuration", "bucket"),),
    ("aws_s3_bucket", "website_domain"): (
        Sibling("aws_s3_bucket_website_configuration", "bucket"),
    ),
    ("aws_s3_bucket", "website_endpoint"): (
        Sibling("aws_s3_bucket_website_configuration", "bucket"),
    ),
}
