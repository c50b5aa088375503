"""The heart: recorded x actual x desired → Drift, as a three-way merge would see it.

One refreshed plan holds all three values. `resource_drift` moves recorded → actual,
`resource_changes` moves actual → desired. See docs/architecture.md for the table of kinds.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any

from driftwatch.domain.declarations import Declarations, PlanDeclarations
from driftwatch.domain.equality import alike, canonical
from driftwatch.domain.model import (
    Action,
    AttributeDrift,
    Drift,
    Kind,
    Path,
    Reason,
    Subject,
)
from driftwatch.domain.observations import observe
from driftwatch.domain.plan import Plan, ResourceChange
from driftwatch.domain.siblings import mirroring_attributes, unexplained
from driftwatch.domain.threeway import Triple, classify, differences, leaf
from driftwatch.errors import Cause, CouldNotLook


def compare(plan: Plan, code: Declarations) -> tuple[Drift, ...]:
    """List everything that is not in sync, ordered by subject and address.

    Raises `CouldNotLook` for values that are nested deeper than any provider nests them.
    """
    comparison = _Comparison(plan, code)
    addresses = {**plan.drift, **plan.changes}
    try:
        found = [d for address in addresses if (d := comparison.resource(address)) is not None]
        found += observe(plan, {drift.address: drift for drift in found}, code)
        return tuple(sorted(map(_sealed, found), key=lambda d: (d.subject, d.address)))
    except RecursionError as error:
        message = "The plan document nests values too deeply to compare them."
        raise CouldNotLook(message, cause=Cause.PLAN) from error


class _Comparison:
    def __init__(self, plan: Plan, code: Declarations) -> None:
        self._plan = plan
        self._code = code
        self._fallback = PlanDeclarations(plan)
        self._resources = _recorded_and_actual(plan)

    def resource(self, address: str) -> Drift | None:
        """Compare one resource; None where nothing is worth a word."""
        drift = self._plan.drift.get(address)
        change = self._plan.changes.get(address)
        entry = change or drift
        if entry is None or entry.mode == "data":
            return _deferred_read(entry) if entry else None
        base = self._base(entry, change)
        if drift is not None and drift.after is None and drift.before is not None:
            return _deleted(base)
        attributes = (
            self._attributes(base, _triple(drift, change)) if _compares(drift, base) else ()
        )
        if not attributes:
            return base if base.action is not Action.NO_OP or base.message else None
        kind, reason = _overall(attributes)
        return replace(base, kind=kind, reason=reason, attributes=attributes)

    def _base(self, entry: ResourceChange, change: ResourceChange | None) -> Drift:
        return Drift(
            subject=Subject.RESOURCE,
            address=entry.address,
            kind=Kind.PENDING,
            fingerprint="",
            resource_type=entry.resource_type,
            provider=entry.provider,
            action=change.action if change else Action.NO_OP,
            action_reason=change.action_reason if change else None,
            message=_waits(change) if change else "",
            location=self._code.locate(_plain_address(entry.address)),
        )

    def _attributes(self, base: Drift, triple: Triple) -> tuple[AttributeDrift, ...]:
        """List what differs; under a resource that code gives up, what moved is a conflict."""
        leaves = base.action in _GIVES_UP
        kept = replace(triple, desired=triple.actual, unknown=None) if leaves else triple
        mirrors = _mirrors(base.resource_type, kept)
        found = [
            *self._mirrored(base, kept, mirrors),
            *self._own(base, [d for d in differences(kept) if d.path[:1] not in mirrors]),
        ]
        if leaves:
            found = [replace(d, desired=None, kind=Kind.CONFLICT, reason=None) for d in found]
        return tuple(map(partial(self._placed, base), found))

    def _own(self, base: Drift, found: Iterable[AttributeDrift]) -> Iterator[AttributeDrift]:
        for difference in found:
            if difference.kind is Kind.UNOPPOSED:
                yield replace(difference, reason=self._reason(base, difference.path))
            elif difference.kind is not Kind.UNKNOWN or self._worth_a_word(base, difference):
                yield difference

    def _mirrored(
        self, base: Drift, triple: Triple, mirrors: Iterable[Path]
    ) -> Iterator[AttributeDrift]:
        """Tell of attributes that mirror other resources only what no resource explains."""
        own = triple.actual if isinstance(triple.actual, Mapping) else {}
        parent = (base.resource_type, own)
        for path in mirrors:
            part = triple.at(path[0])
            reason = self._reason(base, path)
            moved = (part.recorded, part.actual)
            left = moved
            if reason is Reason.UNDECLARED:
                left = unexplained(parent, str(path[0]), moved, self._resources)
            if alike(*left):
                continue
            whole = left != moved
            if whole:
                part = Triple(*left, left[1], part.unknown)
            for found in [leaf(part, path)] if whole else differences(part, path):
                yield replace(found, reason=reason if found.kind is Kind.UNOPPOSED else None)

    def _reason(self, base: Drift, path: Path) -> Reason:
        """Say why an apply would not oppose a move."""
        address = _plain_address(base.address)
        if self._code.ignored(address, path):
            return Reason.IGNORED
        return Reason.CODIFIED if self._declared(address, path) else Reason.UNDECLARED

    def _declared(self, address: str, path: Path) -> bool:
        told = self._code.declared(address, path)
        return bool(self._fallback.declared(address, path) if told is None else told)

    def _worth_a_word(self, base: Drift, found: AttributeDrift) -> bool:
        """Keep an unknown value where reality moved below it, or where code computes it."""
        if not alike(found.recorded, found.actual):
            return True
        return self._declared(_plain_address(base.address), found.path)

    def _placed(self, base: Drift, found: AttributeDrift) -> AttributeDrift:
        location = self._code.locate(_plain_address(base.address), found.path)
        return replace(found, location=location or base.location)


_GIVES_UP = (Action.DELETE, Action.FORGET)


def _recorded_and_actual(plan: Plan) -> Mapping[str, list[Mapping[str, Any]]]:
    """Collect what was and what is, by type: what code wants explains nothing that is there."""
    resources: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in plan.drift.values():
        resources[entry.resource_type] += _objects(entry.before, entry.after)
    for entry in plan.changes.values():
        resources[entry.resource_type] += _objects(entry.before)
    return resources


def _objects(*values: Any) -> list[Mapping[str, Any]]:
    return [value for value in values if isinstance(value, dict)]


def _mirrors(resource_type: str, triple: Triple) -> list[Path]:
    """List the attributes that mirror other resources and that an apply would leave alone."""
    paths: list[Path] = []
    for name in mirroring_attributes(resource_type):
        part = triple.at(name)
        if classify(part) is Kind.UNOPPOSED or _is_unknown(part):
            paths.append((name,))
    return paths


def _is_unknown(part: Triple) -> bool:
    return part.unknown is True and not alike(part.recorded, part.actual)


def _plain_address(address: str) -> str:
    return address.partition(" (deposed ")[0]


def _compares(drift: ResourceChange | None, base: Drift) -> bool:
    """Tell whether attributes can tell more than that something is created, read or given up."""
    return drift is not None or base.action in (Action.UPDATE, Action.REPLACE)


def _triple(drift: ResourceChange | None, change: ResourceChange | None) -> Triple:
    if drift is None:
        before = change.before if change else None
        return Triple(before, before, change.after if change else None, _unknown(change))
    if change is None or change.action is Action.NO_OP:
        return Triple(drift.before, drift.after, drift.after, None)
    return Triple(drift.before, drift.after, change.after, _unknown(change))


def _unknown(change: ResourceChange | None) -> Any:
    return change.unknown if change else None


def _deleted(base: Drift) -> Drift:
    opposed = base.action in (Action.CREATE, Action.REPLACE)
    return replace(
        base,
        kind=Kind.DRIFT if opposed else Kind.UNOPPOSED,
        reason=None if opposed else Reason.CODIFIED,
        deleted=True,
    )


def _waits(change: ResourceChange) -> str:
    """Say what of a move or an import waits for an apply; neither is drift."""
    if change.importing:
        return "An import block waits for an apply."
    if change.previous_address and change.previous_address != change.address:
        return f"Moved from {change.previous_address}; the state follows at the next apply."
    return ""


def _deferred_read(entry: ResourceChange) -> Drift | None:
    if entry.action is not Action.READ:
        return None
    return Drift(
        subject=Subject.RESOURCE,
        address=entry.address,
        kind=Kind.UNKNOWN,
        fingerprint="",
        resource_type=entry.resource_type,
        provider=entry.provider,
        action=Action.READ,
        action_reason=entry.action_reason,
        message="This data source can only be read during an apply.",
    )


_ORDER = (
    (Kind.CONFLICT, None),
    (Kind.DRIFT, None),
    (Kind.UNOPPOSED, Reason.UNDECLARED),
    (Kind.PENDING, None),
    (Kind.UNKNOWN, None),
    (Kind.UNOPPOSED, Reason.CODIFIED),
    (Kind.UNOPPOSED, Reason.IGNORED),
)


def _overall(attributes: Iterable[AttributeDrift]) -> tuple[Kind, Reason | None]:
    """Name a resource by the attribute that needs people most."""
    return min(((a.kind, a.reason) for a in attributes), key=_ORDER.index)


def _sealed(drift: Drift) -> Drift:
    """Give a drift its fingerprint: the same while nothing moves, another once a value does."""
    facts = [
        drift.subject,
        drift.address,
        drift.kind,
        drift.deleted,
        drift.action,
        drift.message if drift.subject is Subject.CHECK else "",
        [[list(a.path), a.kind, a.recorded, a.actual, a.desired] for a in drift.attributes],
    ]
    digest = sha256(canonical(facts).encode()).hexdigest()
    return replace(drift, fingerprint=digest[:16])
