"""JSON reports keep their published shape and lose nothing."""

import json
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from driftwatch.domain.model import Kind, Severity, Verdict
from driftwatch.render.json_report import render_json
from driftwatch.render.schema import report_schema
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_finding,
    make_fleet,
    make_report,
    make_snoozed,
)
from tests.conftest import Golden
from tests.render.hostile import HOSTILE, make_hostile_report

ROOT = Path(__file__).parents[2]


def parse(*reports: Any) -> Any:
    return json.loads(render_json(reports, NOW))


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
    text = json.dumps(report_schema(), indent=2) + "\n"
    golden(ROOT / "docs" / "report.schema.json", text)


def test_the_fleet_looks_as_it_did(golden: Golden) -> None:
    golden(ROOT / "reports" / "example" / "fleet.json", render_json(make_fleet(), NOW))


def test_the_schema_names_every_key_of_the_fleet() -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(strict(schema), format_checker=checker)
    validator.validate(parse(*make_fleet()))


def test_the_schema_refuses_a_report_without_its_summary() -> None:
    document = parse()
    del document["summary"]
    with pytest.raises(jsonschema.ValidationError, match="'summary' is a required property"):
        jsonschema.validate(document, report_schema())


def test_a_fleet_of_nothing_is_a_valid_document() -> None:
    document = parse()
    assert document["environments"] == []
    assert document["summary"]["worst_severity"] is None


def test_the_summary_counts_what_a_gate_needs() -> None:
    summary = parse(*make_fleet())["summary"]
    by_status = summary["environments_by_status"]
    assert by_status == {
        "in_sync": 1,
        "pending": 1,
        "drifted": 1,
        "drifted_and_pending": 1,
        "unknown": 1,
        "snoozed": 1,
        "could_not_look": 1,
        "stale": 1,
        "never_checked": 0,
    }
    assert sum(by_status.values()) == summary["environments"] == 8
    assert summary["could_not_look"] == 1
    assert (summary["ignored"], summary["snoozed"]) == (1, 1)
    assert summary["resolved"] == 1
    assert summary["worst_severity"] == "critical"
    assert summary["findings_by_severity"]["critical"] == 1


def test_an_old_result_is_stale_however_clean_it_was() -> None:
    report = make_report(checked_at=NOW - timedelta(days=2))
    (environment,) = parse(report)["environments"]
    assert environment["status"] == "stale"
    assert environment["status_when_checked"] == "in sync"


def test_a_failure_keeps_the_last_known_findings() -> None:
    fleet = {e["environment"]: e for e in parse(*make_fleet())["environments"]}
    failed = fleet["storefront"]
    assert failed["failure"]["cause"] == "credentials"
    assert failed["failure"]["command"][:2] == ["terraform", "plan"]
    assert failed["status"] == "could not look"


def test_findings_come_worst_first_and_ignored_ones_are_kept() -> None:
    report = next(r for r in make_fleet() if r.environment == "prod")
    (environment,) = parse(replace(report, decisions=report.decisions[::-1]))["environments"]
    severities = [finding["severity"] for finding in environment["findings"]]
    assert severities == ["critical", "high", "medium", "info"]
    assert environment["findings"][-1]["verdict"] == "ignore"


def test_times_are_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    (environment,) = parse(make_report(checked_at=elsewhere))["environments"]
    assert environment["checked_at"] == "2026-03-02T09:30:00Z"


def test_a_missing_place_and_time_are_null() -> None:
    drift = make_drift(location=None, attributes=(make_attribute(location=None),))
    report = make_report(make_decision(make_finding(drift)), proven_at=None)
    (environment,) = parse(report)["environments"]
    (finding,) = environment["findings"]
    assert finding["location"] is None
    assert finding["attributes"][0]["location"] is None
    assert environment["proven_at"] is None


@pytest.mark.parametrize("value", [2**80, -0.1, [], {"a": [None, True]}, "ü", None])
def test_values_come_back_as_they_were(value: Any) -> None:
    drift = make_drift(attributes=(make_attribute(actual=value, kind=Kind.DRIFT),))
    (environment,) = parse(make_report(make_decision(make_finding(drift))))["environments"]
    assert environment["findings"][0]["attributes"][0]["actual"] == value


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_as_it_was_and_is_written_in_ascii(text: str) -> None:
    rendered = render_json([make_hostile_report(text)], NOW)
    assert rendered.isascii()
    assert not any(ord(character) < 32 and character != "\n" for character in rendered)
    (environment,) = json.loads(rendered)["environments"]
    (finding,) = environment["findings"]
    attribute = finding["attributes"][0]
    assert environment["environment"] == environment["failure"]["message"] == text
    assert attribute["path"] == ["tags", text]
    assert attribute["recorded"] == text
    assert attribute["actual"] == {text: [text]}


def test_every_severity_is_counted_once() -> None:
    decisions = [make_decision(make_finding(severity=severity)) for severity in Severity]
    summary = parse(make_report(*decisions))["summary"]
    assert set(summary["findings_by_severity"].values()) == {1}


def test_a_snoozed_finding_says_until_when_by_whom_and_why() -> None:
    document = parse(make_report(make_snoozed()))
    (environment,) = document["environments"]
    (finding,) = environment["findings"]
    assert document["format_version"] == "1.1"
    assert environment["status"] == "snoozed"
    assert finding["snooze"] == {
        "number": 7,
        "until": "2026-03-16T00:00:00Z",
        "by": "ana",
        "because": "known, ticket 4711",
    }
    assert (document["summary"]["drifted"], document["summary"]["snoozed"]) == (0, 1)


def test_a_finding_that_is_ignored_and_snoozed_counts_as_ignored() -> None:
    both = make_snoozed(make_finding(verdict=Verdict.IGNORE))
    summary = parse(make_report(both))["summary"]
    assert (summary["ignored"], summary["snoozed"]) == (1, 0)
