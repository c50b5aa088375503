"""Parses and compares a generated plan document of about 180 MB, beside plain `json.load`."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Action": "s3:*", "Resource": "*"}]})


def values(index: int, retention: int) -> dict[str, object]:
    return {
        "arn": f"arn:aws:logs:eu-west-1:123456789012:log-group:service-{index}",
        "id": f"service-{index}",
        "name": f"service-{index}",
        "retention_in_days": retention,
        "policy": POLICY,
        "description": "what it is for, who owns it, whom to call " * 32,
        "tags": {"Name": f"service-{index}", "Team": f"team-{index % 40}"},
        "tags_all": {"Name": f"service-{index}", "Team": f"team-{index % 40}"},
        "rules": [{"port": port, "cidr": f"10.{port}.0.0/16"} for port in range(8)],
    }


def entry(index: int, actions: list[str], before: int, after: int) -> dict[str, object]:
    return {
        "address": f'module.service["{index}"].aws_cloudwatch_log_group.this',
        "mode": "managed",
        "type": "aws_cloudwatch_log_group",
        "name": "this",
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": {
            "actions": actions,
            "before": values(index, before),
            "after": values(index, after),
            "after_unknown": {},
            "before_sensitive": {"tags": {}, "tags_all": {}, "rules": [{}] * 8},
            "after_sensitive": {"tags": {}, "tags_all": {}, "rules": [{}] * 8},
        },
    }


def document(resources: int, drifted: int) -> dict[str, object]:
    every = max(1, resources // drifted)
    state = [
        {
            "address": f"aws_cloudwatch_log_group.this[{index}]",
            "mode": "managed",
            "type": "aws_cloudwatch_log_group",
            "values": values(index, 30),
            "sensitive_values": {"tags": {}, "tags_all": {}},
        }
        for index in range(resources)
    ]
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {"resources": state}},
        "resource_drift": [entry(i, ["update"], 30, 7) for i in range(0, resources, every)],
        "resource_changes": [
            entry(i, ["update"], 7, 30) if i % every == 0 else entry(i, ["no-op"], 30, 30)
            for i in range(resources)
        ],
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": state}}},
        "configuration": {},
        "complete": True,
        "errored": False,
    }


def measure(what: str, path: Path) -> None:
    """Run one way of reading in this process and print seconds and megabytes."""
    if what == "json.load":
        began = time.perf_counter()
        with path.open("rb") as file:
            found = len(json.load(file)["resource_drift"])
    else:
        from driftwatch.domain.comparison import PlanDeclarations, compare
        from driftwatch.domain.masking import Masker
        from driftwatch.domain.plan import parse_plan

        began = time.perf_counter()
        plan = parse_plan(path.read_bytes(), Masker(b"key"))
        found = len(compare(plan, PlanDeclarations(plan)))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<12} {seconds:6.2f} s  {peak:7.0f} MB  {found} drifted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=20_000)
    parser.add_argument("--only", choices=["json.load", "driftwatch"])
    parser.add_argument("--path", type=Path)
    arguments = parser.parse_args()
    if arguments.only:
        measure(arguments.only, arguments.path)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plan.json"
        with path.open("w", encoding="utf-8") as file:
            json.dump(document(arguments.resources, max(1, arguments.resources // 100)), file)
        print(f"{arguments.resources} resources, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        for what in ("json.load", "driftwatch"):
            again = [sys.executable, __file__, "--only", what, "--path", str(path)]
            subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
