"""`driftwatch check`: look at environments now and say what drifted."""

from pathlib import Path

import click

from driftwatch.bootstrap import Installation, open_installation
from driftwatch.cli.exits import exit_code
from driftwatch.cli.output import output_options, write, write_file
from driftwatch.cli.progress import PassProgress
from driftwatch.domain.model import Report
from driftwatch.render.formats import Format, render


@click.command()
@click.argument("environments", nargs=-1)
@output_options
@click.option("-j", "--parallel", type=click.IntRange(1), help="How many checks run at once.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on standard error.")
@click.pass_obj
def command(
    config: Path,
    environments: tuple[str, ...],
    format_: str,
    output: Path | None,
    parallel: int | None,
    quiet: bool,
) -> int:
    """Check ENVIRONMENTS, or all of them, and say what drifted.

    One pass, fit for cron: exit code 0 means in sync, 2 drift, 1 that driftwatch could not look.
    A pending change, code that waits for an apply, is shown but is no drift.
    """
    installation = open_installation(config)
    with PassProgress(quiet=quiet) as progress:
        reports = run_pass(installation, environments, progress, parallel)
        write_reports(installation, progress)
    now = installation.now()
    write(reports, now, format_, output)
    return exit_code(reports, now)


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


def write_reports(installation: Installation, progress: PassProgress) -> list[Path]:
    """Write the fleet's newest reports to the reports directory, in every configured format."""
    now = installation.now()
    reports = installation.latest()
    written = []
    for name in installation.config.formats:
        path = installation.config.reports_dir / f"drift{Format(name).extension}"
        write_file(path, render(Format(name), reports, now, width=100, color=False))
        written.append(path)
        progress.say(f"wrote {path}")
    return written
