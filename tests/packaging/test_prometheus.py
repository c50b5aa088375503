"""The alert rules, judged by promtool."""

import re

from tests.packaging.tools import PACKAGING, ROOT, call, said, tool

RULES = PACKAGING / "prometheus"


def promtool(*argv: str) -> str:
    outcome = call(tool("promtool", "prometheus"), *argv, cwd=RULES)
    assert outcome.exit_code == 0, said(outcome)
    return said(outcome)


def test_the_rules_are_valid() -> None:
    assert "9 rules found" in promtool("check", "rules", "alerts.yaml")


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yaml")


def test_every_alert_is_tested_both_ways() -> None:
    rules = (RULES / "alerts.yaml").read_text("utf-8")
    tests = (RULES / "alerts.test.yaml").read_text("utf-8")
    for name in re.findall(r"alert: (\w+)", rules):
        assert f"alertname: {name}, exp_alerts: []" in tests
        assert re.search(rf"alertname: {name}\n\s+exp_alerts:\n\s+- exp_labels", tests), name


def test_the_example_of_a_scrape_is_valid() -> None:
    folder = PACKAGING / "docker"
    outcome = call(
        tool("promtool", "prometheus"),
        *("check", "config", "--syntax-only", "prometheus.yaml"),
        cwd=folder,
    )
    assert outcome.exit_code == 0, said(outcome)


def test_every_metric_that_the_rules_use_is_explained() -> None:
    used = set(re.findall(r"driftwatch_\w+", (RULES / "alerts.yaml").read_text("utf-8")))
    explained = set(re.findall(r"`(driftwatch_\w+)", (RULES / "README.md").read_text("utf-8")))
    assert used <= explained


def test_every_metric_that_is_explained_is_one_that_driftwatch_writes() -> None:
    explained = set(re.findall(r"`(driftwatch_\w+)", (RULES / "README.md").read_text("utf-8")))
    sources = "".join(
        (ROOT / "driftwatch/web" / name).read_text("utf-8")
        for name in ("metrics.py", "measures.py")
    )
    written = set(re.findall(r'"(driftwatch_\w+)"', sources))
    counters = {name.removesuffix("_total") for name in explained}
    assert written == counters
