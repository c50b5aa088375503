"""Policy files → rules."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from driftwatch.config.problems import Problem, refuse
from driftwatch.config.raw_policy import (
    RawDrift,
    RawExample,
    RawMatch,
    RawPolicyFile,
    RawRule,
    RawValues,
)
from driftwatch.config.validation import validate
from driftwatch.config.yaml_source import Document, read_document
from driftwatch.domain.globs import Globs, parse_path_glob
from driftwatch.domain.matching import Match
from driftwatch.domain.model import AttributeDrift, Drift, Kind
from driftwatch.domain.model import Path as AttributePath
from driftwatch.domain.policy import EnvironmentFacts, Example, Rule
from driftwatch.errors import ConfigError


def load_policies(paths: Sequence[Path]) -> tuple[Rule, ...]:
    """Load rules from files, and from the YAML files of directories in the order of their names.

    Raise `ConfigError` with every problem in all of them.
    """
    return parse_policies([read_document(file) for path in paths for file in _files(path)])


def parse_policies(documents: Sequence[Document]) -> tuple[Rule, ...]:
    """Make rules of documents; raise `ConfigError` with every problem in all of them."""
    problems: list[Problem] = []
    rules: dict[str, Rule] = {}
    for document in documents:
        raw, found = validate(RawPolicyFile, document.data, document, {})
        problems += [*document.problems, *found]
        for at, rule in enumerate(raw.rules if raw else ()):
            if other := rules.get(rule.name):
                message = f"the name {rule.name!r} is taken by a rule in {other.source}"
                problems.append(document.problem(("rules", at, "name"), message))
            rules[rule.name] = _rule(rule, document.file)
    refuse(problems)
    return tuple(rules.values())


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = sorted(file for file in path.iterdir() if file.suffix in (".yaml", ".yml"))
    if not found:
        raise ConfigError(f"{path}: there is no policy in this directory (*.yaml)")
    yield from found


def _rule(raw: RawRule, source: str) -> Rule:
    return Rule(
        name=raw.name,
        because=raw.because,
        match=_match(raw.match),
        when=raw.when,
        severity=raw.severity,
        verdict=raw.verdict,
        examples=tuple(map(_example, raw.examples)),
        source=source,
    )


def _match(raw: RawMatch) -> Match:
    return Match(
        environment=Globs(tuple(raw.environment)),
        labels=Globs(tuple(raw.labels)),
        resource_type=Globs(tuple(raw.resource_type)),
        address=Globs(tuple(raw.address)),
        attribute=tuple(map(parse_path_glob, raw.attribute)),
        kinds=frozenset(raw.kind),
        reasons=frozenset(raw.reason),
        subjects=frozenset(raw.subject),
        deleted=raw.deleted,
        replaces=raw.replaces,
    )


def _example(raw: RawExample) -> Example:
    facts = raw.environment
    return Example(
        _drift(raw.drift),
        EnvironmentFacts(facts.name, tuple(facts.labels), tuple(facts.owners)),
        raw.expect.matches,
        raw.expect.severity,
        raw.expect.verdict,
    )


def _drift(raw: RawDrift) -> Drift:
    attributes = tuple(_attribute(path, values) for path, values in raw.attributes.items())
    kind = attributes[0].kind if attributes else Kind.DRIFT
    return Drift(
        subject=raw.subject,
        address=raw.address or f"{raw.resource_type}.example",
        kind=raw.kind or kind,
        fingerprint="example",
        resource_type=raw.resource_type,
        action=raw.action,
        reason=raw.reason,
        deleted=raw.deleted,
        attributes=attributes,
    )


def _attribute(path: AttributePath, values: RawValues) -> AttributeDrift:
    triple = values.triple
    return AttributeDrift(
        path,
        triple.recorded,
        triple.actual,
        triple.desired,
        values.kind,
        values.reason,
        values.sensitive,
    )
