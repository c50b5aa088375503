"""`driftwatch audit`: who did what, and whether anybody changed that list."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.cli.exits import COULD_NOT_LOOK
from driftwatch.render.text import visible


@click.group()
def command() -> None:
    """List who did what, or verify that nobody changed that list."""


@command.command("list")
@click.option("-n", "--limit", type=click.IntRange(1, 1 << 31), default=50, show_default=True)
@click.option("-f", "--format", "format_", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
def list_entries(config: Path, limit: int, format_: str) -> int:
    """List the newest entries of the audit log, the newest first."""
    entries = open_installation(config).store.audit.entries(limit)
    if format_ == "json":
        found = [asdict(entry) for entry in entries]
        click.echo(json.dumps(found, indent=2, default=datetime.isoformat))
        return 0
    for entry in entries:
        detail = ", ".join(f"{name}={value}" for name, value in entry.detail.items())
        moment = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        line = f"{entry.number:>6}  {moment}  {entry.actor}  {entry.action}  {entry.subject}"
        click.echo(visible(f"{line}  {detail}" if detail else line))
    if not entries:
        click.echo("Nothing was done yet.")
    return 0


@command.command()
@click.pass_obj
def verify(config: Path) -> int:
    """Verify every row of the audit log; exit code 1 names the first that was tampered with."""
    count, tampering = open_installation(config).store.audit.verify()
    if tampering is None:
        click.echo(f"All {count} rows are as they were written.")
        return 0
    click.echo(f"Row {tampering.number} of the audit log: {tampering.reason}.", err=True)
    click.echo(f"The {count} rows before it are as they were written.", err=True)
    return COULD_NOT_LOOK
