"""`driftwatch history`: the checks of one environment, newest first."""

import json
from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.domain.model import Report
from driftwatch.errors import UsageError
from driftwatch.render.text import visible


@click.command()
@click.argument("environment")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("-f", "--format", "format_", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
def command(config: Path, environment: str, limit: int, format_: str) -> int:
    """List the last checks of ENVIRONMENT: when, what, how long, at which commit."""
    reports = open_installation(config).history.of(environment, limit)
    if not reports:
        raise UsageError(f"No check of {environment!r} is on record.")
    if format_ == "json":
        click.echo(json.dumps([_entry(report) for report in reports], indent=2))
    else:
        for report in reports:
            click.echo(_line(report))
    return 0


def _entry(report: Report) -> dict[str, object]:
    return {
        "checked_at": report.checked_at.isoformat(),
        "status": report.status.value,
        "findings": len(report.visible),
        "resolved": len(report.resolved),
        "duration_seconds": round(report.duration, 3),
        "commit": report.commit,
        "failure": report.failure.message if report.failure else None,
    }


def _line(report: Report) -> str:
    moment = report.checked_at.strftime("%Y-%m-%d %H:%M:%S")
    said = report.failure.message if report.failure else f"{len(report.visible)} findings"
    if report.resolved:
        said += f", {len(report.resolved)} resolved"
    text = (
        f"{moment}  {report.status:<20}  {report.duration:6.1f} s  {report.commit[:9]:<9}  {said}"
    )
    return visible(text)
