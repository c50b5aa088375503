"""The pages of the dashboard: the fleet, the queue, messages, snoozes, events, the audit log."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from driftwatch.config.service_model import Role
from driftwatch.desk import list_snoozes
from driftwatch.domain.model import Status
from driftwatch.errors import StoreError
from driftwatch.render.html import content_policy, render_html
from driftwatch.web.fleet import (
    PAGE,
    all_labels,
    all_owners,
    count_tiles,
    headline,
    sort_fleet,
)
from driftwatch.web.gate import Visitor, gate_of, needs
from driftwatch.web.problems import Problem, title_of
from driftwatch.web.queries import Before, Wanted, read_window
from driftwatch.web.templating import page

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Visitor, Depends(needs(Role.VIEWER))]
Admin = Annotated[Visitor, Depends(needs(Role.ADMIN))]
_TREND = 30  # checks that a sparkline shows


@router.get("/")
def fleet_page(
    request: Request,
    visitor: Viewer,
    wanted: Wanted,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Show the fleet at a glance."""
    installation = gate_of(request).office.installation
    now = installation.now()
    fleet = installation.store.watchlist.all()
    fitting = sort_fleet((one for one in fleet if wanted.fits(one, now)), now)
    first = (number - 1) * PAGE
    shown = fitting[first : first + PAGE]
    tiles = count_tiles(fleet, now)
    values = {
        "headline": headline(tiles),
        "tiles": tiles,
        "rows": shown,
        "trends": {
            one.environment: installation.store.reports.trend(one.environment, _TREND)
            for one in shown
        },
        "found": len(fitting),
        "total": len(fleet),
        "number": number,
        "pages": max(1, -(-len(fitting) // PAGE)),
        "wanted": wanted,
        "statuses": tuple(Status),
        "labels": all_labels(fleet),
        "owners": all_owners(fleet),
        "failing": sum(one.status is Status.FAILED for one in fleet),
    }
    return page(request, "fleet.html.j2", visitor, values)


@router.get("/reports/{number}", dependencies=[Depends(needs(Role.VIEWER))])
def report_page(request: Request, number: int) -> HTMLResponse:
    """Show a report as it was when it was made."""
    report = gate_of(request).office.installation.store.reports.numbered(_bounded(number))
    if report is None:
        raise Problem(404, "There is no such report; old ones are dropped after a while.")
    text = render_html([report], report.checked_at, f"Report {number}")
    policy = f"{content_policy()}; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy}
    return HTMLResponse(text.encode("utf-8", "replace"), headers=headers)


@router.get("/queue")
def queue_page(request: Request, visitor: Viewer) -> HTMLResponse:
    """Show what runs, what waits and why, and which windows are in force."""
    installation = gate_of(request).office.installation
    now = installation.now()
    jobs = installation.store.queue.all()
    values = {
        "running": [job for job in jobs if job.owner is not None],
        "waiting": [job for job in jobs if job.owner is None],
        "windows": [read_window(window, now) for window in installation.config.windows],
    }
    return page(request, "queue.html.j2", visitor, values)


@router.get("/messages")
def messages_page(request: Request, visitor: Viewer, before: Before = None) -> HTMLResponse:
    """Show what was sent to whom, what is to be sent, and what was given up."""
    outbox = gate_of(request).office.installation.store.outbox
    messages = outbox.newest(PAGE, before=before)
    values = {
        "unsent": []
        if before
        else [*outbox.newest(PAGE, "parked"), *outbox.newest(PAGE, "pending")],
        "messages": messages,
        "counts": outbox.counts(),
        "before": messages[-1].number if len(messages) == PAGE else None,
    }
    return page(request, "messages.html.j2", visitor, values)


@router.get("/snoozes")
def snoozes_page(request: Request, visitor: Viewer) -> HTMLResponse:
    """Show what people decided not to hear of."""
    snoozes = list_snoozes(gate_of(request).office.installation, ended=True)
    values = {
        "live": [snooze for snooze in snoozes if snooze.ended_at is None],
        "ended": [snooze for snooze in snoozes if snooze.ended_at is not None][:PAGE],
    }
    return page(request, "snoozes.html.j2", visitor, values)


@router.get("/events")
def events_page(request: Request, visitor: Viewer, before: Before = None) -> HTMLResponse:
    """Show what happened in the whole fleet."""
    events = gate_of(request).office.installation.store.ledger.events(None, PAGE, before)
    values = {"events": events, "before": events[-1][0] if len(events) == PAGE else None}
    return page(request, "events.html.j2", visitor, values)


@router.get("/audit")
def audit_page(request: Request, visitor: Admin, before: Before = None) -> HTMLResponse:
    """Show who did what."""
    entries = gate_of(request).office.installation.store.audit.entries(PAGE, before)
    values = {"entries": entries, "before": entries[-1].number if len(entries) == PAGE else None}
    return page(request, "audit.html.j2", visitor, values)


def error_page(request: Request, problem: Problem) -> HTMLResponse:
    """Show what is wrong, with a way back for whoever may look."""
    visitor = None
    with suppress(Problem, StoreError):
        visitor = gate_of(request).visitor(request)
    values = {"title": title_of(problem.status), "problem": problem}
    try:
        response = page(request, "error.html.j2", visitor, values, problem.status)
    except StoreError:
        response = page(request, "error.html.j2", None, values, problem.status)
    response.headers.update(problem.headers)
    return response


def _bounded(number: int) -> int:
    """Keep a number within what SQLite can hold."""
    if not 0 < number < 1 << 63:
        raise Problem(404, "There is no such report.")
    return number
