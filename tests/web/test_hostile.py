"""What a cloud, a repository or a mail server may say to harm whoever opens the dashboard."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from driftwatch.domain.notice import Delivery, Refusal
from driftwatch.domain.routing import Route, Telling
from driftwatch.web.app import build_app
from driftwatch.web.limits import Limits
from tests.builders import NOW
from tests.render.hostile import HOSTILE, make_hostile_report
from tests.web.world import HERE, FakeOffice, record, watch

BASE = "http://127.0.0.1:8420"
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_OURS = {
    "html",
    "head",
    "meta",
    "title",
    "link",
    "script",
    "noscript",
    "body",
    "a",
    "header",
    "svg",
}
_OURS |= {
    "path",
    "circle",
    "rect",
    "text",
    "nav",
    "ul",
    "ol",
    "li",
    "div",
    "span",
    "main",
    "section",
}
_OURS |= {"h1", "h2", "p", "b", "code", "time", "dl", "dt", "dd", "table", "thead", "tbody", "tr"}
_OURS |= {"th", "td", "form", "input", "button", "label", "select", "option", "details", "summary"}
_OURS |= {"article", "footer"}


class Page(HTMLParser):
    """Reads a page as a browser would, and keeps what could act."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str] = []
        self.urls: list[str] = []
        self.inline = ""
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        values = dict(attrs)
        self.urls += [values[name] or "" for name in ("href", "src", "action") if name in values]
        if tag == "script":
            self.scripts.append(values.get("src") or "")
            self._in_script = True

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.inline += data


def lay_out(office: FakeOffice, text: str) -> None:
    """Let everything in the store say it, under a name that the configuration allows."""
    store = office.installation.store
    for name in ("prod", "failing"):
        report = replace(make_hostile_report(text), environment=name)
        report = report if name == "failing" else replace(report, failure=None)
        watch(office, report)
        telling = Telling((Route("team", "mail", (text,)),))
        record(office, replace(report, checked_at=NOW - timedelta(hours=1)), telling)
        record(office, report, telling)
        store.queue.add(name, text, NOW, actor=text)
    for message in store.outbox.due(NOW + timedelta(days=1)):
        claimed = store.outbox.claim(message, "1-abc", NOW)
        assert claimed
        refused = {text: Refusal(text, permanent=True)}
        store.outbox.settle(claimed, Delivery((), refused), NOW, timedelta(days=9))
    drift = make_hostile_report(text).decisions[0].finding.drift
    store.snoozes.add(
        "prod",
        drift.key,
        text,
        text,
        "x",
        until=NOW + timedelta(days=1),
        because=text,
        by=text,
        now=NOW,
    )
    jobs = {job.environment: job for job in store.queue.all()}
    store.queue.claim(jobs["prod"].number, "1-x", NOW, timedelta(minutes=5))
    store.queue.tell({jobs["prod"].number: text.encode("utf-8", "replace").decode()})
    store.queue.explain({jobs["failing"].number: text.encode("utf-8", "replace").decode()})
    store.audit.append(text, text, text, {text: text}, NOW)


def storable(text: str) -> bool:
    return text.encode("utf-8", "replace").decode() == text


PAGES = ("/", "/environments/prod", "/environments/failing", "/queue", "/messages", "/snoozes")
OTHERS = ("/events", "/audit")


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if storable(text)], ids=lambda text: ascii(text[:20])
)
def test_no_text_acts_or_hides(text: str, office: FakeOffice, tmp_path: Path) -> None:
    lay_out(office, text)
    limits = Limits(burst=10_000)
    with TestClient(build_app(office, limits), base_url=BASE, client=HERE) as client:
        office.ill = [text]
        for path in (
            *PAGES,
            *OTHERS,
            f"/?q={quote(text[:200])}",
            f"/login?next={quote(text[:500])}",
        ):
            answer = client.get(path)
            assert answer.status_code == 200, path
            page = Page(answer.text)
            assert page.tags <= _OURS, path
            assert not [
                name for name in page.attributes if name.startswith("on") or name == "style"
            ]
            assert len(page.scripts) == 1
            assert page.scripts[0].startswith("/static/dashboard.")
            assert not page.inline.strip()
            for url in page.urls:
                assert re.match(r"/(?![/\\])|https?://|#|$", url), (path, url)
            assert not _UNSEEN.search(answer.text), path
        for number in (1, 2, 3, 4):
            assert client.get(f"/reports/{number}").status_code == 200


def test_links_lead_to_where_the_repository_is_and_to_no_script(office: FakeOffice) -> None:
    lay_out(office, "javascript:alert(1)")
    with TestClient(build_app(office), base_url=BASE, client=HERE) as client:
        html = client.get("/environments/prod").text
    assert "javascript:alert(1)" in html
    assert 'href="javascript' not in html


def test_the_api_gives_hostile_text_as_data(office: FakeOffice) -> None:
    text = "</script><script>alert(1)</script>\u202e"
    lay_out(office, text)
    with TestClient(build_app(office), base_url=BASE, client=HERE) as client:
        answer = client.get("/api/v1/events")
        assert answer.headers["content-type"] == "application/json"
        assert {event["address"] for event in answer.json()["items"]} == {text, ""}
        assert client.get("/api/v1/reports/1").status_code == 200
        assert client.get("/metrics").status_code == 200
