"""Judges drift by rules: how bad it is, what is to be done, and because of what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from driftwatch.domain.address import format_path
from driftwatch.domain.condition import Condition
from driftwatch.domain.matching import Match, Part, fits_drift, fits_part, parts_of
from driftwatch.domain.model import Drift, Finding, Kind, Reason, Severity, Subject, Verdict

EVERY_RESOURCE = Match()


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What rules may ask about the environment of a drift."""

    name: str
    labels: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A drift, and what its rule must make of it; `matches` false says that it must not decide."""

    drift: Drift
    environment: EnvironmentFacts
    matches: bool = True
    severity: Severity | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of policy; no `severity` keeps the one that uncovered drift would have."""

    name: str
    because: str
    match: Match = EVERY_RESOURCE
    when: Condition | None = None
    severity: Severity | None = None
    verdict: Verdict = Verdict.NOTIFY
    examples: tuple[Example, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Default:
    """How drift is judged that no rule covers."""

    applies: Callable[[Drift, Part], bool]
    severity: Severity
    verdict: Verdict
    because: str


DEFAULTS = (
    Default(
        lambda drift, _: drift.subject is Subject.CHECK,
        Severity.HIGH,
        Verdict.NOTIFY,
        "A check block of the code does not hold.",
    ),
    Default(
        lambda drift, _: drift.subject is Subject.PLAN,
        Severity.HIGH,
        Verdict.NOTIFY,
        "A part of the environment could not be seen.",
    ),
    Default(
        lambda _, part: part.kind is Kind.PENDING,
        Severity.LOW,
        Verdict.NOTIFY,
        "Code that is merged waits to be applied.",
    ),
    Default(
        lambda drift, _: drift.subject is Subject.OUTPUT,
        Severity.LOW,
        Verdict.NOTIFY,
        "An output no longer has the value that others may read.",
    ),
    Default(
        lambda _, part: part.reason is Reason.CODIFIED,
        Severity.INFO,
        Verdict.NOTIFY,
        "Code already states what is there; the next apply records it.",
    ),
    Default(
        lambda drift, part: drift.deleted and part.path is None,
        Severity.HIGH,
        Verdict.NOTIFY,
        "It was deleted outside Terraform.",
    ),
    Default(
        lambda drift, part: drift.replaces and part.path is None,
        Severity.HIGH,
        Verdict.NOTIFY,
        "An apply would destroy it and create it anew.",
    ),
    Default(
        lambda _, part: part.kind is Kind.CONFLICT,
        Severity.HIGH,
        Verdict.NOTIFY,
        "Reality and code both changed: an apply would undo what somebody did.",
    ),
    Default(
        lambda _, part: part.reason is Reason.IGNORED,
        Severity.INFO,
        Verdict.IGNORE,
        "The code says ignore_changes.",
    ),
    Default(
        lambda _, part: part.kind is Kind.UNOPPOSED,
        Severity.MEDIUM,
        Verdict.NOTIFY,
        "Reality changed where code says nothing: no apply will bring it back.",
    ),
    Default(
        lambda _, part: part.kind is Kind.UNKNOWN,
        Severity.LOW,
        Verdict.NOTIFY,
        "What code wants is known only after an apply.",
    ),
    Default(
        lambda _, __: True,
        Severity.MEDIUM,
        Verdict.NOTIFY,
        "Somebody changed reality; the next apply would undo it.",
    ),
)


@dataclass(frozen=True, slots=True)
class _Judgement:
    severity: Severity
    verdict: Verdict
    because: str
    rule: str = ""


def judge(
    drifts: Sequence[Drift], rules: Sequence[Rule], environment: EnvironmentFacts
) -> tuple[Finding, ...]:
    """Judge every drift; the first rule that fits decides, part by part.

    A drift is ignored only where each of its parts is. Else the worst part speaks for it, and what
    is to be done is what all parts that are not ignored agree on, or else to notify.
    """
    here = [
        rule
        for rule in rules
        if rule.match.environment.matches(environment.name)
        and rule.match.labels.match_any(environment.labels)
    ]
    return tuple(_judge_drift(drift, here, environment) for drift in drifts)


def _judge_drift(drift: Drift, rules: Sequence[Rule], environment: EnvironmentFacts) -> Finding:
    fitting = [rule for rule in rules if fits_drift(rule.match, drift)]
    judgements = [_judge_part(drift, part, fitting, environment) for part in parts_of(drift)]
    loud = [j for j in judgements if j.verdict is not Verdict.IGNORE]
    worst = min(loud or judgements, key=lambda judgement: judgement.severity.rank)
    verdicts = {judgement.verdict for judgement in loud or judgements}
    verdict = verdicts.pop() if len(verdicts) == 1 else Verdict.NOTIFY
    return Finding(drift, worst.severity, verdict, worst.because, worst.rule)


def _judge_part(
    drift: Drift, part: Part, rules: Sequence[Rule], environment: EnvironmentFacts
) -> _Judgement:
    default = _default(drift, part)
    troubles: list[str] = []
    for rule in rules:
        if not fits_part(rule.match, drift, part, conditional=rule.when is not None):
            continue
        holds = rule.when is None or rule.when.holds(_variables(drift, part, environment))
        if isinstance(holds, str):
            troubles.append(f'The rule "{rule.name}" could not be evaluated: {holds}.')
        elif holds:
            severity = rule.severity or _mild(rule.verdict, default)
            found = _Judgement(severity, rule.verdict, rule.because, rule.name)
            return _surface(found, default, troubles)
    return _surface(default, default, troubles)


def _default(drift: Drift, part: Part) -> _Judgement:
    row = next(row for row in DEFAULTS if row.applies(drift, part))
    return _Judgement(row.severity, row.verdict, row.because)


def _mild(verdict: Verdict, default: _Judgement) -> Severity:
    return Severity.INFO if verdict is Verdict.IGNORE else default.severity


def _surface(found: _Judgement, default: _Judgement, troubles: Sequence[str]) -> _Judgement:
    """Tell of rules that failed: one of them might have been the one that objects."""
    if not troubles:
        return found
    severity = min(found.severity, default.severity, key=lambda severity: severity.rank)
    return _Judgement(severity, Verdict.NOTIFY, " ".join([found.because, *troubles]), found.rule)


def _variables(drift: Drift, part: Part, environment: EnvironmentFacts) -> dict[str, Any]:
    """Give what `when:` may ask; see `condition.VARIABLES`."""
    return {
        "recorded": part.recorded,
        "actual": part.actual,
        "desired": part.desired,
        "path": format_path(part.path or ()),
        "address": drift.address,
        "resource_type": drift.resource_type,
        "kind": str(part.kind),
        "reason": str(part.reason or ""),
        "sensitive": part.sensitive,
        "deleted": drift.deleted,
        "replaces": drift.replaces,
        "environment": {
            "name": environment.name,
            "labels": list(environment.labels),
            "owners": list(environment.owners),
        },
    }
