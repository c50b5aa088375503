"""Says in a person's words what pydantic finds wrong, and where in the file it stands."""

import typing
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from driftwatch.config.problems import Problem
from driftwatch.config.yaml_source import Document
from driftwatch.domain.model import Path

Model = TypeVar("Model", bound=BaseModel)
Origins = Mapping[Path, tuple[str, ...]]

_SAYINGS = {
    "missing": "is required",
    "string_type": "must be text; if it is meant as text, put it in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "dict_type": "must be a map of keys and values",
    "model_type": "must be a map of keys and values",
    "list_type": "must be a list",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
}


def validate(
    model: type[Model], data: Any, document: Document, origins: Origins
) -> tuple[Model | None, tuple[Problem, ...]]:
    """Validate data; what is wrong comes back beside a model of the rest, where one is left."""
    try:
        return model.model_validate(data), ()
    except ValidationError as error:
        details = _details(error)
        problems = (_problem(model, detail, document, origins) for detail in details)
        told = {(p.line, p.column, p.path) for p in document.problems}
        new = tuple(p for p in problems if (p.line, p.column, p.path) not in told)
        return _salvage(model, data, details), new


def _details(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_input=False)


def _salvage(model: type[Model], data: Any, details: list[ErrorDetails]) -> Model | None:
    """Leave out what is broken, so that the checks of the rest can speak in the same breath."""
    before: Any = None
    while data != before and all(paths := [_to_leave_out(detail) for detail in details]):
        before = data
        for path in sorted(paths, key=len, reverse=True):
            data = _without(data, path)
        try:
            return model.model_validate(data)
        except ValidationError as error:
            details = _details(error)
    return None


def _to_leave_out(detail: ErrorDetails) -> Path:
    path = _path(detail["loc"])
    return path[:-1] if detail["type"] == "missing" else path


def _without(data: Any, path: Path) -> Any:
    """Copy data without one key; a list with something broken in it becomes empty."""
    if not isinstance(data, dict):
        return []
    rest = {name: item for name, item in data.items() if name != path[0]}
    return rest if len(path) == 1 else rest | {path[0]: _without(data.get(path[0]), path[1:])}


def _problem(
    model: type[BaseModel], detail: ErrorDetails, document: Document, origins: Origins
) -> Problem:
    path = _path(detail["loc"])
    at_key = detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",)
    message = _SAYINGS.get(detail["type"]) or _hide(detail, origins.get(path))
    if detail["type"] == "extra_forbidden":
        message = f"unknown key{_hint(model, path)}"
    return document.problem(path, message, at_key=at_key)


def _path(loc: tuple[str | int, ...]) -> Path:
    return tuple(step for step in loc if step != "[key]")


def _hide(detail: ErrorDetails, variables: tuple[str, ...] | None) -> str:
    """Take the value out of a message where it came from outside the file."""
    shown = detail.get("ctx", {}).get("shown")
    if variables is None or shown is None:
        return detail["msg"].replace("Input should be", "must be")
    hidden = "".join(f"${{env:{name}}}" for name in variables)
    return detail["msg"].replace(shown, f"the value of {hidden}", 1)


def _hint(model: type[BaseModel], path: Path) -> str:
    known = _fields(model, path[:-1])
    close = get_close_matches(str(path[-1]), known, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known here: {', '.join(known)}"


def _fields(annotation: Any, path: Path) -> list[str]:
    """List the keys that a place in the document may have."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return _fields(fields[str(path[0])].annotation, path[1:]) if path else sorted(fields)
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (dict, list):
        return _fields(arguments[-1], path[1:])
    return next((found for argument in arguments if (found := _fields(argument, path))), [])
