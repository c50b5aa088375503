"""Reports as JUnit XML for CI: what could not be looked at is an error, never a success."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from driftwatch.domain.model import Decision, Kind, Report, Status, Verdict
from driftwatch.render.plain import failure_lines, finding_lines, title
from driftwatch.render.text import ago, describe_snooze, sort_worst_first, visible

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

# What XML 1.0 cannot hold, even escaped: https://www.w3.org/TR/xml/#charsets
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(reports: Sequence[Report], now: datetime) -> str:
    """Write a suite for each environment and a case for each finding."""
    root = ET.Element("testsuites", name="driftwatch")
    root.extend(_suite(report, now) for report in sort_worst_first(reports, now))
    _count(root)
    root.set("time", f"{sum(report.duration for report in reports):.3f}")
    ET.indent(root)
    return _DECLARATION + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, now: datetime) -> ET.Element:
    name = _xml(visible(report.environment))
    suite = ET.Element("testsuite", name=name)
    _add_properties(suite, report)
    _add_check(suite, report, now)
    for decision in report.decisions:
        _add_finding(suite, name, decision)
    _count(suite)
    suite.set("time", f"{report.duration:.3f}")
    suite.set("timestamp", f"{report.checked_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}")
    return suite


def _add_properties(suite: ET.Element, report: Report) -> None:
    properties = ET.SubElement(suite, "properties")
    for name in ("repository", "directory", "workspace", "commit", "tool"):
        if value := getattr(report, name):
            ET.SubElement(properties, "property", name=name, value=_xml(visible(value)))


def _add_check(suite: ET.Element, report: Report, now: datetime) -> None:
    """Add the case of the check itself where no finding speaks for it."""
    status = report.status_at(now)
    if status not in (Status.FAILED, Status.STALE, Status.IN_SYNC):
        return
    case = ET.SubElement(suite, "testcase", classname=suite.attrib["name"], name="check")
    if report.failure is not None:
        message, *rest = failure_lines(report.failure)
        _add_outcome(case, "error", message, report.failure.cause, rest)
    elif status is Status.STALE:
        _add_outcome(case, "error", f"last looked at {ago(report.checked_at, now)}", "stale", [])


def _add_finding(suite: ET.Element, classname: str, decision: Decision) -> None:
    finding, drift = decision.finding, decision.finding.drift
    case = ET.SubElement(suite, "testcase", classname=classname, name=_xml(visible(drift.address)))
    lines = list(finding_lines(decision))
    if finding.verdict is Verdict.IGNORE:
        _add_outcome(case, "skipped", f"ignored: {visible(finding.because)}", "", [])
    elif decision.snooze is not None:
        _add_outcome(case, "skipped", describe_snooze(decision), "", lines)
    elif drift.moved:
        _add_outcome(case, "failure", title(decision), drift.kind, lines)
    elif drift.kind is Kind.UNKNOWN:
        _add_outcome(case, "error", title(decision), drift.kind, lines)
    else:
        _add_outcome(case, "skipped", f"not drift: {title(decision)}", "", lines)


def _add_outcome(
    case: ET.Element, outcome: str, message: str, outcome_type: str, lines: Sequence[str]
) -> None:
    element = ET.SubElement(case, outcome, message=_xml(message))
    if outcome_type:
        element.set("type", outcome_type)
    if lines:
        element.text = _xml("\n".join(lines))


def _count(element: ET.Element) -> None:
    """Set the four counts that CI systems read."""
    tags = Counter(descendant.tag for descendant in element.iter())
    element.set("tests", str(tags["testcase"]))
    element.set("failures", str(tags["failure"]))
    element.set("errors", str(tags["error"]))
    element.set("skipped", str(tags["skipped"]))


def _xml(text: str) -> str:
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
