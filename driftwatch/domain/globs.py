"""Matches what rules name by pattern: names, and paths of attributes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from driftwatch.domain.model import Path

_REMEMBERED = 1 << 15  # types and paths repeat over resources: this halves the time to judge
_STEP = re.compile(
    r"""(?:^|\.)(?P<name>[^.\[\]"]+)
      | (?:^|\.)?\[(?P<index>\d+|\*)\]
      | (?:^|\.)?\["(?P<key>[^"]*)"\]""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Globs:
    """Match text that fits one of several globs and none of those that start with `!`.

    `*` stands for any characters, `?` for one; brackets mean themselves, as in addresses. No globs
    at all match everything.
    """

    patterns: tuple[str, ...] = ()

    def matches(self, text: str) -> bool:
        """Say whether the text fits."""
        return not self.patterns or _fits_names(self.patterns, text)

    def match_any(self, texts: Iterable[str]) -> bool:
        """Say whether one of the texts fits; without globs none is needed."""
        return not self.patterns or any(map(self.matches, texts))


@dataclass(frozen=True, slots=True)
class PathGlob:
    """Match an attribute's path and everything below it.

    A step is a glob over a name, an index in brackets, or `**` for any number of steps; a pattern
    without indices matches every element.
    """

    text: str
    steps: tuple[str | int, ...]
    negated: bool = False

    def matches(self, path: Path) -> bool:
        """Say whether the path fits, whatever `negated` says."""
        return _fits(self.steps, path)


def parse_path_glob(text: str) -> PathGlob:
    """Parse `tags["kubernetes.io/*"]`, `ingress[*].cidr_blocks`, `**`; raise `ValueError`."""
    plain = text.removeprefix("!")
    steps: list[str | int] = []
    at = 0
    while at < len(plain):
        step = _STEP.match(plain, at)
        if step is None:
            raise ValueError(f"{text!r} is not an attribute path: write tags.Name or list[*].name")
        steps.append(_step(step))
        at = step.end()
    if not steps:
        raise ValueError("an attribute path is empty")
    return PathGlob(text, tuple(steps), negated=plain != text)


@lru_cache(maxsize=_REMEMBERED)
def match_paths(globs: tuple[PathGlob, ...], path: Path) -> bool:
    """Say whether a path fits one of the globs and none of the negated ones."""
    return _decide((glob.negated, glob.matches(path)) for glob in globs)


@lru_cache(maxsize=_REMEMBERED)
def _fits_names(patterns: tuple[str, ...], text: str) -> bool:
    return _decide(
        (pattern.startswith("!"), _compiled(pattern.removeprefix("!")).fullmatch(text))
        for pattern in patterns
    )


def _decide(outcomes: Iterable[tuple[bool, object]]) -> bool:
    wanted: list[bool] = []
    for negated, hit in outcomes:
        if negated and hit:
            return False
        if not negated:
            wanted.append(bool(hit))
    return not wanted or any(wanted)


_ANY_INDEX = -1
_ANY_DEPTH = "**"


def _step(match: re.Match[str]) -> str | int:
    if match["index"] is not None:
        return _ANY_INDEX if match["index"] == "*" else int(match["index"])
    return str(match["name"] or match["key"])


def _fits(steps: tuple[str | int, ...], path: Path) -> bool:
    if not steps:
        return True
    step, rest = steps[0], steps[1:]
    if step == _ANY_DEPTH:
        return any(_fits(rest, path[skipped:]) for skipped in range(len(path) + 1))
    if not path:
        return False
    part = path[0]
    if isinstance(part, int) and isinstance(step, str):
        return _fits(steps, path[1:])
    return _fits_one(step, part) and _fits(rest, path[1:])


def _fits_one(step: str | int, part: str | int) -> bool:
    if isinstance(step, str):
        return _compiled(step).fullmatch(str(part)) is not None
    return isinstance(part, int) and step in (_ANY_INDEX, part)


@cache
def _compiled(glob: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(c) or re.escape(c) for c in glob), re.DOTALL)
