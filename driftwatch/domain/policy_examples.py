"""Tests rules by the examples that they carry."""

from collections.abc import Sequence
from dataclasses import dataclass

from driftwatch.domain.model import Finding
from driftwatch.domain.policy import Example, Rule, judge


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What became of one example; `problem` is "" where the rule keeps its promise.

    `number` counts from 1 within the rule.
    """

    rule: str
    source: str
    number: int
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Say whether the rule keeps its promise."""
        return not self.problem


def run_examples(rules: Sequence[Rule]) -> tuple[ExampleResult, ...]:
    """Judge each example by all the rules given, in their order, as a check would."""
    return tuple(
        ExampleResult(rule.name, rule.source, number, _problem(rule, example, rules))
        for rule in rules
        for number, example in enumerate(rule.examples, start=1)
    )


def _problem(rule: Rule, example: Example, rules: Sequence[Rule]) -> str:
    (finding,) = judge([example.drift], rules, example.environment)
    decided = f'rule "{finding.rule}"' if finding.rule else "no rule"
    if not example.matches and finding.rule == rule.name:
        return "the rule decides here, and should not"
    if example.matches and finding.rule != rule.name:
        return f"{decided} decides here: {finding.because}"
    return "; ".join(_differences(example, finding))


def _differences(example: Example, finding: Finding) -> list[str]:
    pairs = (
        ("severity", example.severity, finding.severity),
        ("verdict", example.verdict, finding.verdict),
    )
    return [
        f"{what} is {found}, expected {expected}"
        for what, expected, found in pairs
        if expected is not None and expected is not found
    ]
