"""Fills in `${env:NAME}`, so that no secret needs to stand in a file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from driftwatch.config.yaml_source import Document
from driftwatch.domain.model import Path

SHORTEST_SECRET = 4
_REFERENCE = re.compile(r"\$(?P<escaped>\$\{env:)|\$\{env:(?P<inner>[^}]*)(?P<end>\}?)")
_INNER = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


@dataclass(slots=True)
class Resolution:
    """Data with its references filled in.

    `origins` names the variables that each value came from; `secrets` are the values, but for
    those so short that hiding them would hide half of every text.
    """

    document: Document
    environ: Mapping[str, str]
    origins: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def value(self, value: Any, path: Path = ()) -> Any:
        """Give a copy of a value in which every reference is filled in."""
        match value:
            case dict():
                return {name: self.value(item, (*path, name)) for name, item in value.items()}
            case list():
                return [self.value(item, (*path, at)) for at, item in enumerate(value)]
            case str() if "${env:" in value:
                return _REFERENCE.sub(lambda found: self._replace(found, path), value)
            case _:
                return value

    def _replace(self, found: re.Match[str], path: Path) -> str:
        if found["escaped"]:
            return str(found["escaped"])
        inner = _INNER.fullmatch(found["inner"])
        if not inner or not found["end"]:
            self._complain(path, "a reference is written ${env:NAME} or ${env:NAME:-default}")
            return ""
        name, default = inner["name"], inner["default"]
        if not (present := self.environ.get(name)) and default is not None:
            return str(default)
        if present is None:
            self._complain(path, f"the environment variable {name} is not set")
            return ""
        self.origins[path] = (*self.origins.get(path, ()), name)
        if len(present) >= SHORTEST_SECRET:
            self.secrets.add(present)
        return present

    def _complain(self, path: Path, message: str) -> None:
        self.document.problems.append(self.document.problem(path, message))
