"""Remembers reports."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, moment
from driftwatch.adapters.store.snoozes import end_snoozes
from driftwatch.domain.model import Decision, Report
from driftwatch.domain.watched import Check

_STEP = 500  # rows that one transaction forgets, so that nobody waits long for the next
_FORGETTABLE = """
    SELECT id FROM report WHERE checked_at < :moment AND id NOT IN (
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
        UNION SELECT report FROM message
            WHERE report IS NOT NULL AND state IN ('pending', 'sending', 'held')
    )
"""


class ReportStore:
    """Keep reports, newest first. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, report: Report) -> None:
        """Save a report with its findings in one transaction, and tell nobody."""
        with self._database.writing() as tables:
            insert_report(tables, report)
            end_snoozes(tables, report)

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
        if environments is None:
            return self._reports(query, ())
        one = "SELECT document FROM environment JOIN report ON report.id = newest WHERE name = ?"
        names = sorted(set(environments))
        return [report for name in names for report in self._reports(one, (name,))]

    def of(self, environment: str, limit: int) -> Sequence[Report]:
        """Return the newest `limit` reports of an environment, newest first."""
        query = (
            "SELECT document FROM report WHERE environment = ?"
            " ORDER BY checked_at DESC, id DESC LIMIT ?"
        )
        return self._reports(query, (environment, limit))

    def numbered(self, number: int) -> Report | None:
        """Return one report by its number, if it is still there."""
        return next(
            iter(self._reports("SELECT document FROM report WHERE id = ?", (number,))), None
        )

    def checks(self, environment: str, limit: int, before: int | None = None) -> Sequence[Check]:
        """List the newest checks of an environment, those older than number `before` alone."""
        return self._database.read(
            Check,
            "SELECT id AS number, environment, checked_at, status, commit_id AS 'commit',"
            " duration, drifted, cause FROM report"
            " WHERE environment = ? AND (? IS NULL OR id < ?)"
            " ORDER BY checked_at DESC, id DESC LIMIT ?",
            (environment, before, before, limit),
        )

    def trend(self, environment: str, limit: int = 60) -> tuple[tuple[datetime, int], ...]:
        """List how many drifts the last checks that could look found, oldest first."""
        rows = self._database.query(
            "SELECT checked_at, drifted FROM report WHERE environment = ? AND cause IS NULL"
            " ORDER BY checked_at DESC, id DESC LIMIT ?",
            (environment, limit),
        )
        return tuple(
            (datetime.fromisoformat(row["checked_at"]), row["drifted"]) for row in reversed(rows)
        )

    def forget_before(self, when: datetime) -> int:
        """Drop reports older than `when`, but an environment's last two and last that looked.

        What a message that is still to be sent tells of stays too.
        """
        rows = self._database.query(_FORGETTABLE, {"moment": moment(when)})
        for start in range(0, len(rows), _STEP):
            step = [(row["id"],) for row in rows[start : start + _STEP]]
            with self._database.writing() as tables:
                tables.conn.executemany("DELETE FROM report WHERE id = ?", step)
        return len(rows)

    def _reports(self, query: str, parameters: tuple[object, ...]) -> list[Report]:
        rows = self._database.query(query, parameters)
        with self._database.explained():
            return [msgspec.json.decode(row["document"], type=Report) for row in rows]


def insert_report(tables: Tables, report: Report) -> tuple[int, Report]:
    """Save a report with its findings in the caller's transaction.

    Returns its number, and the report as it will come back.
    """
    report, document = _storable(report)
    row = {
        "environment": report.environment,
        "checked_at": moment(report.checked_at),
        "status": report.status.value,
        "commit_id": report.commit,
        "duration": report.duration,
        "cause": report.failure.cause.value if report.failure else None,
        "document": document,
        "drifted": len(report.drifted),
    }
    number = int(tables.table("report").insert(row).last_pk or 0)
    tables.table("finding").insert_all(
        {"report": number, **_finding(report.environment, decision)}
        for decision in report.decisions
    )
    (newest,) = tables.conn.execute(
        "SELECT id FROM report WHERE environment = ? ORDER BY checked_at DESC, id DESC LIMIT 1",
        (report.environment,),
    ).fetchone()
    tables.table("environment").upsert({"name": report.environment, "newest": newest}, pk="name")
    if newest == number:
        _sum_up(tables, number, report)
    return number, report


def _sum_up(tables: Tables, number: int, report: Report) -> None:
    """Keep the newest report in numbers beside the schedule, where the environment is watched."""
    shown = [decision.finding.severity for decision in report.drifted]
    worst = min(shown, key=lambda severity: severity.rank, default=None)
    tables.conn.execute(
        "UPDATE watch SET report = :report, checked_at = :checked_at, status = :status,"
        " worst = :worst, severities = :severities, drifted = :drifted, pending = :pending,"
        " snoozed = :snoozed, proven_at = :proven_at, in_sync_at = :in_sync_at,"
        " failure = :failure,"
        " owners = :owners, directories = :directories"
        " WHERE environment = :environment",
        {
            "report": number,
            "environment": report.environment,
            "checked_at": moment(report.checked_at),
            "status": report.status.value,
            "worst": worst.value if worst else None,
            "severities": json.dumps(Counter(shown)),
            "drifted": len(report.drifted),
            "pending": len(report.pending),
            "snoozed": len(report.snoozed),
            "proven_at": moment(report.proven_at) if report.proven_at else None,
            "in_sync_at": moment(report.in_sync_at) if report.in_sync_at else None,
            "failure": report.failure.message if report.failure else "",
            "owners": json.dumps(report.owners),
            "directories": json.dumps(report.directories),
        },
    )


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
        "first_seen": moment(decision.first_seen),
    }
