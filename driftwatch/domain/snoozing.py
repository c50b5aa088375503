"""Drift x snoozes: what people need not hear of, until its time is up or its value moves."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from driftwatch.domain.address import format_path
from driftwatch.domain.globs import parse_path_glob
from driftwatch.domain.model import Action, AttributeDrift, Drift, Subject
from driftwatch.domain.schedule import parse_length
from driftwatch.domain.snooze import Snooze

_LOSSES = frozenset({Action.DELETE, Action.REPLACE, Action.CREATE, Action.FORGET})

_LONGEST = timedelta(days=366)

VALUE_MOVED = "the value moved"
TIME_IS_UP = "its time is up"
GONE = "the drift is gone"
LOSS = "a deletion or replacement cannot be snoozed, nor what waits to be created"
UNSEEN = "what a plan does not show cannot be snoozed: a deletion may hide there"


def bind(drift: Drift, attribute: str) -> str:
    """Digest the values that a snooze of `attribute` ("" for all) is bound to.

    Raises `ValueError` where there is nothing to snooze, or where nothing may be.
    """
    if refused := refusal(drift):
        raise ValueError(f"{drift.address}: {refused}")
    covered = _covered(drift, attribute)
    if attribute and not covered:
        there = ", ".join(format_path(a.path) for a in drift.attributes) or "none"
        raise ValueError(f"{drift.address} has no drifted attribute {attribute}; it has: {there}")
    values = [[list(a.path), a.kind, a.actual, a.desired] for a in covered]
    # What has no values is bound to what is said of it; a part, to nothing of the other parts.
    whole = [] if attribute else [drift.kind, "" if values else drift.message]
    text = json.dumps([drift.key, attribute, whole, values], sort_keys=True)
    return sha256(text.encode()).hexdigest()[:32]


def parse_until(text: str, now: datetime) -> datetime:
    """Read when a snooze ends: `2w`, `2026-12-24` or `2026-12-24T08:00` (UTC).

    Raises `ValueError` for any other text, for a time that is over and for one over a year ahead.
    """
    try:
        until = now + parse_length(text)
    except ValueError:
        until = _parse_moment(text.strip())
    if until <= now:
        raise ValueError(f"{text!r} is over already")
    if until - now > _LONGEST:
        raise ValueError(
            f"{text!r} is more than a year ahead: what nobody looks at for so long"
            " belongs into a policy"
        )
    return until


def _parse_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is no time: write 2w, 2026-12-24 or 2026-12-24T08:00 (UTC)"
        ) from error


def refusal(drift: Drift) -> str:
    """Say why nobody may snooze a drift, "" where they may.

    A loss may never be silenced: neither one that happened, nor one that an apply would bring.
    """
    if drift.subject is Subject.PLAN:
        return UNSEEN
    return LOSS if drift.deleted or drift.action in _LOSSES else ""


def find_snooze(drift: Drift, snoozes: Iterable[Snooze], now: datetime) -> Snooze | None:
    """Find a snooze that covers all of a drift; of several the one that lasts longest."""
    ours = (s for s in snoozes if s.key == drift.key and s.ended_at is None)
    live = [s for s in ours if not verdict(s, drift, now)]
    whole = [s for s in live if not s.attribute]
    parts = [s for s in live if s.attribute]
    if not whole and _all_covered(drift, parts):
        return min(parts, key=lambda s: s.until)
    return max(whole, key=lambda s: s.until, default=None)


def verdict(snooze: Snooze, drift: Drift | None, now: datetime) -> str:
    """Say why a snooze has to end now, "" where it goes on; no drift means that it is gone."""
    if now >= snooze.until:
        return TIME_IS_UP
    if drift is None:
        return GONE
    if refused := refusal(drift):
        return refused
    try:
        same = bind(drift, snooze.attribute) == snooze.binding
    except ValueError:
        return GONE
    return "" if same else VALUE_MOVED


def _all_covered(drift: Drift, parts: Iterable[Snooze]) -> bool:
    covered = {a.path for s in parts for a in _covered(drift, s.attribute)}
    return bool(covered) and all(a.path in covered for a in drift.attributes)


def _covered(drift: Drift, attribute: str) -> tuple[AttributeDrift, ...]:
    if not attribute:
        return drift.attributes
    if exact := tuple(a for a in drift.attributes if format_path(a.path) == attribute):
        return exact
    if attribute.startswith("!"):
        raise ValueError(f"{attribute!r} says what it is not: name the attribute itself")
    glob = parse_path_glob(attribute)
    return tuple(a for a in drift.attributes if glob.matches(a.path))
