"""The HTML report: complete, self-contained, and deaf to what values say."""

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape

from driftwatch.domain.model import Kind, Location, Severity, Subject
from driftwatch.errors import Cause
from driftwatch.render.html import content_policy, render_html
from driftwatch.render.html_parts import attribute_rows, safe_link
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

EXAMPLE = Path(__file__).parents[2] / "reports" / "example" / "fleet.html"
CLEAN = "an ordinary value"


class Outline(HTMLParser):
    """Reads which elements and attributes a page has, and what stands in them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        values = dict(attrs)
        self.links += [values[name] or "" for name in ("href", "src", "action") if name in values]
        self.ids += [values["id"] or ""] if "id" in values else []

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def said(page: str) -> str:
    return " ".join(" ".join(Outline(page).text).split())


def test_the_fleet_looks_as_it_did(golden: Golden) -> None:
    golden(EXAMPLE, render_html(make_fleet(), NOW))


def test_the_sentence_that_matters_is_the_heading_and_the_title() -> None:
    page = render_html(make_fleet(), NOW)
    assert re.search(r"<h1>Of 8 environments: 2 drifted, 1 could not be looked at", page)
    assert re.search(r"<title>Drift report: Of 8 environments", page)


def test_the_page_asks_nobody_for_anything_and_runs_only_its_own_script() -> None:
    page = render_html(make_fleet(), NOW)
    outline = Outline(page)
    assert not {"img", "link", "iframe", "object", "embed", "base"} & {
        t for t, _ in outline.elements
    }
    assert all(link.startswith(("#", "https://github.com/example/")) for link in outline.links)
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page
        assert "url(" not in content
        assert "@import" not in content
    assert "default-src &#39;none&#39;" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_becomes_markup(text: str) -> None:
    page = render_html([make_hostile_report(text)], NOW)
    tame = render_html([make_hostile_report(CLEAN)], NOW)
    allowed = set(Outline(tame).elements) | {("a", ("href", "rel"))}
    outline = Outline(page)
    # A value may be a JSON document or a web address, which adds the template's own elements.
    extra = set(outline.elements) - allowed
    assert extra <= {("pre", ("class",)), ("span", ("class",)), ("td", ("colspan",)), ("code", ())}
    assert not [link for link in outline.links if not link.startswith(("#", "http"))]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x1b\x07]", page)


def test_only_web_addresses_become_links() -> None:
    assert safe_link("https://x.example/a#L1") == "https://x.example/a#L1"
    assert safe_link("http://x.example") == "http://x.example"
    for address in (None, "javascript:alert(1)", "data:text/html,x", "//x", " https://x", ""):
        assert safe_link(address) is None


def test_every_status_is_told_by_icon_and_word_and_stale_is_not_green() -> None:
    page = render_html(make_fleet(), NOW)
    assert page.count('class="status" data-status="in sync"') == 2
    assert 'data-status="stale"' in page
    assert "◷</span> stale" in page
    assert "not known" in said(page)


def test_a_failure_says_why_what_ran_and_what_to_do() -> None:
    report = make_report(make_decision(), failure=make_failure(detail="Error: one\nError: two"))
    text = said(render_html([report], NOW))
    assert "driftwatch could not look (credentials): The credentials have expired." in text
    assert "Renew the credentials" in text
    assert "A later check may succeed by itself." in text
    assert "What follows is what was last known." in text
    assert "$ terraform plan -input=false -lock=false (exit code 1)" in text
    assert "Error: one Error: two" in text


@pytest.mark.parametrize("cause", Cause)
def test_there_is_advice_for_every_cause(cause: Cause) -> None:
    failure = make_failure(
        cause=cause, retryable=False, command=(), exit_code=None, detail="", message="No."
    )
    page = render_html([make_report(failure=failure)], NOW)
    assert f"({cause}): No." in said(page)
    assert "What was run" not in page


def test_json_documents_are_compared_line_by_line() -> None:
    drift = make_drift(
        attributes=(
            make_attribute(recorded='{"a": [1]}', actual='{"a": [2]}', desired='{"a": [1]}'),
            make_attribute(recorded={"a": 1}, actual={"a": 1}, desired={"a": 2}, kind=Kind.PENDING),
            make_attribute(recorded='{"a": 1}', actual="{broken", desired='{"a": 1}'),
            make_attribute(recorded=[0] * 300, actual=[1] * 300, desired=[0] * 300),
        )
    )
    policy, pending, broken, long = attribute_rows(drift)
    assert ("removed", "-     1") in policy.lines
    assert ("added", "+     2") in policy.lines
    assert ("added", '+   "a": 2') in pending.lines
    assert broken.lines == ()
    assert long.lines == ()
    page = render_html([make_report(make_decision(make_finding(drift)))], NOW)
    assert '<span class="added">+     2</span>' in page


@pytest.mark.parametrize(
    ("desired", "compared"),
    [
        ("{}", "- recorded and desired, + actual"),
        ("[]", "- recorded, + actual and desired"),
        ("7", '- recorded, + actual; desired is "7"'),
    ],
)
def test_a_line_by_line_difference_says_what_it_compares(desired: str, compared: str) -> None:
    drift = make_drift(attributes=(make_attribute(recorded="{}", actual="[]", desired=desired),))
    (row,) = attribute_rows(drift)
    assert row.compared == compared
    waiting = make_drift(attributes=(make_attribute(recorded="{}", actual="{}", desired="[]"),))
    assert next(attribute_rows(waiting)).compared == "- recorded and actual, + desired"


def test_long_values_are_cut_and_say_how_long_they_were() -> None:
    drift = make_drift(attributes=(make_attribute(actual="x" * 5000),))
    page = render_html([make_report(make_decision(make_finding(drift)))], NOW)
    assert "(5000 characters)" in page
    assert "x" * 2001 not in page


def test_many_findings_stand_closed_and_few_stand_open() -> None:
    few = render_html([make_report(make_decision())], NOW)
    many = render_html([make_report(*[make_decision()] * 31)], NOW)
    assert '<details class="finding" data-severity="medium" data-kind="drift" open>' in few
    assert '<details class="finding" data-severity="medium" data-kind="drift">' in many


def test_findings_stand_worst_first_and_anchors_are_unique() -> None:
    low = make_decision(make_finding(severity=Severity.LOW))
    critical = make_decision(make_finding(severity=Severity.CRITICAL))
    page = render_html([make_report(low, critical), make_report(environment="dev")], NOW)
    severities = re.findall(r'class="finding" data-severity="(\w+)"', page)
    assert severities == ["critical", "low"]
    ids = Outline(page).ids
    assert len(ids) == len(set(ids))


def test_nothing_to_tell_and_nothing_checked_are_said() -> None:
    assert "Nothing to tell." in said(render_html([make_report()], NOW))
    empty = render_html([], NOW)
    assert "No environment has been checked yet." in empty
    bare = make_report(proven_at=None, in_sync_at=None, commit="", workspace="", tool="")
    assert "never seen" in said(render_html([bare], NOW))


def test_a_message_a_place_without_a_link_and_the_rule_are_shown() -> None:
    text = said(render_html(make_fleet(), NOW))
    assert "The check ended with status error." in text
    assert "(rule: ssh open to the world)" in text
    assert "2 more unchanged" in text
    drift = make_drift(location=Location("a.tf", 3))
    assert "a.tf:3" in said(render_html([make_report(make_decision(make_finding(drift)))], NOW))
    nowhere = make_drift(location=None)
    assert ".tf:" not in said(render_html([make_report(make_decision(make_finding(nowhere)))], NOW))


def test_what_is_snoozed_stands_apart_with_until_when_by_whom_and_why() -> None:
    page = render_html([make_report(make_snoozed())], NOW)
    text = said(page)
    assert "☾ snoozed" in text
    assert "1 snoozed aws_cloudwatch_log_group.app medium drift, " in text
    assert "snoozed until 2026-03-16 by ana: known, ticket 4711" in text
    assert "retention_in_days : recorded 30 , actual 7 , desired 30" in text
    assert "Nothing to tell but what is snoozed." in text
    assert 'class="finding"' not in page


def test_what_is_snoozed_without_attributes_has_no_empty_list() -> None:
    check = make_drift(subject=Subject.CHECK, attributes=(), message="It fails.")
    page = render_html([make_report(make_snoozed(make_finding(check)))], NOW)
    assert page.count("<ul>") == 1
    assert "<li><code>aws_cloudwatch_log_group.app</code> medium drift, snoozed until" in page


@pytest.mark.parametrize("text", HOSTILE)
def test_no_snooze_becomes_markup(text: str) -> None:
    snooze = replace(make_snooze(by=text, because=text), attribute=text)
    page = render_html([make_report(make_decision(snooze=snooze))], NOW)
    tame = render_html([make_report(make_snoozed())], NOW)
    assert Outline(page).elements == Outline(tame).elements
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x1b\x07]", page)


def test_a_server_can_send_the_policy_that_the_page_holds() -> None:
    assert escape(content_policy()) in render_html([make_report()], NOW)
