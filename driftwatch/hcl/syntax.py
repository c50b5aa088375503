"""What a parsed Terraform file consists of, each part with its place in the bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from driftwatch.domain.address import unescape

DEEPEST = 32
"""Collections and blocks nested deeper than this are one opaque expression."""

_COMPUTED = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")


@dataclass(frozen=True, slots=True)
class Span:
    """A range of bytes; `line` is where it starts, counted from 1."""

    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands right of `=`, taken apart only where it is a literal collection.

    `items` are an object's, `elements` a tuple's, `merged` the arguments of a call of `merge`;
    None means that the expression is not of that form.
    """

    span: Span
    items: tuple["Item", ...] | None = None
    elements: tuple["Expression", ...] | None = None
    merged: tuple["Expression", ...] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One `key = value`, of a body or of an object; `key` is None where it is computed."""

    key: str | None
    span: Span
    value: Expression


@dataclass(frozen=True, slots=True)
class Block:
    """A block with its attributes and nested blocks; `broken` when part of it does not parse."""

    block_type: str
    labels: tuple[str, ...]
    span: Span
    attributes: tuple[Item, ...] = ()
    blocks: tuple["Block", ...] = ()
    broken: bool = False

    def attribute(self, name: str) -> Item | None:
        """Return the last attribute of that name: of duplicates JSON takes the last."""
        return next((item for item in reversed(self.attributes) if item.key == name), None)

    def nested(self, block_type: str, *labels: str) -> tuple["Block", ...]:
        """List the nested blocks of that type and labels in their order."""
        return tuple(b for b in self.blocks if (b.block_type, b.labels) == (block_type, labels))


@dataclass(frozen=True, slots=True)
class Document:
    """One Terraform file; `problem` says in a clause why it could not be read completely."""

    content: bytes
    blocks: tuple[Block, ...]
    problem: str = ""
    is_json: bool = False

    def text(self, span: Span) -> str:
        """Return what stands in a span; bytes that are not UTF-8 are replaced."""
        return self.content[span.start : span.end].decode(errors="replace")

    def find(self, block_type: str, *labels: str) -> Iterator[Block]:
        """Find the blocks of a type and labels, those that a check scopes to itself included."""
        for block in self.blocks:
            if (block.block_type, block.labels) == (block_type, labels):
                yield block
            if block.block_type == "check":
                yield from block.nested(block_type, *labels)

    def string(self, block: Block, name: str) -> str | None:
        """Return an attribute that is a plain quoted string, None if it is absent or computed."""
        item = block.attribute(name)
        return literal(self.text(item.value.span)) if item else None


def literal(text: str) -> str | None:
    """Return the string that an expression's text is, None if it is not a plain quoted string."""
    inner = text[1:-1]
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return unescape(inner) if quoted and not _COMPUTED.search(inner) else None
