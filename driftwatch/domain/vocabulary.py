"""The functions that a rule's `when:` can call; no value makes one of them fail."""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def _items(value: Any) -> list[Any]:
    """Give a list as it is, nothing for null, and a list of one for all else."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:
    """Give text as it is, and all else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), sort_keys=True, default=str)


def _decoded(value: Any) -> Any:
    """Give what JSON text says; what is no JSON text, as it is."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return value


def _less(left: Any, right: Any) -> bool:
    """Compare two numbers, or texts of numbers; false where one is none."""
    try:
        return float(left) < float(right)
    except (TypeError, ValueError):
        return False


def _world(value: Any) -> bool:
    """Say whether a value holds a network that is (half of) the whole internet."""
    return any(map(_is_world, _strings(value)))


def _exposes(value: Any, ports: Any) -> bool:
    """Say whether a firewall rule, or one of several, opens one of the ports to the world.

    A rule that does not say its ports is taken to open all.
    """
    return any(_world(rule) and _opens(rule, ports) for rule in _items(value))


def _opens(rule: Any, ports: Any) -> bool:
    if not isinstance(rule, Mapping) or rule.get("protocol", "-1") in ("-1", "all", None):
        return True
    first, last = rule.get("from_port"), rule.get("to_port")
    if not isinstance(first, int | float) or not isinstance(last, int | float):
        return True
    return any(first <= port <= last for port in _items(ports) if isinstance(port, int | float))


def _is_world(text: str) -> bool:
    try:
        return ipaddress.ip_network(text, strict=False).prefixlen <= 1
    except ValueError:
        return False


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


def _statements(value: Any) -> list[dict[str, Any]]:
    """List the statements of one or several IAM policies, each field present.

    Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    documents = [_decoded(_body(item)) for item in _items(value)]
    return [
        _statement(item)
        for document in documents
        if isinstance(document, Mapping)
        for item in _items(document.get("Statement"))
        if isinstance(item, Mapping)
    ]


def _body(value: Any) -> Any:
    """Give the document of an `inline_policy` block, and all else as it is."""
    return value.get("policy", value) if isinstance(value, Mapping) else value


def _statement(raw: Mapping[str, Any]) -> dict[str, Any]:
    lists = ("Action", "NotAction", "Resource", "NotResource")
    return {
        "effect": raw.get("Effect"),
        "condition": raw.get("Condition") or {},
        "principal": list(_strings(raw.get("Principal"))),
        "not_principal": list(_strings(raw.get("NotPrincipal"))),
    } | {_snake(name): list(_strings(raw.get(name))) for name in lists}


def _snake(name: str) -> str:
    return name.lower().replace("not", "not_")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "statements": _statements,
    "items": _items,
    "text": _text,
    "json": _decoded,
    "less": _less,
    "world": _world,
    "exposes": _exposes,
}
