"""Markdown reports tell the truth, fit into a comment and stay inert whatever the cloud says."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from driftwatch.domain.model import Decision, Location, Resolved, Severity, Verdict
from driftwatch.render.markdown import LIMIT, render_markdown
from driftwatch.render.text import show_value, visible
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_fleet,
    make_report,
    make_snooze,
    make_snoozed,
)
from tests.conftest import Golden
from tests.render.hostile import HOSTILE, make_hostile_report

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "fleet.md"

HTML = re.compile(
    r"(?:<details(?: open)?>\n<summary>[^<>]*<code>[^<>]*</code>[^<>]*</summary>|</details>)\n?"
)


def tokens(text: str) -> Iterator[Token]:
    """Parse as GitHub does: CommonMark with tables and HTML."""
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        yield token
        yield from token.children or ()


def code_spans(text: str) -> list[str]:
    """List what the code spans say, without the zero-width spaces that keep them inert."""
    spans = [token.content for token in tokens(text) if token.type == "code_inline"]
    return [span.replace("\u200b", "") for span in spans]


def is_whole(text: str) -> bool:
    """Say whether every fence, section and table is closed, and only the page's HTML acts."""
    found = list(tokens(text))
    blocks = [token.content for token in found if token.type == "html_block"]
    return (
        sum("<details" in block for block in blocks) == blocks.count("</details>\n")
        and all(HTML.fullmatch(block) for block in blocks)
        and not any(token.type in ("html_inline", "image", "code_block") for token in found)
    )


def make_findings(count: int, **changes: object) -> list[Decision]:
    drifts = [make_drift(address=f"aws_vpc.n{number}") for number in range(count)]
    return [make_decision(make_finding(drift, **changes)) for drift in drifts]


def test_the_fleet_looks_as_it_did(golden: Golden) -> None:
    golden(EXAMPLE, render_markdown(make_fleet(), NOW))


def test_the_sentence_that_matters_comes_first() -> None:
    text = render_markdown(make_fleet(), NOW)
    assert text.startswith("**Of 8 environments: 2 drifted, 1 could not be looked at")
    assert is_whole(text)


def test_no_environment_at_all_is_said() -> None:
    assert render_markdown([], NOW).startswith("**No environment has been checked yet.**")


def test_an_environment_in_sync_has_a_row_and_no_section() -> None:
    text = render_markdown([make_report()], NOW)
    assert "| ✅ `prod` | in sync | 4 minutes ago | 0 | 0 | 0 | 0 | — |" in text
    assert "<details>" not in text


def test_an_attribute_shows_its_three_values_its_kind_and_its_place() -> None:
    attribute = make_attribute(actual=7, unchanged_elements=3, location=Location("a.tf", 2))
    drift = make_drift(attributes=(attribute,))
    text = render_markdown([make_report(make_decision(make_finding(drift)))], NOW)
    row = "| `retention_in_days` (3 more unchanged) | drift | `30` | `7` | `30` | `a.tf:2` |"
    assert row in text


def test_a_finding_says_why_since_when_where_and_what_an_apply_would_do() -> None:
    text = render_markdown([make_report(make_decision())], NOW)
    assert "#### 🟨 medium drift: `aws_cloudwatch_log_group.app`" in text
    assert "- Because: Somebody changed reality; the next apply would undo it." in text
    assert "- An apply would update it in place." in text
    assert "- Since: 2026-03-02 04:30 UTC (5 hours ago, new)." in text
    assert "- In code: [`environments/prod/main.tf:12`](https://github.com/example/" in text


def test_a_finding_without_place_or_attributes_says_what_it_knows() -> None:
    drift = make_drift(location=None, attributes=(), message="The check ended with error.")
    text = render_markdown([make_report(make_decision(make_finding(drift)))], NOW)
    assert "- Terraform says: The check ended with error." in text
    assert "In code" not in text
    assert "| Attribute |" not in text


def test_a_missing_place_of_an_attribute_is_a_dash() -> None:
    drift = make_drift(attributes=(make_attribute(location=None),))
    text = render_markdown([make_report(make_decision(make_finding(drift)))], NOW)
    assert "| `30` | `7` | `30` | — |" in text


