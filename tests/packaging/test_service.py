"""The daemon as its unit runs it: a real notify socket, real signals, its log for the journal."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from git.cmd import Git

from driftwatch.adapters.process import Outcome
from tests.packaging.tools import ROOT, call, said

PASSWORD = "a-password-in-no-log"
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.com")


class Manager:
    """What systemd is to a service: a socket that listens, and signals."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "driftwatch.yaml"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(root / "notify"))
        self.socket.settimeout(30)
        repository = root / "live"
        (repository / "prod").mkdir(parents=True)
        (repository / "prod/main.tf").write_text("terraform {}\n")
        git = Git(str(repository))
        git.execute(["git", "init", "-q", "-b", "main"])
        git.execute(["git", "add", "."])
        git.execute(["git", *IDENTITY, "commit", "-q", "-m", "First"])

    def configure(self, more: str = "") -> None:
        self.config.write_text(
            f"repositories: {{live: {{url: ./live}}}}\ndata_dir: {self.root / 'data'}\n"
            "environments: {prod: {path: prod, schedule: '0 0 1 1 *'}}\n"
            f"web: {{enabled: false}}\n{more}",
            encoding="utf-8",
        )

    def start(self) -> Outcome:
        env = {
            "NOTIFY_SOCKET": str(self.root / "notify"),
            "WATCHDOG_USEC": "60000000",
            "PYTHONPATH": str(ROOT),
            "PASSWORD": PASSWORD,
        }
        argv = (sys.executable, "-m", "driftwatch", "-c", str(self.config), "daemon")
        return call(*argv, cwd=self.root, env=env)

    def hear(self, wanted: str) -> None:
        """Listen until a message comes that begins with what is wanted."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.socket.recv(4096).decode().startswith(wanted):
                return
        pytest.fail(f"{wanted} was never said")

    def send(self, number: signal.Signals) -> None:
        os.kill(int((self.root / "data/daemon.lock").read_text()), number)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    yield manager
    manager.socket.close()


def lines_of(outcome: Outcome) -> list[dict[str, object]]:
    return [json.loads(line) for line in outcome.stderr.decode().splitlines()]


def test_the_daemon_keeps_its_service_manager_in_the_picture(manager: Manager) -> None:
    manager.configure()
    with ThreadPoolExecutor(1) as executor:
        ended: Future[Outcome] = executor.submit(manager.start)
        manager.hear("READY=1")
        manager.hear("WATCHDOG=1")

        manager.configure('defaults: {env: {TOKEN: "${env:PASSWORD}"}}\n')
        manager.send(signal.SIGHUP)
        manager.hear("RELOADING=1\nMONOTONIC_USEC=")
        manager.hear("READY=1")

        manager.configure(f"nonsense: {PASSWORD}\n")
        manager.send(signal.SIGHUP)
        manager.hear("RELOADING=1")
        manager.hear("READY=1")
        manager.hear("WATCHDOG=1")

        manager.send(signal.SIGTERM)
        manager.hear("STOPPING=1")
        outcome = ended.result(60)
    assert outcome.exit_code == 0, said(outcome)
    assert outcome.stdout == b""
    assert PASSWORD.encode() not in outcome.stderr
    told = [line["event"] for line in lines_of(outcome)]
    assert "ready" in told
    assert "the configuration is loaded anew" in told
    assert "the configuration is refused, the old one holds" in told
    assert told[-1] == "stopped"


def test_a_second_daemon_and_a_bad_configuration_have_their_exit_codes(manager: Manager) -> None:
    manager.configure()
    with ThreadPoolExecutor(1) as executor:
        ended = executor.submit(manager.start)
        manager.hear("READY=1")
        second = manager.start()
        assert second.exit_code == 75
        assert (manager.root / "data/daemon.lock").read_text().strip() in said(second)
        manager.send(signal.SIGTERM)
        assert ended.result(60).exit_code == 0
    manager.configure("nonsense: 1\n")
    assert manager.start().exit_code == 78
