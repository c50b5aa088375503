"""Notices to render: small ones, a rich one, a digest, and one full of hostile text."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from driftwatch.domain.model import Decision, Report, Severity
from driftwatch.domain.notice import Event, EventKind, Notice
from tests.builders import NOW, make_decision, make_finding, make_fleet, make_report
from tests.render.hostile import make_hostile_report

TREND = tuple((NOW - timedelta(days=30 - day), (day * 7) % 5) for day in range(31))


def make_event(kind: EventKind = EventKind.OPENED, **changes: Any) -> Event:
    blank = Event(
        kind=kind,
        environment="prod",
        at=NOW - timedelta(minutes=4),
        severity=Severity.MEDIUM,
        key="resource:aws_cloudwatch_log_group.app",
        address="aws_cloudwatch_log_group.app",
        fingerprint="5d41402abc4b2a76",
        because="Somebody changed reality; the next apply would undo it.",
        since=NOW - timedelta(hours=5),
    )
    return replace(blank, **changes)


def make_environment_event(kind: EventKind, **changes: Any) -> Event:
    return make_event(kind, **({"key": "", "address": "", "fingerprint": ""} | changes))


def make_notice(*events: Event, **changes: Any) -> Notice:
    blank = Notice(
        message_id="3f1c.1@driftwatch.example.org",
        events=events or (make_event(),),
        reports=(make_report(make_decision()),),
        at=NOW,
        route="platform",
        environment="prod",
        base_url="https://driftwatch.example.org",
        report_number=12,
    )
    return replace(blank, **changes)


def event_of(kind: EventKind, report: Report, decision: Decision, **changes: Any) -> Event:
    finding = decision.finding
    told = {
        "environment": report.environment,
        "severity": finding.severity,
        "key": finding.drift.key,
        "address": finding.drift.address,
        "fingerprint": finding.drift.fingerprint,
        "because": finding.because,
        "since": decision.first_seen,
    }
    return make_event(kind, **(told | changes))


def make_rich_notice(**changes: Any) -> Notice:
    """Make a notice of one environment in which much happened at once."""
    prod = make_fleet()[0]
    group, role, parameter, *_ = prod.decisions
    events = (
        event_of(EventKind.OPENED, prod, group),
        event_of(EventKind.CHANGED, prod, role),
        event_of(EventKind.REMINDED, prod, parameter, note="its snooze ended"),
        make_event(
            EventKind.CLOSED,
            key="resource:aws_sqs_queue.orders",
            address="aws_sqs_queue.orders",
            because="",
            since=NOW - timedelta(days=3),
        ),
    )
    return make_notice(*events, **({"reports": (prod,), "trend": TREND} | changes))


def make_digest(**changes: Any) -> Notice:
    """Make a digest of a fleet in which everything happened that can."""
    fleet = make_fleet()
    prod, staging, dev, *_ = fleet
    events = (
        event_of(EventKind.OPENED, prod, prod.decisions[0]),
        event_of(EventKind.CHANGED, prod, prod.decisions[1]),
        event_of(EventKind.OPENED, staging, staging.decisions[0]),
        event_of(EventKind.OVERDUE, dev, dev.decisions[0], since=NOW - timedelta(days=4)),
        make_event(EventKind.CLOSED, environment="staging", address="aws_sqs_queue.orders"),
        make_environment_event(
            EventKind.FAILED,
            environment="storefront",
            severity=Severity.HIGH,
            because="The credentials have expired.",
            note="credentials",
        ),
        make_environment_event(
            EventKind.STALE,
            environment="base-security",
            severity=Severity.HIGH,
            because="Nobody knows what is there now: the last look is too long ago.",
            since=NOW - timedelta(days=3),
        ),
        make_environment_event(EventKind.RECOVERED, environment="base-networking"),
        make_environment_event(EventKind.FRESH, environment="base-storage", since=None),
    )
    told = {"digest": "daily", "environment": "", "reports": fleet, "report_number": None}
    return make_notice(*events, **({"trend": TREND} | told | changes))


def make_hostile_notice(text: str, **changes: Any) -> Notice:
    """Make a notice that holds the text wherever text from outside can be."""
    report = make_hostile_report(text)
    events = tuple(
        event_of(kind, report, report.decisions[0], note=text, because=text) for kind in EventKind
    )
    told = {"reports": (report,), "environment": text, "route": text}
    return make_notice(*events, **(told | changes))


def make_crowded_notice(count: int, text: str = "x") -> Notice:
    """Make a notice of so many events that no mail can show them all."""
    decision = make_decision(make_finding())
    report = make_report(decision)
    events = tuple(
        event_of(EventKind.OPENED, report, decision, address=f"aws_vpc.{text}{number}")
        for number in range(count)
    )
    return make_notice(*events, reports=(report,))
