"""Metrics that Prometheus takes without a complaint."""

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from driftwatch.adapters.process import run
from driftwatch.config.load import process_environment
from driftwatch.domain.model import Severity, Status
from driftwatch.web.metrics import render_metrics
from tests.builders import NOW, make_report
from tests.web.world import FakeOffice, fill, watch

NAMES = {
    "driftwatch_environment_drifts",
    "driftwatch_environment_status",
    "driftwatch_environment_last_proven_timestamp_seconds",
    "driftwatch_environment_stale_after_seconds",
    "driftwatch_checks",
    "driftwatch_check_duration_seconds",
    "driftwatch_queue_jobs",
    "driftwatch_queue_oldest_due_timestamp_seconds",
    "driftwatch_messages",
    "driftwatch_messages_pending",
    "driftwatch_messages_parked",
    "driftwatch_last_tick_timestamp_seconds",
    "driftwatch_build_info",
}


def read(office: FakeOffice) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = render_metrics(office).decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"driftwatch_{name}", frozenset(labels.items())


@pytest.fixture
def busy(office: FakeOffice) -> FakeOffice:
    fill(office)
    office.measures.check_finished(Status.IN_SYNC, 3.0)
    office.measures.check_finished(Status.FAILED, 61.0)
    office.measures.message_settled("mail", "sent")
    office.measures.ticked(NOW)
    return office


def test_the_names_are_those_that_alerts_are_written_against(busy: FakeOffice) -> None:
    text = render_metrics(busy).decode()
    assert {family.name for family in text_string_to_metric_families(text)} == NAMES
    assert "_created" not in text


def test_promtool_has_nothing_to_say(busy: FakeOffice, tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    path.write_bytes(render_metrics(busy))
    outcome = run(
        ["sh", "-c", 'promtool check metrics <"$1"', "sh", str(path)],
        cwd=tmp_path,
        env={"PATH": process_environment()["PATH"]},
        timeout=60,
    )
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, b"", b"")


def test_every_environment_has_one_status_and_all_severities(busy: FakeOffice) -> None:
    samples = read(busy)
    for name, status in (
        ("prod", "drifted"),
        ("base-security", "stale"),
        ("storefront", "could not look"),
    ):
        for other in Status:
            found = samples[key("environment_status", environment=name, status=other.value)]
            assert found == (other.value == status)
        for severity in Severity:
            assert key("environment_drifts", environment=name, severity=severity.value) in samples
    assert samples[key("environment_drifts", environment="prod", severity="critical")] == 1
    assert samples[key("environment_drifts", environment="prod", severity="info")] == 0
    proven = samples[key("environment_last_proven_timestamp_seconds", environment="base-security")]
    assert proven == (NOW - timedelta(days=3)).timestamp()
    assert samples[key("environment_stale_after_seconds", environment="prod")] == 86400


def test_jobs_messages_and_checks_are_counted(busy: FakeOffice) -> None:
    samples = read(busy)
    assert samples[key("queue_jobs", state="running")] == 1
    assert samples[key("queue_jobs", state="waiting")] == 2
    oldest = samples[key("queue_oldest_due_timestamp_seconds")]
    assert oldest == (NOW - timedelta(minutes=9)).timestamp()
    counts = busy.installation.store.outbox.counts()
    assert samples[key("messages_parked")] == counts["parked"]
    assert samples[key("messages_pending")] == counts["pending"]
    assert samples[key("checks_total", result="in sync")] == 1
    assert samples[key("checks_total", result="drifted")] == 0
    assert samples[key("check_duration_seconds_count")] == 2
    assert samples[key("check_duration_seconds_bucket", le="5.0")] == 1
    assert samples[key("messages_total", channel="mail", result="sent")] == 1
    assert samples[key("last_tick_timestamp_seconds")] == NOW.timestamp()


def test_an_empty_queue_has_no_oldest_job(office: FakeOffice) -> None:
    assert read(office)[key("queue_oldest_due_timestamp_seconds")] == 0


def test_a_name_full_of_quotes_breaks_no_line(office: FakeOffice) -> None:
    name = 'a"b\\c\nd'
    watch(office, make_report(environment=name))
    samples = read(office)
    assert samples[key("environment_stale_after_seconds", environment=name)] == 86400


def test_a_scrape_of_two_thousand_environments_takes_less_than_a_fifth_of_a_second(
    office: FakeOffice,
) -> None:
    watch(office, *[make_report(environment=f"environment-{at}") for at in range(2000)])
    render_metrics(office)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        content = render_metrics(office)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.2
    assert len(re.findall(rb"\ndriftwatch_environment_status\{", content)) == 2000 * len(Status)
