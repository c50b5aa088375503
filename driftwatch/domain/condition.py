"""Runs the CEL of a rule's `when:`, with a few functions that no value can break.

CEL: https://github.com/google/cel-spec
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import cel

from driftwatch.domain.vocabulary import FUNCTIONS

VARIABLES = (
    "recorded",
    "actual",
    "desired",
    "path",
    "address",
    "resource_type",
    "kind",
    "reason",
    "sensitive",
    "deleted",
    "replaces",
    "environment",
)
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Condition:
    """A `when:` that parsed; compiled once."""

    source: str
    program: cel.Program = field(repr=False, compare=False)

    def holds(self, variables: Mapping[str, Any]) -> bool | str:
        """Evaluate; text instead of an answer says why there is none."""
        try:
            answer = self.program.execute(cel.Context(dict(variables), FUNCTIONS))
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            return f"{type(error).__name__}: {_first_sentence(str(error))}"
        if isinstance(answer, bool):
            return answer
        return f"it gives {type(answer).__name__}, not true or false"


def parse_condition(source: str) -> Condition:
    """Compile a CEL expression; raise `ValueError` for bad syntax and for names nobody defines."""
    if len(source) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise ValueError(_syntax(str(error))) from error
    known = {*VARIABLES, *_TYPES, *_BOUND.findall(source)}
    _refuse_unknown("variable", program.variables(), known)
    functions = (name for name in program.functions() if name.isidentifier() and name[0] != "_")
    _refuse_unknown("function", functions, {*FUNCTIONS, *_BUILT_IN})
    return Condition(source, program)


_TYPES = ("int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type")
_BUILT_IN = (
    *("size", "contains", "startsWith", "endsWith", "matches", "has", "type", "dyn", "min", "max"),
    *("int", "uint", "double", "string", "bytes", "bool", "duration", "timestamp"),
)
_BOUND = re.compile(r"\.(?:exists|exists_one|all|filter|map)\(\s*(\w+)\s*,")


def _refuse_unknown(what: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            close = get_close_matches(name, sorted(known), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"unknown {what} {name!r}{hint}")


def _syntax(message: str) -> str:
    place = re.search(r"<input>:(\d+):(\d+): (.*)", message)
    return f"{place[3]} at {place[1]}:{place[2]}" if place else _first_sentence(message)


def _first_sentence(message: str) -> str:
    return message.splitlines()[0].partition(". ")[0].rstrip(".") if message else "no reason given"
