"""One SQLite file: one connection that writes, any number that only read, none that is trusted.

SQLite before 3.51.3 can lose a commit when another connection checkpoints at the same moment
(https://sqlite.org/wal.html#walresetbug). So exactly one connection writes and checkpoints at any
time: each process has one, and a lock on a file beside the database lets one of them at it. All
other connections open the file read-only, and such a connection cannot checkpoint.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlite_utils import Database as Tables

from driftwatch.adapters.locks import locked_within
from driftwatch.adapters.store.schema import STEPS, VERSION, statements
from driftwatch.errors import StoreError

Record = TypeVar("Record")

_PATIENCE = 30.0  # seconds to wait for a foreign program that holds the database


class Database:
    """The database at `path`, brought to this version's schema.

    A marker beside it remembers that there was one: an empty file in its place is data lost, not a
    fresh start. Raises `StoreError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marker = path.with_name(f"{path.name}.exists")
        self._lock = path.with_name(f"{path.name}.lock")
        self._turn = threading.Lock()
        self._local = threading.local()
        self._writer: Tables | None = None
        with self.explained():
            self._refuse_lost_data()
            self._migrate()
            self._marker.touch(mode=0o600)

    @contextmanager
    def writing(self) -> Iterator[Tables]:
        """Hold the write lock for one transaction, and commit it unless something is raised."""
        with self.explained(), self._turn, locked_within(self._lock, _PATIENCE):
            if self._writer is None:
                self._writer = _open(self.path)
            connection = self._writer.conn
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have ended it already
                    connection.execute("ROLLBACK")
                raise

    def query(self, sql: str, parameters: Any = ()) -> list[dict[str, Any]]:
        """Read rows by column name, all as they were at one moment."""
        with self.explained():
            return rows_of(self._reader.execute(sql, parameters))

    def read(
        self, kind: type[Record], sql: str, parameters: Any = (), *, lists: Sequence[str] = ()
    ) -> list[Record]:
        """Read rows as records whose fields have the columns' names; `lists` are kept as JSON."""
        return [record(kind, row, lists=lists) for row in self.query(sql, parameters)]

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what SQLite and the disk say into a `StoreError` that tells what to do."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The history in {self.path} cannot be used: {error}.{self._way_out(error)}"
            ) from error
        except msgspec.MsgspecError as error:
            raise StoreError(f"A report in {self.path} cannot be read: {error}.") from error

    def backup(self, target: Path) -> Path:
        """Copy the database to `target` while it is in use; whole, or not at all."""
        draft = target.with_name(f".{target.name}.draft")
        with self.explained():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft.unlink(missing_ok=True)
            draft.touch(mode=0o600)
            with closing(sqlite3.connect(draft)) as copy:
                self._reader.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE").fetchall()
            _sound(draft)
            draft.replace(target)
        return target

    def examine(self) -> None:
        """Read the whole database once; raise `StoreError` where it is damaged."""
        with self.explained():
            _sound(self.path)

    def close(self) -> None:
        """Close the connections of this thread, and the one that writes last.

        Where no other thread reads, that empties the write-ahead log into the file.
        """
        reader: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if reader is not None:
            reader.close()
            self._local.connection = None
        with self.explained(), self._turn, locked_within(self._lock, _PATIENCE):
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    @property
    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _open_to_read(self.path)
        return connection

    def _way_out(self, error: Exception) -> str:
        text = str(error)
        if "malformed" in text or "not a database" in text or "damaged" in text:
            newest = newest_backup(self.path.parent)
            there = f"The newest backup is {newest}" if newest else "There is no backup"
            return f" {there}: see docs/operations.md, Restore."
        return ""

    def _refuse_lost_data(self) -> None:
        there = self.path.exists() and self.path.stat().st_size > 0
        if self._marker.exists() and not there:
            newest = newest_backup(self.path.parent)
            backup = f" (the newest backup is {newest})" if newest else ""
            raise StoreError(
                f"{self.path} is empty or gone, though there was a database. Restore it{backup}, or"
                f" remove {self._marker} to begin anew."
            )

    def _migrate(self) -> None:
        if self.path.exists() and self.path.stat().st_size > 0:
            (found,) = self._reader.execute("PRAGMA user_version").fetchone()
            if found == VERSION:
                return  # whoever only reads need not wait for whoever writes
        self.path.touch(mode=0o600)
        with self.writing() as tables:
            (version,) = tables.conn.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise StoreError(
                    f"{self.path} has schema version {version}, made by a newer driftwatch; this"
                    f" one knows versions up to {VERSION}. Upgrade driftwatch."
                )
            for step in STEPS[version:]:
                for statement in statements(step):
                    tables.conn.execute(statement)
            tables.conn.execute(f"PRAGMA user_version = {VERSION}")


def backups_in(data_dir: Path) -> list[Path]:
    """List the backups in a data directory, oldest first."""
    return sorted((data_dir / "backups").glob("driftwatch-*.db"))


def newest_backup(data_dir: Path) -> Path | None:
    """Find the newest backup in a data directory."""
    return next(reversed(backups_in(data_dir)), None)


def rows_of(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """Fetch all rows by column name."""
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def record(kind: type[Record], row: dict[str, Any], *, lists: Sequence[str] = ()) -> Record:
    """Turn a row into a record; SQLite has no booleans, times or lists of its own."""
    values = {**row, **{name: json.loads(row[name]) for name in lists}}
    return msgspec.convert(values, kind, strict=False)


def moment(when: datetime) -> str:
    """Write a time so that it sorts as text."""
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def maybe_moment(when: datetime | None) -> str | None:
    """Write a time, if there is one."""
    return None if when is None else moment(when)


def read_moment(text: str | None) -> datetime | None:
    """Read a time that `moment` wrote, if there is one."""
    return None if text is None else datetime.fromisoformat(text)


def _open(path: Path) -> Tables:
    # Guarded by `Database._turn`, so threads may share it.
    connection = sqlite3.connect(
        path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    _set(connection, "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON")
    _set(connection, "secure_delete = ON")
    return Tables(connection, execute_plugins=False)


def _open_to_read(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE, isolation_level=None
    )
    _set(connection, "query_only = ON")
    return connection


def _set(connection: sqlite3.Connection, *pragmas: str) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _sound(path: Path) -> None:
    with closing(_open_to_read(path)) as connection:
        (answer, *_) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if answer != "ok":
        raise sqlite3.DatabaseError(f"the database is damaged: {answer}")
