"""Makes whatever is logged fit for a log: no secret, no control character, nothing endless."""

import json
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Any

from driftwatch.domain.masking import Masker
from driftwatch.render.text import visible

LONGEST = 2048  # characters of one value
_LONGEST_READ = 16 * LONGEST  # what is searched for secrets before it is cut
_WIDEST = 100  # items of one nested value
_DEEPEST = 6
_FRAMES = 8
_CAUSES = 3

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]


@dataclass(slots=True)
class _Budget:
    """How many items a nested value may still have."""

    left: int = _WIDEST


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Cleans values; `secrets` are what no line may hold, in any common spelling.

    Secrets are cut out first, then what is long is cut, then what would act is escaped: the other
    way round half a secret could remain.
    """

    key: bytes = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    _masker: Masker = field(init=False, repr=False)
    _overlap: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        masker = Masker(self.key, self.secrets)
        masker.scrub("")  # builds its search now, while one thread alone has it
        object.__setattr__(self, "_masker", masker)
        longest = max((len(secret) for secret in self.secrets), default=0)
        object.__setattr__(self, "_overlap", 6 * longest)  # as \u00e9 a character takes six

    def value(self, value: object) -> Plain:
        """Turn anything into a short JSON value; what cannot be read says so."""
        with suppress(Exception):
            plain = self._plain(value, _Budget(), 0)
            if isinstance(plain, list | dict):
                text = json.dumps(plain, ensure_ascii=False)
                return plain if len(text) <= LONGEST else _cut(text)
            return plain
        return f"(a {type(value).__name__} that cannot be shown)"

    def text(self, text: str) -> str:
        """Clean one text."""
        masked = self._masker.scrub(text[:_LONGEST_READ])
        if len(text) > _LONGEST_READ and self._overlap:
            masked = masked[: -self._overlap]  # it may end in half a secret
        whole = str(self._masker.mask(masked))
        return visible(_cut(whole, len(text)) if len(text) > LONGEST else whole)

    def exception(self, error: BaseException, depth: int = 0) -> dict[str, Any]:
        """Tell an exception in short: type, message, where it passed, and what caused it."""
        told: dict[str, Any] = {
            "type": self.text(type(error).__qualname__),
            "message": self._message(error),
        }
        if error.__traceback__ is not None:
            told["frames"] = [self.text(frame) for frame in _frames(error.__traceback__)]
        if depth >= _CAUSES:
            return told
        if isinstance(error, BaseExceptionGroup):
            told["exceptions"] = [
                self.exception(each, depth + 1) for each in error.exceptions[:_CAUSES]
            ]
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None:
            told["cause"] = self.exception(cause, depth + 1)
        return told

    def _message(self, error: BaseException) -> str:
        with suppress(Exception):
            return self.text(str(error))
        return "(a message that cannot be shown)"

    def _plain(self, value: object, budget: _Budget, depth: int) -> Plain:
        if not isinstance(value, Mapping | list | tuple | AbstractSet):
            return self._leaf(value)
        if depth >= _DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            pairs = _some(value.items(), len(value), budget, ("…", "…"))
            return {self.text(str(k)): self._plain(v, budget, depth + 1) for k, v in pairs}
        items = _some(value, len(value), budget, "…")
        return [self._plain(item, budget, depth + 1) for item in items]

    def _leaf(self, value: object) -> Plain:
        match value:
            case None | bool():
                return value
            case int() | float():
                return self._number(value)
            case bytes():
                return f"({len(value)} bytes)"
            case _:
                return self.text(_word(value))

    def _number(self, value: float) -> Plain:
        """Keep numbers that JSON and its readers can hold; the others become text."""
        if isinstance(value, int) and value.bit_length() > 64:  # noqa: PLR2004 - as readers count
            return f"(a number of {value.bit_length()} bits)"
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is not
            return str(value)
        masked: Plain = self._masker.mask(value)
        return masked


def one_line(told: Mapping[str, Any], indent: str = "  ") -> str:
    """Write an exception, as `Cleaner.exception` tells it, for people at a terminal."""
    lines = [f"{indent}{told['type']}: {told['message']}"]
    lines += [f"{indent}  {frame}" for frame in told.get("frames", ())]
    for each in told.get("exceptions", ()):
        lines.append(one_line(each, indent + "  | "))
    if "cause" in told:
        lines += [f"{indent}because of", one_line(told["cause"], indent)]
    return "\n".join(lines)


def _word(value: object) -> str:
    match value:
        case str() | BaseException():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            return repr(value)


def _some(items: Iterable[Any], count: int, budget: _Budget, more: object) -> Iterator[Any]:
    """Give items as long as the budget lasts, and `more` in place of the others."""
    given = 0
    for item in items:
        if budget.left <= 0:
            break
        budget.left -= 1
        given += 1
        yield item
    if given < count:
        yield more


def _cut(text: str, length: int | None = None) -> str:
    return f"{text[:LONGEST]}… ({len(text) if length is None else length} characters)"


def _frames(trace: TracebackType) -> list[str]:
    """List the innermost frames as `folder/file.py:line function`; never their variables."""
    summary = traceback.StackSummary.extract(
        traceback.walk_tb(trace), limit=-_FRAMES, lookup_lines=False
    )
    return [
        f"{'/'.join(frame.filename.split('/')[-3:])}:{frame.lineno} {frame.name}"
        for frame in summary
    ]
