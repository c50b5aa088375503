"""The nouns of what people are told: events, the threads they belong to, notices and deliveries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from driftwatch.domain.model import Report, Severity


class EventKind(StrEnum):
    """Name what happened; each is told once on each route that wants it."""

    OPENED = "opened"
    CHANGED = "changed"
    CLOSED = "closed"
    REMINDED = "reminded"
    OVERDUE = "overdue"
    FAILED = "failed"
    RECOVERED = "recovered"
    STALE = "stale"
    FRESH = "fresh"

    @property
    def is_good(self) -> bool:
        """Say whether the event is a relief rather than an alarm."""
        return self in (EventKind.CLOSED, EventKind.RECOVERED, EventKind.FRESH)


@dataclass(frozen=True, slots=True)
class Event:
    """One transition of one environment, or of one drift in it.

    `severity` is what the rules say now, `worst` the worst that its thread ever had: by that it is
    routed, so that whoever heard of the opening hears of what follows. `since` is when the thing
    began. `note` says why, where the report does not.
    """

    kind: EventKind
    environment: str
    at: datetime
    severity: Severity
    key: str = ""
    address: str = ""
    fingerprint: str = ""
    because: str = ""
    since: datetime | None = None
    note: str = ""
    worst: Severity | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """What people know of one drift, from its opening to its close.

    `told` says whether its opening was news to people: what a quiet first pass found was not.
    `overdue` says that people know how long the change has waited; `resting`, that it is snoozed.
    """

    key: str
    address: str
    fingerprint: str
    severity: Severity
    opened_at: datetime
    pending: bool = False
    told: bool = True
    overdue: bool = False
    resting: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What people know of an environment's health, and what has not come to a telling yet.

    `quiet` holds until the first look of a new installation. `failures` counts in a row.
    """

    quiet: bool = False
    failures: int = 0
    failing_since: datetime | None = None
    told_failed: bool = False
    told_stale: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Everything that one message says, whatever channel carries it.

    `reports` hold the environment's report, or for a digest those of all its environments.
    `message_id` (without angle brackets) stays the same however often the message is sent.
    `attempt` counts from 1. `base_url` is where the dashboard is, "" if people cannot reach it.
    """

    message_id: str
    events: tuple[Event, ...]
    reports: tuple[Report, ...]
    at: datetime
    route: str = ""
    environment: str = ""
    attempt: int = 1
    digest: str = ""
    sample: bool = False
    base_url: str = ""
    report_number: int | None = None
    trend: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a recipient did not get a message; `permanent` where trying again is of no use."""

    reason: str
    permanent: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the sending of one message went, recipient by recipient."""

    accepted: tuple[str, ...] = ()
    refused: Mapping[str, Refusal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to recipients of one route, and how its sending goes.

    `state` is held (a digest that waits for its time), pending, sending, sent, parked or dropped.
    """

    number: int
    message_id: str
    route: str
    channel: str
    environment: str
    report: int | None
    digest: str
    recipients: tuple[str, ...]
    state: str
    attempts: int
    next_attempt_at: datetime
    created_at: datetime
    owner: str | None
    sent_at: datetime | None
    error: str
    first_attempt_at: datetime | None = None
