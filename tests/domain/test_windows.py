"""What may happen when: deny wins, allow needs an open one, and clocks may change."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.globs import Globs
from driftwatch.domain.schedule import occurrences
from driftwatch.domain.windows import Activity, Hindrance, Window, find_hindrance

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PROD = ("prod", ("critical", "aws"))


def make_window(name: str = "freeze", **changes: Any) -> Window:
    blank: dict[str, Any] = {
        "allow": False,
        "activities": frozenset({Activity.CHECK}),
        "cron": "0 9 * * *",
        "duration": timedelta(hours=2),
    }
    return Window(name, **(blank | changes))


def hindrance(*windows: Window, at: datetime = MONDAY) -> Hindrance | None:
    return find_hindrance(windows, Activity.CHECK, PROD, at)


def test_without_windows_everything_may_happen() -> None:
    for activity in Activity:
        assert find_hindrance((), activity, PROD, MONDAY) is None


def test_an_open_window_that_denies_says_why_and_until_when() -> None:
    assert hindrance(make_window(because="the bank closes its books")) == Hindrance(
        "window freeze denies it: the bank closes its books", MONDAY.replace(hour=11, minute=0)
    )
    assert hindrance(make_window()) == Hindrance(
        "window freeze denies it", MONDAY.replace(hour=11, minute=0)
    )


@pytest.mark.parametrize(
    ("moment", "denied"),
    [
        (datetime(2026, 3, 2, 8, 59, 59, 999999, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 9, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 10, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 11, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 11, 0, 0, 500000, tzinfo=UTC), False),
    ],
)
def test_a_window_is_open_from_its_start_until_just_before_its_end(
    moment: datetime, denied: bool
) -> None:
    assert (hindrance(make_window(), at=moment) is not None) is denied


def test_deny_wins_over_allow() -> None:
    allow = make_window("office", allow=True, duration=timedelta(hours=8))
    found = hindrance(allow, make_window())
    assert found is not None
    assert found.because == "window freeze denies it"


def test_where_windows_allow_one_of_them_must_be_open() -> None:
    closed = make_window("night", allow=True, cron="0 22 * * *")
    later = make_window("evening", allow=True, cron="0 18 * * *")
    assert hindrance(closed, later) == Hindrance(
        "outside the window that allows it (night, evening)", MONDAY.replace(hour=18, minute=0)
    )
    assert hindrance(closed, make_window("office", allow=True)) is None


def test_an_allowing_window_that_never_opens_again_names_no_time() -> None:
    never = make_window("never", allow=True, cron="0 0 */29 2 MON#5")
    assert hindrance(never) == Hindrance("outside the window that allows it (never)", None)


@pytest.mark.parametrize(
    ("changes", "concerned"),
    [
        ({}, True),
        ({"activities": frozenset({Activity.NOTIFY, Activity.PROPOSE})}, False),
        ({"environments": Globs(("prod*",))}, True),
        ({"environments": Globs(("*", "!prod"))}, False),
        ({"labels": Globs(("aws",))}, True),
        ({"labels": Globs(("gcp",))}, False),
    ],
)
def test_a_window_has_a_say_in_what_it_names(changes: dict[str, Any], concerned: bool) -> None:
    window = make_window(**changes)
    assert window.concerns(Activity.CHECK, *PROD) is concerned
    assert (hindrance(window) is not None) is concerned


def test_a_window_that_allows_others_something_hinders_nobody_else() -> None:
    theirs = make_window(allow=True, cron="0 22 * * *", environments=Globs(("dev",)))
    assert hindrance(theirs) is None


def test_openings_that_overlap_are_one_long_window() -> None:
    often = make_window(cron="0 * * * *", duration=timedelta(hours=3))
    assert often.closes_at(MONDAY) == MONDAY.replace(hour=12, minute=0)


def test_a_window_may_last_for_weeks_and_cross_years() -> None:
    holidays = make_window(cron="0 0 18 12 *", duration=timedelta(days=21))
    assert holidays.closes_at(datetime(2027, 1, 4, tzinfo=UTC)) == datetime(2027, 1, 8, tzinfo=UTC)
    assert holidays.closes_at(datetime(2027, 1, 8, tzinfo=UTC)) is None
    assert holidays.opens_after(MONDAY) == datetime(2026, 12, 18, tzinfo=UTC)


def test_a_window_that_opens_every_minute_for_years_is_looked_at_briefly() -> None:
    endless = make_window(cron="* * * * *", duration=timedelta(days=9999))
    assert endless.closes_at(MONDAY) == MONDAY + timedelta(days=9999)


def test_a_window_keeps_to_the_clock_of_its_zone() -> None:
    office = make_window(cron="0 9 * * *", zone="Europe/Berlin", duration=timedelta(hours=1))
    assert office.closes_at(datetime(2026, 3, 28, 8, 30, tzinfo=UTC)) is not None
    assert office.closes_at(datetime(2026, 3, 29, 8, 30, tzinfo=UTC)) is None  # summer time
    assert office.closes_at(datetime(2026, 3, 29, 7, 30, tzinfo=UTC)) is not None


def test_a_window_is_not_open_twice_in_the_hour_that_a_clock_repeats() -> None:
    night = make_window(cron="30 2 * * *", zone="Europe/Berlin", duration=timedelta(minutes=20))
    first, again = (
        datetime(2026, 10, 25, 0, 40, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 40, tzinfo=UTC),
    )
    assert night.closes_at(first) == datetime(2026, 10, 25, 0, 50, tzinfo=UTC)
    assert night.closes_at(again) is None
    assert night.opens_after(again) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@given(
    st.integers(min_value=0, max_value=60 * 24 * 400),
    st.sampled_from(["0 9 * * *", "30 2 * * *", "*/7 * * * *", "0 0 1 * *", "0 22 * * FRI"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
    st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=40)),
)
def test_a_window_closes_after_its_last_opening(
    minutes: int, cron: str, zone: str, duration: timedelta
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    window = make_window(cron=cron, zone=zone, duration=duration)
    starts = takewhile(lambda s: s <= moment, occurrences(cron, zone, moment - duration))
    last = max(starts, default=None)
    closes = window.closes_at(moment)
    assert closes == (last + duration if last else None)
    assert closes is None or closes > moment
    opens = window.opens_after(moment)
    assert opens is not None
    assert opens > moment
