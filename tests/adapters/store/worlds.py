"""A store with environments in it, and how time goes by there."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from driftwatch.adapters.store.store import Store, open_store
from driftwatch.domain.environment import Environment
from driftwatch.domain.model import Decision, Report
from driftwatch.domain.notice import EventKind
from driftwatch.domain.routing import Digest, Route, Telling
from driftwatch.domain.schedule import parse_schedule
from tests.builders import NOW, make_environment, make_report

MAIL = Route("everybody", "mail", ("ops@example.org", "dev@example.org"))
TELLING = Telling(routes=(MAIL,))


def later(hours: float = 0, **parts: float) -> datetime:
    return NOW + timedelta(hours=hours, **parts)


def hourly(name: str = "prod", **changes: Any) -> Environment:
    return make_environment(
        name=name, directory=f"environments/{name}", schedule=parse_schedule("every 1h"), **changes
    )


def open_with(folder: Path, *names: str, quiet: bool = False) -> Store:
    store = open_store(folder)
    repositories = {"live"} if quiet else set()
    store.watchlist.watch([hourly(name) for name in names], NOW, quiet=repositories)
    return store


def checked(*decisions: Decision, hours: float = 0, **changes: Any) -> Report:
    when = later(hours)
    return make_report(*decisions, checked_at=when, proven_at=when, **changes)


def kinds(store: Store, environment: str = "prod") -> list[EventKind]:
    """List what happened, the oldest first."""
    return [event.kind for _, _, event in reversed(store.ledger.events(environment))]


DAILY = Route("daily", "mail", ("boss@example.org",), digest=Digest("daily", "0 7 * * *"))
