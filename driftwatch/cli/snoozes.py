"""`driftwatch snoozes`: what people decided not to hear of, until when and why."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.desk import list_snoozes
from driftwatch.domain.snooze import Snooze
from driftwatch.render.text import describe_silence, visible


@click.command()
@click.argument("environment", required=False)
@click.option("-a", "--all", "ended", is_flag=True, help="Those that have ended, too.")
@click.option("-f", "--format", "format_", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
def command(config: Path, environment: str | None, ended: bool, format_: str) -> int:
    """List the snoozes of ENVIRONMENT, or of all, the newest first."""
    installation = open_installation(config)
    found = list_snoozes(installation, environment, ended=ended)
    if format_ == "json":
        click.echo(json.dumps([_entry(made) for made in found], indent=2))
        return 0
    for made in found:
        click.echo(_line(made))
    if not found:
        click.echo("Nothing is snoozed.")
    return 0


def _entry(made: Snooze) -> dict[str, object]:
    entry: dict[str, object] = asdict(made)
    del entry["binding"]
    moments = {"until": made.until, "created_at": made.created_at, "ended_at": made.ended_at}
    return entry | {name: when and when.isoformat() for name, when in moments.items()}


def _line(made: Snooze) -> str:
    over = f"  ended {made.ended_at:%Y-%m-%d %H:%M}: {made.ended_because}" if made.ended_at else ""
    where = visible(f"{made.number:>5}  {made.environment}  {made.address}")
    return f"{where}  {describe_silence(made)}{visible(over)}"
