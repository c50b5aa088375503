"""Says which driftwatch processes are alive, so that what a dead one had claimed is free again."""

import os
import secrets
from pathlib import Path
from typing import IO

from driftwatch.adapters.locks import hold, is_held
from driftwatch.errors import SeatTakenError


class Presence:
    """One process's place in `folder`: a file that the kernel unlocks when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[str] | None = None
        self.identity = f"{os.getpid()}-{secrets.token_hex(6)}"

    def enter(self) -> None:
        """Begin to be present, before anything is claimed."""
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = hold(self._folder / self.identity)

    def leave(self) -> None:
        """Cease to be present."""
        if self._file is not None:
            (self._folder / self.identity).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def is_alive(self, identity: str) -> bool:
        """Say whether a process is present."""
        return is_held(self._folder / identity)

    def sweep(self) -> None:
        """Remove what processes that died left behind."""
        for path in self._folder.glob("*-*"):
            if not is_held(path):
                path.unlink(missing_ok=True)


class Seat:
    """The one place that the daemon of a data directory has."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take it; raise `SeatTakenError` with the holder's process id where it is not free."""
        try:
            self._file = hold(self._path)
        except BlockingIOError as error:
            holder = self._path.read_text(encoding="utf-8").strip() or "unknown"
            raise SeatTakenError(
                f"Another daemon (process {holder}) works in {self._path.parent}."
            ) from error
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def leave(self) -> None:
        """Give it up."""
        if self._file is not None:
            self._file.close()
            self._file = None
