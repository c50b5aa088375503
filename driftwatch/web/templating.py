"""Writes pages: every value is made visible and escaped, every form bears its token."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from driftwatch.config.service_model import Role
from driftwatch.domain.address import format_path
from driftwatch.domain.model import Status
from driftwatch.render.html_parts import ICONS, safe_link
from driftwatch.render.text import describe_action, describe_kind, explain_kind, visible
from driftwatch.web.gate import Visitor, gate_of
from driftwatch.web.pictures import ages, sparkline, trend
from driftwatch.web.sessions import BROWSER_COOKIE, new_nonce
from driftwatch.web.static import static_url
from driftwatch.web.timeline import event_title
from driftwatch.web.words import exact, plural, process_of, span, when

_KEEP = 400 * 86400  # seconds that a browser keeps its nonce

_NAVIGATION = (
    ("/", "Fleet", Role.VIEWER),
    ("/queue", "Queue", Role.VIEWER),
    ("/events", "Events", Role.VIEWER),
    ("/messages", "Messages", Role.VIEWER),
    ("/snoozes", "Snoozes", Role.VIEWER),
    ("/audit", "Audit", Role.ADMIN),
)


def page(
    request: Request,
    template: str,
    visitor: Visitor | None,
    values: dict[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """Write a page for a visitor; None is a stranger."""
    gate = gate_of(request)
    actor = visitor.actor if visitor else ""
    nonce = gate.nonce(request) or new_nonce()
    shared = {
        "visitor": visitor,
        "may_act": visitor is not None and visitor.may(Role.OPERATOR),
        "may_rule": visitor is not None and visitor.may(Role.ADMIN),
        "navigation": [
            (path, name) for path, name, role in _NAVIGATION if visitor and visitor.may(role)
        ],
        "path": request.url.path,
        "now": gate.now(),
        "form_token": gate.sessions.form_token(nonce, actor),
        "problems": (),
        "parked": 0,
    }
    if visitor:
        shared |= _troubles(request)
    text = _environment().get_template(template).render(shared | values)
    response = HTMLResponse(text.encode("utf-8", "replace"), status)
    if not gate.nonce(request):
        secure = gate.is_secure(request)
        response.set_cookie(
            BROWSER_COOKIE, nonce, _KEEP, secure=secure, httponly=True, samesite="strict"
        )
    return response


def _troubles(request: Request) -> dict[str, Any]:
    office = gate_of(request).office
    return {
        "problems": office.problems(),
        "parked": office.installation.store.outbox.counts().get("parked", 0),
    }


@cache
def _environment() -> Environment:
    folder = files("driftwatch.web") / "templates"
    sources = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".j2")
    }
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"path": _path, "query": _query}
    environment.tests["late"] = lambda status: status in (Status.STALE, Status.NEVER)
    environment.globals |= {
        "ages": ages,
        "asset": static_url,
        "describe_action": describe_action,
        "describe_kind": describe_kind,
        "event_title": event_title,
        "exact": exact,
        "explain_kind": explain_kind,
        "format_path": format_path,
        "icons": ICONS,
        "plural": plural,
        "process_of": process_of,
        "safe_link": safe_link,
        "span": span,
        "sparkline": sparkline,
        "time": _time,
        "trend": trend,
    }
    return environment


def _shown(value: object) -> object:
    """Write what a reader would not see as an escape, in every value that a template prints."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _path(text: str) -> str:
    return quote(text.encode("utf-8", "replace"), safe="")


def _query(values: dict[str, object]) -> str:
    return urlencode({name: value for name, value in values.items() if value not in ("", None)})


def _time(moment: datetime | None, now: datetime) -> Markup:
    if moment is None:
        return Markup('<span class="quiet">never</span>')
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), exact(moment), when(moment, now)
    )
