"""The fleet as the dashboard lists it: narrowed, worst first, and summed up in a sentence."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from driftwatch.domain.model import Severity, Status
from driftwatch.domain.watched import Watched
from driftwatch.render.text import WORST_FIRST
from driftwatch.web.words import plural

PAGE = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """What narrows a list of environments; "" narrows nothing."""

    status: Status | None = None
    label: str = ""
    owner: str = ""
    text: str = ""

    def fits(self, one: Watched, now: datetime) -> bool:
        """Say whether an environment is asked for."""
        words = self.text.lower().split()
        about = f"{one.environment} {one.repository} {one.directory} {one.failure}".lower()
        return (
            (self.status is None or one.status_at(now) is self.status)
            and (not self.label or self.label in one.labels)
            and (not self.owner or self.owner in one.owners)
            and all(word in about for word in words)
        )


@dataclass(frozen=True, slots=True)
class Tile:
    """How many environments have a status."""

    status: Status
    count: int


def sort_fleet(fleet: Iterable[Watched], now: datetime) -> list[Watched]:
    """Order environments by how much they need people."""

    def urgency(one: Watched) -> tuple[int, int, int, str]:
        worst = one.worst.rank if one.worst else len(Severity)
        return WORST_FIRST.index(one.status_at(now)), worst, -one.drifted, one.environment

    return sorted(fleet, key=urgency)


def count_tiles(fleet: Iterable[Watched], now: datetime) -> list[Tile]:
    """Count environments by status, the worst first."""
    counts = Counter(one.status_at(now) for one in fleet)
    return [Tile(status, counts[status]) for status in WORST_FIRST if counts[status]]


def headline(tiles: Sequence[Tile]) -> str:
    """Sum the fleet up in one sentence."""
    counts = {tile.status: tile.count for tile in tiles}
    total = sum(counts.values())
    if not total:
        return "Nothing is watched yet."
    if counts.get(Status.IN_SYNC) == total:
        return "The environment is in sync." if total == 1 else f"All {total} are in sync."
    drifted = counts.get(Status.DRIFTED, 0) + counts.get(Status.DRIFTED_AND_PENDING, 0)
    unseen = sum(
        counts.get(status, 0)
        for status in (Status.FAILED, Status.STALE, Status.UNKNOWN, Status.NEVER)
    )
    waiting = counts.get(Status.PENDING, 0)
    parts = [
        f"{drifted} drifted" if drifted else "",
        f"{unseen} cannot be vouched for" if unseen else "",
        f"{waiting} with changes that wait" if waiting else "",
    ]
    told = ", ".join(part for part in parts if part) or "none drifted, some snoozed"
    return f"Of {plural(total, 'environment')}: {told}."


def all_labels(fleet: Iterable[Watched]) -> list[str]:
    """List the labels that there are."""
    return sorted({label for one in fleet for label in one.labels})


def all_owners(fleet: Iterable[Watched]) -> list[str]:
    """List the owners that there are."""
    return sorted({owner for one in fleet for owner in one.owners})
