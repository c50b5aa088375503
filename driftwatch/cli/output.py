"""How commands write: stdout is data, stderr is progress."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from driftwatch.bootstrap import write_file
from driftwatch.domain.model import Report
from driftwatch.render.formats import Format, render

Command = Callable[..., Any]


def output_options(command: Command) -> Command:
    """Add `--format` and `--output` to a command."""
    command = click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write to this file instead of standard output.",
    )(command)
    return click.option(
        "-f",
        "--format",
        "format_",
        type=click.Choice([format_.value for format_ in Format]),
        default=Format.TABLE.value,
        show_default=True,
        help="What to write.",
    )(command)


def write(reports: Sequence[Report], now: datetime, format_: str, output: Path | None) -> None:
    """Render reports to a file, or to standard output in the width and colours that it has."""
    color = output is None and wants_color()
    width = shutil.get_terminal_size((100, 24)).columns
    text = render(Format(format_), reports, now, width=width, color=color)
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    else:
        write_file(output, text)


def wants_color() -> bool:
    """Say whether standard output shows colours: a terminal, unless NO_COLOR is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")  # noqa: TID251 - no-color.org
