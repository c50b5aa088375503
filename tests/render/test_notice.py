"""A notice says what happened where, how bad it is and since when, in words that are safe."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from driftwatch.domain.model import Kind, Reason, Severity
from driftwatch.domain.notice import EventKind, Notice
from driftwatch.render.notice import find_items, opening, reason, sentence, standing, tally, worst
from driftwatch.render.notice_cards import environment_url, main_url, make_cards, report_url
from driftwatch.render.notice_page import make_page
from driftwatch.render.notice_sample import make_sample
from driftwatch.render.notice_subject import subject
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_fleet,
    make_report,
)
from tests.render.hostile import HOSTILE
from tests.render.notices import (
    event_of,
    make_digest,
    make_environment_event,
    make_event,
    make_hostile_notice,
    make_notice,
    make_rich_notice,
)


def of(kind: EventKind, **changes: Any) -> Notice:
    return make_notice(make_event(kind, **changes))


def of_environment(kind: EventKind, **changes: Any) -> Notice:
    return make_notice(make_environment_event(kind, severity=Severity.HIGH, **changes))


def about(drift: Any, kind: EventKind = EventKind.OPENED, **changes: Any) -> Notice:
    decision = make_decision(make_finding(drift))
    report = make_report(decision)
    return make_notice(event_of(kind, report, decision, **changes), reports=(report,))


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        (of(EventKind.OPENED), "Medium drift in prod: aws_cloudwatch_log_group.app"),
        (of(EventKind.CHANGED), "Medium drift in prod changed: aws_cloudwatch_log_group.app"),
        (of(EventKind.REMINDED), "Medium drift in prod, still: aws_cloudwatch_log_group.app"),
        (
            of(EventKind.OVERDUE),
            "Waiting to be applied in prod for too long: aws_cloudwatch_log_group.app",
        ),
        (of(EventKind.CLOSED), "Resolved in prod: aws_cloudwatch_log_group.app"),
        (of_environment(EventKind.FAILED, note="git"), "Could not look at prod: git"),
        (of_environment(EventKind.FAILED, note="\nBcc: x"), "Could not look at prod: an error"),
        (of_environment(EventKind.STALE), "Stale: nobody has looked at prod for too long"),
        (of_environment(EventKind.RECOVERED), "Looking at prod again"),
        (of_environment(EventKind.FRESH), "Looking at prod again"),
        (
            make_notice(make_event(), make_event(address="aws_vpc.main")),
            "Medium drift in prod: 2 resources",
        ),
        (
            make_rich_notice(),
            "Critical drift in prod: 1 new, 1 changed, 1 still open, 1 resolved",
        ),
        (
            make_notice(make_event(EventKind.CLOSED), make_environment_event(EventKind.RECOVERED)),
            "prod: 1 resolved, seen again",
        ),
    ],
)
def test_a_subject_says_what_happened_where_and_how_bad_it_is(notice: Notice, told: str) -> None:
    assert subject(notice) == told


def test_a_sample_says_so_in_the_first_word() -> None:
    assert subject(make_notice(sample=True)).startswith("Sample: Medium drift in prod")
    assert subject(make_digest(sample=True)).startswith("Sample: Daily digest")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("module.a.aws_vpc.main", "module.a.aws_vpc.main"),
        ('module.web["store-1"].aws_vpc.main[0]', 'module.web["store-1"].aws_vpc.main[0]'),
        ("a" * 81, "one aws_vpc"),
        ('aws_vpc.main["=?utf-8?q?x?="]', "one aws_vpc"),
        ('aws_vpc.main["a b"]', "one aws_vpc"),
        ("aws_vpc.\u202emain", "one aws_vpc"),
        ("aws_vpc.main\n", "one aws_vpc"),
        ("aws_vpc.größe", "one aws_vpc"),
    ],
)
def test_an_address_that_could_act_gives_way_to_its_type(address: str, told: str) -> None:
    notice = about(make_drift(address=address, resource_type="aws_vpc"))
    assert subject(notice) == f"Medium drift in prod: {told}"


@pytest.mark.parametrize("kind", ["", "=?utf-8?q?x?=", "A\n", "a" * 81, "aws vpc"])
def test_a_type_that_could_act_gives_way_too(kind: str) -> None:
    notice = about(make_drift(address="\n", resource_type=kind))
    assert subject(notice) == "Medium drift in prod: one resource"


def test_without_a_finding_a_hostile_address_is_one_resource() -> None:
    notice = make_notice(make_event(EventKind.CLOSED, address="a\nb"))
    assert subject(notice) == "Resolved in prod: one resource"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("digest", ["", "daily"])
def test_a_subject_is_one_line_of_ascii_without_anything_from_outside(
    text: str, digest: str
) -> None:
    told = subject(make_hostile_notice(text, digest=digest))
    tame = subject(make_hostile_notice("an ordinary value", digest=digest))
    assert told == tame
    assert re.fullmatch(r"[ -~]{1,250}", told)


def test_the_first_two_lines_say_what_where_how_bad_since_when_and_why() -> None:
    assert opening(of(EventKind.OPENED, because="Somebody changed it.")) == (
        "MEDIUM in prod: aws_cloudwatch_log_group.app drifted (retention_in_days).",
        "Since 2026-03-02 04:30 UTC (5 hours ago): Somebody changed it.",
    )


def test_of_several_events_the_worst_is_told_in_the_second_line() -> None:
    first, second = opening(make_rich_notice())
    assert first == "CRITICAL in prod: 1 new, 1 changed, 1 still open, 1 resolved."
    assert second.startswith('Worst: module.web["storefront"].aws_security_group.this drifted')
    assert "(4 minutes ago): A port for administration is open" in second


def test_a_notice_of_nothing_still_reads() -> None:
    empty = replace(make_notice(), events=())
    assert opening(empty) == ("Nothing happened in prod.", "")
    assert subject(empty) == "prod: nothing new"
    assert make_page(empty, 10).tone == "good"
    assert worst(()) is Severity.INFO


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "drifted (retention_in_days)."),
        ({"deleted": True}, "was deleted outside Terraform."),
        ({"kind": Kind.UNKNOWN, "attributes": ()}, "cannot be judged."),
        (
            {"kind": Kind.CONFLICT},
            "drifted, and its code waits to be applied (retention_in_days).",
        ),
        (
            {"kind": Kind.UNOPPOSED, "reason": Reason.UNDECLARED},
            "drifted where the code says nothing (retention_in_days).",
        ),
        (
            {"attributes": tuple(make_attribute(path=("a", n)) for n in range(5))},
            "drifted (a[0], a[1], a[2] and 2 more).",
        ),
    ],
)
def test_an_opening_says_what_became_of_the_thing(changes: dict[str, Any], told: str) -> None:
    (item,) = find_items(about(make_drift(**changes)))
    assert sentence(item) == f"aws_cloudwatch_log_group.app {told}"


@pytest.mark.parametrize(
    ("kind", "changes", "told"),
    [
        (EventKind.OPENED, {}, "x.y drifted."),
        (EventKind.OPENED, {"note": "its snooze ended"}, "x.y drifted: its snooze ended."),
        (EventKind.CHANGED, {}, "x.y is still off, and its values moved again."),
        (EventKind.REMINDED, {"note": "its snooze ended"}, "x.y is still off: its snooze ended."),
        (EventKind.OVERDUE, {}, "x.y waits to be applied."),
        (EventKind.CLOSED, {}, "x.y."),
        (EventKind.CLOSED, {"note": "the code states it now"}, "x.y: the code states it now."),
        (EventKind.FAILED, {"note": "git"}, "driftwatch could not look (git)."),
        (EventKind.FAILED, {"note": "who knows"}, "driftwatch could not look."),
        (EventKind.STALE, {}, "nobody has looked for too long."),
        (EventKind.RECOVERED, {}, "driftwatch looks at it again."),
        (EventKind.FRESH, {}, "driftwatch looks at it again."),
    ],
)
def test_every_kind_of_event_has_its_sentence(
    kind: EventKind, changes: dict[str, Any], told: str
) -> None:
    address = "" if told.startswith(("driftwatch", "nobody")) else "x.y"
    (item,) = find_items(make_notice(make_event(kind, address=address, key="", **changes)))
    assert sentence(item) == told


@pytest.mark.parametrize(
    ("kind", "since", "told"),
    [
        (EventKind.OPENED, NOW, "Since 2026-03-02 09:30 UTC (just now): why"),
        (EventKind.OPENED, None, "why"),
        (EventKind.CLOSED, NOW - timedelta(days=3), "It began 2026-02-27 09:30 UTC (3 days ago)."),
        (
            EventKind.STALE,
            NOW - timedelta(days=3),
            "Last seen 2026-02-27 09:30 UTC (3 days ago): why",
        ),
        (EventKind.RECOVERED, NOW, "It could not since 2026-03-02 09:30 UTC (just now)."),
        (EventKind.FRESH, None, "why"),
    ],
)
def test_since_when_and_why(kind: EventKind, since: Any, told: str) -> None:
    (item,) = find_items(make_notice(make_event(kind, since=since, because="why")))
    assert reason(item, NOW) == told


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (EventKind.OPENED, "MEDIUM in prod: "),
        (EventKind.CLOSED, "RESOLVED in prod: "),
        (EventKind.RECOVERED, "GOOD NEWS in prod: "),
    ],
)
def test_good_news_is_told_as_such(kind: EventKind, told: str) -> None:
    assert opening(of(kind))[0].startswith(told)


def test_a_reason_without_a_why() -> None:
    (item,) = find_items(make_notice(make_event(because="")))
    assert reason(item, NOW) == "Since 2026-03-02 04:30 UTC (5 hours ago)."


def test_alarms_stand_before_reliefs_and_the_worst_first() -> None:
    kinds = [item.event.kind for item in find_items(make_digest())]
    assert kinds[:2] == [EventKind.OPENED, EventKind.OPENED]
    assert set(kinds[-3:]) == {EventKind.CLOSED, EventKind.RECOVERED, EventKind.FRESH}


def test_what_is_over_is_told_without_the_finding_that_the_report_may_still_hold() -> None:
    (item,) = find_items(of(EventKind.CLOSED))
    assert item.decision is None
    assert item.report is not None


def test_a_digest_sums_up_what_happened_and_what_is_open() -> None:
    assert subject(make_digest()).startswith(
        "Daily digest: 2 new, 1 changed, 1 waiting to be applied, 1 resolved; 2 environments drift"
    )
    first, second = opening(make_digest())
    assert first == "Daily digest: 2 new, 1 changed, 1 waiting to be applied, 1 resolved."
    assert second.startswith("Still open: 5 drifts in 2 of ")
    assert "not seen" in second
    assert "1 could not be looked at, 1 stale" in tally(make_digest())


def test_a_digest_of_a_calm_fleet_is_short() -> None:
    calm = replace(make_digest(digest="collected", reports=(make_report(),)), events=())
    assert subject(calm) == "Digest: nothing new; nothing is drifted"
    assert opening(calm) == ("Digest: nothing new.", "No drift is open in 1 environments.")
    one = make_digest(digest="weekly", reports=(make_report(make_decision()),))
    assert "; 1 environment drifted" in subject(one)
    assert opening(one)[1] == "Still open: 1 drift in 1 of 1 environments."


def test_how_an_environment_stands_is_told_in_a_few_words() -> None:
    told = {report.environment: standing(report, NOW) for report in make_fleet()}
    assert told["prod"] == "3 drifted"
    assert told["dev"] == "1 pending"
    assert told["base-networking"] == "in sync"
    assert told["base-storage"] == "unknown"
    failed = make_report(make_decision(), failure=make_failure())
    assert standing(failed, NOW) == "could not look; last known: 1 drifted"


def test_pages_are_linked_only_where_people_can_reach_them() -> None:
    notice = make_notice(base_url="https://drift.example.org/")
    assert report_url(notice) == "https://drift.example.org/reports/12"
    assert environment_url(notice, "a b/c") == "https://drift.example.org/environments/a%20b%2Fc"
    assert main_url(notice) == report_url(notice)
    assert main_url(make_notice(report_number=None)).endswith("/environments/prod")
    assert main_url(make_digest()) == "https://driftwatch.example.org"
    for base_url in ("", "javascript:alert(1)", "ftp://x"):
        assert main_url(make_notice(base_url=base_url)) == ""
        assert report_url(make_notice(base_url=base_url)) == ""


def test_a_card_shows_the_values_that_tell_something() -> None:
    attributes = (
        make_attribute(recorded=1, actual=2, desired=1),
        make_attribute(recorded=1, actual=2, desired=3, kind=Kind.CONFLICT),
        make_attribute(recorded=1, actual=1, desired=3, kind=Kind.PENDING),
        make_attribute(recorded=1, actual=2, desired=2, kind=Kind.UNOPPOSED),
        make_attribute(),
    )
    notice = about(make_drift(attributes=attributes))
    (card,) = make_cards(find_items(notice), notice, 1)
    told = [(change.was, change.actual, change.code) for change in card.changes]
    assert told == [("1", "2", None), ("1", "2", "3"), (None, "1", "3"), ("1", "2", None)]
    assert card.more == 1


def test_documents_that_differ_in_a_word_are_told_by_that_word() -> None:
    before = '{"a": "' + "x" * 300 + '", "b": 1}'
    notice = about(
        make_drift(
            attributes=(
                make_attribute(recorded=before, actual=before.replace("1", "2"), desired=before),
                make_attribute(recorded=[], actual=list(range(9)), desired=[]),
                make_attribute(recorded=[], actual=list(range(150)), desired=[]),
            )
        )
    )
    (card,) = make_cards(find_items(notice), notice, 1)
    word, short, long = card.changes
    assert word.lines == (("removed", '-   "b": 1'), ("added", '+   "b": 2'))
    assert short.lines == ()
    assert len(long.lines) == 9
    assert long.lines[-1][1].endswith("more lines")


def test_a_failure_says_what_to_do_and_what_was_printed() -> None:
    report = make_report(failure=make_failure(detail="\n".join("abcdefgh")))
    event = make_environment_event(EventKind.FAILED, note="credentials")
    notice = make_notice(event, reports=(report,))
    (card,) = make_cards(find_items(notice), notice, 1)
    assert card.message.startswith("Renew the credentials")
    assert card.detail == tuple("cdefgh")
    brief = replace(notice, digest="daily")
    assert make_cards(find_items(brief), brief, 1)[0].detail == ()
    gone = make_notice(event, reports=(make_report(),))
    assert make_cards(find_items(gone), gone, 1)[0].detail == ()


def test_links_to_code_are_one_word_and_of_the_web() -> None:
    where = make_drift().location
    assert where is not None
    for url, link in (
        ("https://x.example/a b\n#L1", "https://x.example/a%20b%0A#L1"),
        ("javascript:alert(1)", None),
        (None, None),
    ):
        notice = about(make_drift(location=replace(where, url=url)))
        (card,) = make_cards(find_items(notice), notice, 1)
        assert card.link == link
    nowhere = about(make_drift(location=None))
    assert make_cards(find_items(nowhere), nowhere, 1)[0].place == ""


def test_a_page_counts_what_it_has_no_room_for() -> None:
    page = make_page(make_digest(), 2)
    assert len(page.alarms) == 2
    assert page.more == 7
    assert len(page.standings) == 2
    assert page.more_standings > 0
    assert page.calm >= 1
    assert make_page(make_digest(), 0).alarms == ()


def test_a_sample_is_a_notice_like_any_other() -> None:
    sample = make_sample("id@x.org", NOW, route="ops", base_url="https://d.example.org")
    assert subject(sample) == "Sample: High drift in sample: aws_s3_bucket_acl.sample"
    assert main_url(sample) == "https://d.example.org"
    assert make_page(sample, 9).links == (("Dashboard", "https://d.example.org"),)
    digest = make_sample("id@x.org", NOW, route="ops", digest="weekly")
    assert subject(digest) == "Sample: Weekly digest: 1 new; 1 environment drifted"
