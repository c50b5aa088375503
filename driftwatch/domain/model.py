"""The nouns of driftwatch: read this first. What is watched stands in `environment.py`.

Values (`recorded`, `actual`, `desired`) are plain JSON. A sensitive leaf is already replaced by the
text `(sensitive #digest)` and a value that only an apply can know by `UNKNOWN_TEXT`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from driftwatch.domain.snooze import Snooze
from driftwatch.errors import Cause

Value = Any
Path = tuple[str | int, ...]

UNKNOWN_TEXT = "(known after apply)"


class Kind(StrEnum):
    """Name how recorded, actual and desired differ; all equal is in sync and has no name here."""

    PENDING = "pending"
    DRIFT = "drift"
    UNOPPOSED = "unopposed"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Say why an apply would not oppose a move of reality."""

    CODIFIED = "codified"
    IGNORED = "ignored"
    UNDECLARED = "undeclared"


class Action(StrEnum):
    """Say what an apply would do to a resource."""

    NO_OP = "no-op"
    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    FORGET = "forget"


class Subject(StrEnum):
    """Say what kind of thing a drift is about."""

    RESOURCE = "resource"
    OUTPUT = "output"
    CHECK = "check"
    PLAN = "plan"


class Severity(StrEnum):
    """Rank findings for people; `rank` orders them, critical first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Order severities: 0 is the most severe."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """Say what is to be done about a finding."""

    IGNORE = "ignore"
    NOTIFY = "notify"
    ADOPT = "adopt"
    REVERT = "revert"


class Transition(StrEnum):
    """Say how a finding stands against the last check that could look."""

    NEW = "new"
    CHANGED = "changed"
    ONGOING = "ongoing"


class Status(StrEnum):
    """Summarise an environment; STALE and NEVER are never green."""

    IN_SYNC = "in sync"
    PENDING = "pending"
    DRIFTED = "drifted"
    DRIFTED_AND_PENDING = "drifted and pending"
    UNKNOWN = "unknown"
    SNOOZED = "snoozed"
    FAILED = "could not look"
    STALE = "stale"
    NEVER = "never checked"


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the source: `file` is relative to the repository, `line` counts from 1."""

    file: str
    line: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AttributeDrift:
    """One attribute whose three values are not all equal.

    For a list whose order carries no meaning the values hold only the elements that differ, and
    `unchanged_elements` counts the rest.
    """

    path: Path
    recorded: Value
    actual: Value
    desired: Value
    kind: Kind
    reason: Reason | None = None
    sensitive: bool = False
    unchanged_elements: int = 0
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """One resource, output or check block that is not in sync.

    `deleted` means that it was recorded and is gone from reality. `action` is what an apply of the
    code would do. `fingerprint` is the identity of this drift across checks: it moves when a value
    moves. `key` names the thing alone and stays.
    """

    subject: Subject
    address: str
    kind: Kind
    fingerprint: str
    resource_type: str = ""
    provider: str = ""
    action: Action = Action.NO_OP
    action_reason: str | None = None
    reason: Reason | None = None
    deleted: bool = False
    attributes: tuple[AttributeDrift, ...] = ()
    message: str = ""
    location: Location | None = None

    @property
    def key(self) -> str:
        """Name the thing that drifted, whatever its values are."""
        return f"{self.subject}:{self.address}"

    @property
    def moved(self) -> bool:
        """Say whether reality moved in a way that the code does not already hold."""
        return any(_has_moved(kind, reason) for kind, reason in self._kinds)

    @property
    def waiting(self) -> bool:
        """Say whether code waits to be applied."""
        return any(kind in (Kind.PENDING, Kind.CONFLICT) for kind, _ in self._kinds)

    @property
    def _kinds(self) -> tuple[tuple[Kind, Reason | None], ...]:
        own = (self.kind, self.reason)
        return (own, *((attribute.kind, attribute.reason) for attribute in self.attributes))

    @property
    def replaces(self) -> bool:
        """Say whether an apply would destroy and create the thing anew."""
        return self.action is Action.REPLACE


