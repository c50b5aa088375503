"""What a webhook gets of a notice, as types, and its published schema.

Like those of `schema`, these types are kept apart from the domain's. A minor version adds keys;
only a major one may remove or rename them.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from driftwatch.domain.model import Report, Severity, Status
from driftwatch.domain.notice import EventKind, Notice
from driftwatch.errors import Cause
from driftwatch.render import schema
from driftwatch.render.json_report import build_finding
from driftwatch.render.notice import Item, find_items, opening
from driftwatch.render.notice_cards import environment_url, report_url
from driftwatch.render.notice_subject import subject
from driftwatch.render.schema import Count, Time
from driftwatch.render.text import sort_worst_first

FORMAT_VERSION = "1.0"

_MOST_EVENTS = 500
_MOST_FINDINGS = 100  # events that come with all values of their finding
_MOST_ENVIRONMENTS = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One transition of an environment, or of one drift in it."""

    kind: EventKind
    environment: str
    at: Time
    severity: Annotated[
        Severity, Meta(description="What the rules say now; of a drift that is over, its worst.")
    ]
    key: Annotated[str, Meta(description='Names the drift as long as it lasts; "" for none.')]
    address: str
    fingerprint: Annotated[str, Meta(description="Moves when a value moves.")]
    because: str
    since: Annotated[Time | None, Meta(description="When the thing began.")]
    note: Annotated[str, Meta(description="Why, where the report does not say; a failure's cause.")]
    finding: Annotated[
        schema.Finding | None,
        Meta(description="As in the JSON report; null where there is none, or no room for it."),
    ]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the newest check could not look."""

    cause: Cause
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Environment:
    """How one environment stands."""

    environment: str
    url: Annotated[str | None, Meta(description="Its page of the dashboard.")]
    status: Status
    repository: str
    directory: str
    workspace: str
    commit: str
    owners: list[str]
    labels: list[str]
    checked_at: Time
    proven_at: Annotated[Time | None, Meta(description="Last looked at completely.")]
    in_sync_at: Annotated[Time | None, Meta(description="Last proven in sync.")]
    drifted: Annotated[int, Meta(ge=0, description="Visible findings where reality moved.")]
    pending: Annotated[int, Meta(ge=0, description="Visible findings where code is not applied.")]
    snoozed: Count
    failure: Trouble | None


@dataclass(frozen=True, slots=True)
class Document:
    """What driftwatch tells of one environment, or in a digest of many."""

    format_version: Annotated[
        str, Meta(pattern=r"^1\.[0-9]+$", description="A minor version only adds keys.")
    ]
    id: Annotated[str, Meta(description="The same however often it is sent: drop what you know.")]
    event: Annotated[
        str, Meta(description='The kind of its events; "several" where they differ, or "digest".')
    ]
    sample: Annotated[bool, Meta(description="Made by `driftwatch notify test`: nothing happened.")]
    sent_at: Time
    route: str
    environment: Annotated[str | None, Meta(description="null for a digest.")]
    digest: Annotated[str | None, Meta(description="daily, weekly or collected; null for none.")]
    title: Annotated[str, Meta(description="One line for people, ASCII.")]
    text: Annotated[str, Meta(description="Two sentences for people.")]
    report_url: Annotated[str | None, Meta(description="The report's page of the dashboard.")]
    events: Annotated[list[Event], Meta(description="Alarms before reliefs, worst first.")]
    events_left_out: Count
    environments: Annotated[list[Environment], Meta(description="Worst first.")]
    environments_left_out: Count


def render_payload(notice: Notice) -> bytes:
    """Write a notice as JSON, ASCII only; values that resist are left out, the news never is."""
    try:
        return _write(_document(notice, _MOST_FINDINGS))
    except Exception:  # noqa: BLE001 - no value that nobody thought of may lose the alert
        return _write(_document(notice, 0))


def name_event(notice: Notice) -> str:
    """Name in one word what a notice is about, for receivers that sort before they read."""
    kinds = {event.kind for event in notice.events}
    if notice.digest:
        return "digest"
    return next(iter(kinds)).value if len(kinds) == 1 else "several"


def payload_schema() -> dict[str, Any]:
    """Describe the document as a JSON Schema (draft 2020-12)."""
    (reference,), components = msgspec.json.schema_components(
        [Document], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "driftwatch notice",
        **reference,
        "$defs": components,
    }


def _write(document: Document) -> bytes:
    return json.dumps(msgspec.to_builtins(document), allow_nan=False).encode("ascii")


def _document(notice: Notice, findings: int) -> Document:
    items = find_items(notice)
    reports = sort_worst_first(notice.reports, notice.at)
    return Document(
        format_version=FORMAT_VERSION,
        id=notice.message_id,
        event=name_event(notice),
        sample=notice.sample,
        sent_at=_time(notice.at),
        route=notice.route,
        environment=None if notice.digest else notice.environment,
        digest=notice.digest or None,
        title=subject(notice),
        text="\n".join(line for line in opening(notice) if line),
        report_url=report_url(notice) or None,
        events=list(_events(items[:_MOST_EVENTS], findings)),
        events_left_out=max(0, len(items) - _MOST_EVENTS),
        environments=[_environment(r, notice) for r in reports[:_MOST_ENVIRONMENTS]],
        environments_left_out=max(0, len(reports) - _MOST_ENVIRONMENTS),
    )


def _events(items: Iterable[Item], findings: int) -> Iterator[Event]:
    for at, item in enumerate(items):
        event = item.event
        yield Event(
            kind=event.kind,
            environment=event.environment,
            at=_time(event.at),
            severity=event.severity,
            key=event.key,
            address=event.address,
            fingerprint=event.fingerprint,
            because=event.because,
            since=_maybe_time(event.since),
            note=event.note,
            finding=build_finding(item.decision) if item.decision and at < findings else None,
        )


def _environment(report: Report, notice: Notice) -> Environment:
    failure = report.failure
    return Environment(
        environment=report.environment,
        url=environment_url(notice, report.environment) or None,
        status=report.status_at(notice.at),
        repository=report.repository,
        directory=report.directory,
        workspace=report.workspace,
        commit=report.commit,
        owners=list(report.owners),
        labels=list(report.labels),
        checked_at=_time(report.checked_at),
        proven_at=_maybe_time(report.proven_at),
        in_sync_at=_maybe_time(report.in_sync_at),
        drifted=len(report.drifted),
        pending=len(report.pending),
        snoozed=len(report.snoozed),
        failure=Trouble(failure.cause, failure.message, failure.retryable) if failure else None,
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _maybe_time(moment: datetime | None) -> str | None:
    return None if moment is None else _time(moment)
