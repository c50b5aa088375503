"""Saves a report and all that follows from it in one transaction: nothing is lost in between."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import (
    Database,
    maybe_moment,
    moment,
    read_moment,
    record,
    rows_of,
)
from driftwatch.adapters.store.history import insert_report
from driftwatch.adapters.store.snoozes import end_snoozes
from driftwatch.adapters.store.telling import tell
from driftwatch.domain.job import Job
from driftwatch.domain.model import Report
from driftwatch.domain.news import News, close_all, find_news, find_staleness
from driftwatch.domain.notice import Condition, Event, Thread
from driftwatch.domain.routing import Telling, back_off
from driftwatch.domain.schedule import share

_FIRST_RETRY = timedelta(minutes=1)
_LONGEST_RETRY = timedelta(hours=1)


class Ledger:
    """Turn reports into events and messages. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, report: Report, job: Job | None, telling: Telling) -> Sequence[Event] | None:
        """Save a report, finish its job, and queue what people are to be told.

        Returns the events. A job that was taken over by somebody else, or whose environment is no
        longer watched, saves nothing: None.
        """
        with self._database.writing() as tables:
            if job is not None and not (_finish(tables, job) and _about(tables, job.environment)):
                return None
            number, report = insert_report(tables, report)
            end_snoozes(tables, report)
            environment = report.environment
            threads, condition = _threads(tables, environment), _condition(tables, environment)
            news = find_news(report, threads, condition, telling.patience)
            _save_threads(tables, environment, news, report.checked_at)
            _save_condition(tables, environment, news.condition)
            _plan_retry(tables, report, news.condition)
            owners = (report.owners, report.labels)
            tell(tables, news.events, owners, telling, number)
        return news.events

    def note_stale(self, environment: str, now: datetime, telling: Telling) -> Sequence[Event]:
        """Tell once that nobody looked at an environment for too long."""
        with self._database.writing() as tables:
            row = _about(tables, environment)
            if row is None:
                return ()
            condition = _condition(tables, environment)
            proven = read_moment(row["proven_at"]) or read_moment(row["since"])
            news = find_staleness(environment, condition, proven, now)
            _save_condition(tables, environment, news.condition)
            owners = (json.loads(row["owners"]), json.loads(row["labels"]))
            tell(tables, news.events, owners, telling, row["report"])
        return news.events

    def stop_watching(self, environment: str, now: datetime, telling: Telling) -> Sequence[Event]:
        """End all that is known of an environment that is no longer watched; its reports stay."""
        with self._database.writing() as tables:
            row = _about(tables, environment)
            if row is None:
                return ()
            news = close_all(environment, _threads(tables, environment), now)
            _save_threads(tables, environment, news, now)
            owners = (json.loads(row["owners"]), json.loads(row["labels"]))
            tell(tables, news.events, owners, telling, row["report"])
            tables.conn.execute("DELETE FROM watch WHERE environment = ?", (environment,))
            tables.conn.execute(
                "DELETE FROM job WHERE environment = ? AND owner IS NULL", (environment,)
            )
        return news.events

    def events(
        self, environment: str | None = None, limit: int = 100, before: int | None = None
    ) -> Sequence[tuple[int, int | None, Event]]:
        """List the newest events, those older than number `before` alone.

        Each comes with its number and that of its report.
        """
        rows = self._database.query(
            _ALL_EVENTS if environment is None else _EVENTS_OF,
            {"environment": environment, "before": before, "limit": limit},
        )
        return [
            (row["id"], row["report"], msgspec.json.decode(row["document"], type=Event))
            for row in rows
        ]

    def open_threads(self, environment: str) -> Mapping[str, Thread]:
        """Return the drifts of an environment that people know of, by key."""
        sql = f"{_THREADS} AND environment = ?"
        return {t.key: t for t in self._database.read(Thread, sql, (environment,))}


