"""Block and path → the place where the value is written."""

from collections.abc import Iterator

from driftwatch.domain.model import Path
from driftwatch.hcl.syntax import Block, Expression, Span

_Place = Block | Expression
_Step = tuple[int, Span, _Place]


def find_span(block: Block, path: Path) -> tuple[int, Span]:
    """Find the deepest part of a path that a block writes, after how many of the path's steps.

    The state's index of a nested block is taken for its index in code. That holds for lists;
    the blocks of a set may stand in another order, so its sibling may be found.
    """
    if path[:1] == ("tags_all",) and block.attribute("tags_all") is None:
        path = ("tags", *path[1:])
    return _deepest(block, path, block.span)


def _deepest(place: _Place, path: Path, span: Span) -> tuple[int, Span]:
    best = (0, span)
    for taken, inner_span, inner in _steps(place, path) if path else ():
        depth, found = _deepest(inner, path[taken:], inner_span)
        best = max(best, (depth + taken, found), key=lambda candidate: candidate[0])
    return best


def _steps(place: _Place, path: Path) -> Iterator[_Step]:
    """Yield where the first steps of a path lead: how many steps, what is written there."""
    if isinstance(place, Block):
        item = place.attribute(str(path[0]))
        if item is not None:
            yield 1, item.span, item.value
        yield from _nested(place, path)
    elif place.items is not None:
        yield from _into_object(place, path[0])
    elif place.elements is not None and isinstance(path[0], int):
        yield from ((1, found.span, found) for found in place.elements[path[0] :][:1])
    for argument in reversed((isinstance(place, Expression) and place.merged) or ()):
        yield from _steps(argument, path)


def _into_object(place: Expression, step: str | int) -> Iterator[_Step]:
    if isinstance(step, int):  # the JSON syntax may write a single block without its list
        yield 1, place.span, place
    yield from ((1, i.span, i.value) for i in reversed(place.items or ()) if i.key == step)


def _nested(place: Block, path: Path) -> Iterator[_Step]:
    name = str(path[0])
    blocks, dynamic = place.nested(name), place.nested("dynamic", name)
    indexed = len(path) > 1 and isinstance(path[1], int)
    if not indexed:
        yield from ((1, found.span, found) for found in (*blocks, *dynamic)[:1])
        return
    yield from ((2, found.span, found) for found in blocks[int(path[1]) :][:1])
    for generator in dynamic:
        yield from ((2, found.span, found) for found in generator.nested("content"))
