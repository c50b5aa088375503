"""What one block of code declares and ignores, as python-hcl2 reads it.

tree-sitter cuts the file into blocks and python-hcl2, 20 times slower, reads only those that
somebody asks about. Where it cannot, tree-sitter's own reading of the block takes its place.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from threading import Lock
from typing import Any

from driftwatch.domain.address import parse_path, unescape
from driftwatch.domain.model import Path
from driftwatch.hcl.json_document import load_json
from driftwatch.hcl.syntax import DEEPEST, Block, Document, Expression, literal

LONGEST = 64 * 1024
"""Characters of a block that python-hcl2 reads: about 2 s at the worst."""

_BLANK_LINES = re.compile(r"\n[ \t\r\n]{64,}\n")
_COMPUTED = "${computed}"
_COMPUTED_KEY = re.compile(r"(?<!\$)\$\{")
# python-hcl2 keeps where it is in one context for all threads, which would mix up their values.
_serializing = Lock()
_STUMBLES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_EVERYTHING = frozenset({"all", "*"})


@dataclass(frozen=True, slots=True)
class BlockFacts:
    """A block's body in the form of Terraform's JSON syntax: expressions are `${…}` strings.

    `ignored` holds the paths of `ignore_changes`. `note` says what could not be read.
    """

    body: Mapping[str, Any]
    ignored: tuple[Path, ...] = ()
    ignores_all: bool = False
    note: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Name the attributes and blocks that code sets, those of dynamic blocks included."""
        dynamic = (name for spec in each(self.body.get("dynamic")) for name in spec)
        return frozenset(self.body).union(dynamic) - {"dynamic"}

    def declares(self, path: Path) -> bool | None:
        """Say whether code sets a value, None where sibling blocks differ in it.

        Blocks of a type are asked together, because the state may number them differently.
        """
        return not path or _declares(self.body, path[:DEEPEST])

    def ignores(self, path: Path) -> bool:
        """Say whether `ignore_changes` covers a path; ignored `tags` cover `tags_all` too."""
        if self.ignores_all:
            return True
        steps = [str(step) for step in path]
        twin = ["tags", *steps[1:]] if steps[:1] == ["tags_all"] else steps
        covered = ([str(step) for step in entry] for entry in self.ignored)
        return any(entry in (steps[: len(entry)], twin[: len(entry)]) for entry in covered)


def read_block(document: Document, block: Block) -> BlockFacts | None:
    """Read what a block declares, None if neither parser can make sense of it."""
    text = document.text(block.span)
    body = _json_body(text) if document.is_json else _hcl_body(text, len(block.labels))
    if body is not None:
        return _facts(body)
    if block.broken:
        return None
    return _facts(outline(document, block), "was read by its outline alone")


def override(base: BlockFacts, over: BlockFacts) -> BlockFacts:
    """Merge a block with its namesake of an override file, as Terraform does."""
    body = {**_without(base.body, over.names), **over.body}
    dynamic = [_without(spec, over.names) for spec in each(base.body.get("dynamic"))]
    body["dynamic"] = [*dynamic, *each(over.body.get("dynamic"))]
    parts = (*each(base.body.get("lifecycle")), *each(over.body.get("lifecycle")))
    body["lifecycle"] = [{key: value for part in parts for key, value in part.items()}]
    return _facts(body, base.note or over.note)


def outline(document: Document, block: Block) -> Mapping[str, Any]:
    """Read a block's body with tree-sitter alone, in the form of Terraform's JSON syntax.

    Exact where values are literal, as Terraform demands of versions, sources and backends.
    """
    body: dict[str, Any] = {}
    for inner in block.blocks:
        content: Mapping[str, Any] = outline(document, inner)
        for label in reversed(inner.labels):
            content = {label: content}
        body.setdefault(inner.block_type, []).append(content)
    return body | {str(item.key): _value(document, item.value) for item in block.attributes}


def each(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the bodies that a block type holds: the JSON syntax writes one without its list."""
    listed = value if isinstance(value, list) else [value]
    yield from (body for body in listed if isinstance(body, dict))


def _without(body: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in names}


def _value(document: Document, expression: Expression) -> Any:
    if expression.items is not None:
        pairs = (
            (_COMPUTED if item.key is None else item.key, item.value) for item in expression.items
        )
        return {key: _value(document, value) for key, value in pairs}
    if expression.elements is not None:
        return [_value(document, element) for element in expression.elements]
    text = document.text(expression.span)
    string = literal(text)
    return (None if text == "null" else f"${{{text}}}") if string is None else string


def _facts(body: Mapping[str, Any], note: str = "") -> BlockFacts:
    changes = [lifecycle.get("ignore_changes") for lifecycle in each(body.get("lifecycle"))]
    entries = chain.from_iterable(c if isinstance(c, list) else [c] for c in changes if c)
    ignored: list[Path] = []
    ignores_all = False
    for entry in map(_written, entries):
        if entry in _EVERYTHING:
            ignores_all = True
            continue
        try:
            ignored.append(parse_path(entry))
        except ValueError:
            note = note or f"ignores {entry[:80]!r}, which is not a path"
    return BlockFacts(body, tuple(ignored), ignores_all, note)


def _written(entry: Any) -> str:
    text = str(entry)
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text


def _json_body(text: str) -> Mapping[str, Any] | None:
    body = load_json(text)
    return body if isinstance(body, dict) else None


@lru_cache(maxsize=1024)
def _hcl_body(text: str, labels: int) -> Mapping[str, Any] | None:
    if len(text) > LONGEST:
        return None
    import hcl2  # noqa: PLC0415 - takes 0.1 s, and most checks never ask
    from lark.exceptions import LarkError  # noqa: PLC0415

    options = hcl2.SerializationOptions(
        with_comments=False, strip_string_quotes=True, explicit_blocks=False
    )
    try:
        tree = hcl2.parses(_BLANK_LINES.sub("\n\n", text))
        with _serializing:
            read = hcl2.serialize(tree, serialization_options=options)
        ((body, *_),) = read.values()
        for _ in range(labels):
            (body,) = body.values()
    except (LarkError, *_STUMBLES):
        return None
    return body if isinstance(body, dict) else None


def _declares(value: Any, path: Path) -> bool | None:
    if not path or not isinstance(value, list | dict):
        return value is not None
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        elements = value if isinstance(step, int) else each(value)
        inner = rest if isinstance(step, int) else path
        return _agreed(_declares(element, inner) for element in elements)
    if isinstance(step, int):
        return _declares(value, rest)
    found = [_declares(inner, rest) for inner in _named(value, step)]
    return _agreed(found) if found else any(_COMPUTED_KEY.search(key) for key in value)


def _named(body: Mapping[str, Any], name: str) -> Iterator[Any]:
    yield from (value for key, value in body.items() if name in {key, unescape(key)})
    for spec in each(body.get("dynamic")):
        for block in each(spec.get(name)):
            yield block.get("content", {})


def _agreed(answers: Iterable[bool | None]) -> bool | None:
    distinct = set(answers)
    return distinct.pop() if len(distinct) == 1 else (None if distinct else True)