def test_an_ignored_finding_is_counted_and_not_told() -> None:
    ignored = make_decision(make_finding(verdict=Verdict.IGNORE))
    text = render_markdown([make_report(ignored)], NOW)
    assert "| 0 | 0 | 1 | — |" in text
    assert "aws_cloudwatch_log_group" not in text


def test_a_failure_comes_first_with_its_cause_and_detail() -> None:
    failed = make_report(environment="z", failure=make_failure(), proven_at=None)
    text = render_markdown([make_report(make_decision()), failed], NOW)
    assert text.index("<code>z</code>") < text.index("<code>prod</code>")
    assert "| ❌ `z` | could not look | never |" in text
    assert "**Could not look** (credentials; a retry may help)" in text
    assert "ended with exit code 1." in text
    assert "  Error: ExpiredToken" in text


def test_a_failure_without_a_command_is_told_too() -> None:
    failure = make_failure(command=(), exit_code=None, detail="", retryable=False)
    text = render_markdown([make_report(failure=failure)], NOW)
    assert "(credentials; a retry will not help)" in text
    assert "```" not in text
    assert "The command" not in text


def test_a_killed_command_has_no_exit_code() -> None:
    failure = make_failure(command=("terraform", "plan"), exit_code=None)
    text = render_markdown([make_report(failure=failure)], NOW)
    assert "The command `terraform plan`.\n" in text


def test_findings_beside_a_failure_are_the_last_known_ones() -> None:
    text = render_markdown([make_report(make_decision(), failure=make_failure())], NOW)
    assert "could not look, 1 last known finding</summary>" in text


def test_facts_that_are_not_known_are_not_told() -> None:
    bare = make_report(
        make_decision(), directory="", commit="", workspace="", owners=(), in_sync_at=None
    )
    text = render_markdown([bare], NOW)
    assert "Directory `.`, repository `live`, checked 4 minutes ago.\n" in text


def test_a_workspace_other_than_the_default_is_named() -> None:
    assert "workspace `blue`" in render_markdown(
        [make_report(make_decision(), workspace="blue")], NOW
    )


def test_resolved_findings_are_named_up_to_twenty() -> None:
    gone = [
        Resolved(f"k{number}", f"aws_vpc.n{number}", "f", NOW, Severity.LOW) for number in range(23)
    ]
    text = render_markdown([make_report(resolved=tuple(gone))], NOW)
    assert "Resolved since the last check: `aws_vpc.n0`, " in text
    assert "`aws_vpc.n19` and 3 more." in text


def test_the_worst_finding_comes_first() -> None:
    low, high = make_findings(2)
    high = replace(high, finding=replace(high.finding, severity=Severity.CRITICAL))
    text = render_markdown([make_report(low, high)], NOW)
    assert text.index("aws_vpc.n1") < text.index("aws_vpc.n0")


def test_what_does_not_fit_is_left_out_whole_and_counted_exactly() -> None:
    reports = [make_report(*make_findings(100), environment=f"e{number}") for number in range(3)]
    text = render_markdown(reports, NOW)
    assert len(text) <= LIMIT
    assert is_whole(text)
    shown = text.count("#### ")
    assert 0 < shown < 300
    assert f"**{300 - shown} more findings not shown:**" in text


def test_environments_that_do_not_fit_are_counted() -> None:
    reports = [make_report(*make_findings(1), environment=f"e{number}") for number in range(900)]
    text = render_markdown(reports, NOW)
    assert len(text) <= LIMIT
    assert is_whole(text)
    listed, shown = text.count("| 🔴"), text.count("<details>")
    assert f"\n{900 - listed} more environments not listed." in text
    assert f"**{900 - shown} more environments not shown.**" in text
    assert f"**{900 - text.count('#### ')} more findings not shown:**" in text


def test_one_more_is_not_plural() -> None:
    reports = [make_report(*make_findings(1), environment="x" * 200 + str(n)) for n in range(3)]
    limits = range(2_000, 4_000, 20)
    texts = [render_markdown(reports, NOW, limit) for limit in limits]
    assert any("**1 more finding not shown:**" in text for text in texts)
    assert all(is_whole(text) for text in texts)
    assert all(len(text) <= limit for text, limit in zip(texts, limits, strict=True))


