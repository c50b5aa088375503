"""One pass of what the daemon does all the time: for cron, beside a daemon or without one."""

import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from driftwatch.bootstrap import Installation, select_environments
from driftwatch.daemon.dispatcher import Dispatcher, Listener
from driftwatch.daemon.postman import Postman
from driftwatch.daemon.site import Commits, Register, Site
from driftwatch.daemon.upkeep import Upkeep, ping
from driftwatch.domain.model import Report, Status

_ROUND = 0.2  # seconds
_LONGEST_DELIVERY = 300.0  # seconds; what is not sent by then is sent by the next pass


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass found, what it did not check, and how many messages could not be sent.

    `blind` names repositories that cannot be reached and of which no environment is known.
    """

    reports: tuple[Report, ...]
    notes: tuple[str, ...]
    skipped: tuple[str, ...]
    blind: tuple[str, ...]
    unsent: int


def run_single_pass(installation: Installation, names: Sequence[str], listener: Listener) -> Passed:
    """Check environments, all or some by name, and deliver what is news.

    What another process checks just now is waited for and not checked again. Raises `StoreError`
    and `UsageError`.
    """
    store = installation.store
    site = Site(installation)
    store.presence.enter()
    try:
        with (
            ThreadPoolExecutor(installation.config.parallelism) as checks,
            ThreadPoolExecutor(8) as mail,
        ):
            commits = Commits(site)
            register = Register(site, commits)
            dispatcher = Dispatcher(site, commits, register, checks, listener)
            return _Pass(site, register, dispatcher, Postman(site, mail)).run(names)
    finally:
        store.presence.leave()
        store.database.close()


@dataclass(frozen=True, slots=True)
class _Pass:
    site: Site
    register: Register
    dispatcher: Dispatcher
    postman: Postman

    def run(self, names: Sequence[str]) -> Passed:
        installation = self.site.installation
        store = installation.store
        store.align(installation.now())
        self.register.refresh(max_age=0.0)
        environments = tuple(self.register.environments.values())
        wanted = [one.name for one in select_environments(environments, names)]
        self.dispatcher.listener.expect(len(wanted))
        parked = store.outbox.counts().get("parked", 0)
        skipped = self._check(wanted)
        upkeep = Upkeep(self.site, self.postman, grace=0.0)
        upkeep.forget()
        upkeep.back_up()
        upkeep.tell_stale()
        upkeep.release_digests()
        self._deliver()
        unsent = store.outbox.unsent() + max(0, store.outbox.counts().get("parked", 0) - parked)
        blind = tuple(self.register.blind)
        reports = tuple(store.reports.latest(wanted))
        failed = any(report.status is Status.FAILED for report in reports)
        if not (unsent or failed or skipped or blind):
            self._ping()
        return Passed(reports, tuple(self.register.notes), skipped, blind, unsent)

    def _ping(self) -> None:
        if url := self.site.installation.config.daemon.deadman_url:
            ping(url)

    def _check(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Check what is wanted, and say what may not be checked now and why.

        Done is what has a newer report than when we began, whoever made it.
        """
        queue = self.site.installation.store.queue
        newest = self._newest(wanted)
        running = {job.environment for job in queue.all() if job.owner}
        now = self.site.installation.now()
        added = [queue.add(name, "pass", now) for name in wanted if name not in running]
        left, skipped = set(wanted), {}
        while True:
            self.dispatcher.fill()
            jobs = {job.environment: job for job in queue.all()}
            done = {name for name, number in self._newest(left).items() if number > newest[name]}
            left -= done | {name for name in left if name not in jobs}
            for name in left & self.dispatcher.blocked.keys():
                skipped[name] = self.dispatcher.blocked[name]
            left -= skipped.keys()
            if not left:
                break
            self.site.bell.wait(_ROUND)
            self.site.bell.clear()
        queue.withdraw([number for number in added if number is not None])
        return tuple(f"{name} is skipped: {why}" for name, why in sorted(skipped.items()))

    def _newest(self, names: Collection[str]) -> dict[str, int]:
        watched = self.site.installation.store.watchlist.all()
        return {one.environment: one.report or 0 for one in watched if one.environment in names}

    def _deliver(self) -> None:
        """Send what is due, once."""
        installation = self.site.installation
        outbox = installation.store.outbox
        self.postman.recover()
        deadline = time.monotonic() + _LONGEST_DELIVERY
        while time.monotonic() < deadline:
            self.postman.deliver()
            if self.postman.is_idle and not outbox.due(installation.now(), 1):
                break
            self.site.bell.wait(_ROUND)
            self.site.bell.clear()
