"""What a trusted proxy says of who asks; from anybody else the same words mean nothing."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers
from starlette.types import Scope

from driftwatch.config.service_model import Proxy, Role, WebSettings
from driftwatch.web.problems import Problem

_LONGEST = 90  # so that it stays a name that decisions can bear
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a proxy vouches for."""

    user: str
    role: Role


def peer_of(scope: Scope) -> str:
    """Return the address that a request comes from."""
    client = scope.get("client")
    return client[0].removeprefix("::ffff:") if client else ""


def is_from_proxy(scope: Scope, proxy: Proxy | None) -> bool:
    """Say whether a request comes from an address whose word is taken."""
    if proxy is None:
        return False
    try:
        address = ip_address(peer_of(scope).partition("%")[0])
    except ValueError:
        return False
    return any(address in ip_network(network) for network in proxy.addresses)


def was_forwarded(headers: Headers) -> bool:
    """Say whether somebody passed a request on."""
    return any(name in headers for name in _FORWARDED)


def read_person(headers: Headers, proxy: Proxy) -> Person | None:
    """Read who a proxy says is there; None where it names nobody. Raises `Problem`."""
    user = _single(headers, proxy.user_header)
    if not user:
        return None
    told = _single(headers, proxy.role_header) if proxy.role_header else ""
    try:
        return Person(user, Role(told.lower()) if told else proxy.default_role)
    except ValueError as error:
        raise Problem(403, f"The proxy names a role that does not exist: {told!r}.") from error


def client_of(scope: Scope, headers: Headers, settings: WebSettings) -> str:
    """Name a client for rate limits: the address, and behind a proxy also the person."""
    peer = peer_of(scope)
    if settings.proxy and is_from_proxy(scope, settings.proxy):
        return f"{peer} {headers.get(settings.proxy.user_header, '')[:_LONGEST]}"
    return peer


def _single(headers: Headers, name: str) -> str:
    values = headers.getlist(name)
    if not values:
        return ""
    value = values[0].strip()
    if len(values) > 1 or len(value) > _LONGEST or not value.isprintable():
        raise Problem(400, f"The header {name} must come once, as one line of text.")
    return value
