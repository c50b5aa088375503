"""SARIF reports follow version 2.1.0 and stay within what code scanning takes."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from driftwatch.domain.model import Location, Report, Severity, Transition, Verdict
from driftwatch.errors import Cause
from driftwatch.render.sarif import MAX_MESSAGE, MAX_RESULTS, render_sarif
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_fleet,
    make_report,
    make_snoozed,
)
from tests.conftest import Golden
from tests.render.hostile import HOSTILE, make_hostile_report

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "fleet.sarif"

TEXT = {"type": "string", "minLength": 1}
MESSAGE = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": TEXT},
    "additionalProperties": False,
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    "properties": {
        "level": {"enum": ["error", "warning", "note"]},
        "kind": {"const": "fail"},
        "baselineState": {"enum": ["new", "unchanged", "updated"]},
        "message": MESSAGE,
        "locations": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["physicalLocation", "logicalLocations"]},
        },
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"],
    "properties": {"id": TEXT, "shortDescription": MESSAGE, "help": MESSAGE},
}
# What code scanning needs of the standard; the whole of it is 110 kB of schema.
SCHEMA = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "invocations", "results"],
                "properties": {
                    "results": {"type": "array", "items": RESULT, "maxItems": MAX_RESULTS},
                    "tool": {
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "items": RULE,
                                        "uniqueItems": True,
                                    }
                                },
                            }
                        }
                    },
                },
            },
        },
    },
}


def run_of(*reports: Report) -> Any:
    document = json.loads(render_sarif(reports, NOW))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document["runs"][0]


def test_the_fleet_looks_as_it_did(golden: Golden) -> None:
    golden(EXAMPLE, render_sarif(make_fleet(), NOW))


def test_every_result_names_a_rule_that_is_there() -> None:
    run = run_of(*make_fleet())
    rules = run["tool"]["driver"]["rules"]
    assert len(run["results"]) == 9
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_a_finding_that_no_rule_decided_is_named_after_its_kind() -> None:
    run = run_of(make_report(make_decision()))
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["id"] == "driftwatch/drift"
    assert rule["help"]["text"] == "Somebody changed reality; an apply would revert it."


def test_a_rule_explains_itself_by_its_because() -> None:
    finding = make_finding(rule="open ports", because="Nobody opens ports.")
    (rule,) = run_of(make_report(make_decision(finding)))["tool"]["driver"]["rules"]
    assert rule["id"] == "open ports"
    assert rule["shortDescription"]["text"] == "Nobody opens ports."


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.CRITICAL, "error"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "note"),
        (Severity.INFO, "note"),
    ],
)
def test_the_level_follows_the_severity(severity: Severity, level: str) -> None:
    run = run_of(make_report(make_decision(make_finding(severity=severity))))
    assert run["results"][0]["level"] == level
    assert run["tool"]["driver"]["rules"][0]["defaultConfiguration"]["level"] == level


@pytest.mark.parametrize(
    ("transition", "state"),
    [
        (Transition.NEW, "new"),
        (Transition.CHANGED, "updated"),
        (Transition.ONGOING, "unchanged"),
    ],
)
def test_the_baseline_state_follows_the_transition(transition: Transition, state: str) -> None:
    run = run_of(make_report(make_decision(transition=transition)))
    assert run["results"][0]["baselineState"] == state


def test_a_result_stands_where_the_code_states_it() -> None:
    drift = make_drift(location=Location("modules/my web/main.tf", 31))
    (result,) = run_of(make_report(make_decision(make_finding(drift))))["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "modules/my%20web/main.tf", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 31},
    }
    (logical,) = location["logicalLocations"]
    assert logical["fullyQualifiedName"] == "aws_cloudwatch_log_group.app"


@pytest.mark.parametrize(
    ("directory", "uri"), [("environments/prod", "environments/prod"), ("", ".")]
)
def test_a_result_without_a_place_stands_at_its_directory(directory: str, uri: str) -> None:
    drift = make_drift(location=None)
    report = make_report(make_decision(make_finding(drift)), directory=directory)
    (result,) = run_of(report)["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}


def test_fingerprints_are_stable_and_tell_environments_apart() -> None:
    report = make_report(make_decision())
    first, second = run_of(report, replace(report, environment="twin"))["results"]
    later = replace(report, checked_at=NOW, commit="f" * 40)
    assert first["partialFingerprints"]["driftwatch/v1"] == "5d41402abc4b2a76"
    assert run_of(later)["results"][0]["partialFingerprints"] in (
        first["partialFingerprints"],
        second["partialFingerprints"],
    )
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_an_ignored_finding_raises_no_alert() -> None:
    assert run_of(make_report(make_decision(make_finding(verdict=Verdict.IGNORE))))["results"] == []


def test_a_failure_makes_the_run_unsuccessful_and_keeps_what_is_known() -> None:
    failure = make_failure(cause=Cause.STATE, message="The state is newer than terraform.")
    run = run_of(make_report(make_decision(), failure=failure))
    (invocation,) = run["invocations"]
    (notice,) = invocation["toolExecutionNotifications"]
    assert invocation["executionSuccessful"] is False
    assert notice["level"] == "error"
    assert notice["descriptor"]["id"] == "could-not-look/state"
    assert "The state is newer than terraform." in notice["message"]["text"]
    assert "exit code: 1" in notice["message"]["text"]
    assert len(run["results"]) == 1


def test_a_stale_environment_is_no_success() -> None:
    run = run_of(make_report(checked_at=NOW - timedelta(days=2)))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (notice,) = invocation["toolExecutionNotifications"]
    assert notice["message"]["text"] == "prod: last looked at 2 days ago"


def test_a_clean_fleet_is_a_successful_run_without_results() -> None:
    run = run_of(make_report())
    assert run["results"] == []
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["toolExecutionNotifications"] == []


def test_the_message_tells_the_three_values() -> None:
    drift = make_drift(
        attributes=(make_attribute(unchanged_elements=2),), message="It says so.", location=None
    )
    (result,) = run_of(make_report(make_decision(make_finding(drift))))["results"]
    lines = result["message"]["text"].splitlines()
    assert lines[0] == "MEDIUM drift: aws_cloudwatch_log_group.app"
    assert lines[1] == "It says so."
    assert "retention_in_days: drift: recorded 30, actual 7, desired 30, 2 more unchanged" in lines


def test_a_long_message_is_cut_at_a_line_and_says_so() -> None:
    attributes = tuple(make_attribute(path=("tags", f"k{number}")) for number in range(500))
    drift = make_drift(attributes=attributes)
    (result,) = run_of(make_report(make_decision(make_finding(drift))))["results"]
    text = result["message"]["text"]
    assert len(text) < MAX_MESSAGE + 100
    assert text.endswith("desired 30\n… (cut: the other formats hold it all)")


def test_the_least_severe_results_beyond_the_limit_are_left_out_and_counted() -> None:
    drift = make_drift(attributes=())
    low = make_decision(make_finding(drift, severity=Severity.LOW))
    high = make_decision(make_finding(drift, severity=Severity.HIGH))
    report = make_report(*[low] * MAX_RESULTS, high)
    (run,) = json.loads(render_sarif([report], NOW))["runs"]
    assert len(run["results"]) == MAX_RESULTS
    assert run["results"][0]["level"] == "error"
    (notice,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"] == "1 more findings are left out: a run may hold 25000."
    assert run["invocations"][0]["executionSuccessful"] is True


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_starts_no_link_and_breaks_no_parser(text: str) -> None:
    rendered = render_sarif([make_hostile_report(text)], NOW)
    assert rendered.isascii()
    (run,) = json.loads(rendered)["runs"]
    messages = [result["message"]["text"] for result in run["results"]]
    messages += [rule["help"]["text"] for rule in run["tool"]["driver"]["rules"]]
    assert not any(re.search(r"\[[^\]]*\]\(|[\x00-\x09\x0b-\x1f\x7f-\x9f]", m) for m in messages)
    uri = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?!/)[\w.~/%-]+", uri, re.ASCII)


def test_a_snoozed_finding_is_a_suppressed_result_that_says_why_and_comes_last() -> None:
    critical = make_finding(make_drift(address="aws_x.y"), severity=Severity.CRITICAL)
    run = run_of(make_report(make_snoozed(critical), make_decision()))
    first, second = run["results"]
    assert "suppressions" not in first
    assert second["suppressions"] == [
        {
            "kind": "external",
            "status": "accepted",
            "justification": "snoozed until 2026-03-16 by ana: known, ticket 4711",
        }
    ]


def test_a_finding_that_is_ignored_and_snoozed_raises_no_alert() -> None:
    both = make_snoozed(make_finding(verdict=Verdict.IGNORE))
    assert run_of(make_report(both))["results"] == []
