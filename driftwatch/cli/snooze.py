"""`driftwatch snooze`: not to hear of a known drift for a while, as long as its value stays."""

from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.desk import Wish, login_name, snooze
from driftwatch.render.text import describe_silence, visible


@click.command()
@click.argument("environment")
@click.argument("address")
@click.argument("attribute", default="")
@click.option(
    "--until",
    required=True,
    metavar="TIME",
    help="2w, 2026-12-24 or 2026-12-24T08:00; UTC unless it names a zone, a year at most.",
)
@click.option("--because", required=True, help="Why nobody needs to hear of it.")
@click.option("--by", default=login_name, help="Who decides so; the login name if absent.")
@click.pass_obj
def command(
    config: Path, /, environment: str, address: str, attribute: str, until: str, **given: str
) -> int:
    """Snooze the drift of ADDRESS in ENVIRONMENT, or of one ATTRIBUTE of it.

    It is bound to the values that the newest report shows: when one of them moves, people hear of
    it again at once. A deletion or replacement cannot be snoozed. Snoozing it again edits it.
    """
    wish = Wish(environment, address, until, given["because"], attribute)
    made = snooze(open_installation(config), wish, given["by"])
    what = visible(f"Snooze {made.number}: {made.address} in {environment}")
    click.echo(f"{what}, {describe_silence(made)}")
    click.echo("The next check goes by it; it ends early when the value moves.")
    return 0
