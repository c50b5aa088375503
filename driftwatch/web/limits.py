"""How often one client may ask, and how often it may be wrong; both forget the oldest clients."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

Ticks = Callable[[], float]
"""Tells seconds that never go back."""

_MOST_CLIENTS = 10_000
_MOST_PROVEN = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask for, and how large and slow a body may be (bytes, seconds)."""

    rate: float = 50.0
    burst: int = 400
    body: int = 1 << 20
    form: int = 64 << 10
    patience: float = 10.0


class Buckets:
    """Let each client ask `rate` times a second, and `burst` times at once."""

    def __init__(self, rate: float, burst: int, ticks: Ticks = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._ticks = ticks
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, client: str) -> float:
        """Take one token; return 0, or in how many seconds there will be one."""
        with self._guard:
            now = self._ticks()
            level, at = self._levels.pop(client, (float(self._burst), now))
            level = min(float(self._burst), level + (now - at) * self._rate)
            wait = 0.0 if level >= 1 else (1 - level) / self._rate
            self._levels[client] = (level if wait else level - 1, now)
            while len(self._levels) > _MOST_CLIENTS:
                self._levels.popitem(last=False)
        return wait


class Throttle:
    """Lock out for ever longer who shows wrong tokens; a token proven before is never locked out.

    So a broken client behind the same proxy cannot lock out its neighbours.
    """

    def __init__(self, free: int = 5, ticks: Ticks = time.monotonic) -> None:
        self._free = free
        self._ticks = ticks
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._proven: OrderedDict[bytes, None] = OrderedDict()
        self._guard = threading.Lock()

    def locked_for(self, client: str, secret: str) -> float:
        """Say for how many more seconds a client may not try a secret; 0 where it may."""
        with self._guard:
            _, until = self._failures.get(client, (0, 0.0))
            wait = until - self._ticks()
            return 0.0 if wait <= 0 or _digest(secret) in self._proven else wait

    def fail(self, client: str) -> bool:
        """Count a wrong secret, and say whether it is worth a line in the audit log."""
        with self._guard:
            count = self._failures.pop(client, (0, 0.0))[0] + 1
            beyond = count - self._free
            wait = min(2.0 ** min(beyond, 10), 900.0) if beyond >= 0 else 0.0
            self._failures[client] = (count, self._ticks() + wait)
            while len(self._failures) > _MOST_CLIENTS:
                self._failures.popitem(last=False)
        return count <= self._free or count.bit_count() == 1

    def succeed(self, client: str, secret: str) -> None:
        """Remember that a secret is right, and forgive the client."""
        with self._guard:
            self._failures.pop(client, None)
            self._proven.pop(_digest(secret), None)
            self._proven[_digest(secret)] = None
            while len(self._proven) > _MOST_PROVEN:
                self._proven.popitem(last=False)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()
