"""A drift that people decided not to hear of for a while."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Snooze:
    """Silence for one drift, or one attribute of it, bound to the values that it had.

    `attribute` is a path as Terraform writes it, "" for the whole. `binding` is a digest of the
    values: once they move, the snooze ends. `ended_because` says why it is over, where it is.
    """

    number: int
    environment: str
    key: str
    address: str
    attribute: str
    binding: str
    until: datetime
    because: str
    by: str
    created_at: datetime
    ended_at: datetime | None = None
    ended_because: str = ""
