"""Browsers log in with a token, and stay for twelve hours at most."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from driftwatch.config.service_model import Role
from driftwatch.web.login import safe_path
from tests.builders import NOW
from tests.web.world import FakeOffice, browsing, fill, make_office, served


@pytest.fixture
def office(tmp_path: Path) -> FakeOffice:
    found = make_office(tmp_path, anonymous="none")
    fill(found)
    return found


@pytest.fixture
def client(office: FakeOffice) -> Iterator[httpx2.Client]:
    with served(office) as base, browsing(base, headers={"Origin": base}) as found:
        yield found


def log_in(client: httpx2.Client, token: str, next_: str = "/") -> httpx2.Response:
    page = client.get("/login", params={"next": next_}).text
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found
    fields = {"form_token": found[1], "token": token, "next": next_}
    return client.post("/login", data=fields)


def test_a_token_opens_the_dashboard_for_a_browser(
    client: httpx2.Client, office: FakeOffice
) -> None:
    answer = log_in(client, office.token(Role.OPERATOR, "ana"), "/queue?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?x=1")
    cookie = answer.headers["set-cookie"]
    assert "driftwatch_session=" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert "Max-Age=43200" in cookie
    page = client.get("/environments/prod").text
    assert "token:ana" in page
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token
    assert client.post("/environments/dev/check", data={"form_token": token[1]}).status_code == 303
    actions = [(e.actor, e.action) for e in office.installation.store.audit.entries()]
    assert actions == [("token:ana", "check.queue"), ("token:ana", "login")]


def test_cookies_are_secure_where_the_public_address_is(
    client: httpx2.Client, office: FakeOffice
) -> None:
    office.set_web(public_url="https://drift.example.org")
    given = {"Host": "drift.example.org", "Origin": "https://drift.example.org"}
    answer = client.get("/login", headers=given)
    assert "Secure" in answer.headers["set-cookie"]


def test_a_wrong_token_opens_nothing_and_says_so(client: httpx2.Client, office: FakeOffice) -> None:
    for wrong in ("", "dw_wrong", "x" * 199):
        answer = log_in(client, wrong)
        assert answer.status_code == 401
        assert "unknown, expired or revoked" in answer.text
        assert "driftwatch_session" not in answer.headers.get("set-cookie", "")
    for _ in range(4):
        answer = log_in(client, "dw_wrong")
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers


def test_a_login_that_another_site_sends_is_refused(
    client: httpx2.Client, office: FakeOffice
) -> None:
    token = office.token(Role.ADMIN)
    assert client.post("/login", data={"token": token}).status_code == 403
    client.headers["Origin"] = "https://evil.example"
    assert log_in(client, token).status_code == 403


def test_logging_out_ends_the_session_for_good(client: httpx2.Client, office: FakeOffice) -> None:
    log_in(client, office.token(Role.VIEWER))
    stolen = client.cookies["driftwatch_session"]
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get("/").text)
    assert token
    assert client.post("/logout").status_code == 403
    assert client.post("/logout", data={"form_token": token[1]}).status_code == 303
    assert client.get("/").status_code == 303
    client.cookies.set("driftwatch_session", stolen, domain="127.0.0.1")
    assert client.get("/").status_code == 303


def test_a_revoked_or_expired_token_ends_its_sessions(
    client: httpx2.Client, office: FakeOffice
) -> None:
    log_in(client, office.token(Role.VIEWER, expires=NOW + timedelta(hours=2)))
    assert client.get("/").status_code == 200
    office.set_clock(NOW + timedelta(hours=2))
    assert client.get("/").status_code == 303
    office.set_clock(NOW)
    assert client.get("/").status_code == 200
    assert office.installation.store.tokens.revoke(1, NOW)
    assert client.get("/").status_code == 303


def test_a_session_ends_after_twelve_hours(client: httpx2.Client, office: FakeOffice) -> None:
    log_in(client, office.token(Role.VIEWER))
    office.set_clock(NOW + timedelta(hours=11, minutes=59))
    assert client.get("/").status_code == 200
    office.set_clock(NOW + timedelta(hours=12))
    assert client.get("/").status_code == 303


def test_a_forged_cookie_is_none(client: httpx2.Client, office: FakeOffice) -> None:
    log_in(client, office.token(Role.VIEWER))
    good = client.cookies["driftwatch_session"]
    number, expires, nonce, signature = good.split(".")
    for forged in (
        f"2.{expires}.{nonce}.{signature}",
        f"{number}.{int(expires) + 1}.{nonce}.{signature}",
        f"{number}.{expires}.{nonce}.{signature[:-1]}0",
        f"{number}.{expires}.{nonce}",
        "",
        "x" * 4000,
    ):
        client.cookies.clear()
        client.cookies.set("driftwatch_session", forged, domain="127.0.0.1")
        expected = 200 if forged == good else 303
        assert client.get("/").status_code == expected


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/queue?a=b", "/queue?a=b"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\tx", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("/[", "/["),
    ],
)
def test_after_logging_in_people_stay_here(asked: str, given: str) -> None:
    assert safe_path(asked) == given
