"""`driftwatch report`: render the last known reports again."""

from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.cli.output import output_options, write


@click.command()
@click.argument("environments", nargs=-1)
@output_options
@click.pass_obj
def command(config: Path, environments: tuple[str, ...], format_: str, output: Path | None) -> int:
    """Render the last known reports of ENVIRONMENTS, or of all, without looking again."""
    installation = open_installation(config)
    reports = installation.latest(environments)
    now = installation.now()
    write(reports, now, format_, output)
    return 0
