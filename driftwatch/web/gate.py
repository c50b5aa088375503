"""Who asks, and what they may: tokens, sessions, a proxy's word, or being on this machine."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import cast

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Scope

from driftwatch.config.service_model import Role, WebSettings
from driftwatch.web.hosts import allowed_origins, is_public_https, names_here
from driftwatch.web.limits import Throttle
from driftwatch.web.office import Office
from driftwatch.web.problems import Problem, too_many
from driftwatch.web.proxies import is_from_proxy, peer_of, read_person, was_forwarded
from driftwatch.web.sessions import (
    BROWSER_COOKIE,
    SESSION_COOKIE,
    Session,
    Sessions,
    read_nonce,
)

_FORM_FIELD = "form_token"
_FORM_HEADER = "X-Form-Token"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_MOST_FIELDS = 20
_LOGINS_TOLD = 200  # failed logins that the audit log takes in one day


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may look at least; `bearer` where a program showed a token with its request."""

    actor: str
    role: Role
    bearer: bool = False
    session: Session | None = None

    def may(self, role: Role) -> bool:
        """Say whether a role is covered."""
        return self.role.may(role)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a visitor may do and asked for, with the fields of the form."""

    visitor: Visitor
    fields: dict[str, str]


class Gate:
    """Knows who asks. Raises `Problem` for whoever may not."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.bound_to_loopback = True  # what the server says of its socket; no reload changes it
        self.sessions = Sessions(secrets.token_bytes(32))
        self.throttle = Throttle()
        self._told: tuple[str, int] = ("", 0)
        self._guard = threading.Lock()

    @property
    def settings(self) -> WebSettings:
        """Return the settings that hold now."""
        return self.office.installation.config.web

    def now(self) -> datetime:
        """Tell the time."""
        return self.office.installation.now()

    def visitor(self, request: Request) -> Visitor | None:
        """Find out who asks; None is somebody unknown."""
        shown = request.headers.getlist("authorization")
        if len(shown) > 1:
            raise Problem(400, "Authorization must come once.")
        scheme, _, text = (shown[0] if shown else "").partition(" ")
        if scheme.lower() == "bearer" and text.strip().startswith("dw_"):
            token = self.prove(request, text.strip())
            return Visitor(f"token:{token[1]}", token[2], bearer=True)
        return self._vouched(request) or self._logged_in(request) or self._local(request)

    def prove(self, request: Request, text: str) -> tuple[int, str, Role]:
        """Return the number, name and role of a token, unless it is wrong or tried too often."""
        client, store = peer_of(request.scope), self.office.installation.store
        if wait := self.throttle.locked_for(client, text):
            raise too_many(wait, "Too many wrong tokens came from this address.")
        token = store.tokens.find(text, self.now()) if len(text) <= 200 else None  # noqa: PLR2004
        if token is None:
            if self.throttle.fail(client) and self._is_worth_a_line():
                subject = request.url.path[:200]
                store.audit.append(f"address:{client}", "login failed", subject, {}, self.now())
            raise unauthorized("This token is unknown, expired or revoked.")
        self.throttle.succeed(client, text)
        return token.number, token.name, token.role

    def _is_worth_a_line(self) -> bool:
        """Bound what strangers can make the audit log hold."""
        today = f"{self.now():%Y-%m-%d}"
        with self._guard:
            day, count = self._told
            self._told = (today, count + 1 if day == today else 1)
            return self._told[1] <= _LOGINS_TOLD

    def _vouched(self, request: Request) -> Visitor | None:
        proxy = self.settings.proxy
        if proxy is None or not is_from_proxy(request.scope, proxy):
            return None
        person = read_person(request.headers, proxy)
        return Visitor(f"proxy:{person.user}", person.role) if person else None

    def _logged_in(self, request: Request) -> Visitor | None:
        session = self.session_of(request)
        if session is None:
            return None
        now = self.now()
        for token in self.office.installation.store.tokens.all():
            ended = token.revoked_at or (token.expires_at and token.expires_at <= now)
            if token.number == session.token and not ended:
                return Visitor(f"token:{token.name}", token.role, session=session)
        return None

    def session_of(self, request: Request) -> Session | None:
        """Return the session that a browser's cookie names, if it goes on."""
        return self.sessions.read(request.cookies.get(SESSION_COOKIE, ""), self.now())

    def _local(self, request: Request) -> Visitor | None:
        """Let in who needs no token: on loopback whoever asks from this machine itself.

        What a proxy passed on was not asked here, although it comes from here.
        """
        settings = self.settings
        role = settings.anonymous
        if role is None or is_from_proxy(request.scope, settings.proxy):
            return None
        inside = settings.is_loopback and self.bound_to_loopback
        if role is Role.VIEWER:
            return Visitor("local" if inside else "anonymous", role)
        direct = is_within(request.scope) and not was_forwarded(request.headers)
        here = request.headers.get("host", "").lower() in names_here(_port(request))
        return Visitor("local", role) if inside and direct and here else None

    def is_secure(self, request: Request) -> bool:
        """Say whether cookies may travel over secure connections alone."""
        return is_public_https(self.settings, request.headers.get("host", "").lower())

    def nonce(self, request: Request) -> str:
        """Return what tells this browser from others, "" where it has nothing yet."""
        return read_nonce(request.cookies.get(BROWSER_COOKIE))

    def check_form(self, request: Request, actor: str, given: str) -> None:
        """Refuse what another site makes a browser send; it must come from a form of ours."""
        check_origin(request.headers, self.settings)
        if not self.sessions.is_form_token(given, self.nonce(request), actor):
            raise Problem(403, "This form is out of date. Load the page again.")


