"""Logging in with a token, and out again."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from driftwatch.web.gate import gate_of, read_fields
from driftwatch.web.problems import Problem
from driftwatch.web.sessions import SESSION_COOKIE, SESSION_LENGTH
from driftwatch.web.templating import page

router = APIRouter(include_in_schema=False)


@router.get("/login")
def login_page(request: Request) -> Response:
    """Ask for a token."""
    values = {"next": safe_path(request.query_params.get("next", "")), "error": ""}
    return page(request, "login.html.j2", None, values)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session for whoever shows a token."""
    fields = await read_fields(request)
    return await run_in_threadpool(_log_in, request, fields)


def _log_in(request: Request, fields: Mapping[str, str]) -> Response:
    gate = gate_of(request)
    after = safe_path(fields.get("next", ""))
    gate.check_form(request, "", fields.get("form_token", ""))
    try:
        number, name, role = gate.prove(request, fields.get("token", "").strip())
    except Problem as problem:
        values = {"next": after, "error": problem.detail}
        response = page(request, "login.html.j2", None, values, problem.status)
        response.headers.update({k: v for k, v in problem.headers.items() if k == "Retry-After"})
        return response
    now = gate.now()
    store = gate.office.installation.store
    store.audit.append(f"token:{name}", "login", f"token {number}", {"role": role.value}, now)
    answer = RedirectResponse(after, 303)
    answer.set_cookie(
        SESSION_COOKIE,
        gate.sessions.begin(number, now),
        int(SESSION_LENGTH.total_seconds()),
        secure=gate.is_secure(request),
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End a session."""
    fields = await read_fields(request)
    return await run_in_threadpool(_log_out, request, fields)


def _log_out(request: Request, fields: Mapping[str, str]) -> Response:
    gate = gate_of(request)
    visitor = gate.visitor(request)
    gate.check_form(request, visitor.actor if visitor else "", fields.get("form_token", ""))
    if visitor and visitor.session:
        now = gate.now()
        gate.sessions.end(visitor.session, now)
        subject = f"token {visitor.session.token}"
        gate.office.installation.store.audit.append(visitor.actor, "logout", subject, {}, now)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return answer


def safe_path(text: str) -> str:
    """Return where to go after logging in: a path of ours, whatever was asked for."""
    plain = text.startswith("/") and text[1:2] not in ("/", "\\")
    return text if plain and text.isprintable() and "\\" not in text else "/"
