"""`driftwatch notify` sends samples through real channels and says what became of each."""

import json
from pathlib import Path

import pytest

from driftwatch.cli.exits import COULD_NOT_LOOK, IN_SYNC, USAGE
from driftwatch.cli.main import run
from driftwatch.cli.notify import describe_route, try_route
from driftwatch.domain.globs import Globs
from driftwatch.domain.model import Severity
from driftwatch.domain.notice import Delivery, EventKind, Notice
from driftwatch.domain.routing import Digest, Route
from tests.adapters.channels.http_world import Target, http_server
from tests.adapters.smtp_world import Mailbox, mail_server
from tests.render.notices import make_notice

_CONFIG = """
repositories: {{live: {{url: ./live}}}}
data_dir: data
web: {{public_url: https://drift.example.org}}
notifications:
  channels:
    mail: {{smtp: {{host: 127.0.0.1, port: {mail}, security: none, sender: drift@example.org}}}}
    hook: {{webhook: {{url: "{hook}/T0K3N", secret: 0123456789abcdef}}}}
    rooms: {{chat: {{urls: ["{room}/T0K3N"]}}}}
  routes:
    people: {{channel: mail, to: [anna@example.org, bert@example.org]}}
    summary: {{channel: mail, to: anna@example.org, digest: daily}}
    machine: {{channel: hook, severity: high}}
    team: {{channel: rooms, environments: [prod]}}
"""


def configure(folder: Path, *, mail: int = 9, url: str = "http://127.0.0.1:9") -> str:
    path = folder / "driftwatch.yaml"
    room = url.replace("http://", "json://")
    path.write_text(_CONFIG.format(mail=mail, hook=url, room=room), encoding="utf-8")
    return str(path)


def test_a_sample_goes_along_every_route(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mail_server() as server, http_server() as target:
        config = configure(tmp_path, mail=server.port, url=target.url)
        assert run(["-c", config, "notify", "test"]) == IN_SYNC
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "ok   people (mail): anna@example.org",
        "ok   people (mail): bert@example.org",
        "ok   summary (mail): anna@example.org",
        f"ok   machine (hook): {target.url}",
        f"ok   team (rooms): 1 {target.url.replace('http', 'json')}",
    ]
    opened, digest = server.box.mails
    assert opened["Subject"] == "Sample: High drift in sample: aws_s3_bucket_acl.sample"
    assert digest["Subject"].startswith("Sample: Daily digest: 1 new")
    hook, room = (json.loads(asked.body) for asked in target.asked)
    assert hook["sample"] is True
    assert room["title"].startswith("Sample: ")
    assert room["message"].endswith("\nhttps://drift.example.org")


def test_only_the_routes_named_are_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with http_server() as target:
        config = configure(tmp_path, url=target.url)
        assert run(["-c", config, "notify", "test", "--route", "machine"]) == IN_SYNC
    assert capsys.readouterr().out == f"ok   machine (hook): {target.url}\n"


def test_who_was_not_reached_is_told_and_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = Mailbox(refusals={"bert@example.org": "550 no such user"})
    with mail_server(box) as server, http_server(Target(503)) as target:
        config = configure(tmp_path, mail=server.port, url=target.url)
        assert run(["-c", config, "notify", "test"]) == COULD_NOT_LOOK
    said = capsys.readouterr().out
    assert "ok   people (mail): anna@example.org\n" in said
    assert (
        "FAIL people (mail): bert@example.org: 550 no such user. It would not be tried again.\n"
        in said
    )
    assert f"FAIL machine (hook): {target.url} answered 503. It would be tried again.\n" in said
    assert "FAIL team (rooms): 1 json://" in said
    assert "T0K3N" not in said


def test_an_unknown_route_and_no_routes_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configure(tmp_path)
    assert run(["-c", config, "notify", "test", "--route", "nobody"]) == USAGE
    assert "No route is called nobody. There are: people, summary" in capsys.readouterr().err
    bare = tmp_path / "bare.yaml"
    bare.write_text("repositories: {live: {url: ./live}}\ndata_dir: data\n", encoding="utf-8")
    assert run(["-c", str(bare), "notify", "routes"]) == USAGE
    assert "There are no routes" in capsys.readouterr().err


def test_routes_are_listed_with_whom_they_reach(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", configure(tmp_path), "notify", "routes"]) == IN_SYNC
    said = capsys.readouterr().out
    assert "people: anna@example.org, bert@example.org, through mail\n" in said
    assert "    as a digest, at 0 7 * * *\n" in said
    assert "machine: http://127.0.0.1:9, through hook\n    high and worse; changed, closed" in said
    assert "team: 1 json://127.0.0.1:9, through rooms\n    environments: prod\n" in said
    assert "T0K3N" not in said


class FakeChannel:
    """A channel that forgets to say what became of somebody."""

    targets: tuple[str, ...] = ()

    def send(self, notice: Notice, recipients: tuple[str, ...]) -> Delivery:
        return Delivery()


def test_a_recipient_of_whom_nothing_is_known_was_not_reached() -> None:
    route = Route("ops", "mail", ("anna@example.org",))
    (told,) = try_route(route, FakeChannel(), make_notice())  # type: ignore[arg-type]
    assert told == (
        False,
        "ops (mail): anna@example.org: nobody knows what became of it",
    )


def test_all_that_narrows_a_route_is_told() -> None:
    route = Route(
        "ops",
        "mail",
        owners=Globs(("team-*",)),
        labels=Globs(("critical",)),
        severity=Severity.HIGH,
        kinds=frozenset({EventKind.OPENED}),
        digest=Digest("weekly", "0 7 * * 1", "Europe/Berlin"),
    )
    assert list(describe_route(route, {"mail": FakeChannel()})) == [  # type: ignore[dict-item]
        "ops: nobody, through mail",
        "    owners: team-*",
        "    labels: critical",
        "    high and worse; opened",
        "    as a digest, at 0 7 * * 1 (Europe/Berlin)",
    ]
