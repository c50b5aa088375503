"""Remembers which environments are watched, when each is due, and how it stands."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, maybe_moment, moment
from driftwatch.adapters.store.queue import insert_job
from driftwatch.domain.environment import Environment
from driftwatch.domain.schedule import Schedule
from driftwatch.domain.watched import Watched

Schedules = Mapping[str, Schedule]
"""When environments are due, by name; one that is not in it stays as it is."""

_RETRY = "retry"
_LONGEST_BACK_OFF = timedelta(hours=2)


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
        self, environments: Iterable[Environment], now: datetime, *, quiet: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Begin to watch what is new, follow what changed, and name what began.

        `quiet` names repositories: what the first look at new environments of theirs finds is no
        news.
        """
        known = {row["environment"]: row for row in self._database.query("SELECT * FROM watch")}
        began: list[dict[str, object]] = []
        changed: list[tuple[str, dict[str, object]]] = []
        for environment in environments:
            row, old = _row(environment), known.get(environment.name)
            if old is None:
                never = environment.schedule.after(now, environment.name) is None
                row |= {"since": moment(now), "quiet": int(environment.repository in quiet)}
                began.append({**row, "next_due": None if never else moment(now)})
            elif difference := _difference(environment, row, old, now):
                changed.append((environment.name, difference))
        if began or changed:
            with self._database.writing() as tables:
                tables.table("watch").insert_all(began, pk="environment", ignore=True)
                for name, difference in changed:
                    tables.table("watch").update(name, difference)
        return tuple(str(row["environment"]) for row in began)

    def tick(self, now: datetime, schedules: Schedules) -> int:
        """Queue what is due, each once however often it was due, and say how many that was."""
        rows = self._database.query(
            "SELECT environment, next_due, retry_at FROM watch WHERE retry_at <= :now"
            " OR (next_due <= :now AND coalesce(not_before, '') <= :now)",
            {"now": moment(now)},
        )
        due = [
            _Due(row["environment"], row["next_due"], row["retry_at"], schedule, now)
            for row in rows
            if (schedule := schedules.get(row["environment"]))
        ]
        if not due:
            return 0
        with self._database.writing() as tables:
            return sum(one.queue(tables) for one in due)

    def align(self, now: datetime, schedules: Schedules) -> None:
        """Let nothing wait beyond its next due time, whatever a clock said before."""
        changes = []
        for row in self._database.query("SELECT environment, next_due FROM watch"):
            name, stored = row["environment"], row["next_due"]
            if name in schedules:
                right = maybe_moment(schedules[name].after(now, name))
                if right != stored and (right is None or stored is None or stored > right):
                    changes.append((right, name, stored))
        late = {"now": moment(now), "limit": moment(now + _LONGEST_BACK_OFF)}
        with self._database.writing() as tables:
            tables.conn.executemany(
                "UPDATE watch SET next_due = ? WHERE environment = ? AND next_due IS ?", changes
            )
            tables.conn.execute("UPDATE watch SET retry_at = :now WHERE retry_at > :limit", late)
            tables.conn.execute(
                "UPDATE watch SET not_before = NULL WHERE not_before > :limit", late
            )

    def retry(self, repositories: Collection[str], now: datetime) -> None:
        """Look again at once at what failed while its repository could not be reached."""
        with self._database.writing() as tables:
            tables.conn.executemany(
                "UPDATE watch SET not_before = NULL, retry_at = ?"
                " WHERE repository = ? AND failures > 0",
                [(moment(now), name) for name in repositories],
            )

    def due(self, now: datetime) -> Sequence[str]:
        """Name the environments that are due and not queued yet."""
        rows = self._database.query(
            "SELECT environment FROM watch WHERE next_due <= ?", (moment(now),)
        )
        return [row["environment"] for row in rows]

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


def _difference(
    environment: Environment, row: dict[str, object], old: dict[str, object], now: datetime
) -> dict[str, object]:
    """Say what of a watched environment is other than it is known."""
    if not environment.owners:  # those of CODEOWNERS, which a report told, hold
        del row["owners"]
    difference = {name: value for name, value in row.items() if old[name] != value}
    if "schedule" in difference:
        following = environment.schedule.after(now, environment.name)
        difference["next_due"] = maybe_moment(following)
    return difference


class _Due:
    """An environment that is due, with what is worked out before anybody has to wait for us."""

    def __init__(
        self,
        environment: str,
        next_due: str | None,
        retry_at: str | None,
        schedule: Schedule,
        now: datetime,
    ) -> None:
        self._row = (environment, next_due, retry_at)
        self._scheduled = next_due is not None and next_due <= moment(now)
        following = maybe_moment(schedule.after(now, environment))
        self._next_due = following if self._scheduled else next_due
        self._due_at = str(next_due if self._scheduled else retry_at)

    def queue(self, tables: Tables) -> bool:
        """Queue it, unless another process was here first."""
        changed = tables.conn.execute(
            "UPDATE watch SET next_due = ?, last_due = ?, retry_at = NULL"
            " WHERE environment = ? AND next_due IS ? AND retry_at IS ?",
            (self._next_due, self._due_at, *self._row),
        ).rowcount
        if changed:
            reason = "schedule" if self._scheduled else _RETRY
            insert_job(tables, self._row[0], reason, self._due_at)
        return changed > 0
