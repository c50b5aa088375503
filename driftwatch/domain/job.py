"""Checks that are to be made."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A check that waits or runs.

    `number` and `tries` together are a fence: only who made the latest claim may finish it.
    `waiting` says why it does not run yet, `doing` what it does now.
    """

    number: int
    environment: str
    reason: str
    actor: str
    due_at: datetime
    urgent: bool
    override: bool
    waiting: str
    owner: str | None
    tries: int
    started_at: datetime | None
    doing: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that waits, with what decides whether it may run: whose account, which labels."""

    number: int
    environment: str
    account: str
    labels: tuple[str, ...]
    override: bool
    waiting: str
