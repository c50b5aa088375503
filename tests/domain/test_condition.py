"""Conditions: CEL that is checked before it runs, and never fails in silence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.condition import LONGEST, parse_condition
from driftwatch.domain.vocabulary import FUNCTIONS

OPEN = {"protocol": "tcp", "from_port": 20, "to_port": 30, "cidr_blocks": ["0.0.0.0/0"]}


def holds(source: str, actual: Any = None, recorded: Any = None) -> bool | str:
    return parse_condition(source).holds({"actual": actual, "recorded": recorded})


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("1 +", "Syntax error: mismatched input"),
        ("", "Syntax error"),
        ("actaul == 1", "unknown variable 'actaul'; did you mean 'actual'?"),
        ("zzzzz == 1", r"unknown variable 'zzzzz'$"),
        ("wrold(actual)", "unknown function 'wrold'; did you mean 'world'?"),
        ("actual.exists(x, y == 1)", "unknown variable 'y'"),
        ("1" * (LONGEST + 1), "longer than 4000 characters"),
    ],
)
def test_a_condition_is_refused_before_it_runs(source: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("?", r"\?")):
        parse_condition(source)


@pytest.mark.parametrize(
    ("source", "actual", "recorded", "expected"),
    [
        ("actual == true", True, None, True),
        ("items(actual).exists(x, x == 2)", [1, 2], None, True),
        ("size(items(actual)) == 0", None, None, True),
        ("items(actual) == [7]", 7, None, True),
        ('text(actual) == "{\\"a\\":1}"', {"a": 1}, None, True),
        ('text(actual) == "plain"', "plain", None, True),
        ("json(actual).a == 1", '{"a": 1}', None, True),
        ('json(actual) == "{"', "{", None, True),
        ("json(actual) == 3", 3, None, True),
        ("less(actual, recorded)", 2, 30, True),
        ("less(actual, recorded)", "1", "30", True),
        ("less(actual, recorded)", None, 30, False),
        ("less(actual, recorded)", "x", 30, False),
        ("world(actual)", [{"cidr": "::/0"}], None, True),
        ("world(actual)", ["0.0.0.0/1", "128.0.0.0/1"], None, True),
        ("world(actual)", ["10.0.0.0/8", "no network", 3], None, False),
        ("exposes(actual, [22])", [OPEN], None, True),
        ("exposes(actual, [80])", [OPEN], None, False),
        ("exposes(actual, [80])", [OPEN | {"protocol": "-1"}], None, True),
        ("exposes(actual, [80])", [OPEN | {"from_port": None}], None, True),
        ("exposes(actual, [80])", ["0.0.0.0/0"], None, True),
        ("exposes(actual, [22])", [OPEN | {"cidr_blocks": ["10.0.0.0/8"]}], None, False),
        ("size(statements(actual)) == 0", "(sensitive #1)", None, True),
        ("size(statements(actual)) == 0", '{"Statement": ["x"]}', None, True),
        (
            (
                'statements(actual).exists(s, s.principal == ["*"] && s.action == ["a:b"]'
                ' && s.resource == [] && s.not_action == [] && s.effect == "Allow")'
            ),
            '{"Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "a:b"}}',
            None,
            True,
        ),
        (
            'statements(actual).exists(s, s.not_principal == ["x"] && s.not_resource == ["y"])',
            [{"name": "n", "policy": '{"Statement":{"NotPrincipal":"x","NotResource":"y"}}'}],
            None,
            True,
        ),
    ],
)
def test_a_condition_asks_about_values(
    source: str, actual: Any, recorded: Any, expected: bool
) -> None:
    assert holds(source, actual, recorded) is expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("actual.missing == 1", "KeyError: 'missing'"),
        ("actual[5] == 1", "IndexError|KeyError|TypeError"),
        ("actual < 3", "TypeError: No such overload"),
        ("1 / 0 == 1", "ZeroDivisionError: division by zero"),
        ("int('x') == 1", "RuntimeError: Function 'int' error"),
        ("1 + 1", "it gives int, not true or false"),
    ],
)
def test_a_condition_that_fails_says_why(source: str, problem: str) -> None:
    outcome = holds(source, {"a": 1})
    assert isinstance(outcome, str)
    assert any(part in outcome for part in problem.split("|"))


def test_equal_sources_are_equal_conditions() -> None:
    assert parse_condition("true") == parse_condition("true")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_no_value_makes_a_function_fail(left: Any, right: Any) -> None:
    for name, function in FUNCTIONS.items():
        function(*((left, right) if name in ("less", "exposes") else (left,)))
