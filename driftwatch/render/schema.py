"""The document that JSON reports hold, as types, and its published schema.

These types are kept apart from the domain's, so that a domain type can be renamed without breaking
anybody's `jq`. A minor version adds keys; only a major one may remove or rename them.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from driftwatch.domain.model import (
    Action,
    Kind,
    Reason,
    Severity,
    Status,
    Subject,
    Transition,
    Verdict,
)
from driftwatch.errors import Cause

FORMAT_VERSION = "1.1"

Time = Annotated[
    str, Meta(description="A moment in UTC, RFC 3339.", extra_json_schema={"format": "date-time"})
]
Count = Annotated[int, Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the source."""

    file: Annotated[str, Meta(description="Relative to the repository.")]
    line: Annotated[int, Meta(description="Counts from 1.", ge=1)]
    url: Annotated[str | None, Meta(description="The place in the forge's web pages.")]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute whose recorded, actual and desired values are not all equal."""

    path: Annotated[list[str | int], Meta(description="Keys and indices from the resource down.")]
    path_text: Annotated[str, Meta(description="The path as Terraform writes it.")]
    recorded: Annotated[Any, Meta(description="The value in the state.")]
    actual: Annotated[Any, Meta(description="The value in reality.")]
    desired: Annotated[
        Any,
        Meta(description='The value in code; "(known after apply)" where only an apply can tell.'),
    ]
    kind: Kind
    reason: Reason | None
    sensitive: Annotated[bool, Meta(description="The values are masked as (sensitive #digest).")]
    unchanged_elements: Annotated[
        int,
        Meta(ge=0, description="Elements of an unordered list that are the same and left out."),
    ]
    location: Location | None


@dataclass(frozen=True, slots=True)
class Snooze:
    """What somebody decided: that people need not hear of a finding for a while."""

    number: Annotated[int, Meta(description="What `driftwatch unsnooze` takes.", ge=1)]
    until: Time
    by: str
    because: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One resource, output or check block that is not in sync, and how the rules judge it."""

    subject: Subject
    address: str
    resource_type: str
    provider: str
    kind: Kind
    reason: Annotated[Reason | None, Meta(description="Why an apply would not oppose the move.")]
    deleted: Annotated[bool, Meta(description="Recorded, and gone from reality.")]
    moved: Annotated[bool, Meta(description="Reality moved in a way that code does not hold.")]
    waiting: Annotated[bool, Meta(description="Code waits to be applied.")]
    severity: Severity
    verdict: Annotated[Verdict, Meta(description='"ignore" is kept here and hidden from people.')]
    because: str
    rule: Annotated[str, Meta(description='The rule that decided; "" for the default.')]
    transition: Transition
    first_seen: Time
    fingerprint: Annotated[
        str, Meta(description="The same across checks until one of the drifted values moves.")
    ]
    action: Annotated[Action, Meta(description="What an apply of the code would do.")]
    action_reason: str | None
    message: str
    location: Location | None
    attributes: list[Attribute]
    snooze: Annotated[
        Snooze | None,
        Meta(description="Set while it is snoozed; it ends early when a value moves. Since 1.1."),
    ]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A finding of the last check that this one no longer sees."""

    address: str
    fingerprint: str
    severity: Severity
    first_seen: Time


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a check could not look; the findings beside it are the last known ones."""

    cause: Cause
    message: str
    retryable: bool
    command: list[str]
    exit_code: int | None
    detail: Annotated[str, Meta(description="The end of what the failing program printed.")]


@dataclass(frozen=True, slots=True)
class Environment:
    """What the newest check of one environment found."""

    environment: str
    repository: str
    directory: str
    workspace: str
    commit: str
    tool: str
    owners: list[str]
    labels: list[str]
    status: Annotated[Status, Meta(description="As seen at generated_at: an old result is stale.")]
    status_when_checked: Status
    checked_at: Time
    proven_at: Annotated[Time | None, Meta(description="Last looked at completely.")]
    in_sync_at: Annotated[Time | None, Meta(description="Last proven in sync.")]
    stale_after_seconds: float
    duration_seconds: float
    resources: Count
    redactions: Annotated[int, Meta(ge=0, description="Values that were masked as secret.")]
    sources_note: Annotated[str, Meta(description="Why places in the source are missing, if so.")]
    failure: Failure | None
    findings: Annotated[list[Finding], Meta(description="Worst first, ignored ones included.")]
    resolved: list[Resolved]


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """How many environments have each status, as seen at `generated_at`."""

    in_sync: Count
    pending: Count
    drifted: Count
    drifted_and_pending: Count
    unknown: Count
    snoozed: Annotated[int, Meta(ge=0, description="Nothing but snoozed findings. Since 1.1.")]
    could_not_look: Count
    stale: Count
    never_checked: Count


@dataclass(frozen=True, slots=True)
class SeverityCounts:
    """How many visible findings have each severity."""

    critical: Count
    high: Count
    medium: Count
    low: Count
    info: Count


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts for gates: ignored and snoozed findings are only in `ignored` and `snoozed`."""

    environments: Count
    environments_by_status: StatusCounts
    could_not_look: Annotated[int, Meta(ge=0, description="Environments whose check failed.")]
    drifted: Annotated[int, Meta(ge=0, description="Visible findings where reality moved.")]
    pending: Annotated[int, Meta(ge=0, description="Visible findings where code is not applied.")]
    unknown: Annotated[int, Meta(ge=0, description="Visible findings that only an apply settles.")]
    ignored: Annotated[int, Meta(ge=0, description="Findings that a rule ignores.")]
    snoozed: Annotated[int, Meta(ge=0, description="Findings that somebody snoozed. Since 1.1.")]
    resolved: Count
    findings_by_severity: SeverityCounts
    worst_severity: Severity | None


@dataclass(frozen=True, slots=True)
class Document:
    """What driftwatch knows about a fleet of environments at one moment."""

    format_version: Annotated[
        str, Meta(pattern=r"^1\.[0-9]+$", description="A minor version only adds keys.")
    ]
    generated_at: Time
    summary: Summary
    environments: Annotated[list[Environment], Meta(description="Worst first.")]


def report_schema() -> dict[str, Any]:
    """Describe the document as a JSON Schema (draft 2020-12)."""
    (reference,), components = msgspec.json.schema_components(
        [Document], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "driftwatch report",
        **reference,
        "$defs": components,
    }
