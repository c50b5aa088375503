"""Serves the application from a thread of this process, and ends when it is told to."""

import socket
import threading
import time
from asyncio import TimerHandle, Transport
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from driftwatch.config.service_model import WebSettings
from driftwatch.errors import ConfigError
from driftwatch.web.app import build_app
from driftwatch.web.gate import is_loopback
from driftwatch.web.office import Office

_PATIENCE = 10.0  # seconds that a client may take to say what it wants
_LONGEST_HEAD = 16 << 10
_MOST_CONNECTIONS = 512
_GRACE = 3  # seconds for what is being answered
_LAST = 2.0  # seconds for the thread to end after that
_START = 10.0


class WebServer:
    """The dashboard's server: `start` binds, so that a taken port is told at once."""

    def __init__(self, office: Office, settings: WebSettings) -> None:
        self._office = office
        self._settings = settings
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return the port that is listened on, 0 where none is."""
        return int(self._socket.getsockname()[1]) if self._socket else 0

    def start(self) -> None:
        """Begin to serve. Raises `ConfigError` where it may not or cannot listen."""
        tokens = self._office.installation.store.tokens.all()
        now = self._office.installation.now()
        live = [t for t in tokens if not t.revoked_at and not (t.expires_at and t.expires_at < now)]
        check_listening(self._settings, has_tokens=bool(live))
        self._socket = _bind(self._settings.host, self._settings.port)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._build_app(self._socket),
                http=_ImpatientProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=10,
                timeout_graceful_shutdown=_GRACE,
                h11_max_incomplete_event_size=_LONGEST_HEAD,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)
        self._thread.start()
        until = time.monotonic() + _START
        while not self._server.started and self._thread.is_alive() and time.monotonic() < until:
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop to listen, let what is being answered end, and end within five seconds."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_GRACE)
            self._server.force_exit = True
            self._thread.join(_LAST)
        if self._socket is not None:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def _build_app(self, bound: socket.socket) -> FastAPI:
        """Build the application, and let it know for good whether others can reach it."""
        app = build_app(self._office)
        inside = self._settings.is_loopback and is_loopback(bound.getsockname()[0])
        app.state.gate.bound_to_loopback = inside
        return app

    def _serve(self) -> None:
        if self._server is not None and self._socket is not None:
            self._server.run(sockets=[self._socket])


def check_listening(settings: WebSettings, *, has_tokens: bool) -> None:
    """Refuse to be reachable from elsewhere without knowing who asks. Raises `ConfigError`."""
    if settings.is_loopback or has_tokens or settings.proxy is not None:
        return
    raise ConfigError(
        f"web.listen: {settings.host} can be reached from other machines, and nobody could be told"
        " from anybody else. Make a token (`driftwatch token create NAME --role admin`), name a"
        " proxy that authenticates people (web.proxy), or listen on 127.0.0.1."
    )


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(256)
        except BaseException:
            made.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"web.listen: cannot listen on {host}:{port}: {reason}.") from error
    return made


class _ImpatientProtocol(H11Protocol):
    """Closes a connection whose client is slow to say what it wants; uvicorn would wait."""

    _deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def _watch(self) -> None:
        """Let the clock run from when a request may begin until its head is there."""
        if self.conn.their_state is not h11.IDLE:
            self._relax()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(_PATIENCE, self._close)

    def _relax(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self, *_: Any) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()
