"""Opens the database and everything that is kept in it."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database as Tables

from driftwatch.adapters.store.audit import AuditLog, begin_head
from driftwatch.adapters.store.database import Database, backups_in, moment
from driftwatch.adapters.store.history import ReportStore
from driftwatch.adapters.store.ledger import Ledger
from driftwatch.adapters.store.outbox import Outbox
from driftwatch.adapters.store.presence import Presence
from driftwatch.adapters.store.queue import Queue, insert_urgent
from driftwatch.adapters.store.snoozes import SnoozeStore
from driftwatch.adapters.store.tokens import TokenStore
from driftwatch.adapters.store.watchlist import Watchlist
from driftwatch.errors import StoreError

NAME = "driftwatch.db"
_PUSHES = timedelta(days=7)
_STEP = 2000
_TOLERANCE = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=25)  # more than a server may ask for; windows say theirs again
_TIMES = (
    ("report", "checked_at"),
    ("watch", "checked_at"),
    ("watch", "proven_at"),
    ("watch", "in_sync_at"),
    ("watch", "failing_since"),
    ("watch", "since"),
    ("digest", "last_at"),
    ("message", "created_at"),
    ("message", "first_attempt_at"),
)
_KEY = 32  # bytes


@dataclass(frozen=True, slots=True)
class Store:
    """All that driftwatch remembers, in one data directory."""

    folder: Path
    database: Database
    reports: ReportStore
    watchlist: Watchlist
    queue: Queue
    ledger: Ledger
    outbox: Outbox
    snoozes: SnoozeStore
    audit: AuditLog
    tokens: TokenStore
    presence: Presence

    def fact(self, name: str) -> str | None:
        """Return something remembered by name."""
        rows = self.database.query("SELECT value FROM fact WHERE name = ?", (name,))
        return rows[0]["value"] if rows else None

    def remember(self, name: str, value: str) -> None:
        """Remember something by name."""
        with self.database.writing() as tables:
            tables.table("fact").upsert({"name": name, "value": value}, pk="name")

    def align(self, now: datetime) -> None:
        """Bring what a clock that ran ahead wrote down back to now, or it would hold until then."""
        future = moment(now + _TOLERANCE)
        with self.database.writing() as tables:
            for table, column in _TIMES:
                tables.conn.execute(
                    f"UPDATE {table} SET {column} = :now WHERE {column} > :future",  # noqa: S608 - ours
                    {"now": moment(now), "future": future},
                )
            tables.conn.execute(
                "UPDATE message SET next_attempt_at = :now"
                " WHERE state = 'pending' AND next_attempt_at > :late",
                {"now": moment(now), "late": moment(now + _LONGEST_WAIT)},
            )

    def take_push(
        self, hook: str, deliveries: Iterable[str], environments: Iterable[str], now: datetime
    ) -> bool:
        """Queue what a webhook's delivery asks for unless one of its names was seen; say if new.

        It is remembered and its checks are queued, or neither: the forge delivers again.
        """
        with self.database.writing() as tables:
            tables.conn.execute("DELETE FROM push WHERE at < ?", (moment(now - _PUSHES),))
            new = [_remember_push(tables, hook, name, now) for name in deliveries]
            if all(new):
                insert_urgent(tables, environments, "push", moment(now), f"hook:{hook}")
        return all(new)

    def forget_before(self, when: datetime) -> int:
        """Drop what is older than `when` and of no more use; in steps, so that nobody waits."""
        forgotten = self.reports.forget_before(when)
        for statement in _FORGET:
            while True:
                with self.database.writing() as tables:
                    values = {"moment": moment(when), "step": _STEP}
                    count = tables.conn.execute(statement, values).rowcount
                forgotten += count
                if count < _STEP:
                    break
        return forgotten

    def backup(self, now: datetime, keep: int) -> Path:
        """Back the database up beside it, and keep the newest `keep` backups."""
        stamp = f"{now:%Y%m%dT%H%M%SZ}"
        path = self.database.backup(self.folder / "backups" / f"driftwatch-{stamp}.db")
        for old in backups_in(self.folder)[: -max(keep, 1)]:
            old.unlink(missing_ok=True)
        return path

    def backups(self) -> Sequence[Path]:
        """List the backups, oldest first."""
        return backups_in(self.folder)


_FORGET = (
    (
        "DELETE FROM message WHERE id IN (SELECT id FROM message"
        " WHERE state IN ('sent', 'dropped', 'parked') AND created_at < :moment LIMIT :step)"
    ),
    (
        "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE at < :moment"
        " AND id NOT IN (SELECT event FROM message_event) LIMIT :step)"
    ),
    (
        "DELETE FROM thread"
        " WHERE id IN (SELECT id FROM thread WHERE closed_at < :moment LIMIT :step)"
    ),
)


def _remember_push(tables: Tables, hook: str, delivery: str, now: datetime) -> bool:
    changed: int = tables.conn.execute(
        "INSERT OR IGNORE INTO push (hook, delivery, at) VALUES (?, ?, ?)",
        (hook, delivery, moment(now)),
    ).rowcount
    return changed > 0


def open_store(folder: Path) -> Store:
    """Open the store of a data directory. Raises `StoreError`."""
    database = Database(folder / NAME)
    key, head = folder / "audit.key", folder / "audit.head"
    if not key.exists():
        begin_head(head)
    audit = AuditLog(database, read_key(key), head)
    return Store(
        folder=folder,
        database=database,
        reports=ReportStore(database),
        watchlist=Watchlist(database),
        queue=Queue(database),
        ledger=Ledger(database),
        outbox=Outbox(database),
        snoozes=SnoozeStore(database),
        audit=audit,
        tokens=TokenStore(database),
        presence=Presence(folder / "running"),
    )


def read_key(path: Path) -> bytes:
    """Read one of this installation's keys, made once. Raises `StoreError`."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        draft.touch(mode=0o600)
        draft.write_bytes(secrets.token_bytes(_KEY))
        with suppress(FileExistsError):  # another process was faster; its key holds
            path.hardlink_to(draft)
        draft.unlink()
    key = path.read_bytes()
    if len(key) != _KEY:
        raise StoreError(f"{path} is damaged. Remove it: what it guarded will look changed once.")
    return key
