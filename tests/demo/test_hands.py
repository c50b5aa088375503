"""Every deed moves reality, and only what it means to move."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from driftwatch.demo import hands
from driftwatch.demo.cloud import REGION, Cloud, embedded_cloud

NARROW = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "*"}]}
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root: Path = tmp_path_factory.mktemp("cloud")
    with embedded_cloud(root) as running:
        yield running


def retention(cloud: Cloud, group: str) -> Any:
    (found,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return found.get("retentionInDays")


def test_logs_are_kept_for_fewer_days_or_for_ever(cloud: Cloud) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/acme/api")
    hands.keep_logs(cloud, "/acme/api", 7)
    assert retention(cloud, "/acme/api") == 7
    hands.keep_logs(cloud, "/acme/api", 0)
    assert retention(cloud, "/acme/api") is None


def test_a_policy_is_widened_in_its_default_version(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    arn = iam.create_policy(PolicyName="deploy", PolicyDocument=NARROW)["Policy"]["Arn"]
    hands.widen_policy(cloud, "deploy")
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "*"


def test_a_role_gains_an_inline_policy(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    iam.create_role(RoleName="task", AssumeRolePolicyDocument=NARROW)
    hands.grant_everything(cloud, "task")
    assert iam.list_role_policies(RoleName="task")["PolicyNames"] == ["debugging"]


def test_image_tags_become_mutable(cloud: Cloud) -> None:
    ecr = cloud.client("ecr")
    ecr.create_repository(repositoryName="acme/api", imageTagMutability="IMMUTABLE")
    hands.allow_moving_tags(cloud, "acme/api")
    (found,) = ecr.describe_repositories(repositoryNames=["acme/api"])["repositories"]
    assert found["imageTagMutability"] == "MUTABLE"


def test_a_bucket_is_opened_to_everybody(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    location = {"LocationConstraint": REGION}
    s3.create_bucket(Bucket="invoices", CreateBucketConfiguration=location)
    block = {"BlockPublicAcls": True, "BlockPublicPolicy": True}
    s3.put_public_access_block(Bucket="invoices", PublicAccessBlockConfiguration=block)
    hands.unblock_public_access(cloud, "invoices")
    hands.let_anybody_read(cloud, "invoices")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchPublicAccessBlock"):
        s3.get_public_access_block(Bucket="invoices")
    policy = json.loads(s3.get_bucket_policy(Bucket="invoices")["Policy"])
    assert policy["Statement"][0]["Principal"] == "*"


def test_a_topic_is_tagged_and_then_deleted(cloud: Cloud) -> None:
    sns = cloud.client("sns")
    tags = [{"Key": "Owner", "Value": "platform"}, {"Key": "Tier", "Value": "1"}]
    arn = sns.create_topic(Name="alerts", Tags=tags)["TopicArn"]
    hands.tag_topic(cloud, "alerts", "Owner", "jane")
    found = {t["Key"]: t["Value"] for t in sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}
    assert found == {"Owner": "jane", "Tier": "1"}
    hands.delete_topic(cloud, "alerts")
    assert sns.list_topics()["Topics"] == []


def test_a_port_is_opened_to_the_internet_and_closed_beside_others(cloud: Cloud) -> None:
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_security_group(GroupName="api", Description="api", VpcId=vpc)
    hands.open_port(cloud, "api", 22)
    hands.open_port(cloud, "api", 9090)
    hands.close_port(cloud, "api", 9090)
    (rule,) = hands.security_group(cloud, "api")["IpPermissions"]
    assert (rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) == (22, "0.0.0.0/0")


def test_an_alarms_threshold_moves_alone(cloud: Cloud) -> None:
    cloudwatch = cloud.client("cloudwatch")
    settings = {
        "AlarmName": "latency",
        "AlarmDescription": "slow",
        "Namespace": "Acme",
        "MetricName": "Latency",
        "ExtendedStatistic": "p95",
        "ComparisonOperator": "GreaterThanThreshold",
        "Period": 60,
        "EvaluationPeriods": 5,
        "AlarmActions": ["arn:aws:sns:eu-central-1:123456789012:alerts"],
    }
    cloudwatch.put_metric_alarm(**settings, Threshold=500)
    hands.set_threshold(cloud, "latency", 2000)
    (found,) = cloudwatch.describe_alarms(AlarmNames=["latency"])["MetricAlarms"]
    assert found["Threshold"] == 2000
    assert {name: found[name] for name in settings} == settings


def test_a_table_is_scaled_and_protected(cloud: Cloud) -> None:
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName="carts",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 4},
    )
    hands.scale_reads(cloud, "carts", 25)
    hands.protect_table(cloud, "carts")
    table = dynamodb.describe_table(TableName="carts")["Table"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 25
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 4
    assert table["DeletionProtectionEnabled"] is True


def test_a_secret_is_overwritten(cloud: Cloud) -> None:
    ssm = cloud.client("ssm")
    ssm.put_parameter(Name="/key", Value="old", Type="SecureString")
    hands.put_secret(cloud, "/key", "new")
    found = ssm.get_parameter(Name="/key", WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"]) == ("new", "SecureString")
