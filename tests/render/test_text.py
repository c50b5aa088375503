"""Values, times and kinds in plain words."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.model import Action, Kind, Reason, Severity, Verdict
from driftwatch.render.text import (
    ago,
    count_ignored,
    describe_action,
    describe_kind,
    describe_snooze,
    explain_kind,
    headline,
    show_value,
    sort_worst_first,
    visible,
)
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_finding,
    make_fleet,
    make_report,
    make_snooze,
    make_snoozed,
)


@given(st.text())
def test_what_is_shown_can_neither_act_nor_hide(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable() or not set(shown) & set("\x00\x1b\r\n\t\u202e\u200b\ufeff")


def test_escapes_tell_which_character_it_was() -> None:
    assert visible("a\u202eb\x1b[31m\n\r\t") == "a<U+202E>b<U+001B>[31m\\n\\r\\t"
    assert visible("naïve 日本 🚀") == "naïve 日本 🚀"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ("plain", "plain"),
        ("7", '"7"'),
        ("true", '"true"'),
        ("null", '"null"'),
        ("", '""'),
        (" a", '" a"'),
        ('{"a":1}', '{"a":1}'),
        ({"a": ["ü"]}, '{"a": ["ü"]}'),
        ("a\nb", "a\\nb"),
    ],
)
def test_a_value_reads_as_what_it_is(value: Any, shown: str) -> None:
    assert show_value(value) == shown


def test_a_long_value_is_cut_and_says_so() -> None:
    assert show_value("abcdef", limit=3) == "abc… (6 characters)"


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=5, minutes=59), "5 hours ago"),
        (timedelta(days=40), "40 days ago"),
    ],
)
def test_ages_are_told_in_their_largest_unit(age: timedelta, said: str) -> None:
    assert ago(NOW - age, NOW) == said


def test_kinds_are_named_with_their_reason() -> None:
    assert describe_kind(make_drift()) == "drift"
    assert describe_kind(make_drift(deleted=True)) == "drift, deleted outside Terraform"
    ignored = make_attribute(kind=Kind.UNOPPOSED, reason=Reason.IGNORED)
    assert describe_kind(ignored) == "unopposed (ignored)"


def test_every_kind_and_reason_has_a_meaning_of_its_own() -> None:
    meanings = {explain_kind(kind) for kind in Kind}
    meanings |= {explain_kind(Kind.UNOPPOSED, reason) for reason in Reason}
    assert len(meanings) == len(Kind) + len(Reason)
    assert explain_kind(Kind.DRIFT, Reason.IGNORED) == explain_kind(Kind.DRIFT)


@pytest.mark.parametrize("action", Action)
def test_every_action_can_be_told(action: Action) -> None:
    assert describe_action(make_drift(action=action)).startswith("would ")


def test_what_was_deleted_would_be_created_again() -> None:
    gone = make_drift(action=Action.CREATE, deleted=True)
    assert describe_action(gone) == "would create it again"


def test_the_headline_tells_the_worst_first_and_leaves_out_what_is_not() -> None:
    assert headline([], NOW) == "No environment has been checked yet."
    assert headline([make_report()], NOW) == "The environment is in sync."
    assert headline([make_report(), make_report()], NOW) == "All 2 environments are in sync."
    assert headline([make_report(make_decision())], NOW) == "Of 1 environment: 1 drifted."
    assert headline(make_fleet(), NOW) == (
        "Of 8 environments: 2 drifted, 1 could not be looked at, 1 could not be seen whole, "
        "1 not looked at for too long, 1 with changes that wait to be applied, 1 snoozed."
    )


def test_the_worst_stands_first() -> None:
    low = make_report(make_decision(make_finding(severity=Severity.LOW)), environment="a")
    high = make_report(make_decision(make_finding(severity=Severity.HIGH)), environment="b")
    calm = make_report(environment="c")
    assert sort_worst_first([calm, low, high], NOW) == [high, low, calm]


def test_a_snooze_says_until_when_by_whom_and_why() -> None:
    assert describe_snooze(make_decision()) == ""
    assert describe_snooze(make_snoozed()) == (
        "snoozed until 2026-03-16 by ana: known, ticket 4711"
    )
    east = timezone(timedelta(hours=2))
    snooze = make_snooze(
        attribute="retention_in_days", until=datetime(2026, 3, 16, 1, 5, tzinfo=east), by="a\x1bb"
    )
    assert describe_snooze(make_decision(snooze=snooze)) == (
        "retention_in_days snoozed until 2026-03-15 23:05 UTC by a<U+001B>b: known, ticket 4711"
    )


def test_what_is_snoozed_is_less_urgent_than_what_waits_and_more_than_nothing() -> None:
    waits = make_drift(kind=Kind.PENDING, attributes=())
    pending = make_report(make_decision(make_finding(waits)), environment="c")
    snoozed, calm = make_report(make_snoozed(), environment="b"), make_report(environment="a")
    assert sort_worst_first([calm, snoozed, pending], NOW) == [pending, snoozed, calm]
    assert headline([snoozed, calm], NOW) == "Of 2 environments: 1 snoozed."


def test_ignored_findings_are_counted_without_the_snoozed_ones() -> None:
    ignored = make_decision(make_finding(verdict=Verdict.IGNORE))
    assert count_ignored(make_report(ignored, make_snoozed(), make_decision())) == 1
