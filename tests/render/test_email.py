"""A mail reads well, stays small, leads nowhere else, and is written whatever a notice holds."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftwatch.domain.model import Severity
from driftwatch.domain.notice import EventKind, Notice
from driftwatch.render import email as email_module
from driftwatch.render.email import LARGEST_HTML, TREND_ID, Email, render_email
from tests.builders import make_attribute, make_decision, make_drift, make_finding, make_report
from tests.render.hostile import HOSTILE
from tests.render.notices import (
    event_of,
    make_crowded_notice,
    make_digest,
    make_environment_event,
    make_event,
    make_hostile_notice,
    make_notice,
    make_rich_notice,
)

CLEAN = "an ordinary value"


class Outline(HTMLParser):
    """Reads which elements a page has, where it leads, and what stands in it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[tuple[str, tuple[str, ...]]] = set()
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def html_of(notice: Notice) -> str:
    html = render_email(notice).html
    assert html is not None
    return html


def said(notice: Notice) -> str:
    return " ".join(" ".join(Outline(html_of(notice)).text).split())


ALL = [
    make_notice(),
    make_rich_notice(),
    make_digest(),
    make_notice(make_event(EventKind.CLOSED)),
    make_notice(make_environment_event(EventKind.FAILED, note="git"), base_url=""),
    make_notice(reports=()),
]


@pytest.mark.parametrize("notice", ALL)
def test_both_forms_begin_with_what_happened(notice: Notice) -> None:
    mail = render_email(notice)
    first = mail.text.splitlines()[0]
    assert first[:30] in said(notice)
    assert mail.subject
    assert mail.text.isprintable() or "\n" in mail.text


@pytest.mark.parametrize("notice", ALL)
def test_text_keeps_to_72_columns_where_words_allow(notice: Notice) -> None:
    for line in render_email(notice).text.splitlines():
        assert len(line) <= 72 or " " not in line.strip()
        assert line == line.rstrip() or line == "-- "


def test_text_reads_like_a_letter() -> None:
    assert render_email(make_notice()).text == (
        "MEDIUM in prod: aws_cloudwatch_log_group.app drifted\n"
        "(retention_in_days).\n"
        "Since 2026-03-02 04:30 UTC (5 hours ago): Somebody changed reality; the\n"
        "next apply would undo it.\n"
        "\n"
        "Full report:\n"
        "  https://driftwatch.example.org/reports/12\n"
        "History of this environment:\n"
        "  https://driftwatch.example.org/environments/prod\n"
        "\n"
        "[MEDIUM] prod: aws_cloudwatch_log_group.app\n"
        "    Drifted.\n"
        "    Somebody changed reality; the next apply would undo it.\n"
        "    Since 2026-03-02 04:30 UTC (5 hours ago).\n"
        "    retention_in_days\n"
        "      was       30\n"
        "      is        7\n"
        "    An apply would update it in place.\n"
        "    environments/prod/main.tf:12\n"
        "    https://github.com/example/infrastructure/blob/"
        "4f0c2d9be1a7735c86e4d1f29b0a8c37e5d61f02/environments/prod/main.tf#L12\n"
        "\n"
        "How it stands now\n"
        "  prod: 1 drifted\n"
        "    last seen 4 minutes ago (2026-03-02 09:26 UTC), in sync 2 days ago\n"
        "    (2026-02-28 09:30 UTC)\n"
        "    live/environments/prod at 4f0c2d9be1a7\n"
        "\n"
        "-- \n"
        "Sent by driftwatch along route platform. It only looks: nothing was\n"
        "applied.\n"
    )


def test_differences_of_documents_and_what_code_says_are_in_the_text() -> None:
    text = render_email(make_rich_notice()).text
    assert '      +       "Action": "s3:*",' in text
    attributes = (make_attribute(actual=1, desired=2), *[make_attribute()] * 5)
    decision = make_decision(make_finding(make_drift(attributes=attributes, message="Mind it.")))
    report = make_report(decision)
    text = render_email(
        make_notice(event_of(EventKind.OPENED, report, decision), reports=(report,))
    ).text
    assert "      code says 2\n" in text
    assert "… and 2 more attributes" in text
    assert "    Mind it.\n" in text


def test_a_sample_says_so_in_both_forms() -> None:
    sample = make_notice(sample=True)
    assert render_email(sample).text.startswith("This is a sample: nothing of it happened.\n")
    assert "This is a sample: nothing of it happened." in said(sample)


def test_links_lead_to_the_dashboard_and_to_code_and_nowhere_else() -> None:
    for notice in ALL:
        for link in Outline(html_of(notice)).links:
            assert link.startswith(
                ("https://driftwatch.example.org", "https://github.com/example/", f"cid:{TREND_ID}")
            )
    unreachable = Outline(html_of(make_notice(base_url="")))
    assert all(link.startswith("https://github.com/") for link in unreachable.links)
    assert "Full report" not in said(make_notice(base_url=""))


def test_the_mail_asks_nobody_for_anything() -> None:
    for notice in ALL:
        page = html_of(notice)
        assert not re.search(r"<(?:script|link|iframe|object|form)\b", page)
        assert "url(" not in page
        assert "@import" not in page


