"""`driftwatch explain`: the comparison, rules and renderers for a plan made elsewhere."""

import sys
from pathlib import Path

import click

from driftwatch.bootstrap import explain_document
from driftwatch.cli.exits import exit_code
from driftwatch.cli.output import output_options, write
from driftwatch.errors import UsageError


@click.command()
@click.argument("plan", type=click.Path(path_type=Path, allow_dash=True))
@output_options
@click.option("--name", default="plan", show_default=True, help="What to call the environment.")
@click.option(
    "--policies",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    help="Policy files or folders that go before the built-in ones; may be repeated.",
)
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The root module's folder: adds file and line, and reads ignore_changes.",
)
def command(
    plan: Path,
    format_: str,
    output: Path | None,
    name: str,
    policies: tuple[Path, ...],
    source: Path | None,
) -> int:
    """Explain PLAN, the output of `terraform show -json`, or - for standard input.

    Works without Git, without a configuration and without Terraform, on documents of any
    Terraform from 0.12 on and of OpenTofu.
    """
    report, now = explain_document(_read(plan), name, policies, source)
    write([report], now, format_, output)
    return exit_code([report], now)


def _read(plan: Path) -> bytes:
    if str(plan) == "-":
        return sys.stdin.buffer.read()
    try:
        return plan.read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {plan}: {error.strerror}.") from error