def _has_moved(kind: Kind, reason: Reason | None) -> bool:
    """Tell a move of reality from code that waits; a move that code already holds is over."""
    if kind is Kind.UNOPPOSED:
        return reason is not Reason.CODIFIED
    return kind in (Kind.DRIFT, Kind.CONFLICT)


@dataclass(frozen=True, slots=True)
class Finding:
    """A drift as the rules judge it; `rule` names the rule that decided, "" for the default."""

    drift: Drift
    severity: Severity
    verdict: Verdict
    because: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A finding in the light of history: what it means this time, and whether people may rest."""

    finding: Finding
    transition: Transition
    first_seen: datetime
    snooze: Snooze | None = None

    @property
    def shown(self) -> bool:
        """Say whether people should see it: no rule ignores it, and nobody snoozed it."""
        return self.finding.verdict is not Verdict.IGNORE and self.snooze is None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A finding of the last check that this one no longer sees."""

    key: str
    address: str
    fingerprint: str
    first_seen: datetime
    severity: Severity


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a check could not look; never a clean result."""

    cause: Cause
    message: str
    retryable: bool = False
    command: tuple[str, ...] = ()
    exit_code: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one check of one environment found: the one thing that every renderer reads.

    `failure` set means that driftwatch could not look: `decisions` are then the last known ones.
    `proven_at` is when the environment was last looked at completely, `in_sync_at` when it was last
    proven in sync. `sources_note` says why source links are missing, where they are. `directories`
    are those that the code comes from, relative to the repository.
    """

    environment: str
    repository: str
    directory: str
    checked_at: datetime
    duration: float
    commit: str = ""
    workspace: str = ""
    owners: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    tool: str = ""
    resources: int = 0
    decisions: tuple[Decision, ...] = ()
    resolved: tuple[Resolved, ...] = ()
    failure: Failure | None = None
    proven_at: datetime | None = None
    in_sync_at: datetime | None = None
    stale_after: float = 86400.0
    sources_note: str = ""
    redactions: int = 0
    directories: tuple[str, ...] = ()

    @property
    def visible(self) -> tuple[Decision, ...]:
        """List the decisions that people should see: neither ignored by a rule nor snoozed."""
        return tuple(d for d in self.decisions if d.shown)

    @property
    def snoozed(self) -> tuple[Decision, ...]:
        """List the decisions that people would see, had nobody snoozed them."""
        return tuple(
            d for d in self.decisions if d.snooze and d.finding.verdict is not Verdict.IGNORE
        )

    @property
    def drifted(self) -> tuple[Decision, ...]:
        """List the visible decisions where reality moved away from the code, or unseen by it."""
        return tuple(d for d in self.visible if d.finding.drift.moved)

    @property
    def pending(self) -> tuple[Decision, ...]:
        """List the visible decisions where code waits to be applied, conflicts included."""
        return tuple(d for d in self.visible if d.finding.drift.waiting)

    @property
    def status(self) -> Status:
        """Summarise the check at the time it was made (see `status_at` for staleness)."""
        if self.failure is not None:
            return Status.FAILED
        moved, waiting = bool(self.drifted), bool(self.pending)
        if moved and waiting:
            return Status.DRIFTED_AND_PENDING
        if moved:
            return Status.DRIFTED
        if any(d.finding.drift.kind is Kind.UNKNOWN for d in self.visible):
            return Status.UNKNOWN
        if waiting:
            return Status.PENDING
        return Status.SNOOZED if self.snoozed else Status.IN_SYNC

    def status_at(self, now: datetime) -> Status:
        """Summarise as seen at `now`: a result older than its limit is stale."""
        if self.failure is None and (now - self.checked_at).total_seconds() > self.stale_after:
            return Status.STALE
        return self.status