def check_origin(headers: Headers, settings: WebSettings) -> None:
    """Refuse a request that does not say that it comes from our own pages."""
    origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
    ours = allowed_origins(settings, headers.get("host", "").lower())
    foreign = any(origin.lower() not in ours for origin in origins)
    if foreign or any(site != "same-origin" for site in sites) or not (origins or sites):
        raise Problem(403, "Only driftwatch's own pages may ask for this without a token.")


def unauthorized(detail: str) -> Problem:
    """Ask for a token."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="driftwatch"'})


def gate_of(request: Request) -> Gate:
    """Return the gate that an application has."""
    return cast(Gate, request.app.state.gate)


def needs(role: Role) -> Callable[[Request], Visitor]:
    """Make a dependency that lets through whoever has a role."""

    def check(request: Request) -> Visitor:
        visitor = gate_of(request).visitor(request)
        if visitor is None:
            raise unauthorized("A token is needed: Authorization: Bearer dw_…")
        if not visitor.may(role):
            raise Problem(403, f"This needs the role {role}; yours is {visitor.role}.")
        return visitor

    return check


def acts(role: Role) -> Callable[..., object]:
    """Make a dependency for what changes something: no other site can make a browser ask for it."""
    lets = needs(role)

    async def check(request: Request) -> Act:
        visitor = await run_in_threadpool(lets, request)
        fields = await read_fields(request)
        if not visitor.bearer:
            given = request.headers.get(_FORM_HEADER) or fields.get(_FORM_FIELD, "")
            gate_of(request).check_form(request, visitor.actor, given)
        return Act(visitor, fields)

    return check


async def read_fields(request: Request) -> dict[str, str]:
    """Read a form's fields, where a form was sent."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FORMS:
        return {}
    form = await request.form(max_files=0, max_fields=_MOST_FIELDS)
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def is_within(scope: Scope) -> bool:
    """Say whether a connection began and ended on loopback."""
    ends = (scope.get("client"), scope.get("server"))
    return all(end is not None and is_loopback(end[0]) for end in ends)


def is_loopback(address: str) -> bool:
    """Say whether only this machine can be at an address, by IPv4, IPv6 or the one in the other."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _port(request: Request) -> int:
    server = request.scope.get("server") or ("", 0)
    return int(server[1] or 0)
