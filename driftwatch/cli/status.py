"""`driftwatch status`: every environment's status and freshness, from history alone."""

from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.cli.exits import exit_code
from driftwatch.cli.output import output_options, write


@click.command()
@click.argument("environments", nargs=-1)
@output_options
@click.pass_obj
def command(config: Path, environments: tuple[str, ...], format_: str, output: Path | None) -> int:
    """Show what the last checks of ENVIRONMENTS, or of all, said, and how fresh that is.

    Looks at nothing but driftwatch's own history. What is too old counts as "could not look".
    """
    installation = open_installation(config)
    reports = installation.latest(environments)
    now = installation.now()
    write(reports, now, format_, output)
    return exit_code(reports, now)
