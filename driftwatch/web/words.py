"""How times, statuses and counts read on the dashboard."""

from datetime import datetime, timedelta

from driftwatch.domain.schedule import write_length
from driftwatch.render.text import ago

_MINUTE = 60


def when(moment: datetime, now: datetime) -> str:
    """Say how far away a moment is, past or future."""
    if moment <= now:
        return ago(moment, now)
    away = ago(now, moment)
    return f"in {away.removesuffix(' ago')}" if away.endswith(" ago") else "in a moment"


def span(length: timedelta) -> str:
    """Write a length with at most two units: 3d4h, 12m, 8s."""
    seconds = max(0, int(length.total_seconds()))
    for size, rest in ((604800, 86400), (86400, 3600), (3600, 60), (60, 1)):
        if seconds >= size:
            return write_length(timedelta(seconds=seconds - seconds % rest))
    return f"{seconds}s"


def exact(moment: datetime) -> str:
    """Write a moment to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def plural(count: int, noun: str) -> str:
    """Count things."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def process_of(owner: str) -> str:
    """Name the process that an identity belongs to."""
    return owner.partition("-")[0]
