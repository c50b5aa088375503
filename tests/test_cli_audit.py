"""`driftwatch audit`: what was done, and that nobody changed it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from driftwatch.bootstrap import open_installation
from driftwatch.cli.main import run
from tests.builders import NOW


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "driftwatch.yaml"
    path.write_text(
        "repositories: {live: {url: https://github.com/example/infrastructure}}\n"
        f"data_dir: {tmp_path / 'data'}\nenvironments: {{prod: {{path: environments/prod}}}}\n",
        encoding="utf-8",
    )
    audit = open_installation(path).store.audit
    for at in range(3):
        audit.append("ana", "check.queue", f"prod-{at}\u202e", {"override": False}, NOW)
    return path


def test_entries_are_listed_newest_first(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", str(config), "audit", "list", "-n", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["3", "2"]
    assert "prod-2<U+202E>  override=False" in lines[0]
    assert run(["-c", str(config), "audit", "list", "-f", "json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["number"] for entry in entries] == [3, 2, 1]
    assert entries[0]["detail"] == {"override": False}


def test_an_empty_log_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "driftwatch.yaml"
    path.write_text(
        "repositories: {live: {url: https://github.com/example/infrastructure}}\n"
        f"data_dir: {tmp_path / 'other'}\nenvironments: {{prod: {{path: environments/prod}}}}\n",
        encoding="utf-8",
    )
    assert run(["-c", str(path), "audit", "list"]) == 0
    assert capsys.readouterr().out == "Nothing was done yet.\n"


def test_a_log_that_nobody_touched_is_whole(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(config), "audit", "verify"]) == 0
    assert capsys.readouterr().out == "All 3 rows are as they were written.\n"


def test_the_first_row_that_was_tampered_with_is_named(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = config.parent / "data" / "driftwatch.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TRIGGER audit_stays")
        connection.execute("UPDATE audit SET actor = 'eve' WHERE id = 2")
        connection.commit()
    assert run(["-c", str(config), "audit", "verify"]) == 1
    said = capsys.readouterr().err
    assert "Row 2 of the audit log: it, or the order of rows, was changed." in said
    assert "The 1 rows before it" in said
