"""Private folders that are gone after use, and swept where a crash left one."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driftwatch.adapters.locks import held_by_nobody, locked

_ALIVE = ".alive"
_TIME_TO_LOCK = 60.0  # seconds
_LONGEST_SOCKET_FOLDER = 80  # bytes


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can read, and those above it where they are missing."""
    for path in (*reversed(folder.parents), folder):  # `parents=True` would make those readable
        path.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Give a folder that only its owner can read, and remove it on every path out."""
    make_private(parent)
    folder = Path(tempfile.mkdtemp(dir=parent))
    try:
        with locked(folder / _ALIVE):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def place_for_sockets(folder: Path) -> Iterator[Path]:
    """Give a private folder for temporary files whose path is short enough for a socket in it.

    A socket's path has at most 107 bytes (unix(7)), and a provider names its own by some twenty.
    """
    own = folder / "tmp"
    if len(bytes(own)) <= _LONGEST_SOCKET_FOLDER:
        own.mkdir(mode=0o700)
        yield own
        return
    with tempfile.TemporaryDirectory(prefix="dw-", ignore_cleanup_errors=True) as short:
        yield Path(short)


def sweep(parent: Path) -> int:
    """Remove what dead processes left behind, and count it; a folder in use is left alone."""
    removed = 0
    for folder in parent.iterdir() if parent.is_dir() else ():
        alive = folder / _ALIVE
        if not alive.exists():
            # Made this very moment, before its owner could lock it; or its owner died just then.
            if _age(folder) > _TIME_TO_LOCK:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
            continue
        with held_by_nobody(alive) as abandoned:
            if abandoned:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0
