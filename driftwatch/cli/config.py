"""`driftwatch config`: validate driftwatch.yaml, or print its JSON Schema."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import click

from driftwatch.bootstrap import now
from driftwatch.config.load import load_config
from driftwatch.config.model import Config
from driftwatch.config.schema import config_schema
from driftwatch.domain.schedule import Schedule, find_zone

_TIMES = 3


@click.group()
def command() -> None:
    """Validate driftwatch.yaml, or print its JSON Schema for editors."""


@command.command()
@click.pass_obj
def validate(config: Path) -> int:
    """Check the configuration and list every problem as file:line:column.

    Of a valid one it tells when environments are due next.
    """
    loaded = load_config(config)
    counted = f"{len(loaded.repositories)} repositories, {len(loaded.environments)} environments"
    click.echo(f"{config}: valid ({counted})")
    for line in _next_dues(loaded, now()):
        click.echo(f"  {line}")
    return 0


@command.command()
def schema() -> int:
    """Print the JSON Schema of driftwatch.yaml."""
    click.echo(json.dumps(config_schema(), indent=2))
    return 0


def _next_dues(config: Config, moment: datetime) -> Iterator[str]:
    """Say of each schedule whom it is for and when it comes next, on its own clock."""
    named: dict[Schedule, list[str]] = {}
    for spec in config.environments:
        named.setdefault(spec.template.schedule, []).append(spec.template.name)
    for schedule, names in named.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        times = list(_times(schedule, names[0], moment))
        said = ", ".join(times) if times else "only when asked for"
        yield f"{names[0]}{more}: {schedule}: {said}"


def _times(schedule: Schedule, name: str, moment: datetime) -> Iterator[str]:
    """Give the next three times; those of a cron schedule as it is written, without the spread."""
    written = replace(schedule, spread=timedelta(0)) if schedule.cron else schedule
    due = written.after(moment, name)
    for _ in range(_TIMES):
        if due is None:
            return
        yield f"{due.astimezone(find_zone(schedule.zone)):%a %Y-%m-%d %H:%M %Z}"
        due = written.after(due, name)
