"""The rules that come along: every example holds, and danger speaks before noise."""

import pytest

from driftwatch.config.places import builtin_policies
from driftwatch.config.policy_files import load_policies
from driftwatch.domain.model import Severity, Value, Verdict
from driftwatch.domain.policy import EnvironmentFacts, Rule, judge
from driftwatch.domain.policy_examples import ExampleResult, run_examples

RULES = load_policies([builtin_policies()])
RESULTS = run_examples(RULES)
SHAPES: tuple[Value, ...] = (
    *(None, True, 0, 3, 1.5, "x", "{", "(known after apply)", "(sensitive #1)"),
    *([], [None], [3], {}, [{}], {"a": [1]}, '{"Statement": [{}]}'),
)
GRAVE = (Severity.CRITICAL, Severity.HIGH)


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: f"{result.rule}-{result.number}")
def test_every_example_holds(result: ExampleResult) -> None:
    assert result.problem == ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_an_example_that_it_decides(rule: Rule) -> None:
    assert any(example.matches for example in rule.examples)
    assert rule.because.endswith(".")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_condition_fails_on_what_a_plan_can_hold(rule: Rule) -> None:
    """Masked, unknown and absent values, of any shape, must leave every `when:` an answer."""
    if rule.when is None:
        return
    for actual in SHAPES:
        for other in SHAPES:
            known = {"recorded": other, "actual": actual, "desired": other, "reason": ""}
            outcome = rule.when.holds(known | {"path": "a", "kind": "drift"})
            assert isinstance(outcome, bool), (actual, other, outcome)


def test_danger_is_judged_before_anything_is_ignored() -> None:
    quiet = [at for at, rule in enumerate(RULES) if rule.verdict is Verdict.IGNORE]
    grave = [at for at, rule in enumerate(RULES) if rule.severity in GRAVE]
    assert max(grave) < min(quiet)


def test_no_rule_that_comes_along_hides_a_loss() -> None:
    for rule in RULES:
        if rule.verdict is Verdict.IGNORE:
            assert not rule.match.deleted
            assert not rule.match.replaces
            assert rule.match.attribute, rule.name


def test_a_thousand_drifts_keep_their_order() -> None:
    drifts = [example.drift for rule in RULES for example in rule.examples] * 10
    findings = judge(drifts, RULES, EnvironmentFacts("prod"))
    assert [finding.drift for finding in findings] == drifts
