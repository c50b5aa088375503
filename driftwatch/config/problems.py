"""What is wrong in a file, and where; all of it is told at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from driftwatch.domain.model import Path
from driftwatch.errors import ConfigError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return ": ".join(part for part in (place, self.path, self.message) if part)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise `ConfigError` with every problem, one a line in the order of the file, if any."""
    lines = list(dict.fromkeys(str(problem) for problem in sorted(problems)))
    if lines:
        raise ConfigError("\n".join(lines), tuple(lines))


def written(path: Path) -> str:
    """Write a place in a document: `environments.prod.var_files[0]`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")
