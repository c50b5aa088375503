"""A snooze ends with its time or when a value moves, and never hides a loss."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.model import Action, Drift, Kind, Subject
from driftwatch.domain.snooze import Snooze
from driftwatch.domain.snoozing import (
    GONE,
    LOSS,
    TIME_IS_UP,
    UNSEEN,
    VALUE_MOVED,
    bind,
    find_snooze,
    parse_until,
    refusal,
    verdict,
)
from tests.builders import NOW, make_attribute, make_drift, make_snooze

SIZE = make_attribute(path=("size",), recorded=1, actual=2, desired=1)
TAG = make_attribute(path=("tags", "kubernetes.io/x"), recorded="a", actual="b", desired="a")
PORT = make_attribute(path=("ingress", 0, "from_port"), recorded=443, actual=8443, desired=443)
BOTH = make_drift(attributes=(SIZE, TAG))


def drift_of(*attributes: Any, **changes: Any) -> Drift:
    return make_drift(attributes=attributes, **changes)


def find(drift: Drift, *snoozes: Snooze, now: datetime = NOW) -> Snooze | None:
    return find_snooze(drift, snoozes, now)


# --- Bound to the value.


def test_what_stays_as_it_was_stays_snoozed_until_its_time_is_up() -> None:
    snooze = make_snooze(BOTH)
    assert find(BOTH, snooze) == snooze
    assert find(BOTH, snooze, now=snooze.until - timedelta(microseconds=1)) == snooze
    assert find(BOTH, snooze, now=snooze.until) is None
    assert verdict(snooze, BOTH, snooze.until) == TIME_IS_UP


def test_a_port_snoozed_at_8443_is_heard_of_again_at_9443() -> None:
    drift = drift_of(PORT)
    snooze = make_snooze(drift)
    moved = drift_of(replace(PORT, actual=9443))
    assert verdict(snooze, drift, NOW) == ""
    assert verdict(snooze, moved, NOW) == VALUE_MOVED
    assert find(moved, snooze) is None


@pytest.mark.parametrize(
    "moved",
    [
        drift_of(replace(SIZE, actual=3), TAG),
        drift_of(replace(SIZE, desired=5, kind=Kind.CONFLICT), TAG),
        drift_of(SIZE),
        drift_of(SIZE, TAG, PORT),
        drift_of(SIZE, replace(TAG, path=("tags", "other"))),
        replace(BOTH, kind=Kind.CONFLICT),
        drift_of(replace(SIZE, actual="2"), TAG),
    ],
)
def test_whatever_of_a_whole_moves_ends_its_snooze(moved: Drift) -> None:
    assert verdict(make_snooze(BOTH), moved, NOW) == VALUE_MOVED


def test_what_is_only_said_of_a_drift_does_not_end_a_snooze() -> None:
    retold = replace(BOTH, message="Another provider version says so.", location=None)
    assert verdict(make_snooze(BOTH), retold, NOW) == ""


def test_a_check_that_fails_otherwise_than_before_is_heard_of_again() -> None:
    check = drift_of(subject=Subject.CHECK, address="check.health", message="No backup since May.")
    snooze = make_snooze(check)
    assert verdict(snooze, check, NOW) == ""
    assert verdict(snooze, replace(check, message="The bucket is public."), NOW) == VALUE_MOVED


def test_what_is_gone_needs_no_snooze() -> None:
    assert verdict(make_snooze(BOTH), None, NOW) == GONE
    assert verdict(make_snooze(BOTH, "size"), drift_of(TAG), NOW) == GONE


def test_a_snooze_is_for_one_thing_alone() -> None:
    other = replace(BOTH, address="aws_x.other")
    assert find(other, make_snooze(BOTH)) is None


def test_a_snooze_that_has_ended_is_over() -> None:
    assert find(BOTH, make_snooze(BOTH, ended_at=NOW, ended_because=VALUE_MOVED)) is None


# --- One attribute.


def test_an_attribute_is_snoozed_on_its_own_value() -> None:
    snooze = make_snooze(BOTH, "size")
    assert verdict(snooze, drift_of(SIZE, replace(TAG, actual="c")), NOW) == ""
    assert verdict(snooze, drift_of(SIZE, kind=Kind.CONFLICT), NOW) == ""
    assert verdict(snooze, drift_of(replace(SIZE, actual=3), TAG), NOW) == VALUE_MOVED


def test_a_drift_rests_only_where_all_of_it_is_snoozed() -> None:
    size = make_snooze(BOTH, "size", until=NOW + timedelta(days=3))
    tags = make_snooze(BOTH, "tags", until=NOW + timedelta(days=9))
    assert find(BOTH, size) is None
    assert find(BOTH, size, tags) == size
    assert find(BOTH, size, tags, now=NOW + timedelta(days=4)) is None
    assert find(drift_of(SIZE), size) == size


def test_of_several_snoozes_the_one_that_lasts_longest_is_named() -> None:
    short = make_snooze(BOTH, until=NOW + timedelta(days=1))
    long = make_snooze(BOTH, until=NOW + timedelta(days=5))
    part = make_snooze(BOTH, "size", until=NOW + timedelta(days=9))
    assert find(BOTH, short, long, part) == long


@pytest.mark.parametrize(
    ("attribute", "covered"),
    [
        ('tags["kubernetes.io/x"]', True),
        ('tags["kubernetes.io/*"]', True),
        ("tags", True),
        ("tags.Name", False),
        ("tag", False),
    ],
)
def test_an_attribute_is_named_as_terraform_writes_it(attribute: str, covered: bool) -> None:
    if covered:
        assert find(drift_of(TAG), make_snooze(drift_of(TAG), attribute)) is not None
        return
    with pytest.raises(ValueError, match="has no drifted attribute") as caught:
        bind(drift_of(TAG), attribute)
    assert str(caught.value).endswith('it has: tags["kubernetes.io/x"]')


def test_an_attribute_that_looks_like_a_pattern_is_itself() -> None:
    odd = replace(TAG, path=("tags", 'a"*'))
    drift = drift_of(odd, replace(TAG, path=("tags", 'a"b')))
    assert find(drift_of(odd), make_snooze(drift, 'tags["a\\"*"]')) is not None


@pytest.mark.parametrize("attribute", ["!size", "..", "a[", "[x]"])
def test_what_names_no_attribute_is_refused(attribute: str) -> None:
    with pytest.raises(ValueError, match=r"is not an attribute path|says what it is not"):
        bind(BOTH, attribute)
    forged = replace(make_snooze(BOTH), attribute=attribute)
    assert verdict(forged, BOTH, NOW) == GONE


def test_a_drift_without_attributes_has_none_to_name() -> None:
    with pytest.raises(ValueError, match="it has: none"):
        bind(drift_of(), "size")


# --- Never a loss.


@pytest.mark.parametrize(
    "loss",
    [
        {"deleted": True},
        {"action": Action.DELETE},
        {"action": Action.REPLACE},
        {"action": Action.CREATE},
        {"action": Action.FORGET},
    ],
)
def test_a_loss_cannot_be_snoozed_and_wakes_what_was(loss: dict[str, Any]) -> None:
    lost = replace(BOTH, **loss)
    with pytest.raises(ValueError, match="a deletion or replacement cannot be snoozed"):
        bind(lost, "")
    assert verdict(make_snooze(BOTH), lost, NOW) == LOSS
    assert find(lost, make_snooze(BOTH), make_snooze(BOTH, "size")) is None


def test_what_a_plan_leaves_unseen_cannot_be_snoozed() -> None:
    gap = drift_of(subject=Subject.PLAN, address="plan", kind=Kind.UNKNOWN)
    assert refusal(gap) == UNSEEN
    with pytest.raises(ValueError, match="a deletion may hide there"):
        bind(gap, "")


def test_what_may_be_snoozed_is_refused_nothing() -> None:
    assert refusal(BOTH) == ""


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(values, values, st.sampled_from(["", "size"]))
def test_two_values_are_bound_alike_only_if_they_are_the_same(
    one: Any, other: Any, attribute: str
) -> None:
    first, second = (drift_of(replace(SIZE, actual=value)) for value in (one, other))
    assert (bind(first, attribute) == bind(second, attribute)) is (repr_(one) == repr_(other))


def repr_(value: Any) -> str:
    """Tell True from 1, and maps by content."""
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{k!r}:{repr_(v)}' for k, v in value.items()))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(repr_, value))}]"
    return repr(value)


# --- Until when.


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2w", NOW + timedelta(days=14)),
        ("1h30m", NOW + timedelta(minutes=90)),
        ("366d", NOW + timedelta(days=366)),
        ("2026-12-24", datetime(2026, 12, 24, tzinfo=UTC)),
        (" 2026-12-24T08:00 ", datetime(2026, 12, 24, 8, tzinfo=UTC)),
        ("2026-12-24T08:00Z", datetime(2026, 12, 24, 8, tzinfo=UTC)),
        ("2026-12-24T08:00+02:00", datetime(2026, 12, 24, 6, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_snooze_is_read(text: str, until: datetime) -> None:
    read = parse_until(text, NOW)
    assert (read, read.utcoffset()) == (until, timedelta(0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no time: write 2w, 2026-12-24 or 2026-12-24T08:00 (UTC)"),
        ("soon", "is no time"),
        ("2026-13-01", "is no time"),
        ("0001-01-01T00:00+14:00", "is no time"),
        ("2026-03-02", "is over already"),
        ("2026-03-02T09:30", "is over already"),
        ("367d", "is more than a year ahead"),
        ("9999-12-31", "is more than a year ahead"),
        ("9999w", "is more than a year ahead"),
    ],
)
def test_an_end_that_makes_no_sense_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="is ") as caught:
        parse_until(text, NOW)
    assert says in str(caught.value)


def test_the_end_is_read_from_whatever_zone_it_is_asked() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5)))
    assert parse_until("2w", local) == NOW + timedelta(days=14)
