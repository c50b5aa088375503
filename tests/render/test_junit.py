"""JUnit reports turn a CI red for drift and for every environment that was not looked at."""

from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from driftwatch.domain.model import Kind, Reason, Report, Verdict
from driftwatch.render.junit import render_junit
from driftwatch.render.text import visible
from tests.builders import (
    NOW,
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

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "fleet.junit.xml"


def parse(*reports: Report) -> ET.Element:
    return ET.fromstring(render_junit(reports, NOW).encode())


def only_case(report: Report) -> ET.Element:
    (case,) = parse(report).iter("testcase")
    return case


def make_kind(kind: Kind, **changes: object) -> Report:
    drift = make_drift(kind=kind, attributes=(), **changes)
    return make_report(make_decision(make_finding(drift)))


def test_the_fleet_looks_as_it_did(golden: Golden) -> None:
    golden(EXAMPLE, render_junit(make_fleet(), NOW))


def test_the_counts_are_those_of_the_cases() -> None:
    root = parse(*make_fleet())
    for element in (root, *root.iter("testsuite")):
        for attribute, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(element.attrib[attribute]) == len(list(element.iter(tag)))
    assert len(list(root.iter("testsuite"))) == 8


def test_an_environment_in_sync_is_one_passing_case() -> None:
    case = only_case(make_report())
    assert (case.attrib["classname"], case.attrib["name"]) == ("prod", "check")
    assert list(case) == []


def test_drift_is_a_failure_that_tells_everything() -> None:
    case = only_case(make_report(make_decision()))
    (failure,) = case
    assert failure.tag == "failure"
    assert failure.attrib["message"] == "MEDIUM drift: aws_cloudwatch_log_group.app"
    assert failure.attrib["type"] == "drift"
    assert "recorded 30, actual 7, desired 30" in str(failure.text)
    assert "where: environments/prod/main.tf:12" in str(failure.text)


@pytest.mark.parametrize(
    ("kind", "reason", "outcome"),
    [
        (Kind.DRIFT, None, "failure"),
        (Kind.CONFLICT, None, "failure"),
        (Kind.UNOPPOSED, Reason.UNDECLARED, "failure"),
        (Kind.UNOPPOSED, Reason.CODIFIED, "skipped"),
        (Kind.PENDING, None, "skipped"),
        (Kind.UNKNOWN, None, "error"),
    ],
)
def test_each_kind_has_its_outcome(kind: Kind, reason: Reason | None, outcome: str) -> None:
    *_, case = parse(make_kind(kind, reason=reason)).iter("testcase")
    assert [element.tag for element in case] == [outcome]


def test_an_ignored_finding_is_skipped_with_its_because() -> None:
    finding = make_finding(verdict=Verdict.IGNORE, because="The autoscaler owns it.")
    root = parse(make_report(make_decision(finding)))
    check, case = root.iter("testcase")
    assert list(check) == []
    (skipped,) = case
    assert skipped.attrib == {"message": "ignored: The autoscaler owns it."}


def test_a_check_that_could_not_look_is_an_error() -> None:
    (error,) = only_case(make_report(failure=make_failure(message="No.", detail="one\ntwo")))
    assert error.tag == "error"
    assert error.attrib == {"message": "No.", "type": "credentials"}
    assert str(error.text).endswith("one\ntwo")


def test_a_failure_keeps_the_last_known_findings_red() -> None:
    outcomes = [
        case[0].tag
        for case in parse(make_report(make_decision(), failure=make_failure())).iter("testcase")
    ]
    assert outcomes == ["error", "failure"]


def test_a_failure_of_which_little_is_known_is_an_error_too() -> None:
    failure = make_failure(command=(), exit_code=None, detail="", retryable=False)
    (error,) = only_case(make_report(failure=failure))
    assert error.text == "a retry will not help"


def test_a_stale_environment_is_an_error() -> None:
    (error,) = only_case(make_report(checked_at=NOW - timedelta(days=2)))
    assert error.attrib == {"message": "last looked at 2 days ago", "type": "stale"}


def test_a_suite_says_what_was_looked_at_and_when() -> None:
    (suite,) = parse(make_report(workspace="")).iter("testsuite")
    assert suite.attrib["timestamp"] == "2026-03-02T09:26:00"
    assert suite.attrib["time"] == "6.400"
    names = [prop.attrib["name"] for prop in suite.iter("property")]
    assert names == ["repository", "directory", "commit", "tool"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_escaped_and_visible(text: str) -> None:
    root = parse(make_hostile_report(text))
    (suite,) = root.iter("testsuite")
    shown = visible(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    assert suite.attrib["name"] == shown
    check, finding = root.iter("testcase")
    assert finding.attrib["name"] == shown
    assert check[0].attrib["message"] == shown
    assert f"because: {shown}" in str(finding[0].text)


def test_no_environment_is_no_suite() -> None:
    assert parse().attrib["tests"] == "0"


def test_a_snoozed_finding_is_skipped_until_then() -> None:
    (skipped,) = only_case(make_report(make_snoozed()))
    assert skipped.tag == "skipped"
    assert skipped.attrib == {"message": "snoozed until 2026-03-16 by ana: known, ticket 4711"}
    assert "recorded 30, actual 7, desired 30" in str(skipped.text)
