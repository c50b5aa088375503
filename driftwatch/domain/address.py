"""Addresses of things and paths of attributes, as Terraform writes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from driftwatch.domain.model import Path

_STEP = re.compile(
    r"""\.?(?P<name>[^\W\d][\w-]*)
      | \.(?P<legacy>\d+)
      | \[\s*(?P<index>-?\d+)\s*\]
      | \[\s*"(?P<key>(?:[^"\\]|\\.)*)"\s*\]""",
    re.VERBOSE | re.DOTALL,
)
_IDENTIFIER = re.compile(r"[^\W\d][\w-]*")
_ESCAPED = re.compile(
    r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"
    r"|\\(.)|([$%])\5(?=\{)",
    re.DOTALL,
)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LETTER = {character: f"\\{letter}" for letter, character in _CONTROL.items()} | {
    '"': '\\"',
    "\\": "\\\\",
}


class Mode(StrEnum):
    """Say which block declares a thing; the value is that block's type."""

    MANAGED = "resource"
    DATA = "data"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class ModuleStep:
    """One step into a called module; `key` is its `count` or `for_each` key."""

    name: str
    key: str | int | None = None

    def __str__(self) -> str:
        return f"module.{self.name}{_format_key(self.key)}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a resource instance is declared.

    Outputs, checks and variables have one too: their `resource_type` is `output`, `check` or `var`.
    """

    modules: tuple[ModuleStep, ...]
    mode: Mode
    resource_type: str
    name: str
    key: str | int | None = None

    def __str__(self) -> str:
        prefix = "" if self.mode is Mode.MANAGED else f"{self.mode}."
        steps = "".join(f"{step}." for step in self.modules)
        return f"{steps}{prefix}{self.resource_type}.{self.name}{_format_key(self.key)}"


def parse_address(text: str) -> Address:
    """Parse an absolute resource address; raise `ValueError` if it is none."""
    tokens = list(_tokens(text))
    modules: list[ModuleStep] = []
    while _take(tokens, "module"):
        name = _take_name(tokens, text)
        modules.append(ModuleStep(name, _take_key(tokens)))
    mode = next((mode for mode in Mode if _take(tokens, mode.value)), Mode.MANAGED)
    resource_type, name = _take_name(tokens, text), _take_name(tokens, text)
    address = Address(tuple(modules), mode, resource_type, name, _take_key(tokens))
    if tokens:
        raise ValueError(f"not a resource address: {text!r}")
    return address


def format_path(path: Path) -> str:
    """Write a path as Terraform does: `tags["kubernetes.io/x"]`, `ingress[0].from_port`."""
    return "".join(_format_step(step, first=not at) for at, step in enumerate(path))


def parse_path(text: str) -> Path:
    """Parse what `format_path` writes, and `list.0` of old; raise `ValueError` if it is no path."""
    return tuple(step for _, step in _tokens(text))


def unescape(text: str) -> str:
    """Read what stands between the quotes of a Terraform string without interpolation."""
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    hexadecimal = match[1] or match[2] or match[3]
    if hexadecimal:
        return chr(int(hexadecimal, 16))
    letter: str = match[4]
    return _CONTROL.get(letter, letter) if letter else match[5]


def _escape(text: str) -> str:
    plain = "".join(
        _LETTER.get(
            c, c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else _long(c)
        )
        for c in text
    )
    return plain.replace("${", "$${").replace("%{", "%%{")


def _long(character: str) -> str:
    return f"\\U{ord(character):08x}"


def _format_key(key: str | int | None) -> str:
    if key is None:
        return ""
    return f"[{key}]" if isinstance(key, int) else f'["{_escape(key)}"]'


def _format_step(step: str | int, *, first: bool) -> str:
    if isinstance(step, str) and _IDENTIFIER.fullmatch(step):
        return step if first else f".{step}"
    return _format_key(step)


def _tokens(text: str) -> Iterator[tuple[str, str | int]]:
    """Yield each step with the form it has: `name`, `legacy`, `index` or `key`."""
    at = 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match["name"] and (text[at] == ".") == (at == 0)):
            raise ValueError(f"not a path: {text!r}")
        kind = str(match.lastgroup)
        value = match[kind]
        yield kind, int(value) if kind in {"legacy", "index"} else _key(kind, value)
        at = match.end()


def _key(kind: str, value: str) -> str:
    return unescape(value) if kind == "key" else value


def _take(tokens: list[tuple[str, str | int]], keyword: str) -> bool:
    if tokens[:1] != [("name", keyword)]:
        return False
    tokens.pop(0)
    return True


def _take_name(tokens: list[tuple[str, str | int]], text: str) -> str:
    if not tokens or tokens[0][0] != "name":
        raise ValueError(f"not a resource address: {text!r}")
    return str(tokens.pop(0)[1])


def _take_key(tokens: list[tuple[str, str | int]]) -> str | int | None:
    if not tokens or tokens[0][0] not in {"index", "key"}:
        return None
    return tokens.pop(0)[1]
