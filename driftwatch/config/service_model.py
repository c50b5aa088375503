"""What driftwatch.yaml says of the service, once it is valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from driftwatch.domain.news import Patience
from driftwatch.domain.routing import Route


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A mail server; `security` is starttls, tls or none."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout: timedelta = timedelta(seconds=30)
    attach_report: bool = False


@dataclass(frozen=True, slots=True)
class SesSettings:
    """Amazon SES in a region, with a role where one is to be assumed."""

    region: str
    sender: str
    role_arn: str | None = None
    configuration_set: str | None = None
    endpoint: str | None = None
    attach_report: bool = False


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """An address that gets signed JSON."""

    url: str
    secret: str = field(repr=False)
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """Apprise URLs, which hold secrets."""

    urls: tuple[str, ...] = field(repr=False)


ChannelSettings = SmtpSettings | SesSettings | WebhookSettings | ChatSettings


@dataclass(frozen=True, slots=True)
class Notifications:
    """Channels by name, the routes that use them, and how long people are spared."""

    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    patience: Patience = field(default_factory=Patience)
    quiet_first_pass: bool = True
    give_up_after: timedelta = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """How the daemon goes about its work; `memory_per_check` is in MB."""

    checks_per_account: int | None = None
    memory_per_check: int = 800
    shutdown: timedelta = timedelta(seconds=60)
    discover: timedelta = timedelta(minutes=5)
    deadman_url: str | None = field(default=None, repr=False)
    backup: str = "0 0 * * *"
    backups: int = 7


class Role(StrEnum):
    """What somebody may do: look, act, or rule; each may what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def may(self, needed: "Role") -> bool:
        """Say whether this role covers another."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True)
class Hook:
    """A forge that tells of pushes; no repositories named means all."""

    name: str
    forge: str
    secret: str = field(repr=False)
    repositories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proxy:
    """A reverse proxy whose word on who people are is taken, if it asks from `addresses`."""

    addresses: tuple[str, ...]
    user_header: str = "X-Forwarded-User"
    role_header: str | None = None
    default_role: Role = Role.VIEWER


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the dashboard listens and who may come; `anonymous` None lets nobody in unknown."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str = ""
    anonymous: Role | None = Role.ADMIN
    proxy: Proxy | None = None
    hooks: tuple[Hook, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")
