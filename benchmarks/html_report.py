"""Renders 10,000 drifted attributes in 1,000 environments, in every format."""

import argparse
import time
from datetime import UTC, datetime, timedelta

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
from driftwatch.render.formats import Format, render

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def report(number: int, attributes: int) -> Report:
    drift = Drift(
        subject=Subject.RESOURCE,
        address=f'module.service["{number}"].aws_cloudwatch_log_group.this',
        kind=Kind.DRIFT,
        fingerprint=f"{number:016x}",
        resource_type="aws_cloudwatch_log_group",
        action=Action.UPDATE,
        attributes=tuple(
            AttributeDrift(("tags", f"key-{i}"), "a", "b", "a", Kind.DRIFT)
            for i in range(attributes)
        ),
    )
    finding = Finding(drift, Severity.MEDIUM, Verdict.NOTIFY, "Somebody changed it.")
    return Report(
        environment=f"environment-{number}",
        repository="live",
        directory=f"environments/{number}",
        checked_at=NOW - timedelta(minutes=number % 60),
        duration=4.0,
        decisions=(Decision(finding, Transition.NEW, NOW - timedelta(hours=3)),),
        proven_at=NOW,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments", type=int, default=1000)
    parser.add_argument("--attributes", type=int, default=10)
    arguments = parser.parse_args()
    reports = [report(n, arguments.attributes) for n in range(arguments.environments)]
    render(Format.HTML, reports[:1], NOW)
    print(f"{arguments.environments} environments, {arguments.attributes} attributes each")
    for format_ in Format:
        began = time.perf_counter()
        text = render(format_, reports, NOW, width=100)
        print(f"{format_:<10}{time.perf_counter() - began:6.2f} s{len(text) / 1e6:8.2f} MB")


if __name__ == "__main__":
    main()
