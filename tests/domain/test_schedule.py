"""When an environment is due: cron as cron means it, clocks that change, and a fair spread."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from driftwatch.domain.schedule import (
    ALIASES,
    Schedule,
    find_zone,
    occurrences,
    parse_length,
    parse_schedule,
    share,
    write_length,
)

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NONE = timedelta(0)

# Clocks that change by an hour and by half of one, at midnight, in the south, and never.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "Australia/Adelaide",
    "Pacific/Chatham",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Africa/Casablanca",
)
CRONS = (
    "* * * * *",
    "*/30 * * * *",
    "0 * * * *",
    "17 3 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "30 1 * * *",
    "15 8-18/2 * * MON-FRI",
    "0 6 1 * *",
    "0 6 13 * FRI",
    "0 0 L * *",
    "0 9 * * MON#1",
    "59 23 31 12 *",
)
moments = st.timedeltas(min_value=NONE, max_value=timedelta(days=1000)).map(
    lambda passed: datetime(2025, 1, 1, tzinfo=UTC) + passed
)
lengths = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=30))


def dues(schedule: Schedule, moment: datetime, name: str, count: int) -> list[datetime]:
    found: list[datetime] = []
    for _ in range(count):
        due = schedule.after(found[-1] if found else moment, name)
        assert due is not None
        found.append(due)
    return found


# --- What can be written.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/30 * * * *", Schedule(cron="*/30 * * * *")),
        ("  0   6 * *  1 ", Schedule(cron="0 6 * * 1")),
        ("@daily", Schedule(cron="0 0 * * *")),
        ("@Weekly", Schedule(cron="0 0 * * 0")),
        ("every 6h", Schedule(every=timedelta(hours=6))),
        ("every   1h30m", Schedule(every=timedelta(minutes=90))),
        ("never", Schedule()),
    ],
)
def test_a_schedule_is_read(text: str, expected: Schedule) -> None:
    assert parse_schedule(text) == expected


@pytest.mark.parametrize("alias", ALIASES)
def test_every_alias_fires(alias: str) -> None:
    assert parse_schedule(alias).after(NOW, "prod") is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "write five fields"),
        ("hourly", "write five fields"),
        ("@reboot", "write five fields"),
        ("61 * * * *", "Bad minute"),
        ("* * * *", "Wrong number of fields"),
        ("* * * * * *", "Wrong number of fields"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("every", "write five fields"),
        ("every 0s", "is not a duration above zero"),
        ("every day", "is not a duration above zero"),
    ],
)
def test_what_is_no_schedule_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match="write") as caught:
        parse_schedule(text)
    assert says in str(caught.value)


def test_a_schedule_that_never_fires_is_refused() -> None:
    with pytest.raises(ValueError, match="never fires; to check only when asked, write never"):
        parse_schedule("0 0 */29 2 MON#5")


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "UTC\0", "x" * 999]
)
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone: write Europe/Berlin or UTC"):
        parse_schedule("@daily", zone)


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Schedule(cron="0 6 * * *"), "0 6 * * *"),
        (Schedule(cron="0 6 * * *", zone="Europe/Berlin"), "0 6 * * * (Europe/Berlin)"),
        (Schedule(every=timedelta(hours=25)), "every 1d1h"),
        (Schedule(), "never"),
    ],
)
def test_a_schedule_says_what_it_is(schedule: Schedule, text: str) -> None:
    assert str(schedule) == text


def test_never_is_never_due() -> None:
    assert parse_schedule("never").after(NOW, "prod") is None
    assert Schedule(cron="0 0 */29 2 MON#5").after(NOW, "prod") is None
    assert Schedule(cron="0 0 */29 2 MON#5", spread=NONE).after(NOW, "prod") is None


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("2w", timedelta(days=14)),
        ("1w2d3h4m5s", timedelta(days=9, hours=3, minutes=4, seconds=5)),
    ],
)
def test_a_duration_is_read(text: str, length: timedelta) -> None:
    assert parse_length(text) == length


@pytest.mark.parametrize(
    "text", ["", "0s", "0h0m", "30", "m", "1.5h", "-1h", "30m1h", "१h", "99999w"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration above zero"):
        parse_length(text)


@given(st.integers(min_value=1, max_value=10**9))
def test_a_duration_is_written_as_it_is_read(seconds: int) -> None:
    length = timedelta(seconds=seconds)
    assert parse_length(write_length(length)) == length
    assert write_length(NONE) == "0s"


# --- As cron means it.


@given(moments, st.sampled_from(CRONS))
def test_in_utc_it_fires_as_cronsim_says(moment: datetime, cron: str) -> None:
    expected = list(islice(CronSim(cron, moment), 20))
    assert list(islice(occurrences(cron, "UTC", moment), 20)) == expected


def test_day_of_month_and_day_of_week_are_alternatives_unless_one_is_a_star() -> None:
    either = islice(occurrences("0 6 13 * FRI", "UTC", NOW), 4)
    assert [start.day for start in either] == [6, 13, 20, 27]
    (both,) = islice(occurrences("0 6 */13 * FRI", "UTC", NOW), 1)
    assert (both.day, both.month) == (27, 3)  # the days are 1, 14 and 27


def test_sunday_is_0_and_7() -> None:
    seven, nought = (next(occurrences(f"0 6 * * {day}", "UTC", NOW)) for day in (7, 0))
    assert seven == nought == datetime(2026, 3, 8, 6, tzinfo=UTC)


@given(moments, st.sampled_from(CRONS), st.sampled_from(ZONES))
def test_every_start_is_after_the_moment_and_after_the_one_before(
    moment: datetime, cron: str, zone: str
) -> None:
    starts = [moment, *islice(occurrences(cron, zone, moment), 30)]
    assert all(before < after for before, after in pairwise(starts))
    assert all(start.tzinfo is UTC and start.second == 0 for start in starts[1:])


@given(moments, st.sampled_from(CRONS), st.sampled_from(ZONES))
def test_where_one_begins_to_look_changes_nothing(moment: datetime, cron: str, zone: str) -> None:
    first, second, third = islice(occurrences(cron, zone, moment), 3)
    assert next(occurrences(cron, zone, first)) == second
    assert next(occurrences(cron, zone, second)) == third
    assert next(occurrences(cron, zone, first - timedelta(microseconds=1))) == first


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "clock", ["0 0", "30 0", "30 1", "0 2", "30 2", "59 2", "30 3", "0 12", "59 23"]
)
def test_a_daily_schedule_fires_exactly_once_on_every_local_day(zone: str, clock: str) -> None:
    here = find_zone(zone)
    begin = datetime(2025, 12, 31, 12, tzinfo=here)
    schedule = Schedule(cron=f"{clock} * * *", zone=zone, spread=NONE)
    fired: list[date] = []
    due = schedule.after(begin.astimezone(UTC), "prod")
    while due is not None and (local := due.astimezone(here)).year < 2028:
        fired.append(local.date())
        due = schedule.after(due, "prod")
    days = [date(2025, 12, 31)] if clock == "59 23" else []
    days += [date(2026, 1, 1) + timedelta(days=day) for day in range(730)]
    assert fired == days


def test_a_time_that_the_clock_skips_comes_right_after_the_gap() -> None:
    schedule = Schedule(cron="30 2 * * *", zone="Europe/Berlin", spread=NONE)
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert dues(schedule, before, "prod", 2) == [
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]


def test_a_time_that_the_clock_repeats_comes_once() -> None:
    schedule = Schedule(cron="30 2 * * *", zone="Europe/Berlin", spread=NONE)
    before = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert dues(schedule, before, "prod", 2) == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]
    again = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    assert schedule.after(again, "prod") == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
def test_an_hourly_schedule_has_no_gap_where_clocks_change(zone: str) -> None:
    starts = list(
        islice(occurrences("*/30 * * * *", zone, datetime(2026, 1, 1, tzinfo=UTC)), 20000)
    )
    gaps = {after - before for before, after in pairwise(starts)}
    assert gaps == {timedelta(minutes=30)}


# --- The spread.


@given(st.text())
def test_a_share_is_stable_and_between_0_and_1(name: str) -> None:
    assume(name.isprintable())
    assert 0 <= share(name) < 1
    assert share(name) == share(name)


def test_a_fleet_with_one_schedule_is_spread_evenly() -> None:
    schedule = parse_schedule("0 6 * * *", spread=timedelta(minutes=60))
    due = [schedule.after(NOW, f"env-{number}") for number in range(2000)]
    assert len(set(due)) == 2000
    start = datetime(2026, 3, 3, 6, tzinfo=UTC)
    minutes = [int((d - start).total_seconds() // 60) for d in due if d is not None]
    counts = [minutes.count(minute) for minute in range(60)]
    assert sum(counts) == 2000
    assert max(counts) < 60  # 33 on average


@given(
    moments, st.sampled_from(CRONS), st.sampled_from(ZONES), st.sampled_from(["a", "bc", "prod-9"])
)
def test_without_a_spread_of_its_own_a_start_moves_by_a_tenth_of_the_gap_and_ten_minutes_at_most(
    moment: datetime, cron: str, zone: str, name: str
) -> None:
    due = Schedule(cron=cron, zone=zone).after(moment, name)
    assert due is not None
    around = islice(occurrences(cron, zone, due - timedelta(minutes=11)), 30)
    start, following = next((a, b) for a, b in pairwise(around) if a <= due < b)
    width = min((following - start) / 10, timedelta(minutes=10))
    assert due - start == width * share(name)


@given(moments, st.sampled_from(CRONS), st.sampled_from(ZONES), st.none() | lengths)
def test_dues_strictly_increase_and_stay_where_they_are(
    moment: datetime, cron: str, zone: str, spread: timedelta | None
) -> None:
    schedule = Schedule(cron=cron, zone=zone, spread=spread)
    found = [moment, *dues(schedule, moment, "prod", 8)]
    assert all(before < after for before, after in pairwise(found))
    middle = found[2] + (found[3] - found[2]) / 2
    assert schedule.after(middle, "prod") == found[3]
    assert schedule.after(found[3] - timedelta(microseconds=1), "prod") == found[3]


def test_a_spread_of_years_costs_no_more_than_one_of_minutes() -> None:
    schedule = Schedule(cron="* * * * *", spread=timedelta(days=9999))
    due = schedule.after(NOW, "prod")
    assert due is not None
    assert NOW < due <= NOW + timedelta(minutes=1)


# --- Every so often.


@given(moments, lengths, st.sampled_from(["a", "bc", "prod-9"]))
def test_an_interval_is_due_once_in_its_length_always_at_the_same_phase(
    moment: datetime, every: timedelta, name: str
) -> None:
    schedule = Schedule(every=every)
    first, second, third = dues(schedule, moment, name, 3)
    assert moment < first <= moment + every
    assert (second - first, third - second) == (every, every)
    assert schedule.after(first - timedelta(microseconds=1), name) == first


def test_intervals_of_a_fleet_lie_apart_over_their_whole_length() -> None:
    schedule = parse_schedule("every 1h")
    due = [schedule.after(NOW, f"env-{number}") for number in range(600)]
    minutes = [int((d - NOW).total_seconds() // 60) for d in due if d is not None]
    assert len(set(due)) == 600
    assert {minute // 10 for minute in minutes} == set(range(6))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_an_interval_does_not_care_for_clocks(zone: str) -> None:
    schedule = parse_schedule("every 6h", zone)
    found = dues(schedule, datetime(2026, 3, 27, tzinfo=UTC), "prod", 20)
    assert {after - before for before, after in pairwise(found)} == {timedelta(hours=6)}
