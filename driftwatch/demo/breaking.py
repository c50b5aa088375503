"""A command that breaks something in the demo's world, for whoever wants to see it found."""

import shlex
import sys
from collections.abc import Mapping

_SCRIPT = """
import boto3
logs = boto3.client("logs")
groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
name = next(name for name in groups if "prod" in name)
logs.put_retention_policy(logGroupName=name, retentionInDays=545)
"""


def break_command(variables: Mapping[str, str]) -> str:
    """Write a line for a shell that changes how long prod keeps its logs.

    `variables` are those that point an AWS client at the embedded cloud; whatever else the shell
    says of AWS is left out.
    """
    told = {"AWS_DEFAULT_REGION": variables.get("AWS_REGION", ""), **variables}
    words = [f"{name}={value}" for name, value in told.items()]
    script = "; ".join(_SCRIPT.strip().splitlines())
    return shlex.join(["env", "-u", "AWS_PROFILE", *words, sys.executable, "-c", script])
