"""Terraform's JSON syntax → Document: the blocks that its nested objects stand for."""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import partial
from itertools import chain

from driftwatch.hcl.syntax import DEEPEST, Block, Document, Expression, Item, Span

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_BOM = b"\xef\xbb\xbf"
_LABELS = {
    "resource": 2,
    "data": 2,
    "ephemeral": 2,
    "module": 1,
    "provider": 1,
    "variable": 1,
    "output": 1,
    "check": 1,
    "terraform": 0,
}
_Token = tuple[bytes, Span]


def parse_json(content: bytes) -> Document:
    """Parse a `.tf.json` file that is UTF-8; a file that is not JSON has a `problem`."""
    try:
        load_json(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        return Document(content, (), f"is not JSON (line {error.lineno})", is_json=True)
    except RecursionError:
        return Document(content, (), "is nested too deeply", is_json=True)
    tokens = _tokens(content)
    root = _expression(tokens, next(tokens), 0)
    blocks = (
        Block(name, labels, Span(body.span.start, body.span.end, line), body.items or ())
        for name, count in _LABELS.items()
        for item in _items(root)
        if item.key == name
        for labels, line, body in _bodies(item, count)
    )
    return Document(content, tuple(blocks), is_json=True)


def load_json(text: str) -> object:
    """Decode JSON without ever computing a number, which could take long."""
    return json.loads(text, parse_int=str, parse_float=str)


def _bodies(item: Item, count: int) -> Iterator[tuple[tuple[str, ...], int, Expression]]:
    """Yield the labels, line and body of each block below an item, `count` labels deep."""
    if count:
        for inner in _items(item.value):
            for labels, line, body in _bodies(inner, count - 1):
                yield (str(inner.key), *labels), line, body
        return
    for body in _each(item.value):
        yield (), item.span.line if body is item.value else body.span.line, body


def _each(value: Expression) -> tuple[Expression, ...]:
    return (value,) if value.elements is None else value.elements


def _items(value: Expression) -> Iterator[Item]:
    return chain.from_iterable(body.items or () for body in _each(value))


def _tokens(content: bytes) -> Iterator[_Token]:
    newlines = [match.start() for match in re.finditer(rb"\n", content)]
    start = len(_BOM) if content.startswith(_BOM) else 0
    return map(partial(_token, newlines), _TOKEN.finditer(content, start))


def _token(newlines: list[int], match: re.Match[bytes]) -> _Token:
    line = bisect_left(newlines, match.start()) + 1
    return match[0], Span(match.start(), match.end(), line)


def _expression(tokens: Iterator[_Token], first: _Token, depth: int) -> Expression:
    """Read one value, whose first token is already taken; the file is known to be JSON."""
    opening, start = first
    if opening not in {b"{", b"["}:
        return Expression(start)
    if depth >= DEEPEST:
        return Expression(Span(start.start, _end_of_collection(tokens), start.line))
    items: list[Item] = []
    elements: list[Expression] = []
    while (token := next(tokens))[0] not in {b"}", b"]"}:
        if token[0] == b",":
            continue
        if opening == b"{":
            items.append(_item(tokens, token, depth))
        else:
            elements.append(_expression(tokens, token, depth + 1))
    span = Span(start.start, token[1].end, start.line)
    if opening == b"{":
        return Expression(span, items=tuple(items))
    return Expression(span, elements=tuple(elements))


def _item(tokens: Iterator[_Token], key: _Token, depth: int) -> Item:
    next(tokens)  # the colon
    value = _expression(tokens, next(tokens), depth + 1)
    name = json.loads(key[0])
    span = Span(key[1].start, value.span.end, key[1].line)
    return Item(name, span, value)


def _end_of_collection(tokens: Iterator[_Token]) -> int:
    depth, end = 1, 0
    while depth:
        text, span = next(tokens)
        depth += (text in {b"{", b"["}) - (text in {b"}", b"]"})
        end = span.end
    return end
