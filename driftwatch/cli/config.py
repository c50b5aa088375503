"""`driftwatch config`: validate driftwatch.yaml, or print its JSON Schema."""

import json
from pathlib import Path

import click

from driftwatch.config.load import load_config
from driftwatch.config.schema import config_schema


@click.group()
def command() -> None:
    """Validate driftwatch.yaml, or print its JSON Schema for editors."""


@command.command()
@click.pass_obj
def validate(config: Path) -> int:
    """Check the configuration and list every problem as file:line:column."""
    loaded = load_config(config)
    counted = f"{len(loaded.repositories)} repositories, {len(loaded.environments)} environments"
    click.echo(f"{config}: valid ({counted})")
    return 0


@command.command()
def schema() -> int:
    """Print the JSON Schema of driftwatch.yaml."""
    click.echo(json.dumps(config_schema(), indent=2))
    return 0
