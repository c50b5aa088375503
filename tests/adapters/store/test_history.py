"""Reports are remembered whole, whatever they hold and whatever happens to the disk."""

import os
import sqlite3
import subprocess  # noqa: TID251 - two driftwatches write at once here
import sys
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from driftwatch.adapters.store.database import Database
from driftwatch.adapters.store.history import ReportStore, insert_report
from driftwatch.adapters.store.schema import VERSION
from driftwatch.domain.model import Report
from driftwatch.errors import StoreError
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_fleet,
    make_report,
)

ROOT = Path(__file__).parents[3]


def open_history(path: Path) -> ReportStore:
    return ReportStore(Database(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def history(path: Path) -> ReportStore:
    return open_history(path)


def at(hours: float, **changes: Any) -> Report:
    return make_report(make_decision(), checked_at=NOW + timedelta(hours=hours), **changes)


def failed(hours: float, **changes: Any) -> Report:
    return at(hours, failure=make_failure(), **changes)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


@pytest.mark.parametrize("report", make_fleet(), ids=lambda report: report.environment)
def test_a_report_comes_back_as_it_was(history: ReportStore, path: Path, report: Report) -> None:
    history.add(report)
    assert history.of(report.environment, 9) == [report]
    assert open_history(path).of(report.environment, 9) == [report]


def test_findings_can_be_asked_for_without_the_document(history: ReportStore, path: Path) -> None:
    for report in make_fleet():
        history.add(report)
    query = "SELECT environment, key, severity, verdict FROM finding WHERE severity = 'critical'"
    key = 'resource:module.web["storefront"].aws_security_group.this'
    assert rows(path, query) == [("prod", key, "critical", "notify")]
    assert rows(path, "SELECT count(*) FROM finding") == [
        (sum(len(report.decisions) for report in make_fleet()),)
    ]


def hostile(value: Any) -> Report:
    drift = make_drift(attributes=(make_attribute(actual=value),))
    return make_report(make_decision(make_finding(drift)))


@pytest.mark.parametrize(
    "value",
    ["\0", "a\0b", 2**80, -(2**80), 2**63, 1e300, 0.1, "x" * 1_000_000, "\u2028\x1b", {"": [None]}],
    ids=lambda value: repr(value)[:12],
)
def test_hostile_values_come_back(history: ReportStore, value: Any) -> None:
    history.add(hostile(value))
    assert history.of("prod", 1) == [hostile(value)]


def test_a_deep_value_comes_back(history: ReportStore) -> None:
    value: Any = "x"
    for _ in range(100):
        value = [{"a": value}]
    history.add(hostile(value))
    assert history.of("prod", 1) == [hostile(value)]


def test_half_of_a_surrogate_pair_does_not_lose_the_report(history: ReportStore) -> None:
    history.add(hostile("a\ud800b"))
    assert history.of("prod", 1) == [hostile("a?b")]


def test_half_of_a_surrogate_pair_may_be_anywhere(history: ReportStore) -> None:
    drift = make_drift(address='a.b["\udfff"]', fingerprint="\ud800")
    decision = make_decision(make_finding(drift, because="\ud800", rule="\ud800"))
    history.add(make_report(decision, commit="\ud800", environment="p\ud800", tool="\ud800"))
    (report,) = history.latest()
    assert report.environment == "p?"
    assert report.decisions[0].finding.drift.address == 'a.b["?"]'


def test_a_surrogate_and_a_large_number_may_meet(history: ReportStore) -> None:
    history.add(hostile(["\ud800", 2**80]))
    assert history.of("prod", 1) == [hostile(["?", 2**80])]


def test_hostile_names_select_nothing_else(history: ReportStore) -> None:
    names = ["a' OR 1=1 --", 'x"; DROP TABLE report; --', "", "\0", "%", "a\nb"]
    for name in names:
        history.add(at(0, environment=name))
    assert [report.environment for report in history.latest()] == sorted(names)
    for name in names:
        assert [report.environment for report in history.of(name, 9)] == [name]


def test_of_lists_the_newest_first_and_no_more_than_asked(history: ReportStore) -> None:
    for hours in (1, 3, 2):
        history.add(at(hours))
    history.add(at(9, environment="other"))
    assert history.of("prod", 2) == [at(3), at(2)]
    assert history.of("prod", 0) == []
    assert history.of("unknown", 5) == []


def test_of_two_reports_at_one_moment_the_later_added_is_the_newer(
    history: ReportStore,
) -> None:
    for number in range(3):
        history.add(at(0, resources=number))
    assert [report.resources for report in history.of("prod", 9)] == [2, 1, 0]
    assert [report.resources for report in history.latest()] == [2]


def test_last_looked_skips_failures(history: ReportStore) -> None:
    assert history.last_looked("prod") is None
    history.add(failed(0))
    assert history.last_looked("prod") is None
    history.add(at(1))
    history.add(failed(2))
    assert history.last_looked("prod") == at(1)


def test_latest_lists_each_environment_once_failures_included(history: ReportStore) -> None:
    assert history.latest() == []
    history.add(at(0, environment="b"))
    history.add(at(0, environment="a"))
    history.add(failed(1, environment="b"))
    assert history.latest() == [at(0, environment="a"), failed(1, environment="b")]
    assert history.latest(["b", "unknown"]) == [failed(1, environment="b")]
    assert history.latest(iter(())) == []


def test_a_report_that_is_added_late_is_not_the_latest(history: ReportStore) -> None:
    history.add(at(2))
    history.add(at(1))
    assert history.latest() == [at(2)]
    assert history.forget_before(NOW + timedelta(days=9)) == 0
    history.add(at(3))
    assert history.forget_before(NOW + timedelta(days=9)) == 1
    assert history.of("prod", 9) == [at(3), at(2)]


def test_moments_are_compared_across_time_zones(history: ReportStore) -> None:
    east = replace(at(0), checked_at=NOW.astimezone(timezone(timedelta(hours=9))))
    history.add(east)
    history.add(at(1))
    assert history.latest() == [at(1)]


def test_forgetting_keeps_the_last_two_and_the_last_that_looked(
    history: ReportStore, path: Path
) -> None:
    for report in (at(0), at(1), failed(2), failed(3), failed(4)):
        history.add(report)
    history.add(at(0, environment="other"))
    assert history.forget_before(NOW + timedelta(days=9)) == 2
    assert history.of("prod", 9) == [failed(4), failed(3), at(1)]
    assert history.last_looked("prod") == at(1)
    assert history.of("other", 9) == [at(0, environment="other")]
    assert rows(path, "SELECT count(*) FROM finding") == [(4,)]


def test_forgetting_keeps_what_is_recent(history: ReportStore) -> None:
    for hours in range(5):
        history.add(at(hours))
    assert history.forget_before(NOW + timedelta(hours=1)) == 1
    assert history.of("prod", 9) == [at(hours) for hours in (4, 3, 2, 1)]


def test_files_are_for_their_owner_alone(history: ReportStore, tmp_path: Path) -> None:
    history.add(at(0))
    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert set(modes) >= {
        "history.db",
        "history.db-wal",
        "history.db-shm",
        "history.db.exists",
        "history.db.lock",
    }
    assert set(modes.values()) == {0o600}


def test_a_database_of_a_newer_driftwatch_is_refused(history: ReportStore, path: Path) -> None:
    history.add(at(0))
    change(path, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StoreError, match="newer driftwatch"):
        open_history(path)
    assert rows(path, "PRAGMA user_version") == [(VERSION + 1,)]
    assert history.of("prod", 1) == [at(0)]


def test_a_database_that_is_not_ours_is_refused_and_kept(path: Path) -> None:
    change(path, "CREATE TABLE report (x)", "INSERT INTO report VALUES (7)")
    with pytest.raises(StoreError, match="already exists"):
        open_history(path)
    assert rows(path, "SELECT x FROM report") == [(7,)]


@pytest.mark.parametrize("loss", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_lost_database_is_no_fresh_start(path: Path, loss: Any) -> None:
    open_history(path).add(at(0))
    loss(path)
    with pytest.raises(StoreError, match="empty or gone, though there was a database"):
        open_history(path)
    assert not path.exists() or path.stat().st_size == 0


def test_an_empty_file_without_a_marker_is_a_fresh_start(path: Path) -> None:
    path.touch()
    open_history(path).add(at(0))
    assert open_history(path).of("prod", 1) == [at(0)]


def test_a_folder_that_is_missing_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        open_history(tmp_path / "missing/history.db")


@pytest.mark.parametrize("start", [0, 1 << 12])
def test_a_damaged_file_is_an_error_and_stays_as_it_is(path: Path, start: int) -> None:
    with python(ADD, str(path), "one") as child:
        child.wait()
    content = path.read_bytes()
    damaged = content[:start] + b"\xa5" * (len(content) - start)
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match=r"cannot be used|cannot be read"):
        open_history(path).latest()
    assert path.read_bytes()[100:] == damaged[100:]
    assert path.stat().st_size == len(damaged)


def test_a_report_that_is_damaged_is_an_error(history: ReportStore, path: Path) -> None:
    history.add(at(0))
    change(path, "UPDATE report SET document = '{'")
    with pytest.raises(StoreError, match=r"A report in .* cannot be read"):
        history.latest()


def test_a_report_is_saved_whole_or_not_at_all(history: ReportStore, path: Path) -> None:
    history.add(at(0))
    abort = "BEGIN SELECT RAISE(ABORT, 'no room'); END"
    change(path, f"CREATE TRIGGER refuse BEFORE INSERT ON finding {abort}")
    with pytest.raises(StoreError, match="no room"):
        history.add(at(1))
    assert history.of("prod", 9) == history.latest() == [at(0)]
    change(path, "DROP TRIGGER refuse")
    history.add(at(2))
    assert history.of("prod", 9) == [at(2), at(0)]


FILL = """
import resource, signal, sys
from pathlib import Path
from driftwatch.errors import StoreError
from tests.adapters.store.test_history import at, open_history
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
history = open_history(Path(sys.argv[1]))
history.add(at(0))
free = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, free[1]))
saved = 1
try:
    while saved < 500:
        history.add(at(saved, sources_note="x" * 10_000))
        saved += 1
except StoreError as error:
    print(error)
try:
    history.add(at(500, sources_note="x" * 900_000))
except StoreError as error:
    print(error)
assert len(history.of("prod", 999)) == saved
resource.setrlimit(resource.RLIMIT_FSIZE, free)
history.add(at(600))
print(saved)
"""


def python(script: str, *argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *argv],
        cwd=ROOT,
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_is_an_error_and_loses_nothing(path: Path) -> None:
    with python(FILL, str(path)) as child:
        output, errors = child.communicate()
    assert errors == ""
    first, second, saved = output.splitlines()
    assert "cannot be used" in first
    assert "cannot be used" in second
    assert 2 < int(saved) < 500
    assert len(open_history(path).of("prod", 999)) == int(saved) + 1
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


ADD = """
import sys
from pathlib import Path
from tests.adapters.store.test_history import at, open_history
history = open_history(Path(sys.argv[1]))
for number in range(200):
    history.add(at(number, environment=sys.argv[2] if number % 2 else "shared"))
"""


def test_two_processes_at_once_lose_nothing(path: Path) -> None:
    with python(ADD, str(path), "one") as one, python(ADD, str(path), "two") as two:
        problems = [child.communicate()[1] for child in (one, two)]
    assert problems == ["", ""]
    history = open_history(path)
    assert [len(history.of(name, 999)) for name in ("one", "two", "shared")] == [100, 100, 200]
    assert rows(path, "SELECT count(*) FROM finding") == [(400,)]
    assert len(history.latest()) == 3


def plan_of(path: Path, query: str) -> str:
    return " | ".join(row[3] for row in rows(path, f"EXPLAIN QUERY PLAN {query}"))


def test_every_question_is_answered_from_an_index(path: Path) -> None:
    history = open_history(path)
    asked: list[str] = []
    history._database._reader.set_trace_callback(asked.append)
    history.latest()
    history.last_looked("prod")
    history.of("prod", 3)
    latest, last_looked, of = (plan_of(path, query) for query in asked)
    assert "SEARCH report USING INTEGER PRIMARY KEY" in latest
    assert "SCAN report" not in latest
    assert "USING INDEX report_that_looked" in last_looked
    assert "USING INDEX report_by_time" in of
    assert all("TEMP B-TREE" not in plan for plan in (latest, last_looked, of))


def test_the_latest_of_many_environments_are_found(history: ReportStore) -> None:
    with history._database.writing() as tables:
        for number in range(2_000):
            insert_report(tables, at(number % 7, environment=f"e{number:04}"))
    found = history.latest()
    assert [report.environment for report in found] == [f"e{n:04}" for n in range(2_000)]
