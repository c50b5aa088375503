"""Tells what of an attribute that mirrors other resources none of those explains.

A security group lists its rules although separate resources manage them. After an apply the group's
`ingress` seems to have moved; it did not. But a rule that no resource explains is the one that
somebody added by hand, and a full plan calls that "No changes".
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from driftwatch.domain.equality import alike
from driftwatch.domain.mirrors import SIBLINGS, Atoms, Sibling
from driftwatch.domain.model import Value
from driftwatch.domain.security_rules import Values, rule_atoms


def related_types(resource_types: Iterable[str]) -> frozenset[str]:
    """List the types whose resources may explain a drift of the given ones."""
    parents = set(resource_types)
    return frozenset(
        sibling.resource_type
        for (parent, _), siblings in SIBLINGS.items()
        if parent in parents
        for sibling in siblings
    )


def mirroring_attributes(resource_type: str) -> tuple[str, ...]:
    """List a type's attributes that may mirror other resources."""
    return tuple(attribute for parent, attribute in SIBLINGS if parent == resource_type)


def unexplained(
    parent: tuple[str, Values],
    attribute: str,
    values: tuple[Value, Value],
    resources: Mapping[str, Iterable[Values]],
) -> tuple[Value, Value]:
    """Return what siblings leave unexplained of a recorded → actual move.

    `parent` is the resource's type and values, `resources` the recorded and actual values of all
    resources by type. Results that are alike mean that nothing is left.
    """
    resource_type, own = parent
    siblings = SIBLINGS[resource_type, attribute]
    explained: set[str] = set()
    for sibling, other in _linked(siblings, own, resources):
        if sibling.element is None:
            return None, None
        explained.update(sibling.element(other, own))
    element = siblings[0].element
    recorded, actual = values
    if element is None or not _are_lists(recorded, actual):
        return values
    how = (element, own)
    return _left(recorded, actual, explained, how), _left(actual, recorded, explained, how)


def _linked(
    siblings: Iterable[Sibling], own: Values, resources: Mapping[str, Iterable[Values]]
) -> Iterator[tuple[Sibling, Values]]:
    for sibling in siblings:
        names = [own[name] for name in sibling.to if own.get(name)]
        for other in resources.get(sibling.resource_type, ()):
            link = other.get(sibling.link)
            if any(name in names for name in (link if isinstance(link, list) else [link])):
                yield sibling, other


def _are_lists(*values: Value) -> bool:
    return all(isinstance(value, list | None) for value in values)


def _left(
    items: list[Any] | None,
    others: list[Any] | None,
    explained: set[str],
    how: tuple[Atoms, Values],
) -> list[Any]:
    """Keep the elements that are neither on the other side nor explained."""
    merges = how[0] is rule_atoms
    if merges:  # AWS puts rules that share a port into one: only their single sources compare
        explained = explained.union(*(_atoms(other, how) for other in others or ()))
    kept = []
    for item in items or ():
        atoms = _atoms(item, how)
        known = bool(atoms) and atoms <= explained
        if not known and not any(alike(item, other) for other in others or ()):
            kept.append(_narrowed(item, explained, how) if merges else item)
    return kept


def _atoms(item: Any, how: tuple[Atoms, Values]) -> set[str]:
    element, own = how
    return set(element(item if isinstance(item, Mapping) else {"value": item}, own))


def _narrowed(item: Any, explained: set[str], how: tuple[Atoms, Values]) -> Any:
    """Drop from a rule the sources that are explained, and keep those that are not."""
    if not isinstance(item, Mapping) or not _atoms(item, how):
        return item
    lists = {name: entries for name, entries in item.items() if isinstance(entries, list)}
    blank = {**item, **{name: [] for name in lists}, "self": False}
    kept = {
        name: [entry for entry in entries if _atoms({**blank, name: [entry]}, how) - explained]
        for name, entries in lists.items()
    }
    itself = _atoms({**blank, "self": item.get("self")}, how) - explained
    return {**item, **kept, "self": bool(itself)}
