"""Finds which rules speak for which part of a drift."""

from collections.abc import Iterator
from dataclasses import dataclass

from driftwatch.domain.globs import Globs, PathGlob, match_paths
from driftwatch.domain.model import (
    Action,
    AttributeDrift,
    Drift,
    Kind,
    Path,
    Reason,
    Subject,
    Value,
)

ANYTHING = Globs()


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule is about; a field left empty does not narrow it.

    `kinds` holds values of `Kind`, `moved` (drift, conflict, unopposed) or `unexpected` (the same
    without what code states or ignores).
    """

    environment: Globs = ANYTHING
    labels: Globs = ANYTHING
    resource_type: Globs = ANYTHING
    address: Globs = ANYTHING
    attribute: tuple[PathGlob, ...] = ()
    kinds: frozenset[str] = frozenset()
    reasons: frozenset[Reason] = frozenset()
    subjects: frozenset[Subject] = frozenset({Subject.RESOURCE})
    deleted: bool | None = None
    replaces: bool | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What rules look at: one attribute, or with no `path` the thing as a whole."""

    kind: Kind
    reason: Reason | None
    path: Path | None = None
    recorded: Value = None
    actual: Value = None
    desired: Value = None
    sensitive: bool = False


_WHOLE = frozenset({Action.CREATE, Action.DELETE, Action.REPLACE, Action.FORGET})


def parts_of(drift: Drift) -> Iterator[Part]:
    """Give the thing as a whole where more than attributes is at stake, then its attributes."""
    whole = drift.subject is Subject.RESOURCE and (drift.deleted or drift.action in _WHOLE)
    if whole or not drift.attributes:
        yield Part(drift.kind, drift.reason)
    for attribute in drift.attributes:
        yield _part(attribute)


def _part(attribute: AttributeDrift) -> Part:
    return Part(
        attribute.kind,
        attribute.reason,
        attribute.path,
        attribute.recorded,
        attribute.actual,
        attribute.desired,
        attribute.sensitive,
    )


def fits_drift(match: Match, drift: Drift) -> bool:
    """Say whether a rule may speak for parts of a drift at all."""
    return (
        drift.subject in match.subjects
        and match.deleted in (None, drift.deleted)
        and match.replaces in (None, drift.replaces)
        and match.resource_type.matches(drift.resource_type)
        and match.address.matches(drift.address)
    )


def fits_part(match: Match, drift: Drift, part: Part, *, conditional: bool) -> bool:
    """Say whether a rule speaks for a part; `conditional` ones have a `when:` still to ask.

    Only a rule that names deletion or replacement decides about one.
    """
    if match.kinds and not match.kinds & _kind_words(part):
        return False
    if match.reasons and part.reason not in match.reasons:
        return False
    if part.path is not None:
        return not match.attribute or match_paths(match.attribute, part.path)
    named = match.deleted or match.replaces or drift.subject is not Subject.RESOURCE
    return not match.attribute and bool(named or not conditional) and _names_loss(match, drift)


def _names_loss(match: Match, drift: Drift) -> bool:
    deletion = bool(match.deleted) or not drift.deleted
    return deletion and (bool(match.replaces) or not drift.replaces)


_MOVED = frozenset({Kind.DRIFT, Kind.CONFLICT, Kind.UNOPPOSED})


def _kind_words(part: Part) -> set[str]:
    words = {str(part.kind)}
    if part.kind in _MOVED:
        words.add("moved")
        if part.reason not in (Reason.CODIFIED, Reason.IGNORED):
            words.add("unexpected")
    return words
