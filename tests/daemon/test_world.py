"""Somebody breaks something in a real AWS (embedded), and people read about it one tick later."""

import email
import os
import shutil
import subprocess  # noqa: TID251 - the daemon runs as it does for operators
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from pathlib import Path

from ruamel.yaml import YAML

from driftwatch.config.load import process_environment
from driftwatch.demo.breaking import break_command
from driftwatch.demo.world import World, WorldSettings, build_world
from tests.daemon.standin import ROOT, ends, wait_for


@contextmanager
def daemon(world: World, log: Path) -> Iterator[None]:
    """Run the daemon on a world for as long as the context."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "driftwatch", "-c", str(world.config), "daemon"],
            cwd=ROOT,
            env={**world.environ, "PATH": os.environ["PATH"]},  # noqa: TID251 - where git is
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield
        finally:
            code = ends(process)
        assert code == 0


def hurry(world: World) -> None:
    """Check every 15 seconds, and listen where nobody else does."""
    document = YAML().load(world.config)
    document["defaults"]["schedule"] = "every 15s"
    document["web"]["listen"] = "127.0.0.1:0"
    YAML().dump(document, world.config)


def break_something(world: World) -> None:
    """Type what the demo tells people to type, in a shell that knows another AWS."""
    command = ["sh", "-c", break_command(world.variables)]
    subprocess.run(command, check=True, env={"AWS_PROFILE": "work", "PATH": os.defpath})


def test_what_somebody_breaks_is_in_the_mail_within_one_tick(tmp_path: Path) -> None:
    program = shutil.which("terraform") or shutil.which("tofu")
    assert program, "this test needs terraform or tofu on PATH"
    settings = WorldSettings(
        binary=program, environments=("base-networking", "prod"), environ=process_environment()
    )
    log, mails = tmp_path / "daemon.log", tmp_path / "mail"
    with build_world(tmp_path, settings, lambda _: None) as world:
        hurry(world)
        with daemon(world, log):
            wait_for(lambda: log.read_text("utf-8").count("check ended") >= 2, 120)
            break_something(world)
            began = time.monotonic()
            wait_for(lambda: list(mails.glob("*.eml")), 60)
            assert time.monotonic() - began < 40
    (mail,) = mails.glob("*.eml")
    message = email.message_from_bytes(mail.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    assert "prod" in message["Subject"]
    assert {"545", "retention_in_days"} <= set(body.get_content().split())
