"""Where the parts of the daemon meet: the installation that holds now, and what is watched."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from driftwatch.bootstrap import Installation
from driftwatch.config.expansion import expand
from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.schedule import Schedule
from driftwatch.errors import CouldNotLook

log = structlog.get_logger("driftwatch.daemon")

FRESH = 30.0  # seconds for which a repository need not be fetched again
_FETCHES = 4  # at once


@dataclass(slots=True)
class Site:
    """The installation, replaced as a whole on reload, and a bell that wakes who waits for work."""

    installation: Installation
    bell: threading.Event = field(default_factory=threading.Event)

    @property
    def identity(self) -> str:
        """Name this process to others that share the store."""
        return self.installation.store.presence.identity


@dataclass(frozen=True, slots=True)
class _Fetched:
    outcome: str | CouldNotLook
    began: float


class Commits:
    """Knows the newest commit of each repository, and fetches no more often than is of use."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: dict[tuple[str, str | None], _Fetched] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def newest(self, repository: Repository, max_age: float = FRESH) -> str | CouldNotLook:
        """Return the commit of a repository's branch, as it was at most `max_age` seconds ago."""
        key = (repository.url, repository.branch)
        asked = time.monotonic()
        with self._turn(repository.url):
            known = self._known.get(key)
            if known is None or known.began < asked - max_age:
                began = time.monotonic()
                pipeline = self._site.installation.pipeline
                outcome = pipeline.fetch_one(repository)
                known = self._known[key] = _Fetched(outcome, began)
        return known.outcome

    def _turn(self, url: str) -> threading.Lock:
        with self._guard:
            return self._turns.setdefault(url, threading.Lock())


class Register:
    """Knows which environments there are, and keeps the watchlist in step with that.

    `blind` names repositories that cannot be reached and of which no environment is known: nothing
    else would tell of them.
    """

    def __init__(self, site: Site, commits: Commits) -> None:
        self._site = site
        self._commits = commits
        self._environments: Mapping[str, Environment] = {}
        self._searched: Mapping[str, str | CouldNotLook] = {}
        self._turn = threading.Lock()
        self.notes: Sequence[str] = ()
        self.blind: Sequence[str] = ()

    @property
    def environments(self) -> Mapping[str, Environment]:
        """Return what is watched, by name."""
        return self._environments

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """Return when each environment is due, by name."""
        return {name: one.schedule for name, one in self._environments.items()}

    def refresh(self, max_age: float = FRESH) -> None:
        """Look for environments in every repository, begin with new ones and end with old ones.

        What an unreachable repository holds stays as it was known. Raises `StoreError`.
        """
        with self._turn:
            self._refresh(max_age)

    def follow(self, repository: str, commit: str) -> None:
        """Look again if a repository has another commit than the one that was searched."""
        if self._searched.get(repository) != commit:
            self.refresh()

    def _refresh(self, max_age: float) -> None:
        installation = self._site.installation
        repositories = {r.name: r for r in installation.config.repositories}
        with ThreadPoolExecutor(max_workers=_FETCHES) as executor:
            waiting = {
                name: executor.submit(self._commits.newest, repository, max_age)
                for name, repository in repositories.items()
            }
        commits = {name: future.result() for name, future in waiting.items()}
        directories = self._directories(commits)
        expansion = expand(installation.config.environments, directories)
        found = {environment.name: environment for environment in expansion.environments}
        unreachable = {name for name, at in commits.items() if isinstance(at, CouldNotLook)}
        for name in unreachable:
            log.warning("a repository cannot be reached", repository=name, error=str(commits[name]))
        self._follow(found, unreachable)
        back = {
            name
            for name in commits.keys() - unreachable
            if not isinstance(self._searched.get(name), str)
        }
        if back:
            installation.store.watchlist.retry(back, installation.now())
        self._environments = found
        self._searched = commits
        self.notes = expansion.notes
        known = {environment.repository for environment in found.values()}
        self.blind = tuple(sorted(unreachable - known))

    def _directories(self, commits: Mapping[str, str | CouldNotLook]) -> dict[str, Sequence[str]]:
        """List each repository's directories; those known so far, where it cannot be reached."""
        installation = self._site.installation
        repositories = {r.name: r for r in installation.config.repositories}
        directories: dict[str, Sequence[str]] = {}
        for name, commit in commits.items():
            if isinstance(commit, str):
                directories[name] = installation.git.directories(repositories[name], commit)
            else:
                watched = installation.store.watchlist.all()
                directories[name] = [w.directory for w in watched if w.repository == name]
        return directories

    def _follow(self, found: Mapping[str, Environment], unreachable: set[str]) -> None:
        installation = self._site.installation
        store, now = installation.store, installation.now()
        names = {repository.name for repository in installation.config.repositories}
        quiet = installation.quiet_repositories(names)
        began = store.watchlist.watch(found.values(), now, quiet=quiet)
        installation.settle_in(names - unreachable)
        for name in began:
            log.info("watching", environment=name)
        for name in store.watchlist.gone(found.keys(), unreachable):
            store.ledger.stop_watching(name, now, installation.telling)
            log.info("no longer watching", environment=name)