def test_one_finding_with_very_many_attributes_is_cut_at_a_row() -> None:
    attributes = tuple(make_attribute(path=("tags", f"k{number}")) for number in range(10_000))
    drift = make_drift(attributes=attributes)
    text = render_markdown([make_report(make_decision(make_finding(drift)))], NOW)
    shown = text.count("| `tags.k")
    assert 0 < shown < 10_000
    assert f"\n{10_000 - shown} more attributes of this finding not shown." in text
    assert is_whole(text)


def test_many_failures_leave_room_for_each_other() -> None:
    failure = make_failure(detail="x" * 5_000)
    reports = [make_report(environment=f"e{number}", failure=failure) for number in range(40)]
    text = render_markdown(reports, NOW)
    assert text.count("**Could not look**") == 40
    assert is_whole(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_inert(text: str) -> None:
    rendered = render_markdown([make_hostile_report(text)], NOW)
    assert rendered.encode()
    assert is_whole(rendered)
    links = {str(t.attrs["href"]) for t in tokens(rendered) if t.type == "link_open"}
    assert all(link.lower().startswith(("http://", "https://")) for link in links)
    assert len(links) == text.startswith("https://")
    outside = re.sub(r"\]\(\S*?\)", "", rendered)
    assert not re.search(r"[@#]\w|://|www\.|\bGH-\d", outside, re.IGNORECASE)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2028\ud800]", rendered)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_never_starts_a_line(text: str) -> None:
    rendered = render_markdown([make_hostile_report(text)], NOW)
    starts = r"$|\*\*|\| |- |<details|<summary>|</details>|Directory |Note: |The command |`{3,}|  |"
    allowed = re.compile(starts + r"Resolved since |#### ")
    assert all(allowed.match(line) for line in rendered.splitlines())


@pytest.mark.parametrize("text", [text for text in HOSTILE if 0 < len(text) < 100])
def test_hostile_text_can_be_read_as_it_is(text: str) -> None:
    rendered = render_markdown([make_hostile_report(text)], NOW)
    spans = code_spans(rendered)
    assert show_value(text) in spans
    assert visible(text) in spans


def test_a_report_of_plain_text_is_not_littered_with_escapes() -> None:
    text = render_markdown(make_fleet(), NOW)
    assert "\\" not in text


@pytest.mark.parametrize("text", ["a | b", "a \\| b", "a \\", "|", "``|``", "\\\\|"])
def test_bars_and_backslashes_never_move_a_cell(text: str) -> None:
    rendered = render_markdown([make_hostile_report(text, failure=None)], NOW)
    rows = [line for line in rendered.splitlines() if line.startswith("| `")]
    bars = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    assert bars == [7] * len(rows)
    assert code_spans(rendered).count(visible(text)) >= 1


def test_what_is_snoozed_is_one_line_under_the_findings() -> None:
    other = make_finding(make_drift(address="aws_vpc.main"), because="Still told.")
    text = render_markdown([make_report(make_decision(other), make_snoozed())], NOW)
    assert "| 🔴 `prod` | drifted | 4 minutes ago | 1 | 0 | 1 | 0 | medium |" in text
    line = "- 💤 `aws_cloudwatch_log_group.app`: drift, snoozed until 2026-03-16 by ana: known, "
    assert line in text
    assert text.index("Still told.") < text.index(line)
    assert "drifted, 1 finding</summary>" in text


def test_snoozed_lines_that_do_not_fit_are_counted() -> None:
    snoozed = [make_snoozed(decision.finding) for decision in make_findings(60)]
    text = render_markdown([make_report(*snoozed)], NOW, 4_000)
    assert len(text) <= 4_000
    assert is_whole(text)
    shown = text.count("- 💤")
    assert 0 < shown < 60
    assert f"\n{60 - shown} more snoozed not shown." in text


@pytest.mark.parametrize("text", HOSTILE)
def test_a_snooze_stays_one_line_of_inert_text(text: str) -> None:
    snooze = make_snooze(by=text, because=text)
    page = render_markdown([make_report(make_decision(snooze=snooze))], NOW)
    (line,) = [line for line in page.splitlines() if line.startswith("- 💤")]
    assert not re.search(r"(?<!\\)[<>\[\]]|@(?!\u200b)|://", line)
    assert is_whole(page)
