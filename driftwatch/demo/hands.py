"""How reality is moved by hand in the embedded cloud, one deed each, through boto3."""

import json
from typing import Any

from driftwatch.demo.cloud import REGION, Cloud

_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)


def keep_logs(cloud: Cloud, group: str, days: int) -> None:
    """Set a log group's retention in days, 0 for ever."""
    logs = cloud.client("logs")
    if days:
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)
    else:
        logs.delete_retention_policy(logGroupName=group)


def widen_policy(cloud: Cloud, name: str) -> None:
    """Let an IAM policy allow everything."""
    arn = f"arn:aws:iam::{account(cloud)}:policy/{name}"
    cloud.client("iam").create_policy_version(
        PolicyArn=arn, PolicyDocument=_EVERYTHING, SetAsDefault=True
    )


def grant_everything(cloud: Cloud, role: str) -> None:
    """Put an inline policy on a role."""
    cloud.client("iam").put_role_policy(
        RoleName=role, PolicyName="debugging", PolicyDocument=_EVERYTHING
    )


def allow_moving_tags(cloud: Cloud, repository: str) -> None:
    """Make an image repository's tags mutable."""
    cloud.client("ecr").put_image_tag_mutability(
        repositoryName=repository, imageTagMutability="MUTABLE"
    )


def unblock_public_access(cloud: Cloud, bucket: str) -> None:
    """Delete a bucket's block on public access."""
    cloud.client("s3").delete_public_access_block(Bucket=bucket)


def let_anybody_read(cloud: Cloud, bucket: str) -> None:
    """Attach a bucket policy that makes every object public."""
    statement = {
        "Sid": "Anybody",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


def delete_topic(cloud: Cloud, name: str) -> None:
    """Delete a topic."""
    cloud.client("sns").delete_topic(TopicArn=_topic(cloud, name))


def tag_topic(cloud: Cloud, name: str, key: str, value: str) -> None:
    """Set one tag of a topic."""
    cloud.client("sns").tag_resource(
        ResourceArn=_topic(cloud, name), Tags=[{"Key": key, "Value": value}]
    )


def open_port(cloud: Cloud, group: str, port: int) -> None:
    """Add a rule to a security group that lets the whole internet in."""
    anywhere = [{"CidrIp": "0.0.0.0/0", "Description": "just for a minute"}]
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": anywhere}
    cloud.client("ec2").authorize_security_group_ingress(
        GroupId=security_group(cloud, group)["GroupId"], IpPermissions=[permission]
    )


def close_port(cloud: Cloud, group: str, port: int) -> None:
    """Remove the rule of a security group that opens a port."""
    ec2 = cloud.client("ec2")
    found = security_group(cloud, group)
    permissions = [p for p in found["IpPermissions"] if p.get("FromPort") == port]
    ec2.revoke_security_group_ingress(GroupId=found["GroupId"], IpPermissions=permissions)


def set_threshold(cloud: Cloud, alarm: str, threshold: float) -> None:
    """Set an alarm's threshold and leave the rest of it as it is."""
    cloudwatch = cloud.client("cloudwatch")
    (found,) = cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    kept = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    settings = {name: value for name, value in found.items() if name in kept}
    cloudwatch.put_metric_alarm(**{**settings, "Threshold": threshold})


def scale_reads(cloud: Cloud, table: str, capacity: int) -> None:
    """Set a table's provisioned read capacity."""
    dynamodb = cloud.client("dynamodb")
    now = dynamodb.describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
    throughput = {
        "ReadCapacityUnits": capacity,
        "WriteCapacityUnits": now["WriteCapacityUnits"],
    }
    dynamodb.update_table(TableName=table, ProvisionedThroughput=throughput)


def protect_table(cloud: Cloud, table: str) -> None:
    """Turn a table's deletion protection on."""
    cloud.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=True)


def put_secret(cloud: Cloud, name: str, value: str) -> None:
    """Write a new value over a secret parameter."""
    cloud.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def security_group(cloud: Cloud, name: str) -> Any:
    """Return a security group as EC2 describes it."""
    by_name = [{"Name": "group-name", "Values": [name]}]
    (found,) = cloud.client("ec2").describe_security_groups(Filters=by_name)["SecurityGroups"]
    return found


def account(cloud: Cloud) -> str:
    """Return the account's number."""
    return str(cloud.client("sts").get_caller_identity()["Account"])


def _topic(cloud: Cloud, name: str) -> str:
    return f"arn:aws:sns:{REGION}:{account(cloud)}:{name}"
