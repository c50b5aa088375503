"""An append-only log of what people and driftwatch did, in which no row can be changed unseen.

Each row's hash is an HMAC over the row and the hash before it, under a key beside the database. A
file beside the database names the newest row, so that a log cut short is noticed too.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from driftwatch.adapters.store.database import Database, moment

_START = "driftwatch"


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
        words = tuple(_text(word) for word in (actor, action, subject))
        content = _text(json.dumps(detail, sort_keys=True, ensure_ascii=False, default=str))
        with self._database.writing() as tables:
            last = tables.conn.execute(
                "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1"
            ).fetchone() or (0, _START)
            row = (last[0] + 1, moment(now), *words, content)
            digest = self._hash(row, last[1])
            tables.conn.execute(
                "INSERT INTO audit (id, at, actor, action, subject, detail, hash)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, digest),
            )
            with self._database.explained():
                draft = self._head.with_name(f".{self._head.name}")
                draft.touch(mode=0o600)
                draft.write_text(f"{row[0]} {digest}\n", encoding="ascii")
                draft.replace(self._head)

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
        before, count = _START, 0
        hashes: dict[int, str] = {}
        for row in self._database.query(
            "SELECT id, at, actor, action, subject, detail, hash FROM audit ORDER BY id"
        ):
            values = tuple(row.values())
            if values[0] != count + 1:
                return count, Tampering(count + 1, "it is missing")
            if not hmac.compare_digest(self._hash(values[:6], before), str(values[6])):
                return count, Tampering(values[0], "it, or the order of rows, was changed")
            before, count = str(values[6]), count + 1
            hashes[count] = before
        return count, self._check_head(hashes)

    def _check_head(self, hashes: Mapping[int, str]) -> Tampering | None:
        """Compare with the newest row that was written; a crash may leave the head one behind."""
        try:
            number, digest = self._head.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return (
                Tampering(len(hashes), "the file that names the newest row is gone")
                if hashes
                else None
            )
        if hashes.get(int(number)) == digest:
            return None
        return Tampering(int(number), "it was written once and is gone")

    def _hash(self, row: tuple[object, ...], before: str) -> str:
        content = json.dumps([before, *row], ensure_ascii=False).encode()
        return hmac.digest(self._key, content, "sha256").hex()


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
