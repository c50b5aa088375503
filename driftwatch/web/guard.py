"""What every request meets first: known host, rate, size and patience; and what every answer bears.

It is plain ASGI, so that nothing reads a body before its limits hold.
"""

import asyncio
from collections.abc import Iterable
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from driftwatch.web.hosts import allowed_hosts
from driftwatch.web.limits import Buckets, Limits
from driftwatch.web.office import Office
from driftwatch.web.problems import Problem, problem_response, too_many
from driftwatch.web.proxies import client_of

log = structlog.get_logger("driftwatch.web")

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # no-referrer makes browsers send `Origin: null` with forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CLOSE = {"Connection": "close"}


class Guard:
    """Let through what may pass, and turn everything else away with a reason."""

    def __init__(self, app: ASGIApp, office: Office, limits: Limits) -> None:
        self._app = app
        self._office = office
        self._limits = limits
        self._buckets = Buckets(limits.rate, limits.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            self._examine(scope)
            limited = _Body(receive, self._limits, scope)
            await self._app(scope, limited, answer)
        except Problem as problem:
            await problem_response(problem)(scope, receive, answer)
        except Exception:
            # The one boundary: a stack trace is for the log, never for the client.
            log.exception("a request failed", path=quote(scope["path"]))
            if answer.begun:
                raise
            broken = Problem(500, "Something went wrong in driftwatch; its log says what.")
            await problem_response(broken)(scope, receive, answer)

    def _examine(self, scope: Scope) -> None:
        settings = self._office.installation.config.web
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        server = scope.get("server") or ("", 0)
        if len(hosts) != 1 or hosts[0].lower() not in allowed_hosts(settings, server):
            raise Problem(421, "This is not the host that you are looking for.", headers=_CLOSE)
        if wait := self._buckets.take(client_of(scope, headers, settings)):
            raise too_many(wait, "Too many requests.")
        most = self._most(scope, headers)
        if int(_digits(headers.getlist("content-length"))) > most:
            raise Problem(413, f"At most {most} bytes are read.", headers=_CLOSE)

    def _most(self, scope: Scope, headers: Headers) -> int:
        return most_bytes(self._limits, scope, headers)


def most_bytes(limits: Limits, scope: Scope, headers: Headers) -> int:
    """Say how large the body of a request may be: a form of ours is small."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    ours = kind in _FORMS and not scope["path"].startswith("/hooks/")
    return limits.form if ours else limits.body


def _digits(values: Iterable[str]) -> str:
    return next((value for value in values if value.isascii() and value.isdigit()), "0")


class _Body:
    """Gives the body piece by piece, as long as it is neither too large nor too slow."""

    def __init__(self, receive: Receive, limits: Limits, scope: Scope) -> None:
        self._receive = receive
        self._left = self._most = most_bytes(limits, scope, Headers(scope=scope))
        self._until = asyncio.get_running_loop().time() + limits.patience
        self._done = False

    async def __call__(self) -> Message:
        if self._done:
            return await self._receive()  # waits for the client to go away
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "The body took too long.", _CLOSE) from error
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413, f"At most {self._most} bytes are read.", _CLOSE)
        self._done = not message.get("more_body", False)
        return message


class _Answer:
    """Sends an answer with the headers that every answer bears, unless it has its own."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
