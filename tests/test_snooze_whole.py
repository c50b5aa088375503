"""From the command line to the next check, with real git and real terraform."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.test_cli import Home

OWNERS = "* @org/everyone\n/environments/dev/ @org/dev\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.configure("{url: ./live}", "dev: {path: environments/dev}")
    return home


def look(home: Home, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert home("check", "-q", "-f", "json") == 0
    (environment,) = json.loads(capsys.readouterr().out)["environments"]
    return environment


def test_what_is_snoozed_rests_until_its_value_moves(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write("dev", "b")
    home.commit()
    assert look(home, capsys)["status"] == "pending"
    until = ("--until", "2w", "--because", "the release is on Monday", "--by", "ana")
    assert home("snooze", "dev", "terraform_data.x", *until) == 0

    rests = look(home, capsys)
    assert rests["status"] == "snoozed"
    assert rests["findings"][0]["snooze"]["because"] == "the release is on Monday"
    assert "by ana: the release is on Monday" in (home.root / "reports/drift.html").read_text(
        "utf-8"
    )

    home.write("dev", "c")
    home.commit()
    awake = look(home, capsys)
    assert (awake["status"], awake["findings"][0]["snooze"]) == ("pending", None)
    assert home("snoozes", "--all") == 0
    assert "the value moved" in capsys.readouterr().out


def test_owners_come_from_the_repository(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.repository / ".github").mkdir()
    (home.repository / ".github/CODEOWNERS").write_text(OWNERS, encoding="utf-8")
    home.git("add", ".github")
    home.git("commit", "-q", "-m", "Name owners")
    assert look(home, capsys)["owners"] == ["@org/dev"]
    home.configure("{url: ./live}", "dev: {path: environments/dev, owners: ops}")
    assert look(home, capsys)["owners"] == ["ops"]
