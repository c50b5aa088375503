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
    """What a pass found, what it did not check, and how many messages still wait."""

    reports: tuple[Report, ...]
    notes: tuple[str, ...]
    skipped: tuple[str, ...]
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
        self.register.refresh(max_age=0.0)
        environments = tuple(self.register.environments.values())
        wanted = [one.name for one in select_environments(environments, names)]
        self.dispatcher.listener.expect(len(wanted))
        skipped = self._check(wanted)
        upkeep = Upkeep(self.site, self.postman, grace=0.0)
        upkeep.forget()
        upkeep.back_up()
        upkeep.tell_stale()
        upkeep.release_digests()
        unsent = self._deliver()
        reports = installation.store.reports.latest(wanted)
        healthy = not unsent and all(report.status is not Status.FAILED for report in reports)
        if healthy and not skipped and (url := installation.config.daemon.deadman_url):
            ping(url)
        return Passed(tuple(reports), tuple(self.register.notes), skipped, unsent)

    def _check(self, wanted: Collection[str]) -> tuple[str, ...]:
        """Check what is wanted, and say what may not be checked now and why."""
        installation = self.site.installation
        queue, now = installation.store.queue, installation.now()
        running = {job.environment for job in queue.all() if job.owner}
        for name in wanted:
            if name not in running:
                queue.add(name, "pass", now)
        while True:
            started = self.dispatcher.fill()
            ours = [job for job in queue.all() if job.environment in wanted]
            if not ours:
                return ()
            stuck = not started and not any(job.owner for job in queue.all())
            if stuck and all(job.waiting for job in ours):
                queue.remove([job.environment for job in ours])
                return tuple(f"{job.environment} is skipped: {job.waiting}" for job in ours)
            self.site.bell.wait(_ROUND)
            self.site.bell.clear()

    def _deliver(self) -> int:
        """Send what is due, once, and count what could not be sent."""
        installation = self.site.installation
        outbox = installation.store.outbox
        outbox.recover(installation.store.presence.is_alive)
        deadline = time.monotonic() + _LONGEST_DELIVERY
        while time.monotonic() < deadline:
            self.postman.deliver()
            if self.postman.is_idle and not outbox.due(installation.now(), 1):
                break
            self.site.bell.wait(_ROUND)
            self.site.bell.clear()
        counts = outbox.counts()
        return counts.get("pending", 0) + counts.get("parked", 0)
