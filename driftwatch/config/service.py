"""Builds what driftwatch.yaml says of the service, and checks what it refers to."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path as File
from typing import Any

from driftwatch.config.places import Places
from driftwatch.config.raw_service import (
    DIGESTS,
    RawChannel,
    RawDaemon,
    RawDigest,
    RawNotifications,
    RawRoute,
    RawSmtp,
    RawWeb,
    RawWindow,
)
from driftwatch.config.service_model import (
    ChannelSettings,
    ChatSettings,
    DaemonSettings,
    Hook,
    Notifications,
    Proxy,
    Role,
    SesSettings,
    SmtpSettings,
    WebhookSettings,
    WebSettings,
)
from driftwatch.domain.globs import Globs
from driftwatch.domain.model import Path
from driftwatch.domain.news import Patience
from driftwatch.domain.notice import EventKind
from driftwatch.domain.routing import Digest, Route
from driftwatch.domain.windows import Window

Complaint = tuple[Path, str]

_KINDS = ("smtp", "ses", "webhook", "chat")
_MAIL = ("smtp", "ses")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def build_windows(raw: Mapping[str, RawWindow]) -> Iterator[Window]:
    """Build every window, in the order of the file."""
    for name, given in raw.items():
        yield Window(
            name=name,
            allow=given.allow is not None,
            activities=frozenset(given.allow or given.deny or ()),
            cron=given.schedule,
            duration=given.duration,
            zone=given.timezone or "UTC",
            environments=Globs(tuple(given.environments or ())),
            labels=Globs(tuple(given.labels or ())),
            because=given.because or "",
        )


def window_complaints(raw: Mapping[str, RawWindow], *, broken: bool) -> Iterator[Complaint]:
    """List windows that do both, allow and deny, or neither, unless that is what is `broken`."""
    for name, given in raw.items():
        neither = not given.allow and not given.deny
        if (given.allow and given.deny) or (neither and not broken):
            yield ("windows", name), "needs one of allow and deny, with check, notify or propose"


def build_notifications(raw: RawNotifications, places: Places) -> Notifications:
    """Build channels and routes."""
    defaults = Notifications()
    return Notifications(
        channels={name: _channel(given, places) for name, given in raw.channels.items()},
        routes=tuple(_route(name, given) for name, given in raw.routes.items()),
        patience=Patience(raw.pending_after or Patience().pending, raw.failed_after),
        quiet_first_pass=raw.first_pass == "quiet",  # noqa: S105 - no password
        give_up_after=raw.give_up_after or defaults.give_up_after,
    )


def notification_complaints(
    raw: RawNotifications, places: Places, *, broken: bool
) -> Iterator[Complaint]:
    """List channels of no kind or of two, and routes that lead nowhere.

    Where something is `broken`, `raw` holds only the rest: then nothing is called missing.
    """
    for name, channel in raw.channels.items():
        if not (broken and not _kinds(channel)):
            for path, message in _channel_complaints(channel, places):
                yield ("notifications", "channels", name, *path), message
    for name, route in raw.routes.items():
        for key, message in _route_complaints(route, raw.channels, broken=broken):
            yield ("notifications", "routes", name, key), message


def build_daemon(raw: RawDaemon) -> DaemonSettings:
    """Build what the daemon keeps to."""
    given: dict[str, Any] = {
        name: value for name in raw.model_fields_set if (value := getattr(raw, name)) is not None
    }
    return DaemonSettings(**given)


def build_web(raw: RawWeb) -> WebSettings:
    """Build who may come to the dashboard, and where it is."""
    host, _, port = raw.listen.rpartition(":")
    host = host.strip("[]")
    fallback = Role.ADMIN if host in _LOOPBACK else None
    given = None if raw.anonymous in (None, "none") else Role(raw.anonymous)
    return WebSettings(
        enabled=raw.enabled,
        host=host,
        port=int(port),
        public_url=(raw.public_url or "").rstrip("/"),
        anonymous=fallback if raw.anonymous is None else given,
        proxy=_proxy(raw),
        hooks=tuple(
            Hook(name, hook.forge, hook.secret, tuple(hook.repositories or ()))
            for name, hook in raw.hooks.items()
        ),
    )


def web_complaints(raw: RawWeb, repositories: Mapping[str, Any]) -> Iterator[Complaint]:
    """List what would let strangers in, and hooks for repositories that are not there."""
    port = int(raw.listen.rpartition(":")[2])
    if not 0 <= port <= 65535:  # noqa: PLR2004 - what TCP has
        yield ("web", "listen"), "a port is at most 65535"
    outside = raw.listen.rpartition(":")[0].strip("[]") not in _LOOPBACK
    if outside and raw.anonymous == "admin":
        yield ("web", "anonymous"), "admin without a token is for loopback alone"
    for name, hook in raw.hooks.items():
        for at, repository in enumerate(hook.repositories or ()):
            if repository not in repositories:
                known = ", ".join(repositories)
                message = f"there is no repository {repository!r}; known: {known}"
                yield ("web", "hooks", name, "repositories", at), message


def secrets_of_service(
    notifications: Notifications, daemon: DaemonSettings, web: WebSettings
) -> set[str]:
    """Collect what is secret wherever it was written."""
    found = {hook.secret for hook in web.hooks} | {daemon.deadman_url or ""}
    for channel in notifications.channels.values():
        if isinstance(channel, SmtpSettings):
            found.add(channel.password or "")
        elif isinstance(channel, WebhookSettings):
            found.add(channel.secret)
        elif isinstance(channel, ChatSettings):
            found.update(channel.urls)
    return found - {""}


def _kinds(raw: RawChannel) -> list[str]:
    return [kind for kind in _KINDS if getattr(raw, kind) is not None]


def _channel(raw: RawChannel, places: Places) -> ChannelSettings:
    if raw.smtp:
        return _smtp(raw.smtp, places, attach_report=raw.attach_report)
    if raw.ses:
        return SesSettings(
            raw.ses.region,
            raw.ses.sender,
            raw.ses.role_arn,
            raw.ses.configuration_set,
            raw.ses.endpoint,
            raw.attach_report,
        )
    if raw.webhook:
        timeout = raw.webhook.timeout or timedelta(seconds=10)
        return WebhookSettings(raw.webhook.url, raw.webhook.secret, timeout)
    return ChatSettings(tuple(raw.chat.urls) if raw.chat else ())


def _smtp(raw: RawSmtp, places: Places, *, attach_report: bool) -> SmtpSettings:
    return SmtpSettings(
        host=raw.host,
        port=raw.port or _PORTS[raw.security],
        sender=raw.sender,
        security=raw.security,
        username=raw.username,
        password=raw.password,
        ca_file=places.resolve(raw.ca_file) if raw.ca_file else None,
        timeout=raw.timeout or timedelta(seconds=30),
        attach_report=attach_report,
    )


def _channel_complaints(raw: RawChannel, places: Places) -> Iterator[Complaint]:
    kinds = _kinds(raw)
    if len(kinds) != 1:
        yield (), f"needs one of {', '.join(_KINDS)}"
    if raw.attach_report and not set(kinds) & set(_MAIL):
        yield ("attach_report",), "is only of use with mail"
    if (smtp := raw.smtp) is None:
        return
    if smtp.security == "none" and smtp.host not in _LOOPBACK:
        yield ("smtp", "security"), "none is for loopback only: reports would travel in clear text"
    if smtp.security == "none" and smtp.password:
        yield ("smtp", "password"), "would travel in clear text: use starttls or tls"
    if bool(smtp.username) != bool(smtp.password):
        yield ("smtp",), "username and password go together"
    if smtp.ca_file and not File(places.resolve(smtp.ca_file)).exists():
        yield ("smtp", "ca_file"), f"there is no {smtp.ca_file}"


def _route_complaints(
    raw: RawRoute, channels: Mapping[str, RawChannel], *, broken: bool
) -> Iterator[tuple[str, str]]:
    channel = channels.get(raw.channel)
    if channel is None:
        known = ", ".join(channels) or "none"
        if not broken:
            yield "channel", f"there is no channel {raw.channel!r}; known: {known}"
        return
    mail = bool(set(_kinds(channel)) & set(_MAIL))
    if mail and not raw.to and not broken:
        yield "to", "is required: a mail needs somebody to go to"
    if raw.to and not mail and _kinds(channel):
        yield "to", f"is only of use with mail, and {raw.channel} is none"


def _route(name: str, raw: RawRoute) -> Route:
    return Route(
        name=name,
        channel=raw.channel,
        recipients=tuple(dict.fromkeys(raw.to or ())),
        environments=Globs(tuple(raw.environments or ())),
        owners=Globs(tuple(raw.owners or ())),
        labels=Globs(tuple(raw.labels or ())),
        severity=raw.severity,
        kinds=frozenset(raw.events or EventKind),
        digest=_digest(raw.digest),
    )


def _digest(raw: RawDigest | None) -> Digest | None:
    if raw is None:
        return None
    names = {schedule: name for name, schedule in DIGESTS.items()}
    name = names.get(raw.schedule, "collected")
    return Digest(name, raw.schedule, raw.timezone or "UTC")


def _proxy(raw: RawWeb) -> Proxy | None:
    if raw.proxy is None:
        return None
    return Proxy(
        tuple(raw.proxy.addresses),
        raw.proxy.user_header,
        raw.proxy.role_header,
        Role(raw.proxy.default_role),
    )
