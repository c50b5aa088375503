"""`driftwatch check`: look at environments now and say what drifted."""

from dataclasses import replace
from pathlib import Path

import click

from driftwatch.bootstrap import Installation, open_installation, start_logging
from driftwatch.cli.exits import COULD_NOT_LOOK, exit_code
from driftwatch.cli.output import output_options, write
from driftwatch.cli.progress import PassProgress
from driftwatch.domain.model import Report
from driftwatch.render.text import visible


@click.command()
@click.argument("environments", nargs=-1)
@output_options
@click.option("-j", "--parallel", type=click.IntRange(1), help="How many checks run at once.")
@click.option("--deliver", is_flag=True, help="Also tell people what is news, as the daemon does.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
@click.pass_obj
def command(  # noqa: PLR0913, PLR0917 - one for each option
    config: Path,
    environments: tuple[str, ...],
    format_: str,
    output: Path | None,
    parallel: int | None,
    deliver: bool,
    quiet: bool,
) -> int:
    """Check ENVIRONMENTS, or all of them, and say what drifted.

    One pass, fit for cron: exit code 0 means in sync, 2 drift, 1 that driftwatch could not look.
    A pending change, code that waits for an apply, is shown but is no drift. With --deliver it is
    one pass of the daemon, and may run beside one: nothing is checked or told twice.
    """
    installation = open_installation(config)
    blind = False
    with PassProgress(quiet=quiet) as progress:
        if deliver:
            reports, blind = run_delivering_pass(installation, environments, progress, parallel)
        else:
            reports = run_pass(installation, environments, progress, parallel)
        write_reports(installation, progress)
    now = installation.now()
    write(reports, now, format_, output)
    return COULD_NOT_LOOK if blind else exit_code(reports, now)


def run_pass(
    installation: Installation,
    names: tuple[str, ...],
    progress: PassProgress,
    parallel: int | None = None,
) -> list[Report]:
    """Check environments at once, telling each result as it comes; sorted by name."""
    progress.doing("git", "fetching repositories")
    fleet = installation.discover(names)
    for note in fleet.notes:
        progress.say(note)
    progress.expect(len(fleet.environments))
    reports = []
    for report in installation.check(fleet, progress.doing, parallel):
        progress.done(report)
        reports.append(report)
    installation.forget_old_reports()
    return sorted(reports, key=lambda report: report.environment)


def run_delivering_pass(
    installation: Installation,
    names: tuple[str, ...],
    progress: PassProgress,
    parallel: int | None = None,
) -> tuple[list[Report], bool]:
    """Make one pass as the daemon would, tell people what is news, and say what was skipped.

    Returns the reports, and whether a repository could not be reached of which nothing is known.
    """
    from driftwatch.daemon.single_pass import run_single_pass  # noqa: PLC0415 - slow to import

    start_logging(installation.config, level="warning")
    if parallel:
        settings = replace(installation.config, parallelism=parallel)
        installation = replace(installation, config=settings)
    progress.doing("git", "fetching repositories")
    passed = run_single_pass(installation, names, progress)
    for note in passed.notes:
        progress.say(note)
    for note in passed.skipped:  # never silent, not even for cron
        click.echo(visible(note), err=True)
    if passed.unsent:
        noun = "message waits" if passed.unsent == 1 else "messages wait"
        click.echo(f"{passed.unsent} {noun} to be sent; see `driftwatch messages list`", err=True)
    for name in passed.blind:
        click.echo(f"The repository {name} cannot be reached; see `driftwatch doctor`", err=True)
    reports = sorted(passed.reports, key=lambda report: report.environment)
    return reports, bool(passed.blind)


def write_reports(installation: Installation, progress: PassProgress) -> list[Path]:
    """Write the fleet's newest reports to the reports directory, in every configured format."""
    written = installation.write_reports()
    for path in written:
        progress.say(f"wrote {path}")
    return written
