"""Remembers reports in SQLite, and refuses a database that it cannot trust."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlite_utils import Database

from driftwatch.domain.model import Decision, Report
from driftwatch.errors import StoreError

SCHEMA_VERSION = 1
_PATIENCE = 30.0  # seconds to wait for another driftwatch that writes

_TABLES = """
CREATE TABLE report (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    status TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    duration REAL NOT NULL,
    cause TEXT,
    document TEXT NOT NULL
);
CREATE INDEX report_by_time ON report (environment, checked_at, id);
CREATE INDEX report_that_looked ON report (environment, checked_at, id) WHERE cause IS NULL;
CREATE TABLE environment (
    name TEXT PRIMARY KEY,
    newest INTEGER NOT NULL REFERENCES report (id)
);
CREATE TABLE finding (
    report INTEGER NOT NULL REFERENCES report (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    verdict TEXT NOT NULL,
    rule TEXT NOT NULL,
    transition TEXT NOT NULL,
    first_seen TEXT NOT NULL
);
CREATE INDEX finding_by_report ON finding (report);
CREATE INDEX finding_by_key ON finding (environment, key, report);
"""

# What a step turns version N into N + 1; the list only ever grows.
_STEPS = (_TABLES,)


class SqliteHistory:
    """Keep reports in the database at `path`; one connection a thread, one writer at a time.

    A marker beside the database remembers that there was one: an empty file in its place is data
    lost, not a fresh start. Raises `StoreError`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._marker = path.with_name(f"{path.name}.exists")
        self._local = threading.local()
        with _explained(path):
            self._refuse_lost_data()
            self._migrate()
            self._marker.touch(mode=0o600)

    def add(self, report: Report) -> None:
        """Save a report with its findings in one transaction."""
        report, document = _storable(report)
        with self._writing() as database:
            number = (
                database.table("report")
                .insert(
                    {
                        "environment": report.environment,
                        "checked_at": _moment(report.checked_at),
                        "status": report.status.value,
                        "commit_id": report.commit,
                        "duration": report.duration,
                        "cause": report.failure.cause.value if report.failure else None,
                        "document": document,
                    }
                )
                .last_pk
            )
            database.table("finding").insert_all(
                {"report": number, **_finding(report.environment, decision)}
                for decision in report.decisions
            )
            (newest,) = database.conn.execute(
                "SELECT id FROM report WHERE environment = ?"
                " ORDER BY checked_at DESC, id DESC LIMIT 1",
                (report.environment,),
            ).fetchone()
            database.table("environment").upsert(
                {"name": report.environment, "newest": newest}, pk="name"
            )

    def last_looked(self, environment: str) -> Report | None:
        """Return the newest report that could look, if any."""
        query = (
            "SELECT document FROM report WHERE environment = ? AND cause IS NULL"
            " ORDER BY checked_at DESC, id DESC LIMIT 1"
        )
        return next(iter(self._reports(query, (environment,))), None)

    def latest(self, environments: Iterable[str] | None = None) -> Sequence[Report]:
        """Return each environment's newest report, failed ones included, by name."""
        query = (
            "SELECT document FROM environment JOIN report ON report.id = newest"
            " ORDER BY environment.name"
        )
        wanted = None if environments is None else set(environments)
        reports = self._reports(query, ())
        return [r for r in reports if wanted is None or r.environment in wanted]

    def of(self, environment: str, limit: int) -> Sequence[Report]:
        """Return the newest `limit` reports of an environment, newest first."""
        query = (
            "SELECT document FROM report WHERE environment = ?"
            " ORDER BY checked_at DESC, id DESC LIMIT ?"
        )
        return self._reports(query, (environment, limit))

    def forget_before(self, moment: datetime) -> int:
        """Drop reports older than `moment`, but an environment's last two and last that looked."""
        query = """
            DELETE FROM report WHERE checked_at < :moment AND id NOT IN (
                SELECT id FROM (
                    SELECT id, row_number() OVER (
                        PARTITION BY environment ORDER BY checked_at DESC, id DESC
                    ) AS place FROM report
                ) WHERE place <= 2
                UNION SELECT id FROM (
                    SELECT id, row_number() OVER (
                        PARTITION BY environment ORDER BY checked_at DESC, id DESC
                    ) AS place FROM report WHERE cause IS NULL
                ) WHERE place = 1
            )
        """
        with self._writing() as database:
            return database.conn.execute(query, {"moment": _moment(moment)}).rowcount

    def _reports(self, query: str, parameters: tuple[object, ...]) -> list[Report]:
        with _explained(self._path):
            rows = self._database.conn.execute(query, parameters).fetchall()
            return [msgspec.json.decode(row[0], type=Report) for row in rows]

    @property
    def _database(self) -> Database:
        database: Database | None = getattr(self._local, "database", None)
        if database is None:
            database = self._local.database = _open(self._path)
        return database

    @contextmanager
    def _writing(self) -> Iterator[Database]:
        """Hold the write lock from the first statement on: an upgrade from reading can fail."""
        with _explained(self._path):
            connection = self._database.conn
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("ROLLBACK")
                raise

    def _refuse_lost_data(self) -> None:
        there = self._path.exists() and self._path.stat().st_size > 0
        if self._marker.exists() and not there:
            raise StoreError(
                f"{self._path} is empty or gone, though there was a database. Restore it, or "
                f"remove {self._marker} to begin anew."
            )

    def _migrate(self) -> None:
        self._path.touch(mode=0o600)
        with self._writing() as database:
            (version,) = database.conn.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise StoreError(
                    f"{self._path} has schema version {version}, made by a newer driftwatch; this "
                    f"one knows versions up to {SCHEMA_VERSION}. Upgrade driftwatch."
                )
            for step in _STEPS[version:]:
                for statement in step.split(";"):
                    database.conn.execute(statement)
            database.conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _open(path: Path) -> Database:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return Database(connection, execute_plugins=False)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"The history in {path} cannot be used: {error}.") from error
    except msgspec.MsgspecError as error:
        raise StoreError(f"A report in {path} cannot be read: {error}.") from error


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _storable(report: Report) -> tuple[Report, str]:
    """Encode a report, and return it as it will come back."""
    try:
        return report, msgspec.json.encode(report).decode()
    except UnicodeEncodeError:
        # A lone half of a surrogate pair, which no UTF-8 can hold, must not lose the report.
        text = json.dumps(msgspec.to_builtins(report), ensure_ascii=False)
        content = text.encode("utf-8", "replace")
        return msgspec.json.decode(content, type=Report), content.decode()


def _finding(environment: str, decision: Decision) -> dict[str, object]:
    finding, drift = decision.finding, decision.finding.drift
    return {
        "environment": environment,
        "key": drift.key,
        "fingerprint": drift.fingerprint,
        "kind": drift.kind.value,
        "severity": finding.severity.value,
        "verdict": finding.verdict.value,
        "rule": finding.rule,
        "transition": decision.transition.value,
        "first_seen": _moment(decision.first_seen),
    }
