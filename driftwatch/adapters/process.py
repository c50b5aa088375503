"""Runs programs: the only subprocess, with `supervisor.py`, which lets nothing survive."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from driftwatch.adapters import supervisor
from driftwatch.errors import Cause, CouldNotLook

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20
_TIME_IS_UP = b"!"
_stopping = threading.Event()
_lines: set[socket.socket] = set()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended; `exit_code` is -n where signal n ended it.

    `truncated` says that a stream held more than was kept.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Grace:
    """How long a program may take to end, in seconds, after each of two polite requests.

    `cleanup` is how long its supervisor may then take to find and kill everything.
    """

    first: float = 30.0
    second: float = 10.0
    cleanup: float = 15.0


def run(  # noqa: PLR0913 - each says something that no caller may leave to chance
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    max_output: int = 8 << 20,
    on_line: Callable[[bytes], None] | None = None,
    grace: Grace = Grace(),
) -> Outcome:
    """Run a program to its end, with exactly the given environment.

    `timeout` is in seconds. `max_output` is in bytes: the first of stdout, the last of stderr.
    When this returns, or when this process dies, nothing that the program started is alive. Raises
    `CouldNotLook` where it cannot be started, and at the end what `on_line` raised.
    """
    ours, theirs = socket.socketpair()
    with ours, _interruptible(ours, argv):
        with theirs:
            process = _start(argv, cwd, env, theirs, grace)
        streams = [_Stream(max_output, on_line), _Stream(max_output, keep_end=True)]
        readers = [
            threading.Thread(target=stream.read, args=(pipe,), daemon=True)
            for stream, pipe in zip(streams, (process.stdout, process.stderr), strict=True)
        ]
        for reader in readers:
            reader.start()
        answer, timed_out = _wait(ours, time.monotonic() + timeout, grace)
        if not answer:
            _end_session(process)
        for reader in readers:
            reader.join(grace.cleanup)
        process.wait()
    return _outcome(argv, answer, streams, timed_out)


def interrupt() -> None:
    """End every program that runs now, politely at first, and let none start any more."""
    _stopping.set()
    for line in tuple(_lines):
        with suppress(OSError):
            line.sendall(_TIME_IS_UP)


@contextmanager
def _interruptible(line: socket.socket, argv: Sequence[str]) -> Iterator[None]:
    """Let `interrupt` reach a program for as long as the context lasts."""
    _lines.add(line)
    try:
        if _stopping.is_set():
            raise CouldNotLook(
                "driftwatch is stopping.",
                cause=Cause.MACHINE,
                retryable=True,
                command=tuple(argv),
            )
        yield
    finally:
        _lines.discard(line)


def _start(
    argv: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    line: socket.socket,
    grace: Grace,
) -> subprocess.Popen[bytes]:
    number = line.fileno()
    settings = (number, grace.first, grace.second, int("LC_CTYPE" in env))
    shim = [sys.executable, "-I", "-S", supervisor.__file__, *map(str, settings)]
    try:
        return subprocess.Popen(
            [*shim, *argv],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(number,),
            start_new_session=True,
            umask=0o077,
        )
    except (OSError, ValueError) as error:
        raise _unstartable(argv, str(error)) from error


def _unstartable(argv: Sequence[str], reason: str) -> CouldNotLook:
    return CouldNotLook(
        f"Cannot start {argv[0]}: {reason}.", cause=Cause.MACHINE, command=tuple(argv)
    )


def _wait(line: socket.socket, deadline: float, grace: Grace) -> tuple[str, bool]:
    """Wait for the supervisor's answer, "" if it cannot give one; past the deadline, ask for it."""
    line.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        return line.recv(64).decode(), False
    except TimeoutError:
        pass
    except ConnectionError:
        return "", False
    line.settimeout(grace.first + grace.second + grace.cleanup)
    try:
        line.sendall(_TIME_IS_UP)
        return line.recv(64).decode(), True
    except OSError:  # a TimeoutError is one of these
        return "", True


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Kill all that the supervisor leaves behind when it is itself killed, or stuck."""
    process.kill()
    for pid in _session(process.pid):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def _session(leader: int) -> list[int]:
    """List the processes of a session that are alive. Format: proc(5), /proc/PID/stat."""
    members = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            fields = entry.read_bytes().rpartition(b")")[2].split()
            if int(fields[3]) == leader:
                members.append(int(entry.parent.name))
    return members


def _outcome(
    argv: Sequence[str], answer: str, streams: Sequence["_Stream"], timed_out: bool
) -> Outcome:
    if answer.startswith("unstartable "):
        raise _unstartable(argv, os.strerror(int(answer.split()[1])))
    for stream in streams:
        if stream.error is not None:
            raise stream.error
    stdout, stderr = (stream.kept.getvalue() for stream in streams)
    truncated = any(stream.truncated for stream in streams)
    return Outcome(_code(answer), stdout, stderr, timed_out, truncated)


def _code(answer: str) -> int:
    word, _, number = answer.partition(" ")
    if not number:
        return -signal.SIGKILL  # the supervisor was killed, and all the rest with it
    return -int(number) if word == "signal" else int(number)


@dataclass(slots=True)
class _Stream:
    """Reads a pipe to its end, whatever happens, and keeps no more than it may.

    Of an output the beginning is kept, without a copy; of messages the end, which says what failed.
    """

    room: int
    on_line: Callable[[bytes], None] | None = None
    keep_end: bool = False
    kept: io.BytesIO = field(default_factory=io.BytesIO)
    truncated: bool = False
    error: Exception | None = None
    _line: bytearray = field(default_factory=bytearray)

    def read(self, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := pipe.read1(_CHUNK):  # type: ignore[attr-defined]
                self._keep(chunk)
                self._tell(chunk)
        if self._line:
            self._tell(b"\n")
        if self.keep_end:
            self._forget_beginning()

    def _keep(self, chunk: bytes) -> None:
        if not self.keep_end:
            room = self.room - self.kept.tell()
            self.kept.write(chunk[:room])
            self.truncated |= len(chunk) > room
            return
        self.kept.write(chunk)
        if self.kept.tell() > 2 * self.room + _CHUNK:
            self._forget_beginning()

    def _forget_beginning(self) -> None:
        if self.kept.tell() > self.room:
            self.truncated = True
            end = self.kept.getvalue()[-self.room :]
            self.kept = io.BytesIO()
            self.kept.write(end)

    def _tell(self, chunk: bytes) -> None:
        """Pass on whole lines; an error of the listener is kept, for the pipe must be read on."""
        if self.on_line is None or self.error is not None:
            return
        *whole, rest = chunk.split(b"\n")
        try:
            for line in whole:
                self.on_line(bytes(self._line + line))
                self._line.clear()
        except Exception as error:  # noqa: BLE001 - raised where the program was started
            self.error = error
        self._line += rest[: _LONGEST_LINE - len(self._line)]
