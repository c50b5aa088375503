"""Remembers what people decided not to hear of for a while."""

from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, moment, record, rows_of
from driftwatch.domain.model import Report
from driftwatch.domain.snooze import Snooze
from driftwatch.domain.snoozing import verdict


class SnoozeStore:
    """Keep snoozes; one that ended stays on record. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def active(self, environment: str) -> Sequence[Snooze]:
        """Return the snoozes of an environment that have not ended."""
        return self.all(environment)

    def all(
        self, environment: str | None = None, *, include_ended: bool = False
    ) -> Sequence[Snooze]:
        """List snoozes, the newest first."""
        return self._database.read(
            Snooze,
            f"{_SELECT} WHERE (:name IS NULL OR environment = :name)"
            " AND (:ended OR ended_at IS NULL) ORDER BY id DESC",
            {"name": environment, "ended": include_ended},
        )

    def add(  # noqa: PLR0913 - a snooze is all of this
        self,
        environment: str,
        key: str,
        address: str,
        attribute: str,
        binding: str,
        *,
        until: datetime,
        because: str,
        by: str,
        now: datetime,
    ) -> Snooze:
        """Begin a snooze; a live one of the same thing ends, replaced."""
        with self._database.writing() as tables:
            tables.conn.execute(
                "UPDATE snooze SET ended_at = ?, ended_because = 'replaced'"
                " WHERE environment = ? AND key = ? AND attribute = ? AND ended_at IS NULL",
                (moment(now), environment, key, attribute),
            )
            row = {
                "environment": environment,
                "key": key,
                "address": address,
                "attribute": attribute,
                "binding": binding,
                "until": moment(until),
                "because": because,
                "by": by,
                "created_at": moment(now),
            }
            return _one(tables, int(tables.table("snooze").insert(row).last_pk or 0))

    def end(self, number: int, because: str, now: datetime) -> Snooze | None:
        """End a snooze before its time; None where none with this number is live."""
        with self._database.writing() as tables:
            ended = tables.conn.execute(
                "UPDATE snooze SET ended_at = ?, ended_because = ?"
                " WHERE id = ? AND ended_at IS NULL",
                (moment(now), because, number),
            ).rowcount
            return _one(tables, number) if ended else None


_SELECT = (
    "SELECT id AS number, environment, key, address, attribute, binding, until, because, by,"
    " created_at, ended_at, ended_because FROM snooze"
)


def end_snoozes(tables: Tables, report: Report) -> None:
    """End the snoozes that a complete report has no more use for, in the caller's transaction."""
    if report.failure is not None:
        return
    drifts = {d.finding.drift.key: d.finding.drift for d in report.decisions}
    environment = report.environment.encode("utf-8", "replace").decode()
    cursor = tables.conn.execute(
        f"{_SELECT} WHERE environment = ? AND ended_at IS NULL", (environment,)
    )
    for snooze in (record(Snooze, row) for row in rows_of(cursor)):
        if why := verdict(snooze, drifts.get(snooze.key), report.checked_at):
            tables.conn.execute(
                "UPDATE snooze SET ended_at = ?, ended_because = ? WHERE id = ?",
                (moment(report.checked_at), why, snooze.number),
            )


def _one(tables: Tables, number: int) -> Snooze:
    cursor = tables.conn.execute(f"{_SELECT} WHERE id = ?", (number,))
    return record(Snooze, rows_of(cursor)[0])
