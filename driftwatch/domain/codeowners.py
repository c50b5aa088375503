"""CODEOWNERS → owners: who is concerned by a directory, as GitHub and GitLab understand the file.

The last line that matches decides. GitLab's sections decide each for itself, and their owners add
up. https://docs.github.com/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
and https://docs.gitlab.com/user/project/codeowners/reference/
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LARGEST = 3 << 20
"""Bytes; GitHub ignores a CODEOWNERS file above that."""

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where a repository may keep it, the one that counts first."""

_LONGEST_LINE = 1000  # characters
_MOST_OWNERS = 20  # of one directory
_OWNER = re.compile(r"@?@[^\s@/]+(?:/[^\s@/]+)*|[^\s@/]+@[^\s@]+")
_SECTION = re.compile(r"\^?\[(?P<name>[^\[\]]+)\](?:\[\d+\])?(?P<owners>\s.*)?")
_WORD = re.compile(r"(?:\\.|[^\s\\])+|\\")
_ESCAPE = re.compile(r"\\([\s#])")
_COMMENT = re.compile(r"(?<!\S)#.*")
_ANY = "**"


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """One line: a pattern by its steps, the section that it is in, and who owns what it matches."""

    section: str
    steps: tuple[str, ...]
    owners: tuple[str, ...]

    def matches(self, path: Sequence[str]) -> bool:
        """Say whether a file, given by the steps of its path, is meant."""
        return _fits(self.steps, path)


@dataclass(frozen=True, slots=True)
class Codeowners:
    """The rules of a file in its order, and what of it is not understood."""

    rules: tuple[OwnerRule, ...] = ()
    notes: tuple[str, ...] = ()


def parse_codeowners(content: bytes) -> Codeowners:
    """Parse a CODEOWNERS file; what is broken in it is left out and noted."""
    if len(content) > LARGEST:
        return Codeowners(notes=("is larger than 3 MB and is ignored",))
    if b"\0" in content:
        return Codeowners(notes=("is no text and is ignored",))
    parser = _Parser()
    rules = tuple(parser.rules(content.decode("utf-8-sig", "replace")))
    return Codeowners(rules, tuple(parser.notes))


def find_owners(codeowners: Codeowners, directory: str) -> tuple[str, ...]:
    """Name the owners of the root module in a directory: those of `main.tf`, there or not."""
    path = [*(step for step in directory.split("/") if step not in ("", ".")), "main.tf"]
    last: dict[str, tuple[str, ...]] = {}
    for rule in codeowners.rules:
        if rule.matches(path):
            last[rule.section] = rule.owners
    found = dict.fromkeys(owner for owners in last.values() for owner in owners)
    return tuple(found)[:_MOST_OWNERS]


@dataclass(slots=True)
class _Parser:
    """Reads line after line; a section and its owners hold until the next one."""

    section: str = ""
    inherited: tuple[str, ...] = ()
    unknown: dict[str, list[int]] = field(default_factory=dict)

    def rules(self, text: str) -> Iterator[OwnerRule]:
        for number, raw in enumerate(text.splitlines(), start=1):
            line = _COMMENT.sub("", raw[: _LONGEST_LINE + 1]).strip()
            if len(raw) > _LONGEST_LINE:
                self._ignore("too long a line", number)
            elif section := _SECTION.fullmatch(line):
                self.section = section["name"].strip().lower()
                self.inherited = _owners((section["owners"] or "").split())
            elif line.startswith("!"):
                self._ignore("an exclusion with !", number)
            elif line:
                yield self._rule(line)

    def _rule(self, line: str) -> OwnerRule:
        pattern, *words = _WORD.findall(line)
        owners = _owners(words) if words else self.inherited
        return OwnerRule(self.section, _steps(_ESCAPE.sub(r"\1", pattern)), owners)

    def _ignore(self, what: str, number: int) -> None:
        self.unknown.setdefault(what, []).append(number)

    @property
    def notes(self) -> Iterator[str]:
        for what, numbers in self.unknown.items():
            more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
            yield f"{what} is ignored (line {numbers[0]}{more})"


def _owners(words: Sequence[str]) -> tuple[str, ...]:
    """Keep what can be an owner: @user, @org/team, @@role or a mail address."""
    return tuple(word for word in words[:_MOST_OWNERS] if _OWNER.fullmatch(word))


def _steps(pattern: str) -> tuple[str, ...]:
    """Part a pattern; without a slash inside it means any directory, with one it starts at the top.

    A directory means all that is below it, except for `dir/*`: that is only what is right in it.
    """
    inside = pattern.strip("/")
    anchored = pattern.startswith("/") or "/" in inside
    steps = [step for step in inside.split("/") if step]
    if not steps:
        return ()
    below: tuple[str, ...] = () if anchored and steps[-1] == "*" else (_ANY,)
    if pattern.endswith("/"):
        below = ("*", _ANY)
    return (*(() if anchored else (_ANY,)), *steps, *below)


def _fits(steps: Sequence[str], path: Sequence[str]) -> bool:
    """Match step by step without ever going back twice, whatever a pattern holds.

    `reached` holds how many steps of the path each beginning of the pattern can cover.
    """
    reached = {0}
    for step in steps:
        if step == _ANY:
            reached = set(range(min(reached), len(path) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(path) and _fits_step(step, path[at])}
    return bool(steps) and len(path) in reached


def _fits_step(glob: str, text: str) -> bool:
    """Match `*` and `?`; the last `*` alone is tried again, which is enough and never slow."""
    at, star, resumed, place = 0, -1, 0, 0
    while place < len(text):
        if at < len(glob) and glob[at] == "*":
            star, resumed = at, place
            at += 1
        elif at < len(glob) and glob[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resumed += 1
            at, place = star + 1, resumed
        else:
            return False
    return not glob[at:].strip("*")
