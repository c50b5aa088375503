"""Takes checks out of the queue as fast as limits allow, and saves what they found."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from driftwatch.daemon.memory import free_memory
from driftwatch.daemon.site import FRESH, Commits, Register, Site
from driftwatch.domain.job import Candidate, Job
from driftwatch.domain.model import Report
from driftwatch.domain.windows import Activity, find_hindrance
from driftwatch.errors import CouldNotLook, StoreError

log = structlog.get_logger("driftwatch.checks")

_MARGIN = timedelta(minutes=15)  # how long a check may be overdue before others take it over
_TELL_EVERY = 2.0  # seconds
_GROWTH = 30.0  # seconds until a check has taken all the memory that it will
_SAVE_TRIES = (1.0, 2.0, 5.0, 10.0, 20.0)  # seconds between tries to save a report


class Listener(Protocol):
    """Hears how checks go, from the threads that make them."""

    def expect(self, total: int) -> None:
        """Hear how many checks there will be."""
        ...

    def doing(self, environment: str, what: str) -> None:
        """Hear what one check does now."""
        ...

    def done(self, report: Report) -> None:
        """Hear how one check ended."""
        ...


class Silence:
    """Listens to nothing."""

    def expect(self, total: int) -> None:
        """Let it pass."""

    def doing(self, environment: str, what: str) -> None:
        """Let it pass."""

    def done(self, report: Report) -> None:
        """Let it pass."""


class Dispatcher:
    """Runs checks. Its methods are for one thread alone; checks run on `executor`.

    `blocked` says by environment what keeps checks from running that more room would not help.
    """

    def __init__(
        self,
        site: Site,
        commits: Commits,
        register: Register,
        executor: Executor,
        listener: Listener | None = None,
    ) -> None:
        self.listener = listener or Silence()
        self._site = site
        self._commits = commits
        self._register = register
        self._executor = executor
        self._running: dict[int, tuple[Job, Future[None]]] = {}
        self._began: dict[int, float] = {}
        self._doing: dict[int, str] = {}
        self._told = 0.0
        self._turn = threading.Lock()
        self.stopping = threading.Event()
        self.blocked: dict[str, str] = {}

    @property
    def running(self) -> Sequence[Job]:
        """List the checks that this process runs now."""
        with self._turn:
            return [job for job, _ in self._running.values()]

    def overdue(self) -> Sequence[str]:
        """Name the environments whose check takes longer than any check may."""
        with self._turn:
            running = [(job, self._began[number]) for number, (job, _) in self._running.items()]
        now, environments = time.monotonic(), self._register.environments
        limits = {name: one.timeout + _MARGIN for name, one in environments.items()}
        return [
            job.environment
            for job, began in running
            if now - began > limits.get(job.environment, _MARGIN).total_seconds()
        ]

    def fill(self) -> int:
        """Start as many checks as may run now, say of the others why not, and count the started.

        Raises `StoreError`.
        """
        if self.stopping.is_set():
            return 0
        store, started = self._site.installation.store, 0
        self._recover()
        waiting: dict[int, str] = {}
        for candidate, why in self._considered(store.queue.candidates()):
            if not why and self._start(candidate):
                started += 1
            elif why != candidate.waiting:
                waiting[candidate.number] = why
        store.queue.explain(waiting)
        return started

    def _recover(self) -> None:
        """Free what dead processes had claimed, and what we claimed and lost."""
        installation = self._site.installation
        presence = installation.store.presence
        running = {job.number for job in self.running}
        for name in installation.store.queue.recover(
            presence.is_alive, installation.now(), (presence.identity, running)
        ):
            log.warning("check was interrupted and will be made again", environment=name)

    def tell(self) -> None:
        """Save what the running checks do, for whoever watches. Raises `StoreError`."""
        if time.monotonic() - self._told < _TELL_EVERY:
            return
        self._told = time.monotonic()
        with self._turn:
            doing, self._doing = self._doing, {}
        self._site.installation.store.queue.tell(doing)

    def wait(self, seconds: float) -> bool:
        """Wait until no check runs any more, and say whether that is so."""
        deadline = time.monotonic() + seconds
        while self.running:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        return True

    def hand_back(self) -> None:
        """Let the checks that still run be made by others, or later. Raises `StoreError`."""
        for job in self.running:
            self._site.installation.store.queue.hand_back(job)
            log.info("check handed back", environment=job.environment)

    def _considered(self, candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, str]]:
        """Give each candidate with what keeps it from running, "" for those that may."""
        installation = self._site.installation
        settings = installation.config.daemon
        free = self._free_slots()
        counts = Counter(installation.store.queue.running()) if candidates else Counter()
        now = installation.now()
        self.blocked = {}
        for candidate in candidates:
            why = self._obstacle(candidate, now)
            if why:
                self.blocked[candidate.environment] = why
            if not why and free <= 0:
                why = "other checks run first"
            if not why and _is_full(candidate.account, counts, settings.checks_per_account):
                why = f"other checks use the account {candidate.account}"
            if not why:
                free -= 1
                counts[candidate.account] += 1
            yield candidate, why

    def _free_slots(self) -> int:
        """Count the checks that may start now: by number, and by the memory that is free."""
        installation = self._site.installation
        running = len(self.running)
        free = installation.config.parallelism - running
        each = installation.config.daemon.memory_per_check << 20
        if each:
            with self._turn:
                began = list(self._began.values())
            young = sum(time.monotonic() - moment < _GROWTH for moment in began)
            room = free_memory() // each - young
            # One check may always run, or small machines would never look.
            free = min(free, room if running else max(room, 1))
        return max(free, 0)

    def _obstacle(self, candidate: Candidate, now: datetime) -> str:
        if candidate.environment not in self._register.environments:
            return "its repository has not been searched yet"
        if candidate.override:
            return ""
        windows = self._site.installation.config.windows
        environment = (candidate.environment, candidate.labels)
        hindrance = find_hindrance(windows, Activity.CHECK, environment, now)
        if hindrance is None:
            return ""
        until = f" until {hindrance.until:%Y-%m-%d %H:%M} UTC" if hindrance.until else ""
        return f"{hindrance.because}{until}"

    def _start(self, candidate: Candidate) -> bool:
        installation = self._site.installation
        environment = self._register.environments.get(candidate.environment)
        if environment is None:
            return False  # it went this very moment
        lease = environment.timeout + _MARGIN
        job = installation.store.queue.claim(
            candidate.number, self._site.identity, installation.now(), lease
        )
        if job is None:
            return False
        with self._turn:
            self._began[job.number] = time.monotonic()
            self._running[job.number] = (job, self._executor.submit(self._run, job))
        return True

    def _run(self, job: Job) -> None:
        try:
            report = self._look(job)
            interrupted = self.stopping.is_set() and report is not None and report.failure
            if report is not None and not interrupted:
                self._save(report, job)
        except Exception:
            log.exception("a check was lost", environment=job.environment)
        finally:
            self._release(job)

    def _release(self, job: Job) -> None:
        """Let go of a job; one that led to no report is made again, if it is still wanted."""
        try:
            self._site.installation.store.queue.hand_back(job)
        except StoreError as error:
            log.warning("a check could not be handed back", error=str(error))
        with self._turn:
            self._running.pop(job.number)
            self._began.pop(job.number)
        self._site.bell.set()

    def _look(self, job: Job) -> Report | None:
        """Check an environment; None where nobody watches it any more."""
        installation = self._site.installation
        repositories = {r.name: r for r in installation.config.repositories}
        environment = self._register.environments[job.environment]
        repository = repositories[environment.repository]
        log.info("check starts", environment=job.environment, reason=job.reason)
        waited = max(0.0, (installation.now() - job.due_at).total_seconds())
        commit = self._commits.newest(repository, min(waited, FRESH) if job.urgent else FRESH)
        if isinstance(commit, CouldNotLook):
            return installation.pipeline.unreachable(environment, commit)
        self._register.follow(repository.name, commit)
        if job.environment not in self._register.environments:
            return None
        environment = self._register.environments[job.environment]

        def tell(what: str) -> None:
            self._doing[job.number] = what
            self.listener.doing(job.environment, what)

        return installation.pipeline.check(environment, repository, commit, tell)

    def _save(self, report: Report, job: Job) -> None:
        """Save a report, and try again where the disk is full or somebody holds the database."""
        installation = self._site.installation
        for pause in (*_SAVE_TRIES, None):
            try:
                events = installation.store.ledger.record(report, job, installation.telling)
                break
            except StoreError as error:
                log.warning(
                    "a report cannot be saved", environment=job.environment, error=str(error)
                )
                if pause is None or self.stopping.wait(pause):
                    return
        self.listener.done(report)
        if events is None:
            log.warning("check was taken over by another process", environment=job.environment)
            return
        log.info(
            "check ended",
            environment=job.environment,
            status=report.status.value,
            seconds=round(report.duration, 1),
            news=[f"{event.kind} {event.address}".strip() for event in events],
        )


def _is_full(account: str, counts: Counter[str], most: int | None) -> bool:
    return bool(account) and most is not None and counts[account] >= most
