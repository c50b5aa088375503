"""Writes files that appear whole or not at all."""

import os
from pathlib import Path

from driftwatch.errors import StoreError


def write_whole(path: Path, text: str) -> None:
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
