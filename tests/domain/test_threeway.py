"""Three values of one thing, compared leaf by leaf."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.equality import alike, same
from driftwatch.domain.model import UNKNOWN_TEXT, AttributeDrift, Kind
from driftwatch.domain.threeway import Triple, classify, differences, leaf
from tests.domain.test_equality import JSON


def found(recorded: Any, actual: Any, desired: Any, unknown: Any = None) -> list[AttributeDrift]:
    return list(differences(Triple(recorded, actual, desired, unknown)))


def told(*values: Any) -> list[tuple[Any, ...]]:
    return [(d.path, d.kind, d.recorded, d.actual, d.desired) for d in found(*values)]


NAMES = {
    (1, 1, 1): None,
    (1, 1, 2): Kind.PENDING,
    (1, 2, 1): Kind.DRIFT,
    (1, 2, 2): Kind.UNOPPOSED,
    (1, 2, 3): Kind.CONFLICT,
}


@pytest.mark.parametrize(("values", "kind"), NAMES.items())
def test_every_way_in_which_three_values_differ_has_its_name(
    values: tuple[int, int, int], kind: Kind | None
) -> None:
    assert classify(Triple(*values)) == kind


@given(st.permutations(["a", "b", "c"]), st.sampled_from(sorted(NAMES)))
def test_names_depend_on_equality_alone(letters: list[str], shape: tuple[int, int, int]) -> None:
    assert classify(Triple(*(letters[n - 1] for n in shape))) == NAMES[shape]


@given(JSON, JSON, JSON)
def test_a_difference_that_an_apply_would_make_always_has_a_name(r: Any, a: Any, d: Any) -> None:
    kind = classify(Triple(r, a, d))
    assert (kind in (None, Kind.UNOPPOSED)) == same(a, d)
    if kind is None:
        assert alike(r, a)


def test_null_stands_for_empty_only_where_code_does_not_object() -> None:
    nothing: tuple[Any, ...] = (None, "", [], {})
    for recorded, actual in product(nothing, repeat=2):
        assert classify(Triple(recorded, actual, actual)) is None
    assert classify(Triple("", None, "")) is Kind.DRIFT
    assert classify(Triple(None, None, "")) is Kind.PENDING
    assert classify(Triple(None, {}, {"a": 1})) is Kind.PENDING
    assert classify(Triple(None, {"a": 1}, {})) is Kind.DRIFT


def test_a_reordered_list_is_drift_only_where_code_objects() -> None:
    ab, ba = ["a", "b"], ["b", "a"]
    assert found({"l": ab}, {"l": ba}, {"l": ba}) == []
    assert told({"l": ab}, {"l": ba}, {"l": ab}) == [(("l",), Kind.DRIFT, ab, ba, ab)]
    assert told({"l": ab}, {"l": ab}, {"l": ba}) == [(("l",), Kind.PENDING, ab, ab, ba)]


def test_reordered_objects_are_drift_only_where_code_objects() -> None:
    one, two = {"port": 80}, {"port": 443}
    there, back = {"r": [one, two]}, {"r": [two, one]}
    assert found(there, back, back) == []
    (drift,) = found(there, back, there)
    assert (drift.kind, drift.path, drift.unchanged_elements) == (Kind.DRIFT, ("r",), 0)
    assert drift.recorded == [one, two]


def test_only_the_leaf_that_differs_is_told() -> None:
    recorded = {"a": {"b": [{"c": 1, "d": 2}]}, "e": 1}
    actual = {"a": {"b": [{"c": 9, "d": 2}]}, "e": 1}
    assert told(recorded, actual, recorded) == [(("a", "b", 0, "c"), Kind.DRIFT, 1, 9, 1)]


def test_one_changed_object_among_equals_is_told_by_its_position() -> None:
    recorded = {"r": [{"p": 1}, {"p": 2}, {"p": 3}]}
    actual = {"r": [{"p": 1}, {"p": 9}, {"p": 3}]}
    assert told(recorded, actual, recorded) == [(("r", 1, "p"), Kind.DRIFT, 2, 9, 2)]


def test_several_changed_objects_are_told_as_a_set_without_what_all_share() -> None:
    recorded = {"r": [{"p": 1}, {"p": 2}, {"p": 3}]}
    actual = {"r": [{"p": 8}, {"p": 9}, {"p": 3}]}
    (drift,) = found(recorded, actual, recorded)
    assert drift.path == ("r",)
    assert drift.recorded == [{"p": 1}, {"p": 2}]
    assert drift.actual == [{"p": 8}, {"p": 9}]
    assert drift.unchanged_elements == 1


def test_an_added_element_is_told_alone_with_a_count_of_the_rest() -> None:
    (drift,) = found({"l": ["a", "b", "b"]}, {"l": ["b", "x", "a", "b"]}, {"l": ["a", "b", "b"]})
    assert (drift.recorded, drift.actual, drift.desired) == ([], ["x"], [])
    assert (drift.kind, drift.unchanged_elements) == (Kind.DRIFT, 3)


def test_a_list_against_null_is_told_as_a_whole() -> None:
    assert told({"l": None}, {"l": ["x"]}, {"l": None}) == [(("l",), Kind.DRIFT, [], ["x"], [])]
    assert found({"l": None}, {"l": []}, {"l": []}) == []
    assert found({"l": [None]}, {"l": [None]}, {"l": [None]}, {"l": []}) == []


def test_a_value_of_another_shape_is_told_as_a_whole() -> None:
    assert told({"v": "x"}, {"v": ["x"]}, {"v": "x"}) == [(("v",), Kind.DRIFT, "x", ["x"], "x")]
    assert told(1, 2, 1) == [((), Kind.DRIFT, 1, 2, 1)]


def test_map_entries_that_come_and_go_are_told_one_by_one() -> None:
    recorded: Any = {"m": {"a": "1", "b": "2"}}
    actual: Any = {"m": {"b": "2", "c": "3"}}
    assert told(recorded, actual, recorded) == [
        (("m", "a"), Kind.DRIFT, "1", None, "1"),
        (("m", "c"), Kind.DRIFT, None, "3", None),
    ]


def test_a_number_and_its_text_differ() -> None:
    assert told({"v": 80}, {"v": "80"}, {"v": 80}) == [(("v",), Kind.DRIFT, 80, "80", 80)]
    assert found({"v": 80}, {"v": 80.0}, {"v": 80.0}) == []


def test_json_text_written_differently_is_drift_only_where_code_objects() -> None:
    one, two = '{"a":["x","y"]}', '{ "a": ["y", "x"] }'
    assert found({"p": one}, {"p": two}, {"p": two}) == []
    assert told({"p": one}, {"p": two}, {"p": one}) == [(("p",), Kind.DRIFT, one, two, one)]


def test_what_an_apply_alone_knows_is_unknown_whatever_reality_did() -> None:
    assert told({"id": "a"}, {"id": "b"}, {}, {"id": True}) == [
        (("id",), Kind.UNKNOWN, "a", "b", UNKNOWN_TEXT)
    ]
    assert told({"a": 1}, {"a": 1}, None, True) == [
        ((), Kind.UNKNOWN, {"a": 1}, {"a": 1}, UNKNOWN_TEXT)
    ]


def test_unknown_values_are_found_inside_of_objects_and_lists() -> None:
    recorded = {"b": [{"id": "a", "n": 1}], "l": ["x"], "o": None}
    desired = {"b": [{"n": 2}], "l": ["x"], "o": None}
    unknown = {"b": [{"id": True}], "l": [False, True], "o": {"p": True}, "f": [{"g": [False]}]}
    assert told(recorded, recorded, desired, unknown) == [
        (("b", 0, "id"), Kind.UNKNOWN, "a", "a", UNKNOWN_TEXT),
        (("b", 0, "n"), Kind.PENDING, 1, 1, 2),
        (("l",), Kind.UNKNOWN, ["x"], ["x"], UNKNOWN_TEXT),
        (("o",), Kind.UNKNOWN, None, None, UNKNOWN_TEXT),
    ]


def test_a_masked_value_is_told_as_sensitive() -> None:
    mask = "(sensitive #0123abcd)"
    (hidden, open_) = found(
        {"a": mask, "b": 1}, {"a": "(sensitive #9123abcd)", "b": 2}, {"a": mask, "b": 1}
    )
    assert hidden.sensitive
    assert not open_.sensitive


def test_tags_all_is_told_only_where_tags_does_not_tell_the_same() -> None:
    def tagged(**tags: str) -> dict[str, Any]:
        return {"tags": dict(tags), "tags_all": {**tags, "env": "prod"}}

    changed = tagged(owner="mallory")
    assert [d.path for d in found(tagged(owner="a"), changed, tagged(owner="a"))] == [
        ("tags", "owner")
    ]
    changed["tags_all"]["env"] = "dev"
    assert [d.path for d in found(tagged(owner="a"), changed, tagged(owner="a"))] == [
        ("tags", "owner"),
        ("tags_all", "env"),
    ]


def test_an_unknown_tags_all_is_folded_into_unknown_tags_alone() -> None:
    values = {"tags": {"a": "1"}, "tags_all": {"a": "1"}}
    both = {"tags": True, "tags_all": True}
    assert [d.path for d in found(values, values, {}, both)] == [("tags",)]
    assert [d.path for d in found(values, values, {"tags": {"a": "1"}}, {"tags_all": True})] == [
        ("tags_all",)
    ]


def test_a_leaf_is_named_like_any_other_difference() -> None:
    assert leaf(Triple(1, 2, 1), ("a",)).kind is Kind.DRIFT
    assert leaf(Triple([], ["x"], ["x"]), ("a",)).kind is Kind.UNOPPOSED
    assert leaf(Triple(1, 1, 1), ("a",)).kind is Kind.UNOPPOSED
    assert leaf(Triple(1, 2, 1, unknown=True), ("a",)).desired == UNKNOWN_TEXT


@given(JSON, JSON, JSON, JSON)
def test_no_json_can_break_the_comparison(r: Any, a: Any, d: Any, unknown: Any) -> None:
    for difference in found(r, a, d, unknown):
        assert difference.kind in Kind


@given(JSON, JSON, JSON)
def test_no_difference_in_meaning_is_left_untold(recorded: Any, actual: Any, desired: Any) -> None:
    if not found(recorded, actual, desired):
        assert alike(recorded, actual)
        assert alike(actual, desired)
