"""The shape of what driftwatch.yaml says of the service: windows, notifications, daemon, web."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from driftwatch.config.raw_model import Raw
from driftwatch.config.values import (
    AppriseUrls,
    Count,
    Cron,
    Duration,
    Line,
    Lines,
    MailAddress,
    MailAddresses,
    Name,
    Network,
    Region,
    RoleArn,
    Secret,
    Socket,
    WebUrl,
    Zone,
    listed,
    refusal,
)
from driftwatch.domain.model import Severity
from driftwatch.domain.notice import EventKind
from driftwatch.domain.windows import Activity

Port = Annotated[int, Field(ge=1, le=65535, strict=False)]
_Activities = Annotated[list[Activity], Field(min_length=1)]
Activities = Annotated[
    _Activities, BeforeValidator(listed, json_schema_input_type=Activity | _Activities)
]
_Events = Annotated[list[EventKind], Field(min_length=1)]
Events = Annotated[_Events, BeforeValidator(listed, json_schema_input_type=EventKind | _Events)]
_Networks = Annotated[list[Network], Field(min_length=1)]
Networks = Annotated[_Networks, BeforeValidator(listed, json_schema_input_type=Network | _Networks)]
_Names = Annotated[list[Name], Field(min_length=1)]
Names = Annotated[_Names, BeforeValidator(listed, json_schema_input_type=Name | _Names)]


class RawWindow(Raw):
    """A stretch of time that comes back, in which something is allowed or denied."""

    allow: Activities | None = Field(
        default=None,
        description="What may happen only inside such windows: check, notify, propose.",
    )
    deny: Activities | None = Field(
        default=None, description="What may not happen inside: check, notify, propose. Deny wins."
    )
    schedule: Cron = Field(description="When it opens: five cron fields, or @daily.")
    duration: Duration = Field(description="How long it stays open.")
    timezone: Zone | None = Field(default=None, description="Time zone of schedule; UTC if absent.")
    environments: Lines | None = Field(
        default=None, description="Globs of environments, ! to leave some out; all if absent."
    )
    labels: Lines | None = Field(
        default=None, description="Globs of labels, one of which an environment must have."
    )
    because: Line | None = Field(default=None, description="Why, for whoever wonders.")


class RawSmtp(Raw):
    """A mail server."""

    host: Line = Field(description="Name or address of the server.")
    port: Port | None = Field(
        default=None, description="587 with starttls, 465 with tls, 25 with none, if absent."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected; none for loopback only."
    )
    username: Line | None = Field(default=None, description="User name, if the server wants one.")
    password: Line | None = Field(default=None, description="Password: ${env:NAME}.")
    ca_file: Line | None = Field(
        default=None, description="Certificates to trust instead of the system's."
    )
    sender: MailAddress = Field(description="Address that mail comes from.")
    timeout: Duration | None = Field(default=None, description="30s if absent.")


class RawSes(Raw):
    """Amazon SES."""

    region: Region = Field(description="Region that sends.")
    sender: MailAddress = Field(description="Verified address that mail comes from.")
    role_arn: RoleArn | None = Field(default=None, description="Role to assume for sending.")
    configuration_set: Line | None = Field(default=None, description="SES configuration set.")
    endpoint: WebUrl | None = Field(default=None, description="Another endpoint than AWS's own.")


class RawWebhook(Raw):
    """An address that gets JSON, signed."""

    url: WebUrl = Field(description="Where to POST to.")
    secret: Secret = Field(
        description="Key of the HMAC-SHA256 signature, of 16 characters or more: ${env:NAME}."
    )
    timeout: Duration | None = Field(default=None, description="10s if absent.")


class RawChat(Raw):
    """Chat rooms and pagers, through Apprise."""

    urls: AppriseUrls = Field(
        description="Apprise URLs (slack://…, pagerduty://…); they hold secrets: ${env:NAME}."
    )


class RawChannel(Raw):
    """One way to reach people: smtp, ses, webhook or chat."""

    smtp: RawSmtp | None = Field(default=None, description="Mail through a server.")
    ses: RawSes | None = Field(default=None, description="Mail through Amazon SES.")
    webhook: RawWebhook | None = Field(default=None, description="Signed JSON over HTTP.")
    chat: RawChat | None = Field(default=None, description="Chat rooms and pagers.")
    attach_report: bool = Field(
        default=False, description="Whether mail carries the full HTML report."
    )


class RawDigest(Raw):
    """One message instead of many."""

    schedule: Cron = Field(default="0 7 * * *", description="When: five cron fields, or @weekly.")
    timezone: Zone | None = Field(default=None, description="Time zone of schedule; UTC if absent.")


def _digest(value: Any) -> Any:
    """Let one word stand for a digest that many want."""
    if not isinstance(value, str):
        return value
    if value not in DIGESTS:
        says = "is no digest: write daily or weekly, or a map with schedule and timezone"
        raise refusal(value, says)
    return {"schedule": DIGESTS[value]}


DIGESTS = {"daily": "0 7 * * *", "weekly": "0 7 * * 1"}
GivenDigest = Annotated[
    RawDigest,
    BeforeValidator(_digest, json_schema_input_type=Literal["daily", "weekly"] | RawDigest),
]


class RawRoute(Raw):
    """Who is told what. What is absent narrows nothing."""

    channel: Name = Field(description="Which of the channels.")
    to: MailAddresses | None = Field(default=None, description="Addresses, where it is mail.")
    environments: Lines | None = Field(
        default=None, description="Globs of environments, ! to leave some out."
    )
    owners: Lines | None = Field(default=None, description="Globs, one of the owners must fit.")
    labels: Lines | None = Field(default=None, description="Globs, one of the labels must fit.")
    severity: Severity = Field(
        default=Severity.INFO, strict=False, description="The mildest severity that is told."
    )
    events: Events | None = Field(default=None, description="Which events are told; all if absent.")
    digest: GivenDigest | None = Field(
        default=None, description="Collect events, and tell them together: daily, weekly, or when."
    )


class RawNotifications(Raw):
    """Who is told of what, and how."""

    channels: dict[Name, RawChannel] = Field(
        default={}, description="Ways to reach people, by name."
    )
    routes: dict[Name, RawRoute] = Field(default={}, description="Who is told what, by name.")
    first_pass: Literal["quiet", "tell"] = Field(
        default="quiet", description="Whether what a new installation finds first is told."
    )
    pending_after: Duration | None = Field(
        default=None, description="When a change has waited too long for its apply; 3d if absent."
    )
    failed_after: Annotated[int, Field(ge=1, le=100, strict=False)] = Field(
        default=2, description="How many failures in a row that a retry could mend are told."
    )
    give_up_after: Duration | None = Field(
        default=None, description="When a message that cannot be sent is parked; 48h if absent."
    )


class RawDaemon(Raw):
    """How the daemon goes about its work."""

    checks_per_account: Count | None = Field(
        default=None, description="Checks at once in one cloud account; no limit if absent."
    )
    memory_per_check: Annotated[int, Field(ge=0, le=1 << 20, strict=False)] = Field(
        default=800, description="Free memory in MB that a check must find; 0 asks for none."
    )
    shutdown: Duration | None = Field(
        default=None,
        description="How long running checks may take to end on SIGTERM; 60s if absent.",
    )
    discover: Duration | None = Field(
        default=None,
        description="How often repositories are searched for environments; 5m if absent.",
    )
    deadman_url: WebUrl | None = Field(
        default=None, description="Asked (GET) after each healthy pass, so that silence is noticed."
    )
    backup: Cron | None = Field(
        default=None, description="When the database is backed up; @daily if absent."
    )
    backups: Annotated[int, Field(ge=0, le=1000, strict=False)] = Field(
        default=7, description="How many backups are kept; 0 makes none."
    )


class RawHook(Raw):
    """Pushes that a forge tells of."""

    forge: Literal["github", "gitlab", "gitea"] = Field(
        description="Which kind of forge sends them."
    )
    secret: Secret = Field(
        description="The secret that the forge signs with, of 16 characters or more: ${env:NAME}."
    )
    repositories: Names | None = Field(
        default=None, description="Which repositories may be pushed to; all if absent."
    )


class RawProxy(Raw):
    """A reverse proxy that authenticates people and says who they are."""

    addresses: Networks = Field(description="Addresses or networks that the proxy asks from.")
    user_header: Line = Field(default="X-Forwarded-User", description="Header with the name.")
    role_header: Line | None = Field(
        default=None, description="Header with viewer, operator or admin."
    )
    default_role: Literal["viewer", "operator", "admin"] = Field(
        default="viewer", description="Role of people whose header names none."
    )


class RawWeb(Raw):
    """The dashboard, the API, metrics and webhooks."""

    enabled: bool = Field(default=True, description="Whether the daemon listens at all.")
    listen: Socket = Field(default="127.0.0.1:8420", description="Address and port.")
    public_url: WebUrl | None = Field(
        default=None, description="Where people reach it; messages link there."
    )
    anonymous: Literal["admin", "viewer", "none"] | None = Field(
        default=None,
        description="Role of people without a token; on loopback admin if absent, elsewhere none.",
    )
    proxy: RawProxy | None = Field(default=None, description="A proxy that says who people are.")
    hooks: dict[Name, RawHook] = Field(
        default={}, description="Webhooks by name: POST /hooks/NAME checks what a push touches."
    )
