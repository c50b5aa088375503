"""An append-only log of what people and driftwatch did, in which no row can be changed unseen.

Each row's hash is an HMAC over the row and the hash before it, under a key beside the database. A
file beside the database, the head, names the newest row, so that a log cut short is noticed too. It
is written after the row is safe on disk, so a crash in between leaves it one row behind, never more
and never ahead: who appends next brings it up first. Where it does not fit, a row says so for ever.
"""

import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, moment

_START = "driftwatch"
_BREAK = (_START, "audit.break")

End = tuple[int, str]
"""The number of a row and its hash."""

_NO_ROWS: End = (0, _START)

log = structlog.get_logger("driftwatch.audit")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done, by whom, to what."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Tampering:
    """The first row that is not as it was written, and why that is known."""

    number: int
    reason: str


class AuditLog:
    """Append entries, and verify all of them. Failures are `StoreError`."""

    def __init__(self, database: Database, key: bytes, head: Path) -> None:
        self._database = database
        self._key = key
        self._head = head

    def append(
        self,
        actor: str,
        action: str,
        subject: str,
        detail: Mapping[str, object],
        now: datetime,
    ) -> None:
        """Write what somebody did."""
        words = (moment(now), *(_text(word) for word in (actor, action, subject)))
        content = _text(json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str))
        with self._database.writing() as tables:
            last = self._mend(tables, now)
            self._insert(tables, last, (*words, content))
        with self._database.writing() as tables:  # which are others' rows by now, perhaps
            self._write_head(_ends(tables)[0])

    def _mend(self, tables: Tables, now: datetime) -> End:
        """Bring the head up to the newest row; where it does not fit, say so in a row."""
        ends, head = _ends(tables), self._read_head()
        wrong = _compare(head, ends)
        if wrong is not None:
            said = f"row {wrong.number}: {wrong.reason}"
            return self._insert(tables, ends[0], (moment(now), *_BREAK, said, "{}"))
        if head != ends[0]:
            self._write_head(ends[0])
        return ends[0]

    def _insert(self, tables: Tables, last: End, values: tuple[str, ...]) -> End:
        number = last[0] + 1
        row = (number, *values)
        digest = self._hash(row, last[1])
        tables.conn.execute(
            "INSERT INTO audit (id, at, actor, action, subject, detail, hash)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, digest),
        )
        return number, digest

    def entries(self, limit: int = 100, before: int | None = None) -> Sequence[Entry]:
        """List the newest entries, those older than number `before` alone."""
        return self._database.read(
            Entry,
            "SELECT id AS number, at, actor, action, subject, detail FROM audit"
            " WHERE ? IS NULL OR id < ? ORDER BY id DESC LIMIT ?",
            (before, before, limit),
            lists=("detail",),
        )

    def verify(self) -> tuple[int, Tampering | None]:
        """Count the rows that are as they were written, and name the first that is not."""
        rows, head = self._snapshot()
        chain, broken = [_NO_ROWS], None
        for *values, digest in rows:
            number, before = chain[-1]
            if values[0] != number + 1:
                return number, Tampering(number + 1, "it is missing")
            if not _same(self._hash(tuple(values), before), digest):
                return number, Tampering(number + 1, "it, or the order of rows, was changed")
            chain.append((number + 1, str(digest)))
            if tuple(values[2:4]) == _BREAK and broken is None:
                broken = Tampering(number + 1, f"it tells that the log was broken ({values[4]})")
        wrong = _compare(head, chain[:-3:-1])
        if wrong is None and broken is not None:
            return broken.number - 1, broken
        return chain[-1][0], wrong

    def _snapshot(self) -> tuple[list[tuple[object, ...]], End | None]:
        """Read all rows and the head, as they are while nobody writes."""
        with self._database.writing() as tables:
            rows = tables.conn.execute(
                "SELECT id, at, actor, action, subject, detail, hash FROM audit ORDER BY id"
            ).fetchall()
            return rows, self._read_head()

    def _read_head(self) -> End | None:
        """Return the row that the head names, None where it names none."""
        with self._database.explained():
            try:
                number, digest = self._head.read_text(encoding="ascii").split()
                return int(number), digest
            except (FileNotFoundError, ValueError):
                return None

    def _write_head(self, end: End) -> None:
        """Name the newest row, once it is on disk; a power cut must not turn the order round."""
        with self._database.explained():
            _flush(self._database.path.with_name(f"{self._database.path.name}-wal"))
            draft = self._head.with_name(f".{self._head.name}")
            _write(draft, end)
            draft.replace(self._head)
            _flush(self._head.parent)
        if structlog.is_configured():  # or it would print among what a command prints
            log.info("audit", number=end[0], hash=end[1])

    def _hash(self, row: tuple[object, ...], before: str) -> str:
        content = json.dumps([before, *row], ensure_ascii=False, default=repr).encode()
        return hmac.digest(self._key, content, "sha256").hex()


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def begin_head(head: Path) -> None:
    """Name no row as the newest, before the key is made: whoever has a key then has a head."""
    draft = head.with_name(f".{head.name}.{secrets.token_hex(6)}")
    _write(draft, _NO_ROWS)
    with suppress(FileExistsError):  # it was made before
        head.hardlink_to(draft)
    draft.unlink()


def _ends(tables: Tables) -> Sequence[End]:
    """Return the newest row and the one before it; before the first there is a start."""
    rows = tables.conn.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 2").fetchall()
    return [*rows, _NO_ROWS][:2]


def _compare(head: End | None, ends: Sequence[End]) -> Tampering | None:
    """Say what is wrong with a head; it names the newest row or, after a crash, the one before."""
    if head is None:
        return Tampering(ends[0][0], "the file that names the newest row is gone")
    if head in ends:
        return None
    if head[0] > ends[0][0]:
        return Tampering(head[0], "it was written once and is gone")
    return Tampering(head[0], "it is not the row that was written last")


def _write(path: Path, end: End) -> None:
    path.touch(mode=0o600)
    with path.open("w", encoding="ascii") as file:
        file.write(f"{end[0]} {end[1]}\n")
        file.flush()
        os.fsync(file.fileno())


def _flush(path: Path) -> None:
    """Bring what was written to a file or folder to disk, if there is one."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _same(digest: str, found: object) -> bool:
    return hmac.compare_digest(digest.encode(), str(found).encode("utf-8", "replace"))
