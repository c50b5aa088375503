"""`driftwatch policy`: list the rules, or test them with their own examples."""

from pathlib import Path

import click

from driftwatch.bootstrap import policy_rules
from driftwatch.cli.exits import COULD_NOT_LOOK
from driftwatch.domain.policy_examples import run_examples
from driftwatch.render.text import visible


@click.group()
def command() -> None:
    """List the rules, or test them with their own examples."""


@command.command("list")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.pass_obj
def list_rules(config: Path, paths: tuple[Path, ...]) -> int:
    """List rules in the order in which they are asked; the first that fits decides.

    Reads PATHS, or what the configuration names, or the built-in pack where there is none.
    """
    for rule in policy_rules(config, paths):
        severity = rule.severity or "as it is"
        click.echo(visible(f"{severity:<9} {rule.verdict:<7} {rule.name}: {rule.because}"))
    return 0


@command.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.pass_obj
def test_rules(config: Path, paths: tuple[Path, ...]) -> int:
    """Run the examples that stand beside the rules; exit code 1 where one fails.

    Reads PATHS, or what the configuration names, or the built-in pack where there is none.
    """
    rules = policy_rules(config, paths)
    results = run_examples(rules)
    failed = [result for result in results if result.problem]
    for result in failed:
        click.echo(visible(f"FAILED {result.source} {result.rule}: {result.problem}"))
    without = [rule.name for rule in rules if not rule.examples]
    for name in without:
        click.echo(visible(f"note: {name} has no example"), err=True)
    click.echo(f"{len(results)} examples of {len(rules)} rules, {len(failed)} failed")
    return COULD_NOT_LOOK if failed else 0
