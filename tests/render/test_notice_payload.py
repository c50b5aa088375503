"""What webhooks get keeps its published shape, and is written whatever a notice holds."""

import json
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from driftwatch.domain.notice import EventKind, Notice
from driftwatch.render.notice_payload import name_event, payload_schema, render_payload
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_report,
)
from tests.conftest import Golden
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

ROOT = Path(__file__).parents[2]


def parse(notice: Notice) -> Any:
    return json.loads(render_payload(notice))


def strict(schema: Any) -> Any:
    """Forbid keys that the schema does not name, which it leaves open for later versions."""
    match schema:
        case {"properties": _}:
            closed = {key: strict(value) for key, value in schema.items()}
            return closed | {"additionalProperties": False}
        case dict():
            return {key: strict(value) for key, value in schema.items()}
        case list():
            return [strict(item) for item in schema]
        case _:
            return schema


def test_the_published_schema_is_the_one_that_the_code_states(golden: Golden) -> None:
    golden(ROOT / "docs" / "notice.schema.json", json.dumps(payload_schema(), indent=2) + "\n")


@pytest.mark.parametrize(
    "notice",
    [
        make_notice(),
        make_rich_notice(),
        make_digest(),
        make_notice(make_environment_event(EventKind.STALE, since=None), report_number=None),
        make_notice(reports=(make_report(failure=make_failure()),), base_url=""),
        replace(make_notice(), events=(), reports=()),
    ],
)
def test_the_schema_names_every_key_of_real_payloads(notice: Notice) -> None:
    schema = payload_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(strict(schema), format_checker=checker).validate(parse(notice))


def test_an_event_comes_with_its_finding_and_its_environment() -> None:
    document = parse(make_notice())
    assert document["id"] == "3f1c.1@driftwatch.example.org"
    assert document["event"] == "opened"
    assert document["environment"] == "prod"
    assert document["report_url"] == "https://driftwatch.example.org/reports/12"
    assert document["title"] == "Medium drift in prod: aws_cloudwatch_log_group.app"
    (event,) = document["events"]
    assert event["kind"] == "opened"
    assert event["since"] == "2026-03-02T04:30:00Z"
    assert event["finding"]["attributes"][0]["actual"] == 7
    (environment,) = document["environments"]
    assert environment["status"] == "drifted"
    assert environment["url"] == "https://driftwatch.example.org/environments/prod"
    assert environment["failure"] is None


def test_a_digest_is_of_no_single_environment() -> None:
    document = parse(make_digest())
    assert (document["event"], document["digest"]) == ("digest", "daily")
    assert document["environment"] is None
    assert document["report_url"] is None
    assert len(document["environments"]) == len(make_digest().reports)
    failures = [e["failure"]["cause"] for e in document["environments"] if e["failure"]]
    assert failures == ["credentials"]


def test_events_of_several_kinds_have_a_name_too() -> None:
    assert name_event(make_rich_notice()) == "several"
    assert name_event(make_notice(make_event(EventKind.CLOSED))) == "closed"
    assert name_event(make_digest()) == "digest"


def test_what_there_is_no_room_for_is_counted() -> None:
    document = parse(make_crowded_notice(700))
    assert len(document["events"]) == 500
    assert document["events_left_out"] == 200
    reports = tuple(make_report(environment=f"e{n}") for n in range(510))
    document = parse(make_digest(reports=reports))
    assert document["environments_left_out"] == 10


def test_only_the_first_events_come_with_all_values() -> None:
    decision = make_decision()
    report = make_report(decision)
    events = [event_of(EventKind.OPENED, report, decision)] * 120
    document = parse(make_notice(*events, reports=(report,)))
    assert sum(event["finding"] is not None for event in document["events"]) == 100


def test_times_are_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert parse(make_notice(at=elsewhere))["sent_at"] == "2026-03-02T09:30:00Z"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_as_it_was_and_is_written_in_ascii(text: str) -> None:
    raw = render_payload(make_hostile_notice(text))
    assert raw.isascii()
    document = json.loads(raw)
    assert document["events"][0]["address"] == text
    assert document["environments"][0]["environment"] == text
    assert document["title"].isprintable()
    jsonschema.validate(document, payload_schema())


@pytest.mark.parametrize("value", [10**5000, float("nan"), object()], ids=["long", "nan", "alien"])
def test_values_that_json_cannot_carry_are_left_out_and_the_news_is_not(value: Any) -> None:
    decision = make_decision(make_finding(make_drift(attributes=(make_attribute(actual=value),))))
    report = make_report(decision)
    document = parse(make_notice(event_of(EventKind.OPENED, report, decision), reports=(report,)))
    (event,) = document["events"]
    assert event["finding"] is None
    assert event["address"] == "aws_cloudwatch_log_group.app"
    jsonschema.validate(document, payload_schema())
