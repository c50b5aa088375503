"""Push webhooks: a forge tells of a push, and what it touches is checked soon.

A body is only a hint: it decides which of our own environments are looked at, nothing else.
"""

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from driftwatch.bootstrap import Installation
from driftwatch.config.service_model import Hook
from driftwatch.domain.environment import Repository
from driftwatch.web.gate import gate_of
from driftwatch.web.office import Office
from driftwatch.web.problems import Problem
from driftwatch.web.pushes import Push, find_repositories, parse_push, touched
from driftwatch.web.signatures import Headers, delivery_ids, event_of, is_genuine

log = structlog.get_logger("driftwatch.web")

router = APIRouter(include_in_schema=False)


@router.post("/hooks/{name}")
async def hook(name: str, request: Request) -> Response:
    """Take what a forge tells of."""
    office = gate_of(request).office
    known = {found.name: found for found in office.installation.config.web.hooks}
    if name not in known:
        raise Problem(404, "There is no such hook.")
    body = await request.body()
    return await run_in_threadpool(_take, office, known[name], request.headers.getlist, body)


def _take(office: Office, hook: Hook, headers: Headers, body: bytes) -> Response:
    now = office.installation.now()
    if not is_genuine(hook, headers, body, now):
        log.warning("a push is not signed with our secret", hook=hook.name)
        raise Problem(401, "The signature is missing or wrong.")
    event = event_of(hook, headers)
    if event == "ping":
        return JSONResponse({"status": "pong"})
    if event != "push":
        return Response(status_code=204)
    kinds = headers("content-type")
    try:
        push = parse_push(body, kinds[0] if kinds else "")
    except ValueError as error:
        raise Problem(400, f"{error}.") from error
    if push is None:
        return Response(status_code=204)
    store, repositories = office.installation.store, _pushed_to(office.installation, hook, push)
    names = touched(push, store.watchlist.all(), repositories) if repositories else []
    if not store.take_push(hook.name, delivery_ids(hook, headers, body), names, now):
        return JSONResponse({"status": "seen"})
    if names:
        office.wake()
        detail = {"branch": push.branch, "files": len(push.files), "environments": len(names)}
        subject = ", ".join(repository.name for repository in repositories)
        store.audit.append(f"hook:{hook.name}", "check.queue", subject, detail, now)
    return JSONResponse({"status": "queued", "environments": names}, 202)


def _pushed_to(installation: Installation, hook: Hook, push: Push) -> list[Repository]:
    allowed = [
        repository
        for repository in installation.config.repositories
        if not hook.repositories or repository.name in hook.repositories
    ]
    return find_repositories(push, allowed)
