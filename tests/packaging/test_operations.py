"""What docs/operations.md promises, done."""

import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from driftwatch.adapters.store.store import Store, open_store
from driftwatch.cli import exits
from driftwatch.cli.main import command
from driftwatch.config.service_model import DaemonSettings
from driftwatch.errors import StoreError
from tests.builders import NOW, make_report
from tests.packaging.tools import PACKAGING, ROOT, call, said, tool

TEXT = (ROOT / "docs/operations.md").read_text("utf-8")


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands(title: str) -> str:
    (block,) = re.findall(r"```sh\n(.*?)```", section(title), re.DOTALL)
    return str(block)


def test_the_exit_codes_are_those_of_the_program() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", section("Exit codes"), re.MULTILINE)}
    known = {value for name, value in vars(exits).items() if name.isupper()}
    assert told == {value for value in known if isinstance(value, int)}


def test_every_command_that_is_named_exists() -> None:
    known = set(command.list_commands(click.Context(command)))
    spans = re.findall(r"`driftwatch ([a-z]+)", TEXT)
    blocks = re.findall(r"\bdw ([a-z]+)", section("Upgrade") + section("Install it with systemd"))
    assert {"daemon", "check", "backup", "audit", "doctor"} <= {*spans, *blocks} <= known


def test_every_file_that_is_installed_is_shipped() -> None:
    for path in re.findall(r"packaging/[\w./*-]+\w", TEXT):
        assert list(ROOT.glob(path)), path


def test_defaults_are_told_as_they_are() -> None:
    settings = DaemonSettings()
    assert f"`daemon.shutdown` ({settings.shutdown.total_seconds():.0f}s if absent)" in TEXT
    assert f"`daemon.backups` ({settings.backups})" in TEXT
    assert f"`daemon.memory_per_check` ({settings.memory_per_check} MB)" in TEXT
    assert settings.backup == "0 0 * * *"
    assert "each midnight UTC if absent" in TEXT


def test_the_score_that_is_told_is_the_score() -> None:
    unit = str(PACKAGING / "systemd/driftwatch.service")
    analyze = tool("systemd-analyze", "systemd")
    outcome = call(analyze, "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said(outcome))
    assert found is not None
    # versions of systemd count a little differently
    told = re.search(r"counts ([\d.]+)\s+of\s+10", TEXT)
    assert told is not None
    assert abs(float(found[1]) - float(told[1])) <= 0.5


def test_every_block_of_commands_is_one_that_a_shell_can_read() -> None:
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        outcome = call(tool("sh", "dash"), "-n", "-c", block)
        assert outcome.exit_code == 0, said(outcome)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with a report, a backup of it, and a report since then; then damaged."""
    store = open_store(tmp_path)
    store.reports.add(make_report(environment="before"))
    store.audit.append("local", "token.create", "me", {}, NOW)
    store.backup(datetime(2026, 11, 24, tzinfo=UTC), 7)
    store.reports.add(make_report(environment="after"))
    store.database.close()
    damage(tmp_path / "driftwatch.db")
    return tmp_path


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)


def restored(folder: Path) -> Store:
    """Type what the section says, without what needs root or systemd."""
    lines = [line for line in commands("Restore").splitlines() if "systemctl" not in line]
    script = "\n".join(lines).replace("/var/lib/driftwatch", str(folder))
    script = script.replace("-o driftwatch -g driftwatch ", "")
    outcome = call("sh", "-e", "-c", script)
    assert outcome.exit_code == 0, said(outcome)
    return open_store(folder)


def test_a_damaged_database_is_refused_and_restored_by_the_steps_that_are_told(
    folder: Path,
) -> None:
    with pytest.raises(StoreError, match=r"driftwatch-20261124T000000Z\.db"):
        open_store(folder).database.examine()
    store = restored(folder)
    store.database.examine()
    assert [report.environment for report in store.reports.latest()] == ["before"]
    store.reports.add(make_report(environment="later"))
    store.audit.append("driftwatch", "daemon.start", "x", {}, NOW)
    assert store.audit.verify() == (2, None)


def test_the_marker_that_is_told_of_lets_a_new_beginning_happen(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.reports.add(make_report())
    store.database.close()
    for name in ("driftwatch.db", "driftwatch.db-wal", "driftwatch.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(StoreError):
        open_store(tmp_path)
    assert "`driftwatch.db.exists`" in section("Restore")
    (tmp_path / "driftwatch.db.exists").unlink()
    assert open_store(tmp_path).reports.latest() == []


def test_the_database_can_be_read_beside_driftwatch_as_is_told(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.reports.add(make_report())
    assert "file:driftwatch.db?mode=ro" in TEXT
    reader = sqlite3.connect(f"file:{tmp_path}/driftwatch.db?mode=ro", uri=True)
    (count,) = reader.execute("SELECT count(*) FROM report").fetchone()
    reader.close()
    assert count == 1
