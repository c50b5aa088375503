"""Finds, leaf by leaf, where recorded, actual and desired differ, and names how."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from driftwatch.domain.equality import alike, canonical, same
from driftwatch.domain.masking import MASK
from driftwatch.domain.model import UNKNOWN_TEXT, AttributeDrift, Kind, Path, Value


@dataclass(frozen=True, slots=True)
class Triple:
    """The three values of one thing; `unknown` is true where only an apply knows the last."""

    recorded: Value
    actual: Value
    desired: Value
    unknown: Any = None

    def at(self, step: str | int) -> "Triple":
        """Go one step down."""
        return Triple(
            _item(self.recorded, step),
            _item(self.actual, step),
            _item(self.desired, step),
            self.unknown if self.unknown is True else _item(self.unknown, step),
        )

    @property
    def known(self) -> tuple[Value, ...]:
        """List the values that are there to look at."""
        return (self.recorded, self.actual, self.desired)


def differences(triple: Triple, path: Path = ()) -> Iterator[AttributeDrift]:
    """List the attributes, at and below `path`, whose three values are not all equal.

    `tags_all` is told only where `tags` does not tell the same.
    """
    found = list(_walk(triple, path))
    told = {d.path[1:] for d in found if d.path[:1] == ("tags",)}
    for difference in found:
        if difference.path[:1] != ("tags_all",) or difference.path[1:] not in told:
            yield difference


def leaf(triple: Triple, path: Path) -> AttributeDrift:
    """Tell of an attribute that differs as a whole."""
    if _holds_true(triple.unknown):
        return _leaf(replace(triple, desired=UNKNOWN_TEXT), path, Kind.UNKNOWN)
    return _leaf(triple, path, classify(triple) or Kind.UNOPPOSED)


def _walk(triple: Triple, path: Path) -> Iterator[AttributeDrift]:
    if triple.unknown is True:
        yield leaf(triple, path)
    elif not triple.unknown and _all_same(triple):
        return
    elif _all_are(triple, Mapping):
        for name in _names(triple):
            yield from _walk(triple.at(name), (*path, name))
    elif _all_are(triple, list):
        yield from _walk_list(triple, path)
    elif classify(triple) is not None or _holds_true(triple.unknown):
        yield leaf(triple, path)


def classify(triple: Triple) -> Kind | None:
    """Name how three known values differ; None where they mean the same.

    An exact difference between actual and desired is one that code insists on: only where code
    does not object may null stand for empty or one order for another.
    """
    recorded, actual, desired = triple.known
    if same(actual, desired):
        return None if alike(recorded, actual) else Kind.UNOPPOSED
    if same(recorded, desired):
        return Kind.DRIFT
    if alike(recorded, actual):
        return Kind.PENDING
    return Kind.DRIFT if alike(recorded, desired) else Kind.CONFLICT


def _walk_list(triple: Triple, path: Path) -> Iterator[AttributeDrift]:
    """Compare a list by position where all three are as long and hold objects, else as a set."""
    lengths = {len(value or ()) for value in triple.known}
    if len(lengths) == 1 and _matched_by_position(triple):
        for index in range(lengths.pop()):
            yield from _walk(triple.at(index), (*path, index))
        return
    if _holds_true(triple.unknown):
        yield leaf(triple, path)
    elif (kind := classify(triple)) is not None:
        trimmed, common = _without_common(triple)
        yield replace(_leaf(trimmed, path, kind), unchanged_elements=common)


def _matched_by_position(triple: Triple) -> bool:
    """Tell whether elements with one index are one thing: a lone block, or all but one equal."""
    size = len(triple.recorded or ())
    if not all(isinstance(v, Mapping) for value in triple.known for v in value or ()):
        return False
    differing = sum(not _all_same(triple.at(index)) for index in range(size))
    return size == 1 or differing <= 1


def _without_common(triple: Triple) -> tuple[Triple, int]:
    """Drop the elements that all three lists hold, unless their order alone differs."""
    counts = [Counter(canonical(item) for item in value or ()) for value in triple.known]
    common = counts[0] & counts[1] & counts[2]
    rest = [_subtract(value or [], common) for value in triple.known]
    return (Triple(*rest), common.total()) if any(rest) else (triple, 0)


def _subtract(items: list[Any], common: Counter[str]) -> list[Any]:
    left = common.copy()
    kept = []
    for item in items:
        text = canonical(item)
        if left[text] > 0:
            left[text] -= 1
        else:
            kept.append(item)
    return kept


def _leaf(triple: Triple, path: Path, kind: Kind) -> AttributeDrift:
    recorded, actual, desired = triple.known
    sensitive = any(MASK.search(canonical(value)) for value in triple.known)
    return AttributeDrift(path, recorded, actual, desired, kind, sensitive=sensitive)


def _all_same(triple: Triple) -> bool:
    return same(triple.recorded, triple.actual) and same(triple.actual, triple.desired)


def _all_are(triple: Triple, shape: type) -> bool:
    """Tell whether all values that are there have one shape; null goes with any."""
    there = [value for value in triple.known if value is not None]
    return bool(there) and all(isinstance(value, shape) for value in there)


def _names(triple: Triple) -> list[str]:
    names: dict[str, None] = {}
    for value in (*triple.known, triple.unknown):
        names.update(dict.fromkeys(value if isinstance(value, Mapping) else ()))
    return list(names)


def _item(value: Any, step: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int):
        return value[step] if step < len(value) else None
    return None


def _holds_true(mark: Any) -> bool:
    if isinstance(mark, Mapping):
        return any(map(_holds_true, mark.values()))
    if isinstance(mark, list):
        return any(map(_holds_true, mark))
    return mark is True
