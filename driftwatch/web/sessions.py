"""Browsers that logged in: a signed cookie that names a token, never the token itself.

The key lives as long as the process: a restart asks everybody to log in again.
"""

import hmac
import re
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

SESSION_COOKIE = "driftwatch_session"
BROWSER_COOKIE = "driftwatch_browser"
SESSION_LENGTH = timedelta(hours=12)

_FORM = re.compile(r"(\d{1,12})\.(\d{1,12})\.([A-Za-z0-9_-]{22})\.([0-9a-f]{64})", re.ASCII)
_NONCE = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)
_MOST_ENDED = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that logged in with a token."""

    token: int
    expires: int
    nonce: str


class Sessions:
    """Sign and read the cookies of sessions and the tokens of forms."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)
        self._ended: dict[str, int] = {}
        self._guard = threading.Lock()

    def begin(self, token: int, now: datetime) -> str:
        """Make the cookie of a new session."""
        expires = int((now + SESSION_LENGTH).timestamp())
        content = f"{token}.{expires}.{new_nonce()}"
        return f"{content}.{self._sign('session', content)}"

    def read(self, cookie: str, now: datetime) -> Session | None:
        """Read a session's cookie; None where it is forged, over or logged out."""
        found = _FORM.fullmatch(cookie)
        if found is None:
            return None
        token, expires, nonce, signature = found.groups()
        right = self._sign("session", f"{token}.{expires}.{nonce}")
        if not hmac.compare_digest(signature, right) or int(expires) <= now.timestamp():
            return None
        with self._guard:
            return None if nonce in self._ended else Session(int(token), int(expires), nonce)

    def end(self, session: Session, now: datetime) -> None:
        """Refuse a session's cookie from now on."""
        with self._guard:
            self._ended[session.nonce] = session.expires
            for nonce in list(islice(self._ended, 2)):
                # Sessions end in about the order in which they would have: two out for one in.
                if self._ended[nonce] <= now.timestamp() or len(self._ended) > _MOST_ENDED:
                    del self._ended[nonce]

    def form_token(self, nonce: str, actor: str) -> str:
        """Make what a form must hold: good for one browser and one person alone."""
        return self._sign("form", f"{nonce}.{actor}")

    def is_form_token(self, given: str, nonce: str, actor: str) -> bool:
        """Say whether a form was made by us for this browser and this person."""
        right = self.form_token(nonce, actor)
        return bool(nonce) and hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())

    def _sign(self, purpose: str, content: str) -> str:
        return hmac.digest(self._key, f"{purpose}.{content}".encode(), "sha256").hex()


def new_nonce() -> str:
    """Make a value that nobody can guess."""
    return secrets.token_urlsafe(16)


def read_nonce(cookie: str | None) -> str:
    """Return a browser's nonce, "" where it has none of ours."""
    return cookie if cookie and _NONCE.fullmatch(cookie) else ""
