"""The server in its thread: where it listens, and how it ends."""

import socket
import threading
import time
from pathlib import Path

import pytest

from driftwatch.config.service_model import Proxy, Role, WebSettings
from driftwatch.errors import ConfigError
from driftwatch.web.server import WebServer, check_listening
from tests.web.world import FakeOffice, browsing, make_office, served


def test_it_may_listen_elsewhere_only_where_it_can_tell_people_apart() -> None:
    outside = WebSettings(host="0.0.0.0", anonymous=None)
    with pytest.raises(ConfigError, match="driftwatch token create"):
        check_listening(outside, has_tokens=False)
    check_listening(outside, has_tokens=True)
    check_listening(WebSettings(host="0.0.0.0", proxy=Proxy(("10.0.0.0/8",))), has_tokens=False)
    check_listening(WebSettings(), has_tokens=False)
    with pytest.raises(ConfigError):
        check_listening(WebSettings(host="10.1.2.3", anonymous=Role.VIEWER), has_tokens=False)


def test_a_server_for_others_does_not_start_without_a_token(tmp_path: Path) -> None:
    office = make_office(tmp_path, listen="0.0.0.0:0")
    with pytest.raises(ConfigError, match="reached from other machines"):
        WebServer(office, office.installation.config.web).start()


def test_a_token_that_is_over_does_not_count(office: FakeOffice) -> None:
    office.set_web(host="0.0.0.0", anonymous=None)
    office.token(Role.ADMIN)
    assert office.installation.store.tokens.revoke(1, office.installation.now())
    with pytest.raises(ConfigError):
        WebServer(office, office.installation.config.web).start()


def test_a_port_that_is_taken_is_told_at_once(office: FakeOffice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        office.set_web(port=other.getsockname()[1])
        with pytest.raises(ConfigError, match=r"cannot listen on 127.0.0.1:.*in use"):
            WebServer(office, office.installation.config.web).start()


def test_an_address_that_is_not_ours_is_told_at_once(office: FakeOffice) -> None:
    office.token(Role.ADMIN)
    office.set_web(host="203.0.113.7", port=0)
    with pytest.raises(ConfigError, match="cannot listen on"):
        WebServer(office, office.installation.config.web).start()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_loopback_is_loopback_by_any_name(host: str, office: FakeOffice) -> None:
    office.set_web(host=host, port=0)
    server = WebServer(office, office.installation.config.web)
    server.start()
    try:
        name = "[::1]" if ":" in host else host
        with browsing(f"http://{name}:{server.port}") as client:
            assert client.get("/api/v1/whoami").json()["role"] == "admin"
    finally:
        server.stop()


def test_it_stops_soon_with_connections_open_and_can_start_again(office: FakeOffice) -> None:
    office.set_web(port=0)
    server = WebServer(office, office.installation.config.web)
    for _ in range(2):
        server.start()
        port = server.port
        with browsing(f"http://127.0.0.1:{port}") as client:
            assert client.get("/healthz").text == "ok\n"
            with socket.create_connection(("127.0.0.1", port)):
                began = time.monotonic()
                server.stop()
                assert time.monotonic() - began < 5
        assert server.port == 0
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=1)
    server.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "web"]


def test_a_reload_is_seen_by_the_next_request(office: FakeOffice) -> None:
    with served(office) as base, browsing(base) as client:
        assert client.get("/").status_code == 200
        office.set_web(anonymous=None)
        assert client.get("/").status_code == 303


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.2", "127.0.0.2"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")],
)
def test_a_reload_does_not_open_a_socket_that_others_reach(
    host: str, reached: str, office: FakeOffice
) -> None:
    office.token(Role.ADMIN)
    office.set_web(host=host, port=0, anonymous=None)
    server = WebServer(office, office.installation.config.web)
    server.start()
    try:
        office.set_web(host="127.0.0.1", anonymous=Role.ADMIN)
        given = {"Host": f"localhost:{server.port}"}
        with browsing(f"http://{reached}:{server.port}", headers=given) as client:
            assert client.get("/api/v1/whoami").status_code == 401
            office.set_web(anonymous=Role.VIEWER)
            assert client.get("/api/v1/whoami").json() == {"actor": "anonymous", "role": "viewer"}
    finally:
        server.stop()
