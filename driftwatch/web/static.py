"""Style and script, each under a name that says what is in it: kept for ever, never out of date."""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import Response

from driftwatch.web.problems import Problem

router = APIRouter(include_in_schema=False)

_KINDS = {
    "dashboard.css": "text/css; charset=utf-8",
    "dashboard.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}


@cache
def _content(name: str) -> bytes:
    return (files("driftwatch.web") / "static" / name).read_bytes()


@cache
def static_url(name: str) -> str:
    """Return where a file is, under the name of its content."""
    stem, _, kind = name.rpartition(".")
    return f"/static/{stem}.{sha256(_content(name)).hexdigest()[:16]}.{kind}"


@cache
def _names() -> dict[str, str]:
    return {static_url(name).removeprefix("/static/"): name for name in _KINDS}


@router.get("/static/{name}")
def asset(name: str) -> Response:
    """Return a file of the dashboard."""
    known = _names().get(name)
    if known is None:
        raise Problem(404, "There is no such file.")
    headers = {
        "Cache-Control": "public, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }
    return Response(_content(known), media_type=_KINDS[known], headers=headers)
