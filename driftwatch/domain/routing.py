"""Event x routes → who is told, on which channel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from driftwatch.domain.globs import Globs
from driftwatch.domain.model import Severity
from driftwatch.domain.news import Patience
from driftwatch.domain.notice import Event, EventKind

_ANY = Globs()
_MOST_DOUBLINGS = 64  # more would only overflow


@dataclass(frozen=True, slots=True)
class Digest:
    """One message for many events: at the times that `cron` names in `zone`."""

    name: str
    cron: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Route:
    """Which events reach which recipients through which channel; "" or empty narrows nothing.

    `severity` is the mildest that is told. `recipients` are addresses, where the channel has such.
    """

    name: str
    channel: str
    recipients: tuple[str, ...] = ()
    environments: Globs = _ANY
    owners: Globs = _ANY
    labels: Globs = _ANY
    severity: Severity = Severity.INFO
    kinds: frozenset[EventKind] = frozenset(EventKind)
    digest: Digest | None = None

    def wants(self, event: Event, owners: Iterable[str], labels: Iterable[str]) -> bool:
        """Say whether an event of an environment with these owners and labels goes this way."""
        return (
            event.kind in self.kinds
            and (event.worst or event.severity).rank <= self.severity.rank
            and self.concerns(event.environment, owners, labels)
        )

    def concerns(self, environment: str, owners: Iterable[str], labels: Iterable[str]) -> bool:
        """Say whether an environment with these owners and labels goes this way at all."""
        return (
            self.environments.matches(environment)
            and self.owners.match_any(owners)
            and self.labels.match_any(labels)
        )


@dataclass(frozen=True, slots=True)
class Telling:
    """Who is to be told: routes, where their recipients come from, and how patient people are.

    `targets` names by channel who is reached where a route names no recipients.
    """

    routes: tuple[Route, ...] = ()
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)


def address(
    events: Sequence[Event], owners: Iterable[str], labels: Iterable[str], routes: Iterable[Route]
) -> list[tuple[Route, tuple[int, ...]]]:
    """Give each route the places of the events in `events` that go its way; none gets nothing."""
    owners, labels = tuple(owners), tuple(labels)
    addressed = []
    for route in routes:
        places = tuple(at for at, e in enumerate(events) if route.wants(e, owners, labels))
        if places:
            addressed.append((route, places))
    return addressed


def back_off(attempt: int, part: float, first: timedelta, longest: timedelta) -> timedelta:
    """Say how long to wait after a failed attempt (counted from 1): doubling, with jitter.

    `part`, between 0 and 1, decides where between half and all of the wait it ends.
    """
    doubled = first.total_seconds() * 2.0 ** min(max(attempt - 1, 0), _MOST_DOUBLINGS)
    return timedelta(seconds=min(doubled, longest.total_seconds()) * (0.5 + part / 2))
