"""When driftwatch may check, notify and propose: windows that allow, and windows that deny."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import takewhile

from driftwatch.domain.globs import Globs
from driftwatch.domain.schedule import occurrences

_ANY = Globs()

# Only the last opening counts: a window of a year that opens every minute has half a million.
_LOOKS_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=32))


class Activity(StrEnum):
    """Name what a window is about."""

    CHECK = "check"
    NOTIFY = "notify"
    PROPOSE = "propose"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that comes back: it opens as `cron` says and lasts for `duration`."""

    name: str
    allow: bool
    activities: frozenset[Activity]
    cron: str
    duration: timedelta
    zone: str = "UTC"
    environments: Globs = _ANY
    labels: Globs = _ANY
    because: str = ""

    def concerns(self, activity: Activity, environment: str, labels: Iterable[str]) -> bool:
        """Say whether this window has a say in an activity for an environment."""
        return (
            activity in self.activities
            and self.environments.matches(environment)
            and self.labels.match_any(labels)
        )

    def closes_at(self, moment: datetime) -> datetime | None:
        """Say until when the window stands open at `moment`; None where it does not."""
        closing = _closing(self, _minute(moment))
        return closing if closing is not None and closing > moment else None

    def opens_after(self, moment: datetime) -> datetime | None:
        """Say when the window opens next."""
        return _opening(self, _minute(moment))


# A fleet asks a few windows thousands of times a minute, and cron knows no seconds.
@lru_cache(maxsize=512)
def _closing(window: Window, minute: datetime) -> datetime | None:
    for back in (*(step for step in _LOOKS_BACK if step < window.duration), window.duration):
        starts = occurrences(window.cron, window.zone, minute - back)
        begun = list(takewhile(lambda start: start <= minute, starts))
        if begun:
            return begun[-1] + window.duration
    return None


@lru_cache(maxsize=512)
def _opening(window: Window, minute: datetime) -> datetime | None:
    return next(occurrences(window.cron, window.zone, minute), None)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why something may not happen now, and when to ask again."""

    because: str
    until: datetime | None


def find_hindrance(
    windows: Iterable[Window],
    activity: Activity,
    environment: tuple[str, Iterable[str]],
    moment: datetime,
) -> Hindrance | None:
    """Say what keeps an activity for an environment (its name and labels) from happening now.

    An open window that denies wins. Where windows allow, one of them must be open.
    """
    name, labels = environment[0], tuple(environment[1])
    ours = [window for window in windows if window.concerns(activity, name, labels)]
    for window in ours:
        if not window.allow and (until := window.closes_at(moment)):
            return Hindrance(_told(f"window {window.name} denies it", window), until)
    allowing = [window for window in ours if window.allow]
    if not allowing or any(window.closes_at(moment) for window in allowing):
        return None
    openings = [at for window in allowing if (at := window.opens_after(moment))]
    names = ", ".join(window.name for window in allowing)
    return Hindrance(f"outside the window that allows it ({names})", min(openings, default=None))


def _told(text: str, window: Window) -> str:
    return f"{text}: {window.because}" if window.because else text
