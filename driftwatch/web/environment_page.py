"""The page of one environment: how it stands, what is off, and how that came about."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from driftwatch.bootstrap import Installation
from driftwatch.config.service_model import Role
from driftwatch.desk import list_snoozes
from driftwatch.domain.model import Decision, Report
from driftwatch.domain.snoozing import refusal
from driftwatch.domain.watched import Check, Watched
from driftwatch.render.html_parts import failure_advice
from driftwatch.web.gate import Visitor, gate_of, needs
from driftwatch.web.pictures import Bar
from driftwatch.web.problems import Problem
from driftwatch.web.queries import Before
from driftwatch.web.templating import page
from driftwatch.web.timeline import Numbered, build_timeline

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Visitor, Depends(needs(Role.VIEWER))]
_CHECKS = 200
_EVENTS = 1000
_MESSAGES = 20
_TREND = 200
_MOST_DRIFTS = 200


@router.get("/environments/{name}")
def environment_page(
    request: Request, visitor: Viewer, name: str, before: Before = None
) -> HTMLResponse:
    """Show one environment."""
    installation = gate_of(request).office.installation
    one = find_environment(installation, name)
    store, now = installation.store, installation.now()
    report = store.reports.numbered(one.report) if one.report else None
    checks = store.reports.checks(name, _CHECKS, before)
    events = _events(installation, checks, name, before)
    shown = _worst_first(report)
    values = {
        "one": one,
        "status": one.status_at(now),
        "stale": timedelta(seconds=one.stale_after),
        "report": report,
        "advice": failure_advice(report) if report else "",
        "drifts": shown[:_MOST_DRIFTS],
        "more_drifts": max(0, len(shown) - _MOST_DRIFTS),
        "refusals": {d.finding.drift.key: refusal(d.finding.drift) for d in shown},
        "bars": [
            Bar(d.finding.drift.address, d.finding.severity.value, now - d.first_seen)
            for d in shown
        ],
        "points": store.reports.trend(name, _TREND),
        "snoozes": list_snoozes(installation, name),
        "messages": store.outbox.newest(_MESSAGES, environment=name),
        "timeline": build_timeline(checks, events),
        "before": checks[-1].number if len(checks) == _CHECKS else None,
        "paged": before is not None,
        "job": next((job for job in store.queue.all() if job.environment == name), None),
    }
    return page(request, "environment.html.j2", visitor, values)


def find_environment(installation: Installation, name: str) -> Watched:
    """Find a watched environment. Raises `Problem`."""
    one = installation.store.watchlist.find(name)
    if one is None:
        raise Problem(404, "No environment of this name is watched.")
    return one


def _events(
    installation: Installation, checks: Sequence[Check], name: str, before: int | None
) -> list[Numbered]:
    """List the events that happened while a page of checks was made."""
    events = installation.store.ledger.events(name, _EVENTS)
    oldest = checks[-1].checked_at if len(checks) == _CHECKS else None
    newest = checks[0].checked_at if before and checks else None
    return [
        found
        for found in events
        if (oldest is None or found[2].at >= oldest) and (newest is None or found[2].at <= newest)
    ]


def _worst_first(report: Report | None) -> list[Decision]:
    shown = report.visible if report else ()
    return sorted(shown, key=lambda d: (d.finding.severity.rank, d.first_seen))
