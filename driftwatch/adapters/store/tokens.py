"""Remembers who may use the API and the dashboard; a token itself is never kept."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from driftwatch.adapters.store.database import Database, maybe_moment, moment
from driftwatch.config.service_model import Role

_PREFIX = "dw_"
_UNUSED = timedelta(minutes=5)  # how exactly "last used" is known


@dataclass(frozen=True, slots=True)
class Token:
    """A token's name and what its bearer may do."""

    number: int
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


class TokenStore:
    """Keep digests of tokens. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, role: Role, now: datetime, expires_at: datetime | None = None
    ) -> str:
        """Make a token and return it, for the only time."""
        text = f"{_PREFIX}{secrets.token_urlsafe(32)}"
        with self._database.writing() as tables:
            tables.table("token").insert(
                {
                    "name": name,
                    "role": role.value,
                    "digest": _digest(text),
                    "created_at": moment(now),
                    "expires_at": maybe_moment(expires_at),
                }
            )
        return text

    def find(self, text: str, now: datetime) -> Token | None:
        """Find the token that a bearer shows; None where it is unknown, revoked or expired."""
        found = self._database.read(Token, f"{_SELECT} WHERE digest = ?", (_digest(text),))
        token = found[0] if found else None
        if token is None or token.revoked_at or (token.expires_at and token.expires_at <= now):
            return None
        if token.used_at is None or now - token.used_at > _UNUSED:
            with self._database.writing() as tables:
                tables.table("token").update(token.number, {"used_at": moment(now)})
        return token

    def all(self) -> Sequence[Token]:
        """List tokens, revoked ones included."""
        return self._database.read(Token, f"{_SELECT} ORDER BY id")

    def revoke(self, number: int, now: datetime) -> bool:
        """End a token; False where there is none with this number, or it ended already."""
        with self._database.writing() as tables:
            changed: int = tables.conn.execute(
                "UPDATE token SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
                (moment(now), number),
            ).rowcount
        return changed > 0


_SELECT = "SELECT id AS number, name, role, created_at, expires_at, revoked_at, used_at FROM token"


def _digest(text: str) -> str:
    # A token has 256 random bits: no slow hash is needed to keep it from being guessed.
    return sha256(text.encode("utf-8", "replace")).hexdigest()
