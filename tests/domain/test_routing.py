"""Who is told what, and how long a failed message waits."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.globs import Globs
from driftwatch.domain.model import Severity
from driftwatch.domain.notice import Event, EventKind
from driftwatch.domain.routing import Route, address, back_off
from tests.builders import NOW

OWNERS, LABELS = ("@org/network", "platform"), ("critical",)


def make_event(kind: EventKind = EventKind.OPENED, **changes: Any) -> Event:
    return replace(Event(kind, "prod", NOW, Severity.MEDIUM), **changes)


def test_a_route_that_narrows_nothing_wants_everything() -> None:
    route = Route("all", "mail")
    assert all(route.wants(make_event(kind), (), ()) for kind in EventKind)


@pytest.mark.parametrize(
    ("narrowed", "wanted"),
    [
        ({"kinds": frozenset({EventKind.OPENED})}, True),
        ({"kinds": frozenset({EventKind.CLOSED})}, False),
        ({"severity": Severity.LOW}, True),
        ({"severity": Severity.MEDIUM}, True),
        ({"severity": Severity.HIGH}, False),
        ({"environments": Globs(("pr*",))}, True),
        ({"environments": Globs(("dev",))}, False),
        ({"owners": Globs(("@org/*",))}, True),
        ({"owners": Globs(("shop",))}, False),
        ({"labels": Globs(("critical",))}, True),
        ({"labels": Globs(("test",))}, False),
    ],
)
def test_a_route_is_narrowed_by_kind_severity_environment_owner_and_label(
    narrowed: dict[str, Any], wanted: bool
) -> None:
    route = Route("some", "mail", **narrowed)
    assert route.wants(make_event(), OWNERS, LABELS) is wanted
    assert address([make_event()], OWNERS, LABELS, [route]) == ([(route, (0,))] if wanted else [])


def test_what_has_no_owner_goes_no_way_that_asks_for_one() -> None:
    assert not Route("some", "mail", owners=Globs(("*",))).concerns("prod", (), ())
    assert Route("all", "mail").concerns("prod", (), ())


def test_each_route_gets_the_places_of_what_goes_its_way() -> None:
    events = [make_event(), make_event(EventKind.CLOSED), make_event(severity=Severity.CRITICAL)]
    everything, bad = Route("a", "mail"), Route("b", "chat", severity=Severity.HIGH)
    none = Route("c", "mail", kinds=frozenset({EventKind.STALE}))
    assert address(events, (), (), [everything, bad, none]) == [
        (everything, (0, 1, 2)),
        (bad, (2,)),
    ]


def test_only_relief_is_good() -> None:
    assert {kind for kind in EventKind if kind.is_good} == {
        EventKind.CLOSED,
        EventKind.RECOVERED,
        EventKind.FRESH,
    }


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_waits_double_up_to_the_longest() -> None:
    waits = [back_off(attempt, 1.0, MINUTE, HOUR) for attempt in range(9)]
    assert waits == [timedelta(minutes=m) for m in (1, 1, 2, 4, 8, 16, 32, 60, 60)]


@given(
    st.integers(min_value=-5, max_value=10**9),
    st.floats(min_value=0, max_value=1),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=365)),
    st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3650)),
)
def test_a_wait_lies_between_half_and_all_however_often_it_was_tried(
    attempt: int, part: float, first: timedelta, longest: timedelta
) -> None:
    wait = back_off(attempt, part, first, longest)
    rounded = timedelta(microseconds=2)
    assert min(first, longest) / 2 - rounded <= wait <= longest
    assert wait <= back_off(attempt + 1, part, first, longest)
