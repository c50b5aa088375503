"""A fleet with a real repository and a stand-in for terraform, whose plans a test decides about.

The stand-in answers at once and takes what drifted from a file for each environment, so that
thousands of checks fit into a test. Everything else is real: git, SQLite, SMTP, HTTP.
"""

import json
import os
import signal
import socket
import subprocess  # noqa: TID251 - the daemon is killed here, as an operator or the kernel would
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from ruamel.yaml import YAML

from driftwatch.adapters.store.store import Store, open_store
from tests.domain.documents import make_document, make_entry

ROOT = Path(__file__).parents[2]
_CODE = 'resource "aws_x" "y" {\n  size = 1\n}\n'
_SCRIPT = """#!/bin/sh
case "$1" in
  version) echo '{{"terraform_version":"1.11.4"}}' ;;
  plan)
    read -r pace < '{root}/pace'
    case "$pace" in 0) ;; *) sleep "$pace" ;; esac
    for word; do case "$word" in
      -out=*) cp '{root}/plans/'"${{PWD##*/}}" "${{word#-out=}}" ;;
    esac; done ;;
  show) for file; do :; done; cat "$file" ;;
esac
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git as somebody who commits."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},  # noqa: TID251 - where git is
    )
    return done.stdout.strip()


@dataclass(slots=True)
class Mailbox:
    """A real SMTP server and all that it took; `answer` may refuse, by recipient or as a whole."""

    mails: list[EmailMessage] = field(default_factory=list)
    answer: Callable[[Envelope], str | None] = lambda _: None
    refuse: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self.answer(envelope)
        if refusal:
            return refusal
        content = envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        with self._lock:
            self.mails.append(mail)
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        """List subjects in the order of arrival."""
        with self._lock:
            return [str(mail["Subject"]) for mail in self.mails]


@contextmanager
def open_mailbox() -> Iterator[Mailbox]:
    """Serve SMTP on loopback for as long as the context."""
    mailbox = Mailbox(port=free_port())
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Fleet:
    """A repository of environments, their plans, and a driftwatch that watches them."""

    root: Path
    names: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def config(self) -> Path:
        """Say where driftwatch.yaml is."""
        return self.root / "driftwatch.yaml"

    @property
    def data_dir(self) -> Path:
        """Say where driftwatch keeps what it knows."""
        return self.root / "data"

    @property
    def work(self) -> Path:
        """Say where the repository is that driftwatch clones."""
        return self.root / "live"

    def configure(self, **changes: Any) -> None:
        """Write driftwatch.yaml anew with some top-level keys changed."""
        self.settings = {**self.settings, **changes}
        draft = self.config.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            YAML().dump(self.settings, file)
        draft.replace(self.config)

    def move(self, name: str, size: int = 1) -> None:
        """Let reality say `size`; the code says 1."""
        state, code = {"size": 1}, {"size": 1}
        actual = {"size": size}
        drift = [make_entry("aws_x.y", state, actual)] if size != 1 else []
        document = make_document(drift, [make_entry("aws_x.y", actual, code)])
        self.write_plan(name, json.dumps(document))

    def write_plan(self, name: str, text: str) -> None:
        """Decide what terraform will say of an environment."""
        draft = self.root / "plans" / f".{name}"
        draft.write_text(text, encoding="utf-8")
        draft.replace(self.root / "plans" / name)

    def pace(self, seconds: float) -> None:
        """Decide how long a plan takes."""
        draft = self.root / ".pace"
        draft.write_text(f"{seconds:g}\n", encoding="utf-8")
        draft.replace(self.root / "pace")

    def store(self) -> Store:
        """Open the store, beside whoever else has."""
        return open_store(self.data_dir)

    @contextmanager
    def daemon(self, **environ: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run `driftwatch daemon`; whatever still runs at the end is killed."""
        log = (self.root / "daemon.log").open("ab")
        with log, self.start(log, "daemon", **environ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def start(self, output: Any, *arguments: str, **environ: str) -> "subprocess.Popen[bytes]":
        """Start driftwatch as a process of its own."""
        path = os.environ["PATH"]  # noqa: TID251 - where git is
        return subprocess.Popen(
            [sys.executable, "-m", "driftwatch", "-c", str(self.config), *arguments],
            cwd=ROOT,
            env={"PATH": path, "HOME": str(self.root), **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def log(self) -> str:
        """Read what the daemons said."""
        return (self.root / "daemon.log").read_text(encoding="utf-8", errors="replace")


def build_fleet(root: Path, names: tuple[str, ...], **settings: Any) -> Fleet:
    """Build a repository and a configuration; every environment is in sync."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "plans").mkdir()
    (root / "bin").mkdir()
    program = root / "bin" / "terraform"
    program.write_text(_SCRIPT.format(root=root), encoding="utf-8")
    program.chmod(0o755)
    work = root / "live"
    for name in names:
        folder = work / "environments" / name
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(_CODE, encoding="utf-8")
    git(root, "init", "-q", "-b", "main", str(work))
    git(work, "add", ".")
    git(work, "commit", "-qm", "Begin")
    defaults = {
        "repositories": {"live": {"url": str(work)}},
        "environments": {"{name}": {"path": "environments/*"}},
        "defaults": {"schedule": "every 2s", "terraform": {"binary": str(program)}},
        "data_dir": str(root / "data"),
        "reports": {"directory": str(root / "reports")},
        "daemon": {"memory_per_check": 0, "shutdown": "10s"},
        "web": {"enabled": False},
    }
    fleet = Fleet(root, names, defaults)
    fleet.pace(0)
    fleet.configure(**settings)
    for name in names:
        fleet.move(name)
    return fleet


def mail_to(mailbox: Mailbox, **route: Any) -> dict[str, Any]:
    """Configure notifications that reach a mailbox."""
    smtp = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "sender": "driftwatch@example.org",
        "timeout": "5s",
    }
    return {
        "first_pass": "tell",
        "channels": {"mail": {"smtp": smtp}},
        "routes": {"all": {"channel": "mail", "to": ["ops@example.org"], **route}},
    }


def wait_for(condition: Callable[[], object], seconds: float = 30.0, what: str = "") -> None:
    """Wait until something holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what or "it did not happen in time"
        time.sleep(0.05)


def descendants_of(root: Path) -> list[str]:
    """List living processes whose command line or folder lies in a fleet's root."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if int(entry.name) != os.getpid() and (str(root) in line or place.startswith(str(root))):
            found.append(f"{entry.name} {line}")
    return found


def ends(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> int:
    """Send a signal and return how the process ended."""
    process.send_signal(number)
    return process.wait(timeout=30)
