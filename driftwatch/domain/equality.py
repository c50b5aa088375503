"""Tells when two values mean the same although they are written differently."""

import json
from collections.abc import Mapping
from typing import Any

from driftwatch.domain.model import Value


def same(left: Value, right: Value) -> bool:
    """Compare exactly, but for numbers, where 1 is 1.0, and truth values, where true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def alike(left: Value, right: Value) -> bool:
    """Compare by meaning: null is empty, a list is a set, JSON text is what it says."""
    return same(left, right) or _meaning(left) == _meaning(right)


def is_empty(value: Value) -> bool:
    """Say whether a value is null, "", [], {} or an object of such alone; zero is something."""
    if isinstance(value, Mapping):
        return all(map(is_empty, value.values()))
    return value is None or value in ("", [])


def canonical(value: Value) -> str:
    """Write a value so that equal values, whatever their key order, give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def _meaning(value: Value) -> str:
    return canonical(_plain(value))


def _plain(value: Any) -> Any:
    match value:
        case str():
            return _plain_text(value)
        case bool() | int() | float():
            return _plain_number(value)
        case Mapping():
            kept = {name: _plain(item) for name, item in value.items()}
            return {name: item for name, item in kept.items() if item is not None} or None
        case list():
            return sorted((_plain(item) for item in value), key=canonical) or None
        case _:
            return value


def _plain_number(value: Any) -> Any:
    """Read zero and false as nothing: an older provider SDK cannot tell them from unset."""
    if not value:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain_text(text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return {"json": _scalars_as_lists(json.loads(text))}
        except (ValueError, RecursionError):
            return text
    return text or None


def _scalars_as_lists(value: Any) -> Any:
    """Read a JSON policy the way AWS does: order carries no meaning, one is a list of one."""
    if isinstance(value, dict):
        return {name: _as_list(item) for name, item in value.items()}
    return _as_list(value)


def _as_list(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    return sorted(
        (_scalars_as_lists(item) if isinstance(item, dict | list) else item for item in items),
        key=canonical,
    )
