"""Remembers which checks are to be made: at most one that waits and one that runs, each."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, moment
from driftwatch.domain.job import Candidate, Job


class Queue:
    """Keep jobs. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Job]:
        """List jobs: those that run, then those that wait, in the order in which they will run."""
        return self._database.read(
            Job,
            "SELECT id AS number, job.environment, reason, actor, due_at, urgent, override,"
            " waiting, owner, tries, started_at, doing FROM job"
            " LEFT JOIN watch USING (environment)"
            " ORDER BY owner IS NULL, started_at, urgent DESC,"
            " max(coalesce(proven_at, ''), coalesce(checked_at, '')), due_at",
        )

    def candidates(self) -> Sequence[Candidate]:
        """List jobs that wait and whose environment is not being checked, oldest-proven first."""
        return self._database.read(
            Candidate,
            "SELECT id AS number, job.environment, account, labels, override, waiting"
            " FROM job JOIN watch USING (environment) WHERE owner IS NULL AND NOT EXISTS ("
            "   SELECT 1 FROM job AS other"
            "   WHERE other.environment = job.environment AND other.owner IS NOT NULL"
            # Oldest first, by when somebody last tried: what always fails must not come first.
            " ) ORDER BY urgent DESC, max(coalesce(proven_at, ''), coalesce(checked_at, '')),"
            " due_at",
            lists=("labels",),
        )

    def running(self) -> dict[str, int]:
        """Count the checks that run now by account, those of all processes together."""
        rows = self._database.query(
            "SELECT account, count(*) AS number FROM job JOIN watch USING (environment)"
            " WHERE owner IS NOT NULL GROUP BY account"
        )
        return {row["account"]: row["number"] for row in rows}

    def add(
        self,
        environment: str,
        reason: str,
        now: datetime,
        *,
        actor: str = "",
        urgent: bool = False,
        override: bool = False,
    ) -> int | None:
        """Queue a check and return its number; None where one that waits already is enough."""
        with self._database.writing() as tables:
            number = insert_job(tables, environment, reason, moment(now), actor)
            tables.conn.execute(
                "UPDATE job SET urgent = max(urgent, ?), override = max(override, ?)"
                " WHERE environment = ? AND owner IS NULL",
                (int(urgent), int(override), environment),
            )
        return number

    def claim(self, number: int, owner: str, now: datetime, lease: timedelta) -> Job | None:
        """Take a job that waits; None where somebody else was faster."""
        with self._database.writing() as tables:
            changed = tables.conn.execute(
                "UPDATE OR IGNORE job SET owner = ?, tries = tries + 1, started_at = ?,"
                " lease_until = ?, waiting = '', doing = '' WHERE id = ? AND owner IS NULL",
                (owner, moment(now), moment(now + lease), number),
            ).rowcount
        found = self._database.read(
            Job,
            "SELECT id AS number, environment, reason, actor, due_at, urgent, override, waiting,"
            " owner, tries, started_at, doing FROM job WHERE id = ? AND owner = ?",
            (number, owner),
        )
        return found[0] if changed and found else None

    def hand_back(self, job: Job) -> None:
        """Let a job wait again, as if nobody had claimed it."""
        with self._database.writing() as tables:
            _hand_back(tables, job.number, job.environment, job.tries)

    def explain(self, waiting: dict[int, str]) -> None:
        """Say of jobs that wait why they do."""
        if waiting:
            with self._database.writing() as tables:
                tables.conn.executemany(
                    "UPDATE job SET waiting = ? WHERE id = ? AND owner IS NULL",
                    [(why, number) for number, why in waiting.items()],
                )

    def tell(self, doing: dict[int, str]) -> None:
        """Say of jobs that run what they do."""
        if doing:
            with self._database.writing() as tables:
                tables.conn.executemany(
                    "UPDATE job SET doing = ? WHERE id = ? AND owner IS NOT NULL",
                    [(what, number) for number, what in doing.items()],
                )

    def recover(
        self, is_alive: Callable[[str], bool], now: datetime, us: tuple[str, Collection[int]]
    ) -> Sequence[str]:
        """Free what is claimed and not being done any more, and name the environments.

        That is what dead processes claimed, what others have held for too long, and what we (our
        identity, and the numbers of the jobs that we run) claimed and do not run.
        """
        rows = self._database.query(
            "SELECT id, environment, owner, tries, lease_until FROM job WHERE owner IS NOT NULL"
        )
        lost = [row for row in rows if _is_lost(row, us, moment(now)) or not is_alive(row["owner"])]
        if lost:
            with self._database.writing() as tables:
                for row in lost:
                    _hand_back(tables, row["id"], row["environment"], row["tries"])
        return [row["environment"] for row in lost]

    def withdraw(self, numbers: Collection[int]) -> None:
        """Take jobs that wait out of the queue, but not those that others came to rely on."""
        with self._database.writing() as tables:
            tables.conn.executemany(
                "DELETE FROM job WHERE id = ? AND owner IS NULL AND urgent = 0 AND override = 0",
                [(number,) for number in numbers],
            )


def _is_lost(row: dict[str, Any], us: tuple[str, Collection[int]], now: str) -> bool:
    identity, running = us
    if row["owner"] == identity:
        return row["id"] not in running
    return bool(row["lease_until"] < now)


def insert_job(
    tables: Tables, environment: str, reason: str, due_at: str, actor: str = ""
) -> int | None:
    """Queue a check in the caller's transaction; None where one waits already."""
    cursor = tables.conn.execute(
        "INSERT OR IGNORE INTO job (environment, reason, due_at, actor) VALUES (?, ?, ?, ?)",
        (environment, reason, due_at, actor),
    )
    return cursor.lastrowid if cursor.rowcount else None


def insert_urgent(
    tables: Tables, environments: Iterable[str], reason: str, due_at: str, actor: str
) -> None:
    """Queue checks that go first in the caller's transaction."""
    for environment in environments:
        insert_job(tables, environment, reason, due_at, actor)
        tables.conn.execute(
            "UPDATE job SET urgent = 1 WHERE environment = ? AND owner IS NULL", (environment,)
        )


def _hand_back(tables: Tables, number: int, environment: str, tries: int) -> None:
    """Let a job wait again, unless another one waits already or nobody watches any more."""
    tables.conn.execute(
        "DELETE FROM job WHERE id = :number AND tries = :tries AND owner IS NOT NULL AND ("
        " EXISTS (SELECT 1 FROM job WHERE environment = :name AND owner IS NULL)"
        " OR NOT EXISTS (SELECT 1 FROM watch WHERE environment = :name))",
        {"number": number, "tries": tries, "name": environment},
    )
    tables.conn.execute(
        "UPDATE job SET owner = NULL, started_at = NULL, lease_until = NULL, doing = ''"
        " WHERE id = ? AND tries = ? AND owner IS NOT NULL",
        (number, tries),
    )
