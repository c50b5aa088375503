"""How commands write: stdout is data, stderr is progress, files appear whole or not at all."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from driftwatch.domain.model import Report
from driftwatch.errors import StoreError
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


def write_file(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a half.

    Raises `StoreError` where the disk refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            return  # a device or a pipe: never to be replaced by a file
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8", errors="backslashreplace")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror}.") from error