def test_styles_stand_in_place_and_rules_for_dark_and_small_screens_stay() -> None:
    page = html_of(make_notice())
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert "prefers-color-scheme" in style
    assert "max-width" in style
    assert ".band{" not in style.split("@media")[0]
    assert 'style="' in page


def test_the_trend_is_shown_where_there_is_one() -> None:
    mail = render_email(make_rich_notice())
    assert mail.png is not None
    assert mail.html is not None
    assert f'src="cid:{TREND_ID}"' in mail.html
    assert "4 at most" in mail.html
    without = render_email(make_notice())
    assert without.png is None
    assert without.html is not None
    assert "cid:" not in without.html


def test_how_bad_it_is_is_told_by_colour_and_word() -> None:
    for severity in Severity:
        page = html_of(make_notice(make_event(severity=severity)))
        assert f"tone-{severity}" in page
        assert severity.upper() in page
    assert "tone-good" in html_of(make_notice(make_event(EventKind.CLOSED)))


@pytest.mark.parametrize("text", ["x", "<&\"'" * 20, "\u202e" * 60, "宽" * 80])
@pytest.mark.parametrize("count", [31, 2000])
def test_html_stays_under_its_limit_and_says_how_many_more(count: int, text: str) -> None:
    mail = render_email(make_crowded_notice(count, text))
    assert mail.html is not None
    assert len(mail.html.encode()) <= LARGEST_HTML
    assert re.search(r"… and \d+ more\.", mail.html)
    assert re.search(r"… and \d+ more\.", mail.text)
    assert len(mail.text) < 60_000


def test_even_the_widest_findings_leave_room() -> None:
    attributes = tuple(
        make_attribute(path=("<" * 500,), recorded="\U000e0041" * 500, actual="<" * 500)
        for _ in range(50)
    )
    decision = make_decision(make_finding(make_drift(attributes=attributes)))
    report = make_report(decision)
    event = event_of(EventKind.OPENED, report, decision)
    mail = render_email(make_notice(*[event] * 200, reports=(report,) * 1))
    assert mail.html is not None
    assert len(mail.html.encode()) <= LARGEST_HTML


def test_a_digest_of_many_environments_counts_those_without_room() -> None:
    reports = tuple(make_report(make_decision(), environment=f"env-{n}") for n in range(300))
    calm = make_report(environment="calm")
    mail = render_email(make_digest(reports=(*reports, calm)))
    assert mail.html is not None
    assert "… and 270 more environments that need people" in mail.html
    assert "1 environment is in sync or snoozed." in mail.html
    assert "In sync or snoozed: 1 more." in mail.text


@pytest.mark.parametrize("digest", ["", "daily"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_becomes_markup_or_a_link_or_turns_the_text(text: str, digest: str) -> None:
    mail = render_email(make_hostile_notice(text, digest=digest))
    tame = render_email(make_hostile_notice(CLEAN, digest=digest))
    assert mail.html is not None
    assert tame.html is not None
    outline, expected = Outline(mail.html), Outline(tame.html)
    extra = outline.elements - expected.elements
    assert not {tag for tag, _ in extra} - {"a", "wbr", "tr", "td", "div"}
    assert all(link.startswith(("https://", "http://")) for link in outline.links)
    prose = re.sub(r"(?m)^ *https?://\S+$", "", mail.text)  # without the links to code
    for form in (prose, "".join(outline.text)):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\ufeff\x1b\x07\x00\x85\u2028]", form)
        assert "@octocat" not in form
        assert "www.evil" not in form
        assert "://evil" not in form


@given(st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_any_text_at_all_is_told_in_full(text: str) -> None:
    mail = render_email(make_hostile_notice(text), attach_report=True)
    assert mail.html is not None
    assert mail.attachment is not None
    assert re.fullmatch(r"Medium drift in [A-Za-z0-9._ -]{1,63}: [a-z0-9, ]+", mail.subject)
    assert not re.search("[\u202a-\u202e\x00-\x09\x0b-\x1f\x7f-\x9f]", mail.text)


def test_values_that_no_renderer_can_write_still_raise_the_alarm() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    for value in (nested, 10**5000, object()):
        decision = make_decision(
            make_finding(make_drift(attributes=(make_attribute(actual=value),)))
        )
        report = make_report(decision)
        notice = make_notice(event_of(EventKind.OPENED, report, decision), reports=(report,))
        mail = render_email(notice)
        assert mail.subject == "prod has news: see the dashboard"
        assert mail.html is None
        assert mail.text.startswith("prod: 1 new.\n\nThe full message could not be written (")
        assert mail.text.endswith("See the dashboard: https://driftwatch.example.org/reports/12\n")
        away = render_email(replace(notice, base_url="", environment="\n", sample=True))
        assert away.subject == "Sample: An environment has news: see the dashboard"
        assert away.text.endswith("Run `driftwatch status` to see more.\n")


def test_the_full_report_is_attached_when_asked_and_not_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert render_email(make_notice()).attachment is None
    mail: Email = render_email(make_notice(), attach_report=True)
    assert mail.attachment is not None
    assert "aws_cloudwatch_log_group.app" in mail.attachment
    assert "The full report is attached." in mail.text
    monkeypatch.setattr(email_module, "_LARGEST_ATTACHMENT", 1000)
    large = render_email(make_notice(), attach_report=True)
    assert large.attachment is None
    assert "too large to be attached" in large.text
