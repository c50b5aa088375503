"""Sentences, pictures and timelines of the dashboard, without a server."""

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from driftwatch.domain.model import Severity, Status
from driftwatch.domain.notice import Event, EventKind
from driftwatch.domain.watched import Check
from driftwatch.render.text import WORST_FIRST
from driftwatch.web.fleet import Tile, headline
from driftwatch.web.pictures import Bar, ages, sparkline, trend
from driftwatch.web.timeline import build_timeline, event_title
from driftwatch.web.words import process_of, span, when
from tests.builders import NOW


def check(number: int, minutes: int, **changes: object) -> Check:
    blank = Check(
        number, "prod", NOW - timedelta(minutes=minutes), "in sync", "c0ffee", 6.4, 0, None
    )
    return replace(blank, **changes)  # type: ignore[arg-type]


def test_the_dashboard_orders_statuses_as_reports_do() -> None:
    assert set(WORST_FIRST) == set(Status)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (-59, "just now"),
        (-90, "1 minute ago"),
        (30, "in a moment"),
        (3600, "in 1 hour"),
        (86400 * 3, "in 3 days"),
    ],
)
def test_a_moment_is_told_from_now(seconds: int, text: str) -> None:
    assert when(NOW + timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=61, seconds=5), "1h1m"),
        (timedelta(days=8, hours=3, minutes=2), "1w1d"),
        (timedelta(days=2, hours=3, minutes=2), "2d3h"),
        (timedelta(seconds=-5), "0s"),
    ],
)
def test_a_length_has_two_units_at_most(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_a_process_is_named_by_its_number() -> None:
    assert process_of("4242-abcdef") == "4242"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "Nothing is watched yet."),
        ({Status.IN_SYNC: 3}, "All 3 are in sync."),
        ({Status.STALE: 1}, "Of 1 environment: 1 cannot be vouched for."),
        ({Status.IN_SYNC: 1, Status.SNOOZED: 1}, "Of 2 environments: none drifted, some snoozed."),
        (
            {Status.DRIFTED: 1, Status.DRIFTED_AND_PENDING: 2, Status.NEVER: 1, Status.PENDING: 4},
            "Of 8 environments: 3 drifted, 1 cannot be vouched for, 4 with changes that wait.",
        ),
    ],
)
def test_the_fleet_in_one_sentence(counts: dict[Status, int], text: str) -> None:
    assert headline([Tile(status, count) for status, count in counts.items()]) == text


@pytest.mark.parametrize("counts", [[0], [3], [0, 0], [0, 3, 0], [5] * 60, list(range(200))])
def test_pictures_are_sound_svg_within_their_frame(counts: list[int]) -> None:
    points = [(NOW + timedelta(hours=at), count) for at, count in enumerate(counts)]
    small = ET.fromstring(sparkline(points))
    assert f"{counts[-1]} drift" in small.attrib["aria-label"]
    large = trend(points)
    if len(counts) == 1:
        assert "needs two checks" in large
        return
    picture = ET.fromstring(large)
    assert f"{max(counts)} at most" in picture.attrib["aria-label"]
    for found in picture.iter("circle"):
        assert 0 <= float(found.attrib["cx"]) <= 480
        assert 0 <= float(found.attrib["cy"]) <= 150


def test_without_a_check_there_is_no_picture() -> None:
    assert "no check yet" in sparkline([])
    assert "needs two checks" in trend([])
    assert "needs two checks" in trend([(NOW, 1), (NOW, 2)])


def test_ages_are_shown_longest_first() -> None:
    bars = [Bar(f"aws_x.{n}", "high", timedelta(hours=n)) for n in range(20)]
    text = ages(bars)
    assert text.index("aws_x.19") < text.index("aws_x.18")
    assert "aws_x.7<" not in text
    assert 'width="100.00"' in text
    assert "Nothing is open" in ages([])
    assert "&lt;b&gt;" in ages([Bar("<b>\u202e", "low", timedelta(0))])


def test_alike_checks_are_one_line_until_something_happens() -> None:
    event = Event(EventKind.OPENED, "prod", NOW - timedelta(minutes=3), Severity.HIGH)
    checks = [
        check(5, 1, drifted=1, status="drifted"),
        check(4, 3, drifted=1, status="drifted"),
        check(3, 5),
        check(2, 7),
        check(1, 9),
    ]
    entries = build_timeline(checks, [(1, 4, event)])
    told = [
        (entry.title or (entry.check and entry.check.status), entry.checks) for entry in entries
    ]
    assert told == [("drifted", 1), ("Drift opened", 0), ("drifted", 1), ("in sync", 3)]
    assert entries[-1].since == NOW - timedelta(minutes=9)


def test_every_event_has_a_title() -> None:
    titles = {event_title(Event(kind, "prod", NOW, Severity.LOW)) for kind in EventKind}
    assert len(titles) == len(EventKind)