_ALL_EVENTS = (
    "SELECT id, report, document FROM event WHERE (:before IS NULL OR id < :before)"
    " ORDER BY id DESC LIMIT :limit"
)
_EVENTS_OF = (
    "SELECT id, report, document FROM event WHERE environment = :environment"
    " AND (:before IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit"
)
_THREADS = (
    "SELECT key, address, fingerprint, severity, opened_at, pending, told, overdue, resting"
    " FROM thread WHERE closed_at IS NULL"
)


def _finish(tables: Tables, job: Job) -> bool:
    """Take a finished job out of the queue; the fence tells whether it is still ours."""
    return bool(
        tables.conn.execute(
            "DELETE FROM job WHERE id = ? AND owner = ? AND tries = ?",
            (job.number, job.owner, job.tries),
        ).rowcount
    )


def _about(tables: Tables, environment: str) -> dict[str, Any] | None:
    rows = rows_of(
        tables.conn.execute(
            "SELECT report, proven_at, since, owners, labels FROM watch WHERE environment = ?",
            (environment,),
        )
    )
    return rows[0] if rows else None


def _threads(tables: Tables, environment: str) -> dict[str, Thread]:
    rows = rows_of(tables.conn.execute(f"{_THREADS} AND environment = ?", (environment,)))
    return {row["key"]: record(Thread, row) for row in rows}


def _save_threads(tables: Tables, environment: str, news: News, now: datetime) -> None:
    tables.conn.executemany(
        "UPDATE thread SET closed_at = ? WHERE environment = ? AND key = ? AND closed_at IS NULL",
        [(moment(now), environment, key) for key in news.closed],
    )
    tables.conn.executemany(
        "INSERT INTO thread (environment, key, address, fingerprint, severity, opened_at, pending,"
        " told, overdue, resting) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (environment, key) WHERE closed_at IS NULL DO UPDATE SET"
        " fingerprint = excluded.fingerprint, severity = excluded.severity,"
        " opened_at = excluded.opened_at, pending = excluded.pending, told = excluded.told,"
        " overdue = excluded.overdue, resting = excluded.resting",
        [
            (
                environment,
                thread.key,
                thread.address,
                thread.fingerprint,
                thread.severity.value,
                moment(thread.opened_at),
                thread.pending,
                thread.told,
                thread.overdue,
                thread.resting,
            )
            for thread in news.open
        ],
    )


def _condition(tables: Tables, environment: str) -> Condition:
    rows = rows_of(
        tables.conn.execute(
            "SELECT quiet, failures, failing_since, told_failed, told_stale FROM watch"
            " WHERE environment = ?",
            (environment,),
        )
    )
    return record(Condition, rows[0]) if rows else Condition()


def _save_condition(tables: Tables, environment: str, condition: Condition) -> None:
    tables.conn.execute(
        "UPDATE watch SET quiet = ?, failures = ?, failing_since = ?, told_failed = ?,"
        " told_stale = ? WHERE environment = ?",
        (
            condition.quiet,
            condition.failures,
            maybe_moment(condition.failing_since),
            condition.told_failed,
            condition.told_stale,
            environment,
        ),
    )


def _plan_retry(tables: Tables, report: Report, condition: Condition) -> None:
    """After a failure look again sooner where a retry may mend it, and later where none does."""
    if report.failure is None:
        tables.conn.execute(
            "UPDATE watch SET retry_at = NULL, not_before = NULL WHERE environment = ?",
            (report.environment,),
        )
        return
    part = share(f"{report.environment} {condition.failures}")
    wait = back_off(condition.failures, part, _FIRST_RETRY, _LONGEST_RETRY)
    at = moment(report.checked_at + timedelta(seconds=report.duration) + wait)
    tables.conn.execute(
        "UPDATE watch SET"
        " retry_at = CASE WHEN :may AND (next_due IS NULL OR :at < next_due) THEN :at END,"
        " not_before = CASE WHEN failures > 2 THEN :at END"
        " WHERE environment = :name",
        {"at": at, "may": report.failure.retryable, "name": report.environment},
    )
