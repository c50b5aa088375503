"""Talks to the service manager that started this process: systemd's sd_notify(3).

Messages are lines of NAME=VALUE in one datagram to the socket that NOTIFY_SOCKET names. Outside of
systemd nothing is said; a service manager that does not listen is no reason to stop.
"""

import os
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from driftwatch.render.text import visible

_NUMBER = re.compile(r"[0-9]{1,18}")
_LONGEST_STATUS = 400
_PATIENCE = 2.0  # seconds, should the service manager's queue be full
_MICROSECONDS = 1_000_000


class Systemd:
    """The service manager as the environment of this process describes it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._interval = _interval(environ)

    @property
    def listens(self) -> bool:
        """Say whether there is somebody to talk to."""
        return self._address is not None

    def ready(self) -> None:
        """Say that start-up, or a reload, is done."""
        self._tell("READY=1")

    def status(self, text: str) -> None:
        """Say in one line what goes on; `systemctl status` shows it."""
        self._tell(f"STATUS={visible(text)[:_LONGEST_STATUS]}")

    def reloading(self) -> None:
        """Say that a reload begins; `ready` must follow, whatever becomes of it."""
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell("RELOADING=1", f"MONOTONIC_USEC={now}")

    def stopping(self) -> None:
        """Say that shutdown begins."""
        self._tell("STOPPING=1")

    def watchdog(self) -> None:
        """Say that everything is alive; silence for WatchdogSec= is answered with a kill."""
        self._tell("WATCHDOG=1")

    def watchdog_interval(self) -> float | None:
        """Return how often `watchdog` should be called, in seconds; None if it need not be."""
        return self._interval

    def _tell(self, *lines: str) -> None:
        if self._address is None:
            return
        message = "\n".join(lines).encode("utf-8", "backslashreplace")
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            line.sendto(message, self._address)


def _address(text: str) -> str | None:
    """Read NOTIFY_SOCKET: a path, or an abstract name, which is written with @ for its NUL."""
    if text.startswith("@") and len(text) > 1:
        return f"\0{text[1:]}"
    return text if text.startswith("/") else None


def _interval(environ: Mapping[str, str]) -> float | None:
    """Halve WATCHDOG_USEC, if it is meant for this process, as sd_watchdog_enabled(3) advises."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    if not _NUMBER.fullmatch(text) or int(text) == 0:
        return None
    return int(text) / _MICROSECONDS / 2
