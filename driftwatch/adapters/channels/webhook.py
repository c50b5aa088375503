"""A notice as signed JSON, posted to one address: no redirect is followed, no wait is long."""

import asyncio
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from urllib.parse import urlsplit

import httpx2

from driftwatch.config.service_model import WebhookSettings
from driftwatch.domain.notice import Delivery, Notice, Refusal
from driftwatch.errors import CouldNotSend
from driftwatch.render.notice_payload import name_event, render_payload
from driftwatch.render.text import visible

_READ = 4096  # bytes of an answer that are looked at
_ANSWER = 200  # characters of it that are told
_AGAIN = frozenset({408, 425, 429})
_LONGEST_WAIT = 86400.0
_WORD = re.compile(r"[!-~]{1,250}")


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """Posts to one address, which is named by its host alone: the rest of it may be a secret."""

    settings: WebhookSettings

    @property
    def targets(self) -> tuple[str, ...]:
        """Name the host that notices go to."""
        parts = urlsplit(self.settings.url)
        port = f":{parts.port}" if parts.port else ""
        return (f"{parts.scheme}://{parts.hostname}{port}",)

    def send(self, notice: Notice, recipients: Sequence[str]) -> Delivery:
        """Post a notice; what is no longer this channel's address is refused for good."""
        gone = Refusal("This address is no longer configured.", permanent=True)
        refused = {name: gone for name in recipients if name not in self.targets}
        accepted = tuple(name for name in recipients if name in self.targets)
        if accepted:
            self._post(notice)
        return Delivery(accepted, refused)

    def _post(self, notice: Notice) -> None:
        body = render_payload(notice)
        headers = _headers(notice, body, self.settings.secret)
        seconds = self.settings.timeout.total_seconds()
        (where,) = self.targets
        try:
            status, answered, text = asyncio.run(_ask(self.settings.url, headers, body, seconds))
        except TimeoutError as error:
            raise CouldNotSend(f"{where} did not answer in {seconds:g} seconds.") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            # Its own words may hold the whole address.
            raise CouldNotSend(f"{where} cannot be reached ({type(error).__name__}).") from None
        if not 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
            raise _refusal(where, status, answered, self._tame(text))

    def _tame(self, text: str) -> str:
        """Take out of an answer what it repeats of secrets."""
        parts = urlsplit(self.settings.url)
        for secret in (self.settings.url, self.settings.secret, parts.path, parts.query):
            if len(secret) > 1:
                text = text.replace(secret, "***")
        return visible(" ".join(text.split()))[:_ANSWER]


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Sign a body, and the time at which it was sent, so that neither can be put to other use."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, sha256).hexdigest()


def _headers(notice: Notice, body: bytes, secret: str) -> dict[str, str]:
    timestamp = str(int(time.time()))  # of this attempt: a retry must not look like a replay
    return {
        "Content-Type": "application/json",
        "User-Agent": "driftwatch",
        "X-Driftwatch-Event": name_event(notice),
        "X-Driftwatch-Delivery": _one_word(notice.message_id),
        "X-Driftwatch-Attempt": str(notice.attempt),
        "X-Driftwatch-Timestamp": timestamp,
        "X-Driftwatch-Signature": sign(secret, timestamp, body),
    }


def _one_word(text: str) -> str:
    """Give an identifier as a header can hold it, the same each time."""
    return text if _WORD.fullmatch(text) else sha256(text.encode("utf-8", "replace")).hexdigest()


async def _ask(
    url: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> tuple[int, Mapping[str, str], str]:
    """Post, and read the beginning of the answer; all of it has `seconds`."""
    async with asyncio.timeout(seconds):
        async with (
            httpx2.AsyncClient(follow_redirects=False, timeout=seconds) as client,
            client.stream("POST", url, headers=headers, content=body) as answer,
        ):
            text = await _beginning(answer)
            return answer.status_code, dict(answer.headers), text


async def _beginning(answer: httpx2.Response) -> str:
    found = b""
    async with aclosing(answer.aiter_raw(_READ)) as chunks:
        async for chunk in chunks:
            found += chunk
            if len(found) >= _READ:
                break
    return found[:_READ].decode("utf-8", "replace")


def _refusal(where: str, status: int, headers: Mapping[str, str], text: str) -> CouldNotSend:
    again = status in _AGAIN or status >= 500  # noqa: PLR2004 - the server's own fault
    told = f": {text}" if text else ""
    if 300 <= status < 400:  # noqa: PLR2004 - a redirect
        told = ", which would lead elsewhere; redirects are not followed"
    return CouldNotSend(
        f"{where} answered {status}{told}.",
        permanent=not again,
        retry_after=_wait(headers) if again else None,
    )


def _wait(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After: seconds, or a date, which counts from the server's own."""
    stated = headers.get("retry-after", "").strip()
    if stated.isascii() and stated.isdigit():
        return min(float(stated[:9]), _LONGEST_WAIT)
    until, now = _date(stated), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
