"""The pages: what they show, in which order, and how fast."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from driftwatch.domain.model import Kind, Severity
from driftwatch.web.app import build_app
from driftwatch.web.limits import Limits
from tests.builders import NOW, make_decision, make_drift, make_failure, make_finding, make_report
from tests.web.world import HERE, FakeOffice, browsing, fill, make_office, record, served, watch

BASE = "http://127.0.0.1:8420"


@contextmanager
def asking(office: FakeOffice) -> Iterator[TestClient]:
    app = build_app(office, Limits(burst=10_000))
    with TestClient(app, base_url=BASE, client=HERE) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    office = make_office(tmp_path_factory.mktemp("pages"))
    fill(office)
    with asking(office) as client:
        yield client


def names(html: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/environments/([^"]+)"', html)


def test_the_fleet_stands_worst_first(pages: TestClient) -> None:
    html = pages.get("/").text
    assert names(html)[:5] == ["storefront", "staging", "prod", "base-storage", "base-security"]
    assert names(html)[-1] == "base-networking"
    assert "2 drifted, 3 cannot be vouched for, 1 with changes that wait" in html
    assert "could not be looked at" in html
    assert "could not be delivered" in html


def test_what_is_stale_is_never_green(pages: TestClient) -> None:
    html = pages.get("/", params={"q": "base-security"}).text
    assert names(html) == ["base-security"]
    row = html[html.index('<tr data-status="stale">') :]
    assert "was in sync" in row
    assert "in sync</span>" not in row.replace("was in sync", "")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "in sync"}, ["base-networking"]),
        ({"label": "production"}, ["storefront", "prod"]),
        ({"owner": "shop"}, ["storefront"]),
        ({"q": "ENVIRONMENTS/"}, ["staging", "prod", "dev"]),
        ({"status": "", "label": "", "owner": "", "q": "nothing"}, []),
    ],
)
def test_the_fleet_is_narrowed(query: dict[str, str], found: list[str], pages: TestClient) -> None:
    html = pages.get("/", params=query).text
    assert names(html) == found
    assert ("Nothing fits" in html) == (not found)


def test_an_unknown_status_is_a_bad_request(pages: TestClient) -> None:
    assert pages.get("/", params={"status": "fine"}).status_code == 400
    assert pages.get("/", params={"page": "0"}).status_code == 400


def test_an_empty_fleet_says_so(office: FakeOffice) -> None:
    with asking(office) as client:
        assert "Nothing is watched yet." in client.get("/").text
        for path in ("/queue", "/messages", "/snoozes", "/events", "/audit"):
            assert client.get(path).status_code == 200


def test_a_fleet_that_is_well_is_told_in_one_sentence(office: FakeOffice) -> None:
    calm = make_report(environment="one", in_sync_at=NOW)
    watch(office, calm)
    record(office, calm)
    with asking(office) as client:
        assert "The environment is in sync." in client.get("/").text
        other = make_report(environment="two", in_sync_at=NOW)
        watch(office, other)
        assert "1 cannot be vouched for" in client.get("/").text
        record(office, other)
        assert "All 2 are in sync." in client.get("/").text


def test_a_page_holds_a_hundred_environments(office: FakeOffice) -> None:
    watch(office, *[make_report(environment=f"e-{at:04}") for at in range(250)])
    with asking(office) as client:
        seen = [names(client.get("/", params={"page": str(page)}).text) for page in (1, 2, 3, 4)]
    assert [len(page) for page in seen] == [100, 100, 50, 0]
    assert sorted(chain.from_iterable(seen)) == [f"e-{at:04}" for at in range(250)]


def test_an_environment_tells_how_it_stands_and_how_that_came_about(pages: TestClient) -> None:
    html = pages.get("/environments/prod").text
    assert "aws_iam_role_policy.orders" in html
    assert "What a role may do changed outside review." in html
    assert "Drift opened" in html
    assert "Drift closed" in html
    assert re.search(r"4 checks: <span class=\"status\" data-status=\"in sync\"", html)
    assert 'class="trend"' in html
    assert 'class="ages"' in html
    assert "window freeze denies it" in html
    assert "ops@example.org" in html
    assert re.search(r'href="/reports/\d+"', html)


def test_a_failure_says_what_to_do_and_what_was_last_known(office: FakeOffice) -> None:
    drifted = make_report(make_decision())
    watch(office, drifted)
    record(office, replace(drifted, checked_at=NOW - timedelta(hours=1)))
    record(office, replace(drifted, failure=make_failure()))
    with asking(office) as client:
        html = client.get("/environments/prod").text
    assert "driftwatch could not look" in html
    assert "Renew the credentials" in html
    assert "Last known to be off" in html
    assert "aws_cloudwatch_log_group.app" in html


def test_a_loss_is_not_offered_to_be_snoozed(pages: TestClient) -> None:
    html = pages.get("/environments/staging").text
    assert "Not to be snoozed: a deletion or replacement cannot be snoozed" in html


def test_a_timeline_goes_on_in_the_past(office: FakeOffice) -> None:
    watch(office, make_report())
    for minutes in reversed(range(450)):
        decisions = (make_decision(),) if minutes % 2 else ()
        at = NOW - timedelta(minutes=minutes + 1)
        record(office, make_report(*decisions, checked_at=at))
    with asking(office) as client:
        path, checks = "/environments/prod", 0
        for _ in range(4):
            html = client.get(path).text
            checks += len(re.findall(r"<li data-status=", html))
            older = re.search(r'rel="next" href="([^"]+)"', html)
            if not older:
                break
            path = older[1]
    assert checks == 450


def test_a_report_is_shown_as_of_its_own_time(pages: TestClient) -> None:
    number = re.search(
        r'href="/reports/(\d+)">report', pages.get("/environments/base-security").text
    )
    assert number
    html = pages.get(f"/reports/{number[1]}").text
    assert "in sync" in html
    assert "stale" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert "2026-02-27 09:30 UTC" in html
    assert pages.get("/reports/0").status_code == 404
    assert pages.get(f"/reports/{1 << 64}").status_code == 404
    assert pages.get("/reports/x").status_code == 400


def test_the_queue_shows_windows_in_force(pages: TestClient) -> None:
    html = pages.get("/queue").text
    assert "1 running, 2 waiting" in html
    assert "refreshing aws_sns_topic.alerts" in html
    assert "End-of-month closing" in html
    assert "closes <time" in html
    assert "4242" in html


def test_messages_show_who_was_not_reached_and_why(pages: TestClient) -> None:
    html = pages.get("/messages").text
    assert "could not be delivered" in html
    assert "550 5.1.1 no such user" in html
    assert "Send again" in html


def test_long_lists_go_on(office: FakeOffice) -> None:
    for at in range(101):
        office.installation.store.audit.append("local", "check.queue", f"e-{at}", {}, NOW)
    with asking(office) as client:
        html = client.get("/audit").text
        older = re.search(r'href="(/audit\?before=\d+)"', html)
        assert older
        assert "e-0<" not in html
        assert "e-0<" in client.get(older[1]).text


def test_pages_ask_nobody_else_for_anything(pages: TestClient) -> None:
    for path in ("/", "/environments/prod", "/queue", "/messages", "/login"):
        html = pages.get(path).text
        loaded = re.findall(r'<(?:script|img|link|iframe|source)[^>]*(?:src|href)="([^"]+)"', html)
        assert loaded
        assert all(url.startswith("/static/") for url in loaded)
        assert "style=" not in html
        assert not re.search(r"\son[a-z]+=", html)


def test_without_scripts_pages_refresh_too(pages: TestClient) -> None:
    for path in ("/", "/queue", "/messages", "/events"):
        assert '<noscript><meta http-equiv="refresh"' in pages.get(path).text


def test_a_thousand_environments_are_shown_in_a_fifth_of_a_second(office: FakeOffice) -> None:
    fleet = [
        make_report(
            *[
                make_decision(
                    make_finding(
                        make_drift(address=f"aws_x.y{n}", kind=Kind.DRIFT), severity=Severity.HIGH
                    )
                )
                for n in range(at % 4)
            ],
            environment=f"environment-{at}",
        )
        for at in range(1000)
    ]
    watch(office, *fleet)
    for report in fleet:
        office.installation.store.reports.add(report)
    office.set_web(port=0)
    with served(office) as base, browsing(base) as client:
        client.get("/")
        took = []
        for at in range(60):
            began = time.perf_counter()
            path = ("/", "/?page=5", "/environments/environment-7", "/?status=drifted")[at % 4]
            assert client.get(path).status_code == 200
            took.append(time.perf_counter() - began)
    assert sorted(took)[-2] < 0.2


def test_a_lookup_by_a_strange_name_is_not_found(pages: TestClient) -> None:
    for name in ("nowhere", "%2e%2e%2f", "a%00b", "%ff", "x" * 5000, "'; DROP TABLE watch"):
        assert pages.get(f"/environments/{name}").status_code in (404, 405), name


def test_the_pages_are_served_from_the_package() -> None:
    folder = Path(__file__).parents[2] / "driftwatch" / "web"
    assert (folder / "templates" / "base.html.j2").exists()
    assert (folder / "static" / "dashboard.css").exists()
