"""`driftwatch demo`: a small real world, broken in front of you, and what driftwatch finds."""

import signal
import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import click

from driftwatch.bootstrap import find_program, open_installation
from driftwatch.cli.check import run_pass, write_reports
from driftwatch.cli.exits import COULD_NOT_LOOK, IN_SYNC
from driftwatch.cli.output import write
from driftwatch.cli.progress import PassProgress
from driftwatch.config.load import process_environment
from driftwatch.errors import UsageError


@click.command()
@click.option("--keep", is_flag=True, help="Leave the world running to play with, until Ctrl-C.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Build the world in this empty folder; a temporary one without it.",
)
def command(keep: bool, directory: Path | None) -> int:
    """Build a small real world, break it in a dozen ways, and check it.

    An embedded AWS on loopback, a real Git repository, the real Terraform with the real AWS
    provider. Your own credentials and configuration are not touched. Exit code 0 means that
    everything planted was found and rightly named.
    """
    if find_spec("moto") is None:
        raise UsageError("The demo needs its extra: pip install '.[demo]' in a checkout.")
    root = directory or Path(tempfile.mkdtemp(prefix="driftwatch-demo-"))
    root.mkdir(parents=True, exist_ok=True)
    return _show(root.resolve(), keep=keep)


def _show(root: Path, *, keep: bool) -> int:
    from driftwatch.demo.verification import render_verification, verify  # noqa: PLC0415
    from driftwatch.demo.world import WorldSettings, build_world  # noqa: PLC0415 - the demo's extra

    environ = process_environment()
    with PassProgress() as progress:
        program = find_program(root, environ)
        progress.say(f"Building a world in {root} with {program.name} {program.version}")
        settings = WorldSettings(binary=program.path, environ=environ)
        with build_world(root, settings, progress.say) as world:
            installation = open_installation(world.config, world.environ)
            progress.say("Checking it once, while everything is as the code says")
            before = run_pass(installation, (), progress)
            progress.say("Tampering with it")
            world.tamper(progress.say)
            progress.say("Checking it again")
            reports = run_pass(installation, (), progress)
            written = write_reports(installation, progress)
            quiet = [report for report in before if report.visible or report.failure]
            verification = verify(world.cases, reports)
            write(reports, installation.now(), "table", None)
            click.echo("\nWhat was done to the world, and what was found:\n")
            click.echo(render_verification(verification))
            for report in quiet:
                click.echo(f"{report.environment} was not quiet before anything was done to it.")
            for path in written:
                click.echo(f"report: {path}")
            if keep:
                _wait(world.config, world.variables)
    return IN_SYNC if verification.all_found and not quiet else COULD_NOT_LOOK


def _wait(config: Path, variables: Mapping[str, str]) -> None:
    """Say how to play with the world, and keep it until somebody has had enough."""
    from driftwatch.demo.breaking import break_command  # noqa: PLC0415 - the demo's extra

    click.echo(
        f"""
The world is yours until Ctrl-C. In another terminal, watch it and open its dashboard:
  {sys.executable} -m driftwatch -c {config} daemon        # http://127.0.0.1:8420
Then break something, and read about it a minute or so later in {config.parent / "mail"}:
  {break_command(variables)}"""
    )
    try:
        signal.pause()
    except KeyboardInterrupt:
        click.echo(f"The world ends; its files stay in {config.parent}.", err=True)
