"""`driftwatch token`: made once, listed without themselves, revoked for good."""

import json
from pathlib import Path

import pytest

from driftwatch.bootstrap import open_installation
from driftwatch.cli.main import run
from driftwatch.config.service_model import Role


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "driftwatch.yaml"
    path.write_text(
        "repositories: {live: {url: https://github.com/example/infrastructure}}\n"
        f"data_dir: {tmp_path / 'data'}\nenvironments: {{prod: {{path: environments/prod}}}}\n",
        encoding="utf-8",
    )
    return path


def test_a_token_is_printed_once_and_works(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["token", "create", "grafana", "--role", "operator", "--expires", "90d"]
    assert run(["-c", str(config), *arguments]) == 0
    text, told = capsys.readouterr()
    assert "shown this once" in told
    installation = open_installation(config)
    found = installation.store.tokens.find(text.strip(), installation.now())
    assert found is not None
    assert (found.name, found.role) == ("grafana", Role.OPERATOR)
    (entry,) = installation.store.audit.entries()
    assert (entry.action, entry.subject) == ("token.create", "grafana")
    assert text.strip() not in json.dumps(entry.detail)
    assert run(["-c", str(config), "token", "list"]) == 0
    assert text.strip() not in capsys.readouterr().out


def test_tokens_are_listed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", str(config), "token", "list"]) == 0
    assert capsys.readouterr().out == "There is no token.\n"
    for arguments in (["a"], ["b", "--expires", "1s"], ["c", "--expires", "9w"]):
        assert run(["-c", str(config), "token", "create", *arguments]) == 0
    installation = open_installation(config)
    installation.store.tokens.revoke(1, installation.now())
    capsys.readouterr()
    assert run(["-c", str(config), "token", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["revoked" in lines[0], "expire" in lines[1], "expires" in lines[2]] == [True] * 3
    assert run(["-c", str(config), "token", "list", "-f", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == ["a", "b", "c"]
    assert {entry["role"] for entry in entries} == {"viewer"}


def test_a_token_is_revoked_once(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", str(config), "token", "create", "ana"]) == 0
    text = capsys.readouterr().out.strip()
    assert run(["-c", str(config), "token", "revoke", "1"]) == 0
    installation = open_installation(config)
    assert installation.store.tokens.find(text, installation.now()) is None
    assert installation.store.audit.entries()[0].action == "token.revoke"
    assert run(["-c", str(config), "token", "revoke", "1"]) == 64
    assert run(["-c", str(config), "token", "revoke", "2"]) == 64
    assert run(["-c", str(config), "token", "create", "ana"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a b"], "A name has up to 63 letters"),
        (["ana", "--role", "root"], "root"),
        (["ana", "--expires", "soon"], "is not a duration"),
        (["ana", "--expires", "9999w9999w"], "is not a duration"),
        (["taken"], "There is a token 'taken' already"),
    ],
)
def test_a_token_that_cannot_be_says_why(
    arguments: list[str], says: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(config), "token", "create", "taken"]) == 0
    assert run(["-c", str(config), "token", "create", *arguments]) == 64
    assert says in capsys.readouterr().err
