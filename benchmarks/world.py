"""A root module of about 30 AWS resources on moto, applied: what the check benchmarks look at."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from moto.server import ThreadedMotoServer

MODULE = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}

provider "aws" {
  region                      = "eu-west-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
  tags       = { Name = "main" }
}

resource "aws_subnet" "main" {
  count      = 4
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.${count.index}.0/24"
}

resource "aws_security_group" "main" {
  count  = 4
  name   = "group-${count.index}"
  vpc_id = aws_vpc.main.id
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  count             = 4
  security_group_id = aws_security_group.main[count.index].id
  cidr_ipv4         = "10.0.0.0/8"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_cloudwatch_log_group" "main" {
  count             = 6
  name              = "${var.name}-${count.index}"
  retention_in_days = 30
}

resource "aws_iam_role" "main" {
  count = 4
  name  = "${var.name}-${count.index}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_ssm_parameter" "main" {
  count = 4
  name  = "/${var.name}/${count.index}"
  type  = "String"
  value = "value"
}

resource "aws_sns_topic" "main" {
  count = 3
  name  = "${var.name}-${count.index}"
}

variable "name" {
  type    = string
  default = "%s"
}
"""


@contextmanager
def aws() -> Iterator[dict[str, str]]:
    """Start moto on loopback; the environment points terraform at it, and at nothing else."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    try:
        yield {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
        }
    finally:
        server.stop()


def build(folder: Path, names: list[str], env: Mapping[str, str]) -> None:
    """Write and apply one root module per name, as a Git repository at `folder`."""
    for name in names:
        module = folder / "environments" / name
        module.mkdir(parents=True)
        state = folder.parent / "states" / f"{name}.tfstate"
        backend = f'terraform {{\n  backend "local" {{\n    path = "{state}"\n  }}\n}}\n'
        (module / "main.tf").write_text(backend + MODULE.replace("%s", name), encoding="utf-8")
        run(["terraform", "init", "-input=false"], module, env)
        run(["terraform", "apply", "-input=false", "-auto-approve"], module, env)
    git = {**env, "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(folder)}
    (folder / ".gitignore").write_text(".terraform/\n", encoding="utf-8")
    run(["git", "init", "-q", "-b", "main"], folder, git)
    run(["git", "add", "."], folder, git)
    identity = ["-c", "user.name=b", "-c", "user.email=b@example.com"]
    run(["git", *identity, "commit", "-q", "-m", "World"], folder, git)


def run(
    argv: list[str], folder: Path, env: Mapping[str, str], accepted: tuple[int, ...] = (0,)
) -> None:
    """Run a program to its end and stop at an exit code that is not accepted."""
    done = subprocess.run(argv, cwd=folder, env=dict(env), capture_output=True, check=False)
    if done.returncode not in accepted:
        raise SystemExit(f"{argv}: exit {done.returncode}\n{done.stderr.decode()[-2000:]}")
