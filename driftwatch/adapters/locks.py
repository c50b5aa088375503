"""File locks that the kernel releases when their holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock on a file, made where it is missing, and wait for it as long as it takes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(path, "a", opener=_private) as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@contextmanager
def locked_within(path: Path, patience: float) -> Iterator[None]:
    """Hold a lock on a file, made where it is missing; raise `TimeoutError` after `patience` s."""
    deadline = time.monotonic() + patience
    pause = 0.0005
    with open(path, "a", opener=_private) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    message = f"another process has held {path.name} for {patience:.0f} s"
                    raise TimeoutError(message) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        yield


@contextmanager
def held_by_nobody(path: Path) -> Iterator[bool]:
    """Try to lock a file for a moment and say whether nobody else holds it."""
    try:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield True
    except OSError:
        yield False


def hold(path: Path) -> IO[str]:
    """Lock a file, made where it is missing, until it is closed; raise `BlockingIOError`."""
    file = open(path, "a+", encoding="utf-8", opener=_private)  # noqa: SIM115 - the caller closes it
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def is_held(path: Path) -> bool:
    """Say whether somebody holds a file; one that is not there is held by nobody."""
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
