"""Stand-ins for the world: one fake for each port that the pipeline speaks to."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.model import Report
from driftwatch.domain.snooze import Snooze
from driftwatch.errors import StoreError
from driftwatch.ports import Checkout, PlanDocument, Progress, Sources


@dataclass(slots=True)
class FakeClock:
    """A clock that ticks once whenever somebody looks at it."""

    now: datetime
    tick: timedelta = timedelta(seconds=1)

    def __call__(self) -> datetime:
        moment = self.now
        self.now += self.tick
        return moment


@dataclass(slots=True)
class FakeGit:
    """Repositories by name: a commit, or what goes wrong when somebody asks for it."""

    commits: Mapping[str, str | Exception] = field(default_factory=dict)
    web_url: str | None = None
    open_checkouts: int = 0

    def fetch(self, repository: Repository) -> str:
        commit = self.commits.get(repository.name, "c0ffee")
        if isinstance(commit, Exception):
            raise commit
        return commit

    def directories(self, repository: Repository, commit: str) -> Sequence[str]:
        return ()

    @contextmanager
    def checkout(self, repository: Repository, commit: str) -> Iterator[Checkout]:
        self.open_checkouts += 1
        try:
            yield Checkout(Path("/checkout"), commit, self.web_url)
        finally:
            self.open_checkouts -= 1


Answer = bytes | Exception | Callable[[Progress], bytes]


@dataclass(slots=True)
class FakeTerraform:
    """Plans by environment: a document, what goes wrong, or a function that makes either."""

    answers: Mapping[str, Answer]
    asked: list[str] = field(default_factory=list)

    def plan(
        self, environment: Environment, checkout: Checkout, progress: Progress
    ) -> PlanDocument:
        self.asked.append(environment.name)
        answer = self.answers[environment.name]
        if isinstance(answer, Exception):
            raise answer
        content = answer if isinstance(answer, bytes) else answer(progress)
        return PlanDocument(content, "terraform 1.11.4")


@dataclass(slots=True)
class FakeSources:
    """Terraform files by directory, and what CODEOWNERS says."""

    files: Mapping[str, Sources] = field(default_factory=dict)
    codeowners: bytes | None = None

    def read(self, checkout: Checkout, directory: str) -> Sources:
        return self.files.get(directory, {})

    def owners(self, checkout: Checkout) -> tuple[str, bytes] | None:
        return None if self.codeowners is None else (".github/CODEOWNERS", self.codeowners)


@dataclass(slots=True)
class FakeSnoozes:
    """Snoozes that have not ended; `broken` is what every question meets."""

    snoozes: list[Snooze] = field(default_factory=list)
    broken: Exception | None = None

    def active(self, environment: str) -> Sequence[Snooze]:
        if self.broken:
            raise self.broken
        return [snooze for snooze in self.snoozes if snooze.environment == environment]


@dataclass(slots=True)
class FakeHistory:
    """Reports in the order in which they were added; `broken` is what every question meets."""

    reports: list[Report] = field(default_factory=list)
    broken: Exception | None = None
    full_for: frozenset[str] = frozenset()

    def add(self, report: Report) -> None:
        if report.environment in self.full_for:
            raise StoreError("The disk is full.")
        self.reports.append(report)

    def last_looked(self, environment: str) -> Report | None:
        if self.broken:
            raise self.broken
        looked = (r for r in self.of(environment, len(self.reports)) if r.failure is None)
        return next(looked, None)

    def latest(self, environments: Iterable[str] | None = None) -> Sequence[Report]:
        newest = {report.environment: report for report in self.reports}
        names = set(newest if environments is None else environments)
        return [newest[name] for name in sorted(names & newest.keys())]

    def of(self, environment: str, limit: int) -> Sequence[Report]:
        return [r for r in reversed(self.reports) if r.environment == environment][:limit]

    def forget_before(self, moment: datetime) -> int:
        kept = [r for r in self.reports if r.checked_at >= moment or r in self.of(r.environment, 2)]
        dropped = len(self.reports) - len(kept)
        self.reports = kept
        return dropped
