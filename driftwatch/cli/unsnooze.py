"""`driftwatch unsnooze`: to hear of a snoozed drift again."""

from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.desk import end_snooze, login_name
from driftwatch.render.text import visible


@click.command()
@click.argument("number", type=click.IntRange(1))
@click.option("--because", default="", help="Why it ends before its time.")
@click.option("--by", default=login_name, help="Who decides so; the login name if absent.")
@click.pass_obj
def command(config: Path, number: int, because: str, by: str) -> int:
    """End the snooze with this NUMBER, which `driftwatch snoozes` lists."""
    ended = end_snooze(open_installation(config), number, because, by)
    click.echo(visible(f"Snooze {number} of {ended.address} in {ended.environment} has ended."))
    return 0
