"""What the pipeline needs from outside: roles, which adapters fill by their shape alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.model import Report
from driftwatch.domain.notice import Delivery, Notice
from driftwatch.domain.snooze import Snooze

Progress = Callable[[str], None]
"""Told in a few words what a check is doing now ("refreshing aws_vpc.main")."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository's files at one commit, on disk, read-only in spirit.

    `path` is the worktree's root; it is gone when the context that gave it ends.
    """

    path: Path
    commit: str
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """A plan as Terraform's JSON, unread, and the tool that made it ("terraform 1.11.4")."""

    content: bytes
    tool: str


class Git(Protocol):
    """Give the files of a repository at a commit. Failures are `CouldNotLook`."""

    def fetch(self, repository: Repository) -> str:
        """Bring the mirror up to date and return the commit that the branch names now."""
        ...

    def directories(self, repository: Repository, commit: str) -> Sequence[str]:
        """List the directories that hold Terraform files at `commit`, relative, sorted."""
        ...

    def checkout(self, repository: Repository, commit: str) -> AbstractContextManager[Checkout]:
        """Lay out a worktree of `commit` for as long as the context lasts."""
        ...


class SourceFiles(Protocol):
    """Read Terraform files, and who owns them, out of a checkout."""

    def read(self, checkout: Checkout, directory: str) -> "Sources":
        """Return the Terraform files of a directory by name; none where there is no directory."""
        ...

    def owners(self, checkout: Checkout) -> tuple[str, bytes] | None:
        """Return the place and the beginning of the CODEOWNERS file that counts, if any."""
        ...


class Terraform(Protocol):
    """Plan an environment without changing anything. Failures are `CouldNotLook`."""

    def plan(
        self, environment: Environment, checkout: Checkout, progress: Progress
    ) -> PlanDocument:
        """Plan in the checkout and return the plan document."""
        ...


class History(Protocol):
    """Remember reports. Failures are `StoreError`."""

    def add(self, report: Report) -> None:
        """Save a report with its findings in one transaction."""
        ...

    def last_looked(self, environment: str) -> Report | None:
        """Return the newest report that could look, if any."""
        ...

    def latest(self, environments: Iterable[str] | None = None) -> Sequence[Report]:
        """Return each environment's newest report, failed ones included, by name."""
        ...

    def of(self, environment: str, limit: int) -> Sequence[Report]:
        """Return the newest `limit` reports of an environment, newest first."""
        ...

    def forget_before(self, moment: datetime) -> int:
        """Drop reports older than `moment`, never an environment's last two, and count them."""
        ...


class Snoozes(Protocol):
    """Remember what people need not hear of. Failures are `StoreError`."""

    def active(self, environment: str) -> Sequence[Snooze]:
        """Return the snoozes of an environment that have not ended."""
        ...


class Channel(Protocol):
    """Carry a notice to people. A failure that concerns all of them is `CouldNotSend`."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Name who is reached where routes name no recipients; no secret is in a name."""
        ...

    def send(self, notice: Notice, recipients: Sequence[str]) -> Delivery:
        """Send to recipients, each an address or one of `targets`, and say who got it."""
        ...


class ServiceManager(Protocol):
    """Whoever supervises the daemon, such as systemd; where there is nobody, nothing happens."""

    def ready(self) -> None:
        """Say that start-up, or a reload, is over."""
        ...

    def reloading(self) -> None:
        """Say that the configuration is being loaded anew."""
        ...

    def stopping(self) -> None:
        """Say that the end has begun."""
        ...

    def watchdog(self) -> None:
        """Say that all is well."""
        ...

    def status(self, text: str) -> None:
        """Say in a line what goes on."""
        ...


class Clock(Protocol):
    """Tell the time, in UTC."""

    def __call__(self) -> datetime:
        """Return the present moment, aware."""
        ...


Sources = Mapping[str, bytes]
"""Terraform files of one directory by name: what the pure `hcl` room reads."""
