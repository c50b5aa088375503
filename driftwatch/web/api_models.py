"""What the JSON API takes and gives; OpenAPI is made from these."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from driftwatch.config.service_model import Role
from driftwatch.domain.job import Job
from driftwatch.domain.model import Severity, Status
from driftwatch.domain.notice import Event, EventKind
from driftwatch.domain.watched import Watched
from driftwatch.web.queries import WindowNow

Text = Annotated[str, StringConstraints(max_length=2000)]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EnvironmentModel(_Answer):
    """One watched environment, and its newest report in numbers."""

    environment: str
    repository: str
    directory: str
    account: str
    owners: list[str]
    labels: list[str]
    schedule: str
    status: Status = Field(description="As of now: what is too old is stale.")
    status_when_checked: Status
    worst_severity: Severity | None
    drifts: int
    drifts_by_severity: dict[Severity, int]
    pending: int
    snoozed: int
    failure: str = Field(description="Why the newest check could not look; empty if it could.")
    failures_in_a_row: int
    report: int | None = Field(description="The number of the newest report.")
    checked_at: datetime | None
    proven_at: datetime | None = Field(description="When it was last looked at completely.")
    in_sync_at: datetime | None = Field(description="When it was last proven in sync.")
    stale_after_seconds: float
    watched_since: datetime
    next_due_at: datetime | None
    retry_at: datetime | None

    @classmethod
    def of(cls, one: Watched, now: datetime) -> Self:
        """Describe an environment as it stands now."""
        return cls(
            environment=one.environment,
            repository=one.repository,
            directory=one.directory,
            account=one.account,
            owners=list(one.owners),
            labels=list(one.labels),
            schedule=one.schedule,
            status=one.status_at(now),
            status_when_checked=one.status,
            worst_severity=one.worst,
            drifts=one.drifted,
            drifts_by_severity=dict(one.severities),
            pending=one.pending,
            snoozed=one.snoozed,
            failure=one.failure,
            failures_in_a_row=one.failures,
            report=one.report,
            checked_at=one.checked_at,
            proven_at=one.proven_at,
            in_sync_at=one.in_sync_at,
            stale_after_seconds=one.stale_after,
            watched_since=one.since,
            next_due_at=one.next_due,
            retry_at=one.retry_at,
        )


class EnvironmentList(BaseModel):
    """Environments by name; `after` goes on, where there are more."""

    items: list[EnvironmentModel]
    after: str | None


class CheckModel(_Answer):
    """One check in a line; its report has the same number."""

    number: int
    environment: str
    checked_at: datetime
    status: str
    commit: str
    duration: float = Field(description="In seconds.")
    drifted: int
    cause: str | None = Field(description="Who can mend a check that could not look.")


class CheckList(BaseModel):
    """Checks, the newest first; `before` goes on, where there may be more."""

    items: list[CheckModel]
    before: int | None


class EventModel(_Answer):
    """Something that happened, and was told to people once."""

    number: int
    report: int | None
    kind: EventKind
    environment: str
    at: datetime
    severity: Severity
    key: str
    address: str
    fingerprint: str
    because: str
    since: datetime | None
    note: str

    @classmethod
    def of(cls, found: tuple[int, int | None, Event]) -> Self:
        """Describe an event that has a number and perhaps a report."""
        number, report, event = found
        names = cls.model_fields.keys() - {"number", "report"}
        return cls(number=number, report=report, **{name: getattr(event, name) for name in names})


class EventList(BaseModel):
    """Events, the newest first; `before` goes on, where there may be more."""

    items: list[EventModel]
    before: int | None


class JobModel(_Answer):
    """A check that waits or runs."""

    number: int
    environment: str
    reason: str
    actor: str
    due_at: datetime
    urgent: bool
    override: bool
    waiting: str = Field(description="Why it does not run yet.")
    process: str | None = Field(description="Which process runs it.")
    tries: int
    started_at: datetime | None
    doing: str

    @classmethod
    def of(cls, job: Job) -> Self:
        """Describe a job."""
        names = cls.model_fields.keys() - {"process"}
        return cls(process=job.owner, **{name: getattr(job, name) for name in names})


class WindowModel(BaseModel):
    """A window, and whether it is open."""

    name: str
    allows: bool
    activities: list[str]
    because: str
    open_until: datetime | None
    opens_at: datetime | None

    @classmethod
    def of(cls, found: WindowNow) -> Self:
        """Describe a window."""
        return cls(
            name=found.window.name,
            allows=found.window.allow,
            activities=sorted(found.window.activities),
            because=found.window.because,
            open_until=found.open_until,
            opens_at=found.opens_at,
        )


class QueueModel(BaseModel):
    """Checks that run and wait, in order, and the windows that there are."""

    running: list[JobModel]
    waiting: list[JobModel]
    windows: list[WindowModel]


class MessageModel(_Answer):
    """One message to recipients of one route."""

    number: int
    message_id: str
    route: str
    channel: str
    environment: str
    report: int | None
    digest: str
    recipients: list[str]
    state: str = Field(description="held, pending, sending, sent, parked or dropped.")
    attempts: int
    next_attempt_at: datetime
    created_at: datetime
    sent_at: datetime | None
    error: str


class MessageList(BaseModel):
    """Messages, the newest first; `before` goes on, where there may be more."""

    items: list[MessageModel]
    before: int | None


class SnoozeModel(_Answer):
    """Silence for one drift, bound to its values."""

    number: int
    environment: str
    address: str
    attribute: str
    until: datetime
    because: str
    by: str
    created_at: datetime
    ended_at: datetime | None
    ended_because: str


class SnoozeList(BaseModel):
    """Snoozes, the newest first."""

    items: list[SnoozeModel]


class AuditModel(_Answer):
    """Something that was done, by whom, to what."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, object]


class AuditList(BaseModel):
    """Entries of the audit log, the newest first; `before` goes on, where there may be more."""

    items: list[AuditModel]
    before: int | None


class WhoModel(BaseModel):
    """Who asks, and what they may."""

    actor: str
    role: Role


class QueuedModel(BaseModel):
    """What was queued."""

    environment: str
    override: bool


class CheckQuestion(_Question):
    """How to check."""

    override: bool = Field(default=False, description="Even where a window denies it (admin).")


class SnoozeQuestion(_Question):
    """What not to hear of, until when, and why."""

    environment: Text
    address: Text
    attribute: Text = ""
    until: Text = Field(description="A length such as 2w, or a date.")
    because: Text
