"""Assumes an AWS role for one check, narrowed by session policies to reading."""

import json
from collections.abc import Mapping
from typing import Any

from driftwatch.domain.environment import AwsRole
from driftwatch.errors import Cause, CouldNotLook

# A session may do what the role *and* these policies allow. IAM cannot say "all that only reads",
# but AWS's own policy does; the inline one adds what a refresh needs beyond it (the key of a state,
# the value of a secret that code manages) and takes away reads of data that no refresh needs.
# Limit: 2,048 characters. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
READ_ONLY_ACCESS = "iam::aws:policy/ReadOnlyAccess"
READ_ONLY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "secretsmanager:GetSecretValue", "sts:AssumeRole"],
                "Resource": "*",
            },
            {
                "Effect": "Deny",
                "Action": [
                    "athena:GetQueryResults*",
                    "codeartifact:GetAuthorizationToken",
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetRecords",
                    "dynamodb:PartiQL*",
                    "dynamodb:Query",
                    "dynamodb:Scan",
                    "ec2:GetConsole*",
                    "ec2:GetPasswordData",
                    "kinesis:GetRecords",
                    "lambda:Invoke*",
                    "logs:FilterLogEvents",
                    "logs:GetLog*",
                    "logs:GetQueryResults",
                    "redshift*:GetC*Credentials*",
                    "sqs:ReceiveMessage",
                    "ssm:StartSession",
                    "sts:GetFederationToken",
                ],
                "Resource": "*",
            },
        ],
    },
    separators=(",", ":"),
)
_EXPIRED = "cannot be assumed: the credentials have expired"
_REASONS = {
    "AccessDenied": "may not be assumed with these credentials",
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidClientTokenId": "cannot be assumed: the credentials are not accepted",
    "SignatureDoesNotMatch": "cannot be assumed: the credentials are not accepted",
}
_PASSING = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "ServiceUnavailable")
_UNREACHABLE = ("ConnectionError", "HTTPClientError")  # botocore's, by name: it is imported late


def assume(role: AwsRole, base: Mapping[str, str]) -> dict[str, str]:
    """Assume a role and return the session as environment variables.

    `base` holds the credentials to do it with, as environment variables; a `session_policy` of the
    role takes the place of both policies above. Raises `CouldNotLook`.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _client

    try:
        answer = _client(role, base).assume_role(**_request(role))
    except (BotoCoreError, ClientError, ValueError) as error:
        raise _refusal(role, error) from error
    found = answer["Credentials"]
    region = {name: role.region for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if role.region}
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
        **region,
    }


def _client(role: AwsRole, base: Mapping[str, str]) -> Any:
    """Build an STS client that looks into `base` first; what is not there is boto3's own way."""
    import boto3  # noqa: PLC0415 - half a second that most commands need not wait
    import botocore.config  # noqa: PLC0415
    import botocore.session  # noqa: PLC0415

    core = botocore.session.Session(profile=base.get("AWS_PROFILE"))
    for setting, name in (
        ("config_file", "AWS_CONFIG_FILE"),
        ("credentials_file", "AWS_SHARED_CREDENTIALS_FILE"),
        ("ca_bundle", "AWS_CA_BUNDLE"),
    ):
        if base.get(name):
            core.set_config_variable(setting, base[name])
    if base.get("AWS_ACCESS_KEY_ID"):
        secret, token = base.get("AWS_SECRET_ACCESS_KEY", ""), base.get("AWS_SESSION_TOKEN")
        core.set_credentials(base["AWS_ACCESS_KEY_ID"], secret, token)
    return boto3.Session(botocore_session=core).client(
        "sts",
        region_name=role.region
        or base.get("AWS_REGION")
        or base.get("AWS_DEFAULT_REGION")
        or core.get_config_variable("region")
        or "us-east-1",
        endpoint_url=base.get("AWS_ENDPOINT_URL_STS") or base.get("AWS_ENDPOINT_URL"),
        config=botocore.config.Config(
            connect_timeout=10, read_timeout=20, retries={"total_max_attempts": 3}
        ),
    )


def _request(role: AwsRole) -> dict[str, Any]:
    request: dict[str, Any] = {
        "RoleArn": role.role_arn,
        "RoleSessionName": "driftwatch",
        "DurationSeconds": int(role.duration.total_seconds()),
        "Policy": role.session_policy or READ_ONLY,
    }
    if role.session_policy is None:
        _, partition, *_ = role.role_arn.split(":")  # such as aws, aws-cn, aws-us-gov
        request["PolicyArns"] = [{"arn": f"arn:{partition}:{READ_ONLY_ACCESS}"}]
    if role.external_id:
        request["ExternalId"] = role.external_id
    return request


def _refusal(role: AwsRole, error: Exception) -> CouldNotLook:
    response = getattr(error, "response", {})
    code = response.get("Error", {}).get("Code", "")
    unreachable = any(kind.__name__ in _UNREACHABLE for kind in type(error).__mro__)
    reason = _REASONS.get(code, "could not be assumed")
    return CouldNotLook(
        f"The role {role.role_arn} {reason}.",
        cause=Cause.CREDENTIALS,
        retryable=unreachable or code in _PASSING,
        detail=str(error),
    )
