"""Remembers which environments are watched, when each is due, and how it stands."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, maybe_moment, moment, read_moment
from driftwatch.adapters.store.queue import insert_job
from driftwatch.domain.environment import Environment
from driftwatch.domain.schedule import Schedule
from driftwatch.domain.watched import Watched

Schedules = Mapping[str, Schedule]
"""When environments are due, by name; one that is not in it stays as it is."""

_RETRY = "retry"


class Watchlist:
    """Keep one row for each environment that is watched. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Watched]:
        """List what is watched, by name."""
        return self._watched("ORDER BY environment", ())

    def find(self, environment: str) -> Watched | None:
        """Find one watched environment."""
        return next(iter(self._watched("WHERE environment = ?", (environment,))), None)

    def watch(
        self, environments: Iterable[Environment], now: datetime, *, quiet: bool
    ) -> tuple[str, ...]:
        """Begin to watch what is new, follow what changed, and name what began.

        With `quiet`, what the first complete look at each of the new ones finds is no news.
        """
        began = []
        with self._database.writing() as tables:
            known = dict(tables.conn.execute("SELECT environment, schedule FROM watch").fetchall())
            for environment in environments:
                row = _row(environment)
                if environment.name in known:
                    if not environment.owners:  # those of CODEOWNERS, which a report told, hold
                        del row["owners"]
                    if known[environment.name] != row["schedule"]:
                        row["next_due"] = maybe_moment(
                            environment.schedule.after(now, environment.name)
                        )
                    tables.table("watch").update(environment.name, row)
                    continue
                never = environment.schedule.after(now, environment.name) is None
                row |= {"since": moment(now), "quiet": int(quiet)}
                row["next_due"] = None if never else moment(now)
                tables.table("watch").insert(row, pk="environment")
                began.append(environment.name)
        return tuple(began)

    def tick(self, now: datetime, schedules: Schedules) -> int:
        """Queue what is due, each once however often it was due, and say how many that was."""
        due = self._database.query(
            "SELECT environment FROM watch WHERE next_due <= ? OR retry_at <= ?",
            (moment(now), moment(now)),
        )
        names = [row["environment"] for row in due if row["environment"] in schedules]
        if names:
            with self._database.writing() as tables:
                for name in names:
                    _queue(tables, name, now, schedules[name])
        return len(names)

    def align(self, now: datetime, schedules: Schedules) -> None:
        """Let nothing wait beyond its next due time, whatever a clock said before."""
        with self._database.writing() as tables:
            rows = tables.conn.execute("SELECT environment, next_due FROM watch").fetchall()
            for environment, stored in rows:
                if environment not in schedules:
                    continue
                right = maybe_moment(schedules[environment].after(now, environment))
                if right is None or stored is None or stored > right:
                    tables.conn.execute(
                        "UPDATE watch SET next_due = ? WHERE environment = ?", (right, environment)
                    )
            tables.conn.execute("UPDATE watch SET retry_at = next_due WHERE retry_at > next_due")

    def going_stale(self, now: datetime) -> Sequence[str]:
        """Name the environments that nobody looked at for too long, and nobody was told of."""
        rows = self._database.query(
            "SELECT environment FROM watch WHERE told_stale = 0 AND"
            " julianday(:now) - julianday(coalesce(proven_at, since)) > stale_after / 86400.0"
            " ORDER BY environment",
            {"now": moment(now)},
        )
        return [row["environment"] for row in rows]

    def gone(self, names: Collection[str], unreachable: Collection[str]) -> Sequence[str]:
        """Name what is watched but not in `names`; an unreachable repository takes nothing away."""
        rows = self._database.query("SELECT environment, repository FROM watch")
        return [
            row["environment"]
            for row in rows
            if row["environment"] not in names and row["repository"] not in unreachable
        ]

    def _watched(self, rest: str, parameters: tuple[object, ...]) -> list[Watched]:
        sql = f"{_SELECT} {rest}"
        return self._database.read(Watched, sql, parameters, lists=_JSON)


_JSON = ("owners", "labels", "directories", "severities")
_SELECT = (
    "SELECT environment, repository, directory, account, owners, labels, schedule, stale_after,"
    " since, next_due, retry_at, failures, report, checked_at, status, worst, drifted, pending,"
    " snoozed, proven_at, in_sync_at, failure, directories, severities FROM watch"
)


def _row(environment: Environment) -> dict[str, object]:
    return {
        "environment": environment.name,
        "repository": environment.repository,
        "directory": environment.directory,
        "account": environment.account,
        "owners": json.dumps(environment.owners),
        "labels": json.dumps(environment.labels),
        "schedule": str(environment.schedule),
        "stale_after": environment.stale_after.total_seconds(),
    }


def _queue(tables: Tables, environment: str, now: datetime, schedule: Schedule) -> None:
    row = tables.conn.execute(
        "SELECT next_due, retry_at FROM watch WHERE environment = ?", (environment,)
    ).fetchone()
    if row is None:
        return
    scheduled = row[0] is not None and row[0] <= moment(now)
    due_at = row[0] if scheduled else row[1]
    if due_at is None or due_at > moment(now):
        return  # another process was here first
    following = schedule.after(now, environment) if scheduled else read_moment(row[0])
    tables.conn.execute(
        "UPDATE watch SET next_due = ?, last_due = ?, retry_at = NULL WHERE environment = ?",
        (maybe_moment(following), due_at, environment),
    )
    insert_job(tables, environment, "schedule" if scheduled else _RETRY, due_at)
