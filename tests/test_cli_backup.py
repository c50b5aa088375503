"""`driftwatch backup`: a whole copy, while the database is in use."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from driftwatch.bootstrap import open_installation
from driftwatch.cli.main import run
from tests.builders import make_report


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "driftwatch.yaml"
    path.write_text(
        "repositories: {live: {url: https://github.com/example/infrastructure}}\n"
        f"data_dir: {tmp_path / 'data'}\nenvironments: {{prod: {{path: environments/prod}}}}\n"
        "daemon: {backups: 2}\n",
        encoding="utf-8",
    )
    open_installation(path).store.reports.add(make_report())
    return path


def reports_in(path: Path) -> int:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM report").fetchone()[0])


def test_a_copy_goes_where_it_is_asked_for(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "elsewhere" / "copy.db"
    assert run(["-c", str(config), "backup", str(target)]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    assert reports_in(target) == 1
    assert target.stat().st_mode & 0o777 == 0o600
    (entry,) = open_installation(config).store.audit.entries()
    assert (entry.action, entry.subject) == ("backup", str(target))


def test_a_copy_goes_into_the_data_directory_where_nothing_is_asked(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(config), "backup"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.parent == config.parent / "data" / "backups"
    assert reports_in(path) == 1


def test_a_copy_never_takes_the_place_of_the_database(config: Path) -> None:
    database = config.parent / "data" / "driftwatch.db"
    assert run(["-c", str(config), "backup", str(database)]) == 64
    assert reports_in(database) == 1
