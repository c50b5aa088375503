"""How a watched environment stands, in numbers, and its checks in lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from driftwatch.domain.model import Severity, Status


@dataclass(frozen=True, slots=True)
class Watched:
    """One watched environment as it stands: its schedule, and its newest report in numbers.

    `directories` are those that its code comes from, local modules included, relative to the
    repository; none before the first check. `severities` counts what `drifted` does.
    """

    environment: str
    repository: str
    directory: str
    account: str
    owners: tuple[str, ...]
    labels: tuple[str, ...]
    schedule: str
    stale_after: float
    since: datetime
    next_due: datetime | None
    retry_at: datetime | None
    failures: int
    report: int | None
    checked_at: datetime | None
    status: Status
    worst: Severity | None
    drifted: int
    pending: int
    snoozed: int
    proven_at: datetime | None
    in_sync_at: datetime | None
    failure: str
    directories: tuple[str, ...] = ()
    severities: Mapping[Severity, int] = field(default_factory=dict)

    def status_at(self, now: datetime) -> Status:
        """Summarise as seen at `now`: what was not looked at for too long is stale."""
        if self.status is Status.FAILED:
            return self.status
        last = self.checked_at or self.since
        if (now - last).total_seconds() > self.stale_after:
            return Status.STALE
        return self.status


@dataclass(frozen=True, slots=True)
class Check:
    """One check in a line: what a list of many needs, without the report itself."""

    number: int
    environment: str
    checked_at: datetime
    status: str
    commit: str
    duration: float
    drifted: int
    cause: str | None
