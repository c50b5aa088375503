"""Rings when it is time: APScheduler as the clock alone, and what to do when clocks jump.

Nothing is remembered here: what is due stands in the store. Jobs must not call the scheduler, for
it holds a lock while it waits for them.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

log = structlog.get_logger("driftwatch.clock")

_JUMP = 5.0  # seconds by which clocks may part before that counts as a jump
_THREADS = 8


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so often."""

    name: str
    every: timedelta
    do: Callable[[], None]


class Clock:
    """Does chores on time. A chore never runs twice at once, and a late one runs once."""

    def __init__(self, chores: tuple[Chore, ...]) -> None:
        self._chores = chores
        self._scheduler: BackgroundScheduler | None = None
        self._offset = time.time() - time.monotonic()
        self._guard = threading.Lock()
        self._done: dict[str, float] = {}

    def start(self) -> None:
        """Begin: every chore is done at once, and then every so often."""
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(_THREADS)},
            # The default of one second drops what starts late because threads are busy.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        now = datetime.now(UTC)  # noqa: TID251 - APScheduler compares with the same clock
        for chore in self._chores:
            trigger = IntervalTrigger(seconds=chore.every.total_seconds(), timezone=UTC)
            scheduler.add_job(self._do, trigger, args=(chore,), id=chore.name, next_run_time=now)
        scheduler.start()
        self._scheduler = scheduler

    def pause(self) -> None:
        """Ring no more; what is being done is finished."""
        if self._scheduler is not None:
            self._scheduler.pause()

    def stop(self) -> None:
        """End, without waiting for chores."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def jumped(self) -> float:
        """Say by how many seconds the time of day jumped since the last call, 0 where it did not.

        After a jump the clock is set anew: one that was set back would sleep for as long.
        """
        offset = time.time() - time.monotonic()
        jump = offset - self._offset
        self._offset = offset
        if abs(jump) < _JUMP:
            return 0.0
        log.warning("the clock jumped", seconds=round(jump))
        self.stop()
        self.start()
        return jump

    def silent_for(self, name: str) -> float:
        """Say for how many seconds a chore has not been done."""
        with self._guard:
            return time.monotonic() - self._done.setdefault(name, time.monotonic())

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except Exception as error:  # noqa: BLE001 - the next time may go well
            log.warning(
                "a chore failed", chore=chore.name, error=f"{error}", kind=type(error).__name__
            )
        else:
            with self._guard:
                self._done[chore.name] = time.monotonic()
