"""Two values mean the same, or they do not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.equality import alike, canonical, is_empty, same

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        ("a", "a"),
        ([1, {"a": None}], [1.0, {"a": None}]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_one_value_written_twice_is_the_same(left: Any, right: Any) -> None:
    assert same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (1, "1"),
        (None, ""),
        ([], None),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({"a": None}, {}),
        ({"a": 1}, {"a": True}),
    ],
)
def test_an_exact_comparison_forgives_nothing(left: Any, right: Any) -> None:
    assert not same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, ""),
        (None, []),
        (None, {}),
        (None, False),
        (0.0, None),
        ({}, {"a": {"b": [], "c": "", "d": 0}}),
        ({"a": 1, "b": None}, {"a": 1}),
        ([{"a": ""}, {"b": 2}], [{"b": 2.0}, {"a": None}]),
        (["x", "y"], ["y", "x"]),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}'),
        ('{"Action": "s3:*"}', '{"Action": ["s3:*"]}'),
        ('{"Action": ["a", "b"]}', '{"Action":["b","a"]}'),
        ('["a", ["b"]]', '[["b"],"a"]'),
        ('\n  {"a": [{"b": ["c"]}]}', '{"a":[{"b":"c"}]}'),
    ],
)
def test_what_means_the_same_is_alike(left: Any, right: Any) -> None:
    assert alike(left, right)
    assert alike(right, left)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (None, 1),
        (None, True),
        ("false", False),
        (1, True),
        (80, "80"),
        (["a"], ["a", "a"]),
        ([{"allow": [{}], "block": []}], [{"allow": [], "block": [{}]}]),
        (["a", ""], ["a"]),
        ("{}", ""),
        ("{not json", "{Not json"),
        ('{"Effect":"Allow"}', '{"Effect":"Deny"}'),
        ('{"a":1}', {"a": 1}),
        ("[" * 100_000, "[" * 100_001),
    ],
)
def test_what_differs_in_meaning_is_not_alike(left: Any, right: Any) -> None:
    assert not alike(left, right)


@pytest.mark.parametrize("value", [None, "", [], {}, {"a": None, "b": {"c": []}}])
def test_nothing_at_any_depth_of_objects_is_empty(value: Any) -> None:
    assert is_empty(value)


@pytest.mark.parametrize("value", [0, False, " ", [None], [{}], "{}"])
def test_zero_false_and_a_block_without_content_are_not_empty(value: Any) -> None:
    assert not is_empty(value)


@given(JSON)
def test_every_value_is_the_same_as_itself_read_back(value: Any) -> None:
    copy = json.loads(json.dumps(value))
    assert same(value, copy)
    assert alike(value, copy)


@given(JSON, JSON)
def test_same_implies_alike_and_both_are_symmetric(left: Any, right: Any) -> None:
    assert same(left, right) == same(right, left)
    assert alike(left, right) == alike(right, left)
    assert alike(left, right) or not same(left, right)


@given(st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_never_shows_in_canonical_text(value: dict[str, Any]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))
