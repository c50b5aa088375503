import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from driftwatch.adapters.service_manager import Systemd


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """Listen as systemd does: on a datagram socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(address)
        server.settimeout(5)
        yield server


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "path" else f"\0{uuid4()}"
    with listening(address) as server:
        yield server


def environ_of(server: socket.socket) -> dict[str, str]:
    name = server.getsockname()
    shown = f"@{name[1:].decode()}" if isinstance(name, bytes) else name
    return {"NOTIFY_SOCKET": shown}


def test_every_message_reaches_the_service_manager(manager: socket.socket) -> None:
    systemd = Systemd(environ_of(manager))
    assert systemd.listens
    systemd.ready()
    assert manager.recv(4096) == b"READY=1"
    systemd.watchdog()
    assert manager.recv(4096) == b"WATCHDOG=1"
    systemd.stopping()
    assert manager.recv(4096) == b"STOPPING=1"
    systemd.status("checking prod, 3 wait")
    assert manager.recv(4096) == b"STATUS=checking prod, 3 wait"


def test_a_reload_says_when_it_began_on_the_monotonic_clock(manager: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    Systemd(environ_of(manager)).reloading()
    first, second = manager.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    name, _, value = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(value) <= time.monotonic_ns() // 1000


def test_a_status_is_one_line_whatever_it_holds(manager: socket.socket) -> None:
    systemd = Systemd(environ_of(manager))
    systemd.status("prod\nSTOPPING=1\nMAINPID=1\x1b[2J")
    assert manager.recv(4096) == b"STATUS=prod\\nSTOPPING=1\\nMAINPID=1<U+001B>[2J"
    systemd.status("x" * 10_000)
    assert len(manager.recv(4096)) < 500
    systemd.status("gepr\xfcft \udcff")
    assert manager.recv(4096).decode() == "STATUS=geprüft <U+DCFF>"


@pytest.mark.parametrize("address", ["", "@", "relative", "vsock:2:1234"])
def test_outside_of_systemd_nothing_is_said(address: str) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": address} if address else {})
    assert not systemd.listens
    systemd.ready()
    systemd.reloading()
    assert systemd.watchdog_interval() is None


@pytest.mark.parametrize("name", ["nobody-listens", "x" * 500])
def test_a_service_manager_that_cannot_be_reached_stops_nothing(tmp_path: Path, name: str) -> None:
    systemd = Systemd({"NOTIFY_SOCKET": str(tmp_path / name)})
    systemd.ready()
    systemd.watchdog()


def test_a_service_manager_whose_queue_is_full_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("driftwatch.adapters.service_manager._PATIENCE", 0.05)
    with listening(str(tmp_path / "notify")) as server:
        systemd = Systemd(environ_of(server))
        begin = time.monotonic()
        for _ in range(30):
            systemd.status("x" * 400)
        assert time.monotonic() - begin < 10


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_sockets_are_closed_after_each_message(manager: socket.socket) -> None:
    systemd = Systemd(environ_of(manager))
    before = _open_files()
    for _ in range(50):
        systemd.watchdog()
        manager.recv(4096)
    assert _open_files() == before


@pytest.mark.parametrize(
    ("given", "interval"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "500000"}, 0.25),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({"WATCHDOG_USEC": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_asks(
    given: dict[str, str], interval: float | None
) -> None:
    assert Systemd(given).watchdog_interval() == interval
