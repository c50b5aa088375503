"""A notice for chats is short, plain, and calls nobody."""

import re
from dataclasses import replace
from typing import Any

import pytest

from driftwatch.domain.model import Severity
from driftwatch.domain.notice import EventKind
from driftwatch.render.chat import LONGEST_TITLE, render_chat
from tests.builders import make_attribute, make_decision, make_drift, make_finding, make_report
from tests.render.hostile import HOSTILE
from tests.render.notices import (
    event_of,
    make_crowded_notice,
    make_digest,
    make_environment_event,
    make_event,
    make_hostile_notice,
    make_notice,
    make_rich_notice,
)


def test_one_event_is_two_lines_and_a_link() -> None:
    chat = render_chat(make_notice(), 2000)
    assert chat.title == "Medium drift in prod: aws_cloudwatch_log_group.app"
    assert chat.body == (
        "MEDIUM in prod: aws_cloudwatch_log_group.app drifted (retention_in_days).\n"
        "Since 2026-03-02 04:30 UTC (5 hours ago): Somebody changed reality; the next apply would"
        " undo it.\n"
        "https://driftwatch.example.org/reports/12"
    )
    assert chat.severity is Severity.MEDIUM


def test_several_events_are_a_line_each() -> None:
    chat = render_chat(make_rich_notice(), 10_000)
    lines = chat.body.splitlines()
    assert len(lines) == 2 + 4 + 1
    assert lines[2].startswith('CRITICAL module.web["storefront"].aws_security_group.this drifted')
    assert lines[5].startswith("RESOLVED aws_sqs_queue.orders.")
    assert chat.severity is Severity.CRITICAL


def test_a_digest_says_where_each_event_was() -> None:
    chat = render_chat(make_digest(), 10_000)
    assert "\nHIGH storefront: driftwatch could not look (credentials). Since" in chat.body
    assert chat.body.endswith("https://driftwatch.example.org")


def test_relief_has_no_severity() -> None:
    good = make_notice(
        make_event(EventKind.CLOSED), make_environment_event(EventKind.RECOVERED), base_url=""
    )
    chat = render_chat(good, 2000)
    assert chat.severity is None
    assert "http" not in chat.body
    assert render_chat(replace(good, events=()), 2000).severity is Severity.INFO


def test_a_sample_says_so() -> None:
    chat = render_chat(make_notice(sample=True), 2000)
    assert chat.title.startswith("Sample: ")
    assert chat.body.startswith("This is a sample: nothing of it happened.\n")


@pytest.mark.parametrize("limit", [0, 1, 20, 60, 100, 250, 1000, 4000])
def test_a_body_keeps_to_its_limit(limit: int) -> None:
    for notice in (make_crowded_notice(500), make_digest(), make_notice()):
        assert len(render_chat(notice, limit).body) <= limit


def test_what_there_is_no_room_for_is_counted() -> None:
    crowded = make_crowded_notice(500, "x" * 60)
    assert "… and 490 more" in render_chat(crowded, 20_000).body
    cut = render_chat(crowded, 600).body
    assert re.search(r"… and \d+ more lines\nhttps://driftwatch\.example\.org/reports/12$", cut)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("digest", ["", "daily"])
def test_no_value_calls_or_links(text: str, digest: str) -> None:
    chat = render_chat(make_hostile_notice(text, digest=digest), 50_000)
    assert chat.title == render_chat(make_hostile_notice("a tame one", digest=digest), 50_000).title
    assert len(chat.title) <= LONGEST_TITLE
    body = chat.body.rpartition("\n")[0]
    assert not re.search("[@#<](?!\u200b)", body)
    assert "://" not in body
    assert "](" not in body
    assert "www." not in body.lower()
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b\x07\x00\x85\u2028]", body)


class Resists:
    """A path's step that cannot be written."""

    def __str__(self) -> str:
        raise ValueError("no")

    __repr__ = __str__


def test_what_cannot_be_written_still_raises_the_alarm() -> None:
    path: Any = (Resists(),)
    decision = make_decision(make_finding(make_drift(attributes=(make_attribute(path=path),))))
    report = make_report(decision)
    notice = make_notice(event_of(EventKind.OPENED, report, decision), reports=(report,))
    chat = render_chat(notice, 2000)
    assert chat.title == "prod has news: see the dashboard"
    assert chat.body.startswith("1 new. The message could not be written (")
    assert chat.severity is Severity.MEDIUM
    assert render_chat(replace(notice, environment="@all"), 2000).title.startswith("An environment")
