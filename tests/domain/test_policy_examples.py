"""Examples of rules: they test the rule among its neighbours."""

from dataclasses import replace

import pytest

from driftwatch.domain.model import AttributeDrift, Drift, Kind, Severity, Subject, Verdict
from driftwatch.domain.policy import EnvironmentFacts, Example, Rule
from driftwatch.domain.policy_examples import run_examples

DRIFT = Drift(
    Subject.RESOURCE,
    "aws_vpc.main",
    Kind.DRIFT,
    "f",
    attributes=(AttributeDrift(("tags",), "a", "b", "a", Kind.DRIFT),),
)
HERE = EnvironmentFacts("example")
RULE = Rule("quiet", "because", verdict=Verdict.IGNORE, source="f.yaml")


@pytest.mark.parametrize(
    ("example", "problem"),
    [
        (Example(DRIFT, HERE), ""),
        (Example(DRIFT, HERE, severity=Severity.INFO, verdict=Verdict.IGNORE), ""),
        (
            Example(DRIFT, HERE, severity=Severity.HIGH, verdict=Verdict.NOTIFY),
            "severity is info, expected high; verdict is ignore, expected notify",
        ),
        (Example(DRIFT, HERE, matches=False), "the rule decides here, and should not"),
        (
            Example(replace(DRIFT, deleted=True), HERE),
            "no rule decides here: It was deleted outside Terraform.",
        ),
        (Example(replace(DRIFT, deleted=True), HERE, matches=False), ""),
    ],
)
def test_an_example_tests_its_rule(example: Example, problem: str) -> None:
    (result,) = run_examples([replace(RULE, examples=(example,))])
    assert (result.rule, result.source, result.number) == ("quiet", "f.yaml", 1)
    assert result.problem == problem
    assert result.passed is (problem == "")


def test_a_rule_that_another_one_shadows_is_found() -> None:
    shadowed = replace(RULE, name="late", examples=(Example(DRIFT, HERE),))
    (result,) = run_examples([RULE, shadowed])
    assert result.problem == 'rule "quiet" decides here: because'
