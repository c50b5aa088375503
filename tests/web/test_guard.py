"""What every request meets before anything else, over real sockets."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from driftwatch.config.service_model import WebSettings
from driftwatch.web.app import build_app
from driftwatch.web.hosts import allowed_hosts
from driftwatch.web.limits import Limits
from tests.web.test_gate import PAGES, READS
from tests.web.world import HERE, HOOK_SECRET, FakeOffice, make_office, served

BASE = "http://127.0.0.1:8420"
_FORM = "application/x-www-form-urlencoded"


@contextmanager
def asking(office: FakeOffice, limits: Limits | None = None) -> Iterator[TestClient]:
    """Ask an application without a socket in between."""
    with TestClient(
        build_app(office, limits), base_url=BASE, client=HERE, raise_server_exceptions=False
    ) as found:
        yield found


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8420",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example",
        "169.254.169.254",
        "",
    ],
)
def test_a_name_that_is_not_ours_is_misdirected(host: str, client: httpx2.Client) -> None:
    for path in ("/", "/healthz", "/api/v1/whoami", "/static/x", "/hooks/github", "/nowhere"):
        answer = client.get(path, headers={"Host": host})
        assert answer.status_code == 421, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_public_name_is_ours(client: httpx2.Client, office: FakeOffice) -> None:
    office.set_web(public_url="https://Drift.example.org/")
    assert client.get("/healthz", headers={"Host": "drift.example.org"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "DRIFT.example.org"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "drift.example.org:8443"}).status_code == 421


def test_an_address_that_was_listened_on_is_ours(tmp_path: Path) -> None:
    office = make_office(tmp_path, listen="0.0.0.0:8420", anonymous="viewer")
    app = build_app(office)
    with TestClient(app, base_url="http://10.1.2.3:8420") as client:
        # The test client says that the server is the host that was asked for.
        assert client.get("/healthz").status_code == 200
        assert client.get("/healthz", headers={"Host": "0.0.0.0:8420"}).status_code == 421


def test_who_listens_on_all_addresses_is_asked_by_ipv4_and_ipv6() -> None:
    settings = WebSettings(host="::", anonymous=None)
    hosts = allowed_hosts(settings, ("::ffff:10.1.2.3", 8420))
    assert {"10.1.2.3:8420", "127.0.0.1:8420", "[::1]:8420"} <= hosts
    assert "[fd00::1]:80" in allowed_hosts(settings, ("fd00::1", 80))
    assert "fd00::1" not in allowed_hosts(settings, ("fd00::1", 80))
    assert {"10.1.2.3", "localhost"} <= allowed_hosts(settings, ("10.1.2.3", 80))


def test_every_answer_bears_the_headers_that_keep_browsers_in_line(filled: FakeOffice) -> None:
    with asking(filled) as client:
        for path in (*PAGES, *READS, "/login", "/healthz", "/nowhere", "/static/none"):
            answer = client.get(path)
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert headers["Cache-Control"] == "no-store"
            policy = headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert "server" not in headers


def test_a_report_has_a_policy_of_its_own_that_fits_what_it_holds(filled: FakeOffice) -> None:
    with asking(filled) as client:
        answer = client.get("/reports/1")
        policy = answer.headers["Content-Security-Policy"]
        assert "style-src 'sha256-" in policy
        assert "script-src 'sha256-" in policy
        held = policy.removesuffix("; frame-ancestors 'none'").replace("'", "&#39;")
        assert held in answer.text


def test_static_files_are_kept_for_ever_under_names_of_their_content(filled: FakeOffice) -> None:
    with asking(filled) as client:
        page = client.get("/").text
        for kind in ("css", "js", "svg"):
            start = page.index("/static/")
            names = [part.split('"')[0] for part in page[start:].split("/static/")]
            (name,) = (name for name in names if name.endswith(kind))
            answer = client.get(f"/static/{name}")
            assert answer.status_code == 200
            assert "immutable" in answer.headers["Cache-Control"]
        for path in ("dashboard.css", "..%2f__init__.py", "dashboard.0000000000000000.css"):
            assert client.get(f"/static/{path}").status_code == 404


def test_a_client_that_asks_too_often_is_told_when_to_come_back(office: FakeOffice) -> None:
    with asking(office, Limits(rate=0.5, burst=3)) as client:
        answers = [client.get("/healthz") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["Retry-After"] in ("2", "3")
        assert answers[-1].headers["content-type"] == "application/problem+json"


def test_bodies_have_a_size(office: FakeOffice) -> None:
    with asking(office, Limits(body=1000, form=100)) as client:
        large, form = b"x" * 1001, {"Content-Type": "application/x-www-form-urlencoded"}
        assert client.post("/hooks/github", content=large).status_code == 413
        assert client.post("/hooks/github", content=b"x" * 1000).status_code == 401
        assert client.post("/login", content=b"x" * 101, headers=form).status_code == 413
        assert client.post("/hooks/github", content=b"x" * 101, headers=form).status_code == 401

        def pieces() -> Iterator[bytes]:
            for _ in range(11):
                yield b"x" * 100

        assert client.post("/hooks/github", content=pieces()).status_code == 413
        assert client.post("/login", content=pieces(), headers=form).status_code == 413


def test_a_slow_body_is_not_waited_for(office: FakeOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("driftwatch.web.app.Limits", lambda: Limits(patience=0.2))
    with served(office) as base:
        port = int(base.rpartition(":")[2])
        for path, kind in (("/hooks/github", "text/plain"), ("/login", _FORM)):
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\n"
            with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
                link.sendall(f"{head}Content-Length: 10\r\n\r\nx".encode())
                assert b" 408 " in link.recv(4096)


def test_a_client_that_says_nothing_is_hung_up_on(
    office: FakeOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftwatch.web.server._PATIENCE", 0.2)
    with served(office) as base:
        port = int(base.rpartition(":")[2])
        for beginning in (b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1"):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
                link.sendall(beginning)
                assert link.recv(100) == b""
        with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
            ask = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
            link.sendall(ask)
            answer = b""
            while not answer.endswith(b"ok\n"):
                answer += link.recv(4096)
            link.sendall(b"GET /healthz HT")
            assert link.recv(100) == b""


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "y" * 70_000 + "\r\n\r\n",
        "NONSENSE\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_malformed_request_is_refused(head: str, client: httpx2.Client) -> None:
    port = client.base_url.port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=5) as link:
        link.sendall(head.encode("latin-1"))
        answer = link.recv(4096)
    assert answer.startswith((b"HTTP/1.1 4", b""))
    assert b" 200 " not in answer
    assert client.get("/healthz").status_code == 200


def test_a_store_that_cannot_be_read_is_said_without_details(
    office: FakeOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = office.installation.store.database
    with asking(office) as client:
        for path in ("/", "/readyz", "/api/v1/environments", "/metrics"):
            assert client.get(path).status_code == 200
        # Every thread opens the file anew; what it finds now is no database.
        monkeypatch.setattr(database, "path", database.path.with_name("gone.db"))
        monkeypatch.setattr(database, "_local", type(database._local)())
        for path in ("/", "/readyz", "/api/v1/environments", "/metrics"):
            answer = client.get(path)
            assert answer.status_code == 503
            assert "gone.db" not in answer.text
        assert client.get("/healthz").status_code == 200


def test_what_breaks_in_driftwatch_is_logged_and_not_shown(
    office: FakeOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(HOOK_SECRET)

    with asking(office) as client:
        monkeypatch.setattr("driftwatch.web.health.render_metrics", broken)
        answer = client.get("/metrics")
        assert answer.status_code == 500
        assert HOOK_SECRET not in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_problems_are_told_to_those_who_may_look_alone(office: FakeOffice) -> None:
    office.ill = ["the clock has stood still for 90 s"]
    with asking(office) as client:
        answer = client.get("/healthz")
        assert (answer.status_code, answer.text) == (503, "the clock has stood still for 90 s\n")
        assert "the clock has stood still" in client.get("/").text
        office.set_web(anonymous=None)
        assert client.get("/healthz").text == "not healthy\n"
        wrong = {"Authorization": "Bearer dw_wrong"}
        assert client.get("/healthz", headers=wrong).text == "not healthy\n"


def test_a_page_that_does_not_exist_is_a_page(filled: FakeOffice) -> None:
    with asking(filled) as client:
        answer = client.get("/nowhere")
        assert (answer.status_code, "Not Found" in answer.text) == (404, True)
        assert answer.headers["content-type"].startswith("text/html")
        assert client.get("/api/v1/nowhere").headers["content-type"] == "application/problem+json"
        assert client.post("/").status_code == 405
