"""Reads YAML 1.2 into plain values, and remembers where each of them stands."""

from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from driftwatch.config.problems import Problem, refuse, written
from driftwatch.domain.model import Path
from driftwatch.errors import ConfigError

LARGEST = 1 << 20
MOST_VALUES = 200_000

_TAG = "tag:yaml.org,2002:"
_TRUE = frozenset({"true", "yes", "on", "y"})


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Document:
    """A file's plain data, the place of each key and value, and what is wrong so far."""

    file: str
    data: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """Locate a problem; a path that does not stand in the file is placed at its parent."""
        place = (self.keys if at_key else self.values).get(path)
        known = path
        while place is None and known:
            known = known[:-1]
            place = self.keys.get(known) or self.values.get(known)
        place = place or Place(1, 1)
        return Problem(self.file, place.line, place.column, written(path), message)


def read_document(file: File) -> Document:
    """Read a YAML file; raise `ConfigError` where there is none that can be read."""
    return parse_document(str(file), _read(file))


def parse_document(name: str, text: str) -> Document:
    """Parse YAML; raise `ConfigError` for bad syntax.

    What can be told apart and mended one by one (a key given twice) is left in `problems`.
    """
    document = Document(name)
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        if root is not None:
            document.data = _Construction(document).value(root, ())
    except MarkedYAMLError as error:
        refuse([_syntax_problem(name, error)])
    except YAMLError as error:
        raise ConfigError(f"{name}: {_one_line(str(error))}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deeply to read") from error
    return document


def _read(file: File) -> str:
    try:
        content = file.read_bytes() if _size(file) <= LARGEST else None
    except FileNotFoundError as error:
        raise ConfigError(f"{file}: there is no such file") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{file}: this is a directory, not a file") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    if content is None:
        raise ConfigError(f"{file}: larger than 1 MiB; use globs and defaults to say it shorter")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}:{line}: not UTF-8 text (byte {error.start})") from error


def _size(file: File) -> int:
    return file.stat().st_size


class _Construction:
    """Builds plain data from nodes; what anchors expand to is counted, not trusted."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0
        self._open: set[int] = set()

    def value(self, node: Node, path: Path) -> Any:
        self._count += 1
        if self._count > MOST_VALUES or id(node) in self._open:
            raise ConfigError(
                f"{self._document.file}: anchors and aliases expand to more than {MOST_VALUES:,}"
                " values"
            )
        self._document.values[path] = _place(node)
        self._open.add(id(node))
        try:
            return self._content(node, path)
        finally:
            self._open.discard(id(node))

    def _content(self, node: Node, path: Path) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, at)) for at, item in enumerate(node.value)]
        value, known = _scalar(str(node.tag), str(node.value))
        if not known:
            self._complain(path, node, f"the tag {node.tag} means nothing here")
        return value

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in node.value:
            here = (*path, str(key.value) if isinstance(key, ScalarNode) else "?")
            name = str(here[-1])
            if not isinstance(key, ScalarNode):
                self._complain(path, key, "a key must be plain text")
            elif key.tag == f"{_TAG}merge":
                self._complain(here, key, "YAML 1.2 has no merge keys; say it in defaults")
            elif name in found:
                first = self._document.keys[here].line
                self._complain(here, key, f"given twice; the first is on line {first}")
            else:
                self._document.keys[here] = _place(key)
                found[name] = self.value(item, here)
        return found

    def _complain(self, path: Path, node: Node, message: str) -> None:
        place = _place(node)
        problem = Problem(self._document.file, place.line, place.column, written(path), message)
        self._document.problems.append(problem)


def _scalar(tag: str, text: str) -> tuple[Any, bool]:
    """Read a scalar; a number that would not be written back the same way stays text."""
    match tag.removeprefix(_TAG):
        case "null":
            return None, True
        case "bool":
            return text.lower() in _TRUE, True
        case "int":
            return _integer(text), True
        case "float":
            return _float(text), True
        case "str" | "timestamp":
            return text, True
        case _:
            return text, False


def _integer(text: str) -> int | str:
    try:
        return int(text, 0)
    except ValueError:
        return text


def _float(text: str) -> float | str:
    return text if text.strip("+-").startswith(".") else float(text)


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _syntax_problem(name: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    hint = "; YAML is indented with spaces, not tabs" if "\\t" in said else ""
    return Problem(name, mark.line + 1, mark.column + 1, "", f"{_one_line(said)}{hint}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
