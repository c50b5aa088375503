"""A hard end for a conversation over a socket, however slowly the other side keeps it alive."""

import socket
import time
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Self


class Deadline:
    """Cuts the connection that it made once its seconds are over, from within a context."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._timer = Timer(seconds, self._cut)
        self._timer.daemon = True
        self._lock = Lock()
        self._handle: socket.socket | None = None

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    @property
    def passed(self) -> bool:
        """Say whether the time is over."""
        return time.monotonic() >= self._ends

    def connect(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to the first address that answers; raise `OSError` where none does in time."""
        failure: OSError = TimeoutError()
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            left = min(timeout, self._ends - time.monotonic())
            if left <= 0:
                raise TimeoutError
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(left)
                connection.connect(address)
                connection.settimeout(timeout)
                self._watch(connection)
            except OSError as error:
                connection.close()
                failure = error
            else:
                return connection
        raise failure

    def _watch(self, connection: socket.socket) -> None:
        """Keep a second handle: TLS takes the first one away while it shakes hands."""
        with self._lock:
            if self.passed:
                raise TimeoutError
            self._handle = connection.dup()

    def _cut(self) -> None:
        with self._lock, suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)
