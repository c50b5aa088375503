"""What may stand in an address, and how it is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query

from driftwatch.domain.model import Status
from driftwatch.domain.windows import Window
from driftwatch.web.fleet import Filter
from driftwatch.web.problems import Problem

Before = Annotated[int | None, Query(ge=1, lt=1 << 62, description="Older than this number.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]


@dataclass(frozen=True, slots=True)
class WindowNow:
    """A window, and until when it is open, or when it opens next."""

    window: Window
    open_until: datetime | None
    opens_at: datetime | None


def read_filter(
    status: Annotated[str, Query(max_length=40, description="As of now.")] = "",
    label: Annotated[str, Query(max_length=200)] = "",
    owner: Annotated[str, Query(max_length=200)] = "",
    q: Annotated[str, Query(max_length=200, description="Words in names and failures.")] = "",
) -> Filter:
    """Read what narrows a list of environments. Raises `Problem`."""
    try:
        return Filter(Status(status) if status else None, label, owner, q)
    except ValueError as error:
        there = ", ".join(Status)
        raise Problem(400, f"There is no such status; there are: {there}.") from error


Wanted = Annotated[Filter, Depends(read_filter)]


def read_window(window: Window, now: datetime) -> WindowNow:
    """Look at a window now."""
    closes = window.closes_at(now)
    return WindowNow(window, closes, None if closes else window.opens_after(now))
