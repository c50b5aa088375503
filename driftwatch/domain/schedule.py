"""When an environment is due: as cron says it in its time zone, or every so often.

Times of day follow cron (crontab(5)): day of month and day of week are alternatives, a time that a
clock skips in spring comes right after the gap, one that it repeats in autumn comes once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import dropwhile, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

NEVER = "never"
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_EVERY = re.compile(r"(?:every\s+)(?P<length>\S+)", re.ASCII)
_FIELDS = 5
_WIDEST = timedelta(minutes=10)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Either `cron` in `zone`, or `every` so often, or neither: only when somebody asks.

    `spread` is how far one fleet's starts may lie apart; None is a tenth of the time to the next
    start and ten minutes at most. An interval spreads over its whole length.
    """

    cron: str = ""
    every: timedelta | None = None
    zone: str = "UTC"
    spread: timedelta | None = None

    def after(self, moment: datetime, name: str) -> datetime | None:
        """Say when `name` is due next, strictly after `moment`, in UTC; None is never."""
        if self.every is not None:
            return _next_of_interval(self.every, moment, share(name))
        if not self.cron:
            return None
        return self._next_of_cron(moment, share(name))

    def _next_of_cron(self, moment: datetime, part: float) -> datetime | None:
        """Shift every start by a share of its own spread, so that the order of starts holds."""
        if self.spread is not None:
            shift = self.spread * part
            start = next(occurrences(self.cron, self.zone, moment - shift), None)
            return None if start is None else start + shift
        starts = pairwise(occurrences(self.cron, self.zone, moment - _WIDEST))
        shifted = (start + min((after - start) / 10, _WIDEST) * part for start, after in starts)
        return next((due for due in shifted if due > moment), None)

    def __str__(self) -> str:
        if self.every is not None:
            return f"every {write_length(self.every)}"
        if not self.cron:
            return NEVER
        return self.cron if self.zone == "UTC" else f"{self.cron} ({self.zone})"


def parse_schedule(text: str, zone: str = "UTC", spread: timedelta | None = None) -> Schedule:
    """Parse `*/30 * * * *`, `@daily`, `every 6h` or `never`; raise `ValueError` saying how."""
    find_zone(zone)
    plain = " ".join(text.split())
    if plain == NEVER:
        return Schedule(zone=zone)
    if found := _EVERY.fullmatch(plain):
        return Schedule(every=parse_length(found["length"]), zone=zone, spread=spread)
    cron = ALIASES.get(plain.lower(), plain)
    if next(occurrences(cron, zone, _EPOCH), None) is None:
        raise ValueError(f"{text!r} never fires; to check only when asked, write never")
    return Schedule(cron=cron, zone=zone, spread=spread)


def occurrences(cron: str, zone: str, moment: datetime) -> Iterator[datetime]:
    """Give the times after `moment` at which a cron expression fires, in UTC, one after another.

    Raises `ValueError` for an expression that is none.
    """
    # Of six fields CronSim would take the first for seconds.
    five = cron if len(cron.split()) == _FIELDS else ""
    try:
        starts = CronSim(five, moment.astimezone(find_zone(zone)))
    except CronSimError as error:
        raise ValueError(
            f"{cron!r} is no schedule ({error}): write five fields such as '*/30 * * * *', @daily,"
            " every 6h, or never"
        ) from error
    in_order = (start.astimezone(UTC) for start in starts)
    # In the hour that a clock repeats, CronSim goes by the clock and begins with what is over.
    return dropwhile(lambda start: start <= moment, in_order)


@cache
def find_zone(name: str) -> ZoneInfo:
    """Find a time zone of the IANA database; raise `ValueError` where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone: write Europe/Berlin or UTC") from error


_LENGTH = re.compile(
    r"(?:(?P<weeks>\d{1,4})w)?(?:(?P<days>\d{1,5})d)?(?:(?P<hours>\d{1,6})h)?"
    r"(?:(?P<minutes>\d{1,7})m)?(?:(?P<seconds>\d{1,8})s)?",
    re.ASCII,
)


def parse_length(text: str) -> timedelta:
    """Parse `30s`, `15m`, `24h`, `7d`, `2w` or `1h30m`; raise `ValueError` for any other text."""
    found = _LENGTH.fullmatch(text.replace(" ", ""))
    length = timedelta(**{k: int(v) for k, v in found.groupdict("0").items()}) if found else None
    if not length:
        raise ValueError(f"{text!r} is not a duration above zero: write 30s, 15m, 24h, 7d or 1h30m")
    return length


def write_length(length: timedelta) -> str:
    """Write a duration as `parse_length` reads it."""
    rest = int(length.total_seconds())
    parts = []
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def share(name: str) -> float:
    """Give a name its own place between 0 and 1, the same for ever."""
    return int.from_bytes(sha256(name.encode()).digest()[:8]) / (1 << 64)


def _next_of_interval(every: timedelta, moment: datetime, part: float) -> datetime:
    phase = every * part
    passed = (moment - _EPOCH - phase) // every
    return _EPOCH + phase + every * (passed + 1)
