"""Finds which environments a glob means."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from posixpath import basename

from driftwatch.config.directories import fits
from driftwatch.config.model import EnvironmentSpec
from driftwatch.config.values import NAME
from driftwatch.domain.environment import Environment

PLACEHOLDER = re.compile(r"\{(name|path)\}")
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Expansion:
    """The environments that there are, and what the operator should know about the globs."""

    environments: tuple[Environment, ...]
    notes: tuple[str, ...] = ()


def expand(specs: Iterable[EnvironmentSpec], directories: Mapping[str, Sequence[str]]) -> Expansion:
    """Expand globs against the directories of each repository, in the order of the file.

    A glob does not find again what is spelt out: the same directory with the same workspace and
    backend. What is spelt out stays even where its directory is missing, as its check must say so.
    """
    specs = list(specs)
    search = _Search()
    for spec in specs:
        if not spec.is_glob:
            search.add(spec, spec.template.directory)
    for spec in specs:
        if spec.is_glob:
            search.add_all(spec, directories.get(spec.template.repository, ()))
    found = [environment for spec in specs for environment in search.found.get(id(spec), ())]
    return Expansion(tuple(found), tuple(search.notes))


@dataclass(slots=True)
class _Search:
    found: dict[int, list[Environment]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    states: set[tuple[object, ...]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def add(self, spec: EnvironmentSpec, directory: str) -> None:
        name = _name(spec.template, directory)
        other = self.names.get(name.lower())
        if other is not None:
            self.notes.append(
                f"{directory} is not watched: its name {name} is taken by {other};"
                f" use {{path}} in {spec.template.name}, or spell it out"
            )
        elif not re.fullmatch(NAME, name):
            self.notes.append(
                f"{directory} is not watched: {spec.template.name} makes {name!r} of it, which is"
                " no name of at most 63 characters; spell it out"
            )
        else:
            environment = replace(spec.template, name=name, directory=directory)
            self.found.setdefault(id(spec), []).append(environment)
            self.names[name.lower()] = directory
            self.states.add(_state(environment))

    def add_all(self, spec: EnvironmentSpec, directories: Sequence[str]) -> None:
        template = spec.template
        hits = [
            directory
            for directory in sorted(directories)
            if fits(template.directory, directory)
            and not any(fits(glob, directory) for glob in spec.exclude)
        ]
        if not hits:
            self.notes.append(
                f"{template.name}: no directory of {template.repository} fits {template.directory}"
            )
        for directory in hits:
            if _state(replace(template, directory=directory)) not in self.states:
                self.add(spec, directory)


def _state(environment: Environment) -> tuple[object, ...]:
    return (
        environment.repository,
        environment.directory,
        environment.workspace or "default",
        environment.backend_config,
    )


def _name(template: Environment, directory: str) -> str:
    """Fill in {name} and {path}, with what no name can hold made a dash."""
    words = {
        "name": _word(basename(directory), template.repository),
        "path": _word(directory.replace("/", "-"), template.repository),
    }
    return PLACEHOLDER.sub(lambda found: words[found[1]], template.name)


def _word(text: str, root: str) -> str:
    return root if text == "." else _FOREIGN.sub("-", text)
