"""The daemon: watches on schedule, tells people, serves the dashboard, and ends in good order."""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import structlog

from driftwatch.bootstrap import (
    Installation,
    interrupt_programs,
    reopen_installation,
    start_logging,
)
from driftwatch.daemon.clock import Chore, Clock
from driftwatch.daemon.dispatcher import Dispatcher, Silence
from driftwatch.daemon.postman import Postman
from driftwatch.daemon.site import Commits, Register, Site
from driftwatch.daemon.upkeep import Upkeep
from driftwatch.domain.model import Report
from driftwatch.errors import DriftwatchError, StoreError
from driftwatch.ports import ServiceManager
from driftwatch.web.measures import Measures
from driftwatch.web.server import WebServer

log = structlog.get_logger("driftwatch.daemon")

_STILL = 60.0  # seconds after which a clock or a queue that does not move is called ill
_ROUND = 0.5  # seconds between looks at the queue where nobody rings
_THREADS = 1000  # more than checks may ever run at once; threads are made when they are needed
_POLITE = 0.5  # share of the time to shut down in which checks may end by themselves


@dataclass(frozen=True, slots=True)
class Reload:
    """How to load the configuration again."""

    path: Path
    environ: Mapping[str, str]
    log_level: str = "info"


class Daemon:
    """Everything that runs, from `run` to its end."""

    def __init__(self, installation: Installation, reload: Reload, manager: ServiceManager) -> None:
        self._site = Site(installation)
        self._reload = reload
        self._manager = manager
        self._checks = ThreadPoolExecutor(_THREADS, thread_name_prefix="check")
        self._mail = ThreadPoolExecutor(_THREADS, thread_name_prefix="mail")
        commits = Commits(self._site)
        self.register = Register(self._site, commits)
        self.measures = Measures()
        listener = _Counting(self.measures)
        self.dispatcher = Dispatcher(self._site, commits, self.register, self._checks, listener)
        self.postman = Postman(self._site, self._mail, self.measures.message_settled)
        self._upkeep = Upkeep(self._site, self.postman)
        self._clock = Clock(self._chores())
        self._web: WebServer | None = None
        self._ends = threading.Event()
        self._hurries = threading.Event()
        self._reloads = threading.Event()
        self._turned = time.monotonic()
        self._ill: str = ""

    @property
    def installation(self) -> Installation:
        """Return the installation that holds now."""
        return self._site.installation

    @property
    def web_port(self) -> int | None:
        """Say where the dashboard listens, if it does."""
        return self._web.port if self._web else None

    def problems(self) -> Sequence[str]:
        """Say what is wrong with the daemon itself; nothing where it is healthy."""
        blind = [f"the repository {name} cannot be reached" for name in self.register.blind]
        return [*self._standstills(), *blind, *([self._ill] if self._ill else [])]

    def _standstills(self) -> Sequence[str]:
        """Say what does not move any more; only a new start can mend that."""
        found = []
        silent = self._clock.silent_for("tick")
        if silent > _STILL:
            found.append(f"the clock has stood still for {silent:.0f} s")
        standing = time.monotonic() - self._turned
        if standing > _STILL:
            found.append(f"the queue has stood still for {standing:.0f} s")
        if hung := self.dispatcher.overdue():
            found.append(f"checks do not come to an end: {', '.join(hung)}")
        return found

    def wake(self) -> None:
        """Look at the queue and the outbox now."""
        self._site.bell.set()

    def end(self) -> None:
        """End in good order; asked a second time, in a hurry."""
        if self._ends.is_set():
            self._hurries.set()
        self._ends.set()
        self.wake()

    def reload(self) -> None:
        """Load the configuration again, soon."""
        self._reloads.set()
        self.wake()

    def run(self) -> None:
        """Work until `end`. Raises `SeatTakenError` and `StoreError`."""
        seat = self.installation.seat
        seat.take()
        try:
            self._start()
            while not self._ends.is_set():
                self._turn()
                self._site.bell.wait(_ROUND)
                self._site.bell.clear()
        finally:
            self._stop()
            seat.leave()

    def _start(self) -> None:
        installation = self.installation
        store = installation.store
        store.database.examine()
        store.presence.enter()
        self._note_start()
        if installation.config.web.enabled:
            self._web = WebServer(self, installation.config.web)
            self._web.start()
        self._clock.start()
        self._manager.ready()
        log.info("ready", environments=len(self.register.environments), web=self.web_port)

    def _turn(self) -> None:
        """Go round once: what came up, the queue, the outbox."""
        if self._reloads.is_set():
            self._reloads.clear()
            self._guarded(self._load_anew)
        if self._clock.jumped():
            self._guarded(self._align)
        self._guarded(self._work)
        self._turned = time.monotonic()
        if not self._standstills():
            self._manager.watchdog()

    def _work(self) -> None:
        self.dispatcher.fill()
        self.dispatcher.tell()
        self.postman.deliver()

    def _guarded(self, do: Callable[[], None]) -> None:
        """Do something, and be ill rather than dead where that fails."""
        try:
            do()
            self._ill = ""
        except Exception as error:
            if not self._ill:
                log.exception("the daemon is ill", error=str(error))
            self._ill = str(error) or type(error).__name__
            time.sleep(_ROUND)

    def _chores(self) -> tuple[Chore, ...]:
        minute, hour = timedelta(minutes=1), timedelta(hours=1)
        settings = self.installation.config.daemon
        return (
            Chore("discover", settings.discover, self._discover),
            Chore("tick", timedelta(seconds=1), self._tick),
            Chore("staleness", timedelta(seconds=10), self._upkeep.tell_stale),
            Chore("outbox", timedelta(seconds=10), self._recover),
            Chore("digests", timedelta(seconds=10), self._upkeep.release_digests),
            Chore("reports", timedelta(seconds=20), self._upkeep.write_reports),
            Chore("status", timedelta(seconds=10), self._say_status),
            Chore("dead man's switch", minute, self._ping),
            Chore("backup", minute, self._upkeep.back_up),
            Chore("forgetting", hour, self._upkeep.forget),
        )

    def _tick(self) -> None:
        installation = self.installation
        self.measures.ticked(installation.now())
        if installation.store.watchlist.tick(installation.now(), self.register.schedules):
            self.wake()

    def _discover(self) -> None:
        self.register.refresh()
        self._align()
        self.wake()

    def _recover(self) -> None:
        if self.postman.recover():
            self.wake()

    def _say_status(self) -> None:
        watched, running = len(self.register.environments), len(self.dispatcher.running)
        problems = "".join(f"; {problem}" for problem in self.problems())
        self._manager.status(f"{watched} environments, {running} being checked{problems}")

    def _ping(self) -> None:
        self._upkeep.ping(tuple(self.problems()))

    def _align(self) -> None:
        installation = self.installation
        installation.store.align(installation.now())
        installation.store.watchlist.align(installation.now(), self.register.schedules)

    def _note_start(self) -> None:
        """Write down that the daemon starts, and whether its configuration is another one."""
        installation = self.installation
        digest = _digest(self._reload.path)
        store, now = installation.store, installation.now()
        known = store.fact("configuration")
        action = "daemon.start" if known in (None, digest) else "config.change"
        store.audit.append("driftwatch", action, str(self._reload.path), {"sha256": digest}, now)
        store.remember("configuration", digest)

    def _load_anew(self) -> None:
        """Take the configuration as it is now, or keep the old one where it is no good."""
        self._manager.reloading()
        path = self._reload.path
        now = self.installation.now()
        audit = self.installation.store.audit
        try:
            new = reopen_installation(self.installation, path, self._reload.environ)
            self._move_web(new)
        except DriftwatchError as error:
            log.warning("the configuration is refused, the old one holds", error=str(error))
            audit.append("driftwatch", "config.refuse", str(path), {"error": str(error)}, now)
        else:
            self._site.installation = new
            start_logging(new.config, level=self._reload.log_level)
            self._clock.stop()
            self._clock = Clock(self._chores())
            self._clock.start()  # which looks for environments at once
            log.info("the configuration is loaded anew")
            audit.append("driftwatch", "config.change", str(path), {"sha256": _digest(path)}, now)
            new.store.remember("configuration", _digest(path))
        finally:
            self._manager.ready()

    def _move_web(self, new: Installation) -> None:
        """Listen where the new configuration says, if that is elsewhere. Raises `ConfigError`."""
        before, after = self.installation.config.web, new.config.web
        if (before.enabled, before.host, before.port) == (after.enabled, after.host, after.port):
            return
        server = WebServer(self, after) if after.enabled else None
        if server:
            server.start()
        if self._web:
            self._web.stop()
        self._web = server

    def _stop(self) -> None:
        """Finish or hand back what runs, within the time there is, and leave nothing behind."""
        limit = self.installation.config.daemon.shutdown.total_seconds()
        deadline = time.monotonic() + limit
        self._manager.stopping()
        log.info("stopping", running=len(self.dispatcher.running))
        self._clock.pause()
        self.dispatcher.stopping.set()
        self.postman.stopping.set()
        if self._web:
            self._web.stop()
        self._wait(limit * _POLITE)
        interrupt_programs()
        self.dispatcher.wait(max(0.0, deadline - time.monotonic()))
        self._clock.stop()
        store = self.installation.store
        try:
            self.dispatcher.hand_back()
            self._upkeep.write_reports()
            store.presence.leave()
            store.database.close()
        except StoreError as error:
            log.warning("not everything could be handed back", error=str(error))
        log.info("stopped")

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.dispatcher.running or not self.postman.is_idle:
            if time.monotonic() > deadline or self._hurries.is_set():
                return
            time.sleep(0.05)


class _Counting(Silence):
    """Counts checks as they end."""

    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def done(self, report: Report) -> None:
        """Count one."""
        self._measures.check_finished(report.status, report.duration)


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def listen_to_signals(daemon: Daemon) -> None:
    """End on SIGTERM and SIGINT, load the configuration anew on SIGHUP."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.end())
    signal.signal(signal.SIGHUP, lambda *_: daemon.reload())


def leave(code: int) -> None:
    """End this process at once, whatever threads still wait for."""
    os._exit(code)
