"""`driftwatch daemon`: watch on schedule, tell people, serve the dashboard."""

from pathlib import Path

import click

from driftwatch.bootstrap import build_service_manager, open_installation, start_logging
from driftwatch.cli.exits import BAD_CONFIGURATION, IN_SYNC, SEAT_TAKEN
from driftwatch.cli.failing import error_lines
from driftwatch.config.load import process_environment
from driftwatch.daemon.service import Daemon, Reload, leave, listen_to_signals
from driftwatch.errors import ConfigError, SeatTakenError
from driftwatch.render.text import visible


@click.command()
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much is logged on standard error.",
)
@click.pass_obj
def command(config: Path, log_level: str) -> int:
    """Check every environment on its schedule, tell people what changed, serve a dashboard.

    SIGTERM ends in good order within `daemon.shutdown`, SIGHUP loads the configuration anew. Exit
    code 75 means that another daemon works in the data directory, 78 that the configuration is bad.
    """
    environ = process_environment()
    try:
        installation = open_installation(config, environ)
        start_logging(installation.config, level=log_level)
        reload = Reload(config, environ, log_level)
        daemon = Daemon(installation, reload, build_service_manager(environ))
        listen_to_signals(daemon)
        daemon.run()
    except ConfigError as error:
        for line in error_lines(error):
            click.echo(line, err=True)
        return BAD_CONFIGURATION
    except SeatTakenError as error:
        click.echo(f"Error: {visible(str(error))}", err=True)
        return SEAT_TAKEN
    leave(IN_SYNC)
    return IN_SYNC
