"""Who may do what: every route, for everybody who may come."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from driftwatch.config.service_model import Proxy, Role
from driftwatch.web.app import PARTS, build_app
from driftwatch.web.gate import is_loopback
from tests.builders import NOW
from tests.web.world import FakeOffice, browsing, fill, make_office, served

VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN

# What each route needs, and what it answers to whoever may.
PAGES: dict[str, tuple[Role, int]] = {
    "/": (VIEWER, 200),
    "/environments/prod": (VIEWER, 200),
    "/environments/nowhere": (VIEWER, 404),
    "/reports/1": (VIEWER, 200),
    "/reports/999999": (VIEWER, 404),
    "/queue": (VIEWER, 200),
    "/messages": (VIEWER, 200),
    "/snoozes": (VIEWER, 200),
    "/events": (VIEWER, 200),
    "/audit": (ADMIN, 200),
}
READS: dict[str, tuple[Role, int]] = {
    "/metrics": (VIEWER, 200),
    "/openapi.json": (VIEWER, 200),
    "/api/v1/whoami": (VIEWER, 200),
    "/api/v1/environments": (VIEWER, 200),
    "/api/v1/environments/prod": (VIEWER, 200),
    "/api/v1/environments/nowhere": (VIEWER, 404),
    "/api/v1/environments/prod/checks": (VIEWER, 200),
    "/api/v1/environments/nowhere/checks": (VIEWER, 404),
    "/api/v1/reports/1": (VIEWER, 200),
    "/api/v1/reports/999999": (VIEWER, 404),
    "/api/v1/events": (VIEWER, 200),
    "/api/v1/queue": (VIEWER, 200),
    "/api/v1/messages": (VIEWER, 200),
    "/api/v1/snoozes": (VIEWER, 200),
    "/api/v1/audit": (ADMIN, 200),
}
WRITES: dict[tuple[str, str], tuple[Role, int]] = {
    ("POST", "/api/v1/environments/nowhere/check"): (OPERATOR, 404),
    ("POST", "/api/v1/snoozes"): (OPERATOR, 400),
    ("DELETE", "/api/v1/snoozes/999"): (OPERATOR, 404),
    ("POST", "/api/v1/messages/999/retry"): (OPERATOR, 404),
    ("POST", "/api/v1/messages/999/drop"): (OPERATOR, 404),
    ("POST", "/environments/nowhere/check"): (OPERATOR, 404),
    ("POST", "/environments/nowhere/snooze"): (OPERATOR, 404),
    ("POST", "/snoozes/999/end"): (OPERATOR, 404),
    ("POST", "/messages/999/retry"): (OPERATOR, 404),
    ("POST", "/messages/999/drop"): (OPERATOR, 404),
}
OPEN = {"/healthz", "/readyz", "/login", "/logout", "/hooks/{name}", "/static/{name}"}


@pytest.fixture(scope="module")
def shut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeOffice, str]]:
    """Serve a fleet that lets nobody in unknown."""
    office = make_office(tmp_path_factory.mktemp("gate"), anonymous="none")
    fill(office)
    with served(office) as base:
        yield office, base


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeOffice, str]]:
    """Serve the same again, where nobody shows wrong tokens."""
    office = make_office(tmp_path_factory.mktemp("doors"), anonymous="none")
    fill(office)
    with served(office) as base:
        yield office, base


def bearer(office: FakeOffice, who: str) -> dict[str, str]:
    """Make the headers of somebody."""
    store, now = office.installation.store, office.installation.now()
    match who:
        case "nobody":
            return {}
        case "expired":
            text = store.tokens.create("expired", ADMIN, now, now - timedelta(seconds=1))
        case "revoked":
            text = store.tokens.create("revoked", ADMIN, now)
            assert store.tokens.revoke(store.tokens.all()[-1].number, now)
        case "forged":
            text = "dw_" + "x" * 43
        case _:
            text = store.tokens.create(who, Role(who), now)
    return {"Authorization": f"Bearer {text}"}


KNOWN = {"viewer": VIEWER, "operator": OPERATOR, "admin": ADMIN}
STRANGERS = ("nobody", "expired", "revoked", "forged")


def test_the_matrix_names_every_route() -> None:
    paths = {getattr(route, "path", "") for part in PARTS for route in part.router.routes}
    routes = {re.sub(r"\{[^}]*\}", "{}", path) for path in paths - OPEN}
    tested = [*PAGES, *READS, *(path for _, path in WRITES)]
    shapes = {re.sub(r"/(prod|nowhere|\d+)(?=/|$)", "/{}", path) for path in tested}
    assert shapes == routes


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_sees_nothing(who: str, shut: tuple[FakeOffice, str]) -> None:
    office, base = shut
    for path in READS:
        given = bearer(office, who)
        with browsing(base, headers=given) as client:
            answer = client.get(path)
        assert answer.status_code in (401, 429), path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    for path in PAGES:
        with browsing(base, headers=bearer(office, who)) as client:
            answer = client.get(path)
        if answer.status_code != 429:
            assert (answer.status_code, answer.headers["location"]) == (
                303,
                f"/login?next={path.replace('/', '%2F')}",
            )
    for method, path in WRITES:
        with browsing(base, headers=bearer(office, who)) as client:
            answer = client.request(method, path, json={})
        assert answer.status_code in (401, 429), path
    assert not office.woken


@pytest.mark.parametrize("who", KNOWN)
def test_a_token_opens_what_its_role_covers_and_nothing_more(
    who: str, doors: tuple[FakeOffice, str]
) -> None:
    office, base = doors
    with browsing(base, headers=bearer(office, who)) as client:
        for path, (role, status) in (PAGES | READS).items():
            expected = status if KNOWN[who].may(role) else 403
            assert client.get(path).status_code == expected, path
            assert client.head(path).status_code in (expected, 405), path
        for (method, path), (role, status) in WRITES.items():
            answer = client.request(method, path, json={} if "snoozes" in path else None)
            expected = status if KNOWN[who].may(role) else 403
            assert answer.status_code == expected, path


def test_only_an_admin_overrides_a_window(doors: tuple[FakeOffice, str]) -> None:
    office, base = doors
    for who, status in (("operator", 403), ("admin", 202)):
        with browsing(base, headers=bearer(office, who)) as client:
            answer = client.post("/api/v1/environments/prod/check", json={"override": True})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Basic YWRtaW46YWRtaW4=", 401),
        ("Bearer", 401),
        ("Bearer dw_", 401),
        ("bearer  dw_x", 401),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", 401),
    ],
)
def test_what_is_no_token_is_none(header: str, status: int, shut: tuple[FakeOffice, str]) -> None:
    with browsing(shut[1], headers={"Authorization": header}) as client:
        assert client.get("/api/v1/whoami").status_code in (status, 429)


def test_two_authorizations_are_refused(doors: tuple[FakeOffice, str]) -> None:
    office, base = doors
    given = bearer(office, "admin")["Authorization"]
    with browsing(base) as client:
        twice = [("authorization", given), ("authorization", given)]
        assert client.get("/api/v1/whoami", headers=twice).status_code == 400


@contextmanager
def behind_proxy(folder: Path, **changes: Any) -> Iterator[tuple[FakeOffice, httpx2.Client]]:
    office = make_office(folder)
    settings = {"addresses": ("127.0.0.0/8",), "role_header": "X-Role"} | changes
    office.set_web(proxy=Proxy(**settings))
    with served(office) as base, browsing(base) as client:
        yield office, client


def test_a_proxy_says_who_is_there_and_what_they_may(tmp_path: Path) -> None:
    with behind_proxy(tmp_path) as (_, client):
        for role in (None, "viewer", "operator", "Admin"):
            given = {"X-Forwarded-User": "ana"} | ({"X-Role": role} if role else {})
            answer = client.get("/api/v1/whoami", headers=given)
            assert answer.json() == {"actor": "proxy:ana", "role": (role or "viewer").lower()}


def test_behind_a_proxy_nobody_is_anonymous(tmp_path: Path) -> None:
    with behind_proxy(tmp_path) as (_, client):
        assert client.get("/api/v1/whoami").status_code == 401
        assert client.get("/api/v1/whoami", headers={"X-Forwarded-User": ""}).status_code == 401
        assert client.get("/", headers={"X-Role": "admin"}).status_code == 303


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ([("X-Forwarded-User", "ana"), ("X-Forwarded-User", "eve")], 400),
        ([("X-Forwarded-User", "ana"), ("X-Role", "viewer"), ("X-Role", "admin")], 400),
        ([("X-Forwarded-User", "ana"), ("X-Role", "root")], 403),
        ([("X-Forwarded-User", "a" * 201)], 400),
        ([("X-Forwarded-User", "a\tb")], 400),
    ],
)
def test_what_a_proxy_says_twice_or_wrong_is_refused(
    given: list[tuple[str, str]], status: int, tmp_path: Path
) -> None:
    with behind_proxy(tmp_path) as (_, client):
        assert client.get("/api/v1/whoami", headers=given).status_code == status


def test_the_word_of_anybody_but_the_proxy_means_nothing(tmp_path: Path) -> None:
    with behind_proxy(tmp_path, addresses=("10.1.0.0/16", "fd00::/8")) as (office, client):
        given = {"X-Forwarded-User": "eve", "X-Role": "admin"}
        assert client.get("/api/v1/whoami", headers=given).json()["actor"] == "local"
        office.set_web(anonymous=None)
        assert client.get("/api/v1/whoami", headers=given).status_code == 401


def test_a_token_shown_through_a_proxy_counts(tmp_path: Path) -> None:
    with behind_proxy(tmp_path) as (office, client):
        given = bearer(office, "operator") | {"X-Forwarded-User": "ana"}
        assert client.get("/api/v1/whoami", headers=given).json()["actor"] == "token:operator"


def test_on_loopback_whoever_asks_from_this_machine_is_admin(client: httpx2.Client) -> None:
    assert client.get("/api/v1/whoami").json() == {"actor": "local", "role": "admin"}
    port = client.base_url.port
    for name in (f"localhost:{port}", f"LOCALHOST:{port}", f"[::1]:{port}"):
        assert client.get("/api/v1/whoami", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"Via": "1.1 proxy"},
        {"X-Real-IP": "203.0.113.9"},
        {"Host": "drift.example.org"},
    ],
)
def test_what_was_passed_on_was_not_asked_on_this_machine(
    given: dict[str, str], office: FakeOffice, client: httpx2.Client
) -> None:
    office.set_web(public_url="https://drift.example.org")
    assert client.get("/api/v1/whoami", headers=given).status_code == 401


@pytest.mark.parametrize(
    ("peer", "server"),
    [
        ("10.1.2.3", "127.0.0.1"),
        ("::ffff:10.1.2.3", "127.0.0.1"),
        ("testclient", "127.0.0.1"),
        ("127.0.0.1", "10.1.2.3"),
    ],
)
def test_whoever_comes_in_from_elsewhere_is_not_local_whatever_the_settings_and_host_say(
    peer: str, server: str, office: FakeOffice
) -> None:
    app = build_app(office)
    with TestClient(app, base_url=f"http://{server}:8420", client=(peer, 50000)) as client:
        given = {"Host": "localhost:8420"}
        assert client.get("/api/v1/whoami", headers=given).status_code == 401
        office.set_web(anonymous=VIEWER)
        assert client.get("/api/v1/whoami", headers=given).json()["role"] == "viewer"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::1%lo"]
)
def test_loopback_has_many_addresses(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    ["", "localhost", "128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "fe80::1%lo", "/s"],
)
def test_other_addresses_are_not_loopback(address: str) -> None:
    assert not is_loopback(address)


def test_an_anonymous_viewer_may_look_and_nothing_else(
    office: FakeOffice, client: httpx2.Client
) -> None:
    office.set_web(anonymous=VIEWER)
    assert client.get("/api/v1/whoami").json()["role"] == "viewer"
    assert client.get("/audit").status_code == 403
    assert client.post("/api/v1/environments/prod/check").status_code == 403


def test_wrong_tokens_lock_an_address_out_for_longer_and_longer(
    office: FakeOffice, client: httpx2.Client
) -> None:
    right = bearer(office, "viewer")
    other = {"Authorization": f"Bearer {office.token(ADMIN, 'fresh')}"}
    assert client.get("/api/v1/whoami", headers=right).status_code == 200
    wrong = {"Authorization": "Bearer dw_wrong"}
    answers = [client.get("/api/v1/whoami", headers=wrong) for _ in range(8)]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1
    # One that was good before is known, and is not locked out by its neighbour's mistakes.
    assert client.get("/api/v1/whoami", headers=right).status_code == 200
    assert client.get("/api/v1/whoami", headers=other).status_code in (200, 429)


def test_failed_logins_are_audited_within_bounds(office: FakeOffice, client: httpx2.Client) -> None:
    for _ in range(30):
        client.get("/api/v1/whoami", headers={"Authorization": "Bearer dw_wrong"})
    entries = office.installation.store.audit.entries()
    assert 0 < len(entries) <= 8
    assert {(e.actor, e.action) for e in entries} == {("address:127.0.0.1", "login failed")}


def test_a_token_expires_while_it_is_used(office: FakeOffice, client: httpx2.Client) -> None:
    text = office.token(VIEWER, expires=NOW + timedelta(hours=1))
    given = {"Authorization": f"Bearer {text}"}
    assert client.get("/api/v1/whoami", headers=given).status_code == 200
    office.set_clock(NOW + timedelta(hours=1))
    assert client.get("/api/v1/whoami", headers=given).status_code == 401
