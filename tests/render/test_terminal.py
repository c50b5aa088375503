"""The terminal's report is readable at 80 columns and in a pipe, and no value acts in it."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from driftwatch.domain.model import Kind, Report, Severity, Verdict
from driftwatch.render.terminal import render_terminal
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

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "fleet.txt"

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def plain(*reports: Report, width: int = 80) -> str:
    return render_terminal(reports, NOW, width, color=False)


def test_the_fleet_looks_as_it_did(golden: Golden) -> None:
    golden(EXAMPLE, plain(*make_fleet()))


def test_the_fleet_is_a_table_under_the_headline() -> None:
    lines = plain(*make_fleet(), width=200).splitlines()
    assert lines[0].startswith("Of 8 environments: 2 drifted")
    assert lines[2].split() == ["environment", "status", "drifted", "pending", "looked", "at"]
    assert lines[3].split()[:5] == ["!", "storefront", "could", "not", "look"]
    assert [line[0] for line in lines[3:11]] == list("!✗✗?!•☾✓")


def test_an_environment_in_sync_is_told_by_the_table_alone() -> None:
    assert len(plain(make_report()).splitlines()) == 4


def test_no_environment_at_all_is_said() -> None:
    assert plain() == "No environment has been checked yet.\n"


def test_a_failed_environment_never_looked_at_says_never() -> None:
    report = make_report(failure=make_failure(), proven_at=None)
    assert re.search(r"prod +could not look +0 +0 +never", plain(report))
    assert "  ! COULD NOT LOOK (credentials) The credentials have expired." in plain(report)


def test_a_finding_tells_its_values_its_place_and_why() -> None:
    text = plain(make_report(make_decision(make_finding(severity=Severity.HIGH)), commit=""))
    assert "\nprod  live/environments/prod\n" in text
    assert "  ✗ HIGH drift aws_cloudwatch_log_group.app  new, first seen 5 hours ago\n" in text
    assert "      retention_in_days: 30 → 7 → 30  environments/prod/main.tf:14\n" in text
    assert "      because: Somebody changed reality; the next apply would undo it.\n" in text
    assert "      an apply would update it in place\n" in text
    assert "      code: environments/prod/main.tf:12\n" in text


def test_values_that_do_not_fit_on_one_line_stand_under_each_other() -> None:
    attribute = make_attribute(actual="x" * 70, unchanged_elements=4, location=None)
    drift = make_drift(attributes=(attribute,), location=None)
    text = plain(make_report(make_decision(make_finding(drift))))
    assert "      retention_in_days:  4 more unchanged\n        recorded 30\n" in text
    assert f"          actual {'x' * 63}\n{' ' * 17}{'x' * 7}\n         desired 30\n" in text
    assert "code:" not in text


def test_a_short_attribute_without_notes_ends_with_its_value() -> None:
    drift = make_drift(attributes=(make_attribute(location=None),), message="It says so.")
    text = plain(make_report(make_decision(make_finding(drift))))
    assert "      It says so.\n      retention_in_days: 30 → 7 → 30\n" in text


def test_what_did_not_move_is_no_cross() -> None:
    drift = make_drift(kind=Kind.PENDING, attributes=())
    text = plain(make_report(make_decision(make_finding(drift))))
    assert "  • MEDIUM pending change aws_cloudwatch_log_group.app" in text


def test_the_worst_finding_comes_first() -> None:
    low = make_decision(make_finding(make_drift(address="b.b"), severity=Severity.LOW))
    high = make_decision(make_finding(make_drift(address="a.a"), severity=Severity.HIGH))
    text = plain(make_report(low, high))
    assert text.index("a.a") < text.index("b.b")


def test_ignored_and_resolved_findings_are_told_in_a_line() -> None:
    text = plain(*make_fleet())
    assert "  1 ignored by rules\n" in text
    assert "  ✓ resolved aws_sqs_queue.orders\n" in text
    assert "aws_ecs_service.web" not in text


def test_an_environment_with_only_ignored_findings_says_so() -> None:
    report = make_report(make_decision(make_finding(verdict=Verdict.IGNORE)))
    assert plain(report).endswith("  1 ignored by rules\n")


@pytest.mark.parametrize("width", [60, 80, 132])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = plain(*make_fleet(), width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def test_a_very_narrow_terminal_still_shows_everything() -> None:
    text = plain(make_report(make_decision()), width=10)
    assert "retention_in_days" in text


def test_colour_changes_nothing_but_colour() -> None:
    coloured = render_terminal(make_fleet(), NOW, 80, color=True)
    assert len(COLOUR.findall(coloured)) > 50
    stripped = [line.rstrip() for line in COLOUR.sub("", coloured).splitlines()]
    assert stripped == plain(*make_fleet()).splitlines()


@pytest.mark.parametrize("variable", ["COLUMNS", "FORCE_COLOR", "NO_COLOR", "TERM"])
def test_the_environment_does_not_change_the_report(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    before = [render_terminal(make_fleet(), NOW, 80, color=color) for color in (True, False)]
    monkeypatch.setenv(variable, "33")
    after = [render_terminal(make_fleet(), NOW, 80, color=color) for color in (True, False)]
    assert after == before


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert(text: str) -> None:
    reports = [make_hostile_report(text)]
    rendered = render_terminal(reports, NOW, 80, color=False)
    assert rendered.encode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066\u2028]", rendered)
    coloured = render_terminal(reports, NOW, 80, color=True)
    assert "\x1b" not in COLOUR.sub("", coloured)


@pytest.mark.parametrize("markup", ["[bold red]x[/bold red]", "[/]", "[link=https://e.example]x"])
def test_markup_in_values_is_shown_and_not_obeyed(markup: str) -> None:
    drift = make_drift(address=markup, attributes=(make_attribute(actual=f"a{markup}"),))
    report = make_report(make_decision(make_finding(drift)), environment=markup)
    assert plain(report, width=200).count(markup) == 4


def test_what_is_snoozed_is_one_quiet_line_and_no_drift() -> None:
    text = plain(make_report(make_snoozed()), width=132)
    assert "Of 1 environment: 1 snoozed." in text
    assert re.search(r"☾  prod +snoozed +0 +0  4 minutes ago", text)
    said = "medium drift, snoozed until 2026-03-16 by ana: known, ticket 4711"
    assert f"  ☾ aws_cloudwatch_log_group.app  {said}\n" in text
    assert "ignored" not in text
