"""The JSON API under /api/v1."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import Response

from driftwatch.config.service_model import Role
from driftwatch.desk import Wish, end_snooze, list_snoozes, snooze
from driftwatch.render.json_report import render_json
from driftwatch.web.api_models import (
    AuditList,
    AuditModel,
    CheckList,
    CheckModel,
    CheckQuestion,
    EnvironmentList,
    EnvironmentModel,
    EventList,
    EventModel,
    JobModel,
    MessageList,
    MessageModel,
    QueuedModel,
    QueueModel,
    SnoozeList,
    SnoozeModel,
    SnoozeQuestion,
    WhoModel,
    WindowModel,
)
from driftwatch.web.deeds import drop_message, expect_snooze, queue_check, retry_message
from driftwatch.web.environment_page import find_environment
from driftwatch.web.gate import Act, Visitor, acts, gate_of, needs
from driftwatch.web.problems import MEDIA_TYPE, PROBLEM_SCHEMA, Problem
from driftwatch.web.queries import Before, Limit, Wanted, read_window

_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What is wrong with the request.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_SCHEMA}}},
    }
}
_REPORT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The report, as docs/report.schema.json describes it."}
}

router = APIRouter(prefix="/api/v1", responses=_PROBLEM)

Viewer = Annotated[Visitor, Depends(needs(Role.VIEWER))]
_VIEWER = [Depends(needs(Role.VIEWER))]
_ADMIN = [Depends(needs(Role.ADMIN))]
Deed = Annotated[Act, Depends(acts(Role.OPERATOR))]
MaybeName = Annotated[str | None, Query(max_length=200, description="Of this environment alone.")]


@router.get("/whoami")
def whoami(visitor: Viewer) -> WhoModel:
    """Say who asks, and what they may."""
    return WhoModel(actor=visitor.actor, role=visitor.role)


@router.get("/environments", dependencies=_VIEWER)
def environments(
    request: Request,
    wanted: Wanted,
    after: Annotated[str, Query(max_length=200, description="Names after this one.")] = "",
    limit: Limit = 100,
) -> EnvironmentList:
    """List what is watched, by name."""
    installation = gate_of(request).office.installation
    now = installation.now()
    fleet = installation.store.watchlist.all()
    found = [one for one in fleet if one.environment > after and wanted.fits(one, now)]
    shown = found[:limit]
    items = [EnvironmentModel.of(one, now) for one in shown]
    return EnvironmentList(items=items, after=shown[-1].environment if len(found) > limit else None)


@router.get("/environments/{name}", dependencies=_VIEWER)
def environment(request: Request, name: str) -> EnvironmentModel:
    """Say how an environment stands."""
    installation = gate_of(request).office.installation
    return EnvironmentModel.of(find_environment(installation, name), installation.now())


@router.get("/environments/{name}/checks", dependencies=_VIEWER)
def checks(request: Request, name: str, before: Before = None, limit: Limit = 100) -> CheckList:
    """List the checks of an environment."""
    installation = gate_of(request).office.installation
    find_environment(installation, name)
    found = installation.store.reports.checks(name, limit, before)
    items = [CheckModel.model_validate(check) for check in found]
    return CheckList(items=items, before=found[-1].number if len(found) == limit else None)


@router.post("/environments/{name}/check", status_code=202)
def check(
    request: Request,
    name: str,
    act: Deed,
    question: Annotated[CheckQuestion | None, Body()] = None,
) -> QueuedModel:
    """Queue a check that goes first."""
    override = question.override if question else False
    queue_check(gate_of(request).office, act.visitor, name, override=override)
    return QueuedModel(environment=name, override=override)


@router.get("/reports/{number}", responses=_REPORT, dependencies=_VIEWER)
def report(request: Request, number: int) -> Response:
    """Return a report, as of the time when it was made."""
    store = gate_of(request).office.installation.store
    found = store.reports.numbered(number) if 0 < number < 1 << 62 else None
    if found is None:
        raise Problem(404, "There is no such report; old ones are dropped after a while.")
    return Response(render_json([found], found.checked_at), media_type="application/json")


@router.get("/events", dependencies=_VIEWER)
def events(
    request: Request,
    environment: MaybeName = None,
    before: Before = None,
    limit: Limit = 100,
) -> EventList:
    """List what happened."""
    ledger = gate_of(request).office.installation.store.ledger
    found = ledger.events(environment, limit, before)
    items = [EventModel.of(event) for event in found]
    return EventList(items=items, before=found[-1][0] if len(found) == limit else None)


@router.get("/queue", dependencies=_VIEWER)
def queue(request: Request) -> QueueModel:
    """List checks that run and wait, and the windows that there are."""
    installation = gate_of(request).office.installation
    jobs, now = installation.store.queue.all(), installation.now()
    return QueueModel(
        running=[JobModel.of(job) for job in jobs if job.owner is not None],
        waiting=[JobModel.of(job) for job in jobs if job.owner is None],
        windows=[WindowModel.of(read_window(w, now)) for w in installation.config.windows],
    )


@router.get("/messages", dependencies=_VIEWER)
def messages(
    request: Request,
    state: Annotated[
        str | None, Query(pattern="^(held|pending|sending|sent|parked|dropped)$")
    ] = None,
    environment: MaybeName = None,
    before: Before = None,
    limit: Limit = 100,
) -> MessageList:
    """List what was sent to whom, what is to be sent, and what was given up."""
    outbox = gate_of(request).office.installation.store.outbox
    found = outbox.newest(limit, state, environment=environment, before=before)
    items = [MessageModel.model_validate(message) for message in found]
    return MessageList(items=items, before=found[-1].number if len(found) == limit else None)


@router.post("/messages/{number}/retry", status_code=204)
def retry(request: Request, number: int, act: Deed) -> None:
    """Send a parked message again, or a waiting one at once."""
    retry_message(gate_of(request).office, act.visitor, number)


@router.post("/messages/{number}/drop", status_code=204)
def drop(request: Request, number: int, act: Deed) -> None:
    """Give a message up."""
    drop_message(gate_of(request).office, act.visitor, number)


@router.get("/snoozes", dependencies=_VIEWER)
def snoozes(
    request: Request,
    environment: MaybeName = None,
    ended: Annotated[bool, Query(description="Those that have ended, too.")] = False,
) -> SnoozeList:
    """List what people decided not to hear of."""
    found = list_snoozes(gate_of(request).office.installation, environment, ended=ended)
    return SnoozeList(items=[SnoozeModel.model_validate(one) for one in found])


@router.post("/snoozes", status_code=201)
def add_snooze(request: Request, act: Deed, question: SnoozeQuestion) -> SnoozeModel:
    """Snooze a drift, or one attribute of it."""
    installation = gate_of(request).office.installation
    find_environment(installation, question.environment)
    made = snooze(installation, Wish(**question.model_dump()), act.visitor.actor)
    return SnoozeModel.model_validate(made)


@router.delete("/snoozes/{number}", status_code=204)
def remove_snooze(request: Request, number: int, act: Deed) -> None:
    """End a snooze before its time."""
    office = gate_of(request).office
    expect_snooze(office, number)
    end_snooze(office.installation, number, "", act.visitor.actor)


@router.get("/audit", dependencies=_ADMIN)
def audit(request: Request, before: Before = None, limit: Limit = 100) -> AuditList:
    """List who did what."""
    found = gate_of(request).office.installation.store.audit.entries(limit, before)
    items = [AuditModel.model_validate(entry) for entry in found]
    return AuditList(items=items, before=found[-1].number if len(found) == limit else None)
