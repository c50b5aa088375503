"""Drift x snoozes: what people need not hear of, until its time is up or its value moves."""

import json
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from driftwatch.domain.address import format_path
from driftwatch.domain.globs import parse_path_glob
from driftwatch.domain.model import Action, AttributeDrift, Drift
from driftwatch.domain.snooze import Snooze

_LOSSES = frozenset({Action.DELETE, Action.REPLACE, Action.CREATE, Action.FORGET})

VALUE_MOVED = "the value moved"
TIME_IS_UP = "its time is up"
GONE = "the drift is gone"
LOSS = "a deletion or replacement cannot be snoozed"


def bind(drift: Drift, attribute: str) -> str:
    """Digest the values that a snooze of `attribute` ("" for all) is bound to.

    Raises `ValueError` where there is nothing to snooze, or where nothing may be.
    """
    if is_loss(drift):
        raise ValueError(f"{drift.address}: {LOSS}")
    covered = _covered(drift, attribute)
    if attribute and not covered:
        there = ", ".join(format_path(a.path) for a in drift.attributes) or "none"
        raise ValueError(f"{drift.address} has no drifted attribute {attribute}; it has: {there}")
    values = [[list(a.path), a.kind, a.actual, a.desired] for a in covered]
    text = json.dumps([drift.key, attribute, drift.kind, values], sort_keys=True)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_loss(drift: Drift) -> bool:
    """Say whether something was lost, or an apply would destroy something: never to be silenced."""
    return drift.deleted or drift.action in _LOSSES


def find_snooze(drift: Drift, snoozes: Iterable[Snooze], now: datetime) -> Snooze | None:
    """Find a snooze that covers all of a drift; of several the one that lasts longest."""
    live = [s for s in snoozes if s.key == drift.key and verdict(s, drift, now) == ""]
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
    if is_loss(drift):
        return LOSS
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
    glob = parse_path_glob(attribute)
    return tuple(a for a in drift.attributes if glob.matches(a.path))
