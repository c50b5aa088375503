"""The buttons of the dashboard: forms that only our own pages can send."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse

from driftwatch.config.service_model import Role
from driftwatch.desk import Wish, end_snooze, snooze
from driftwatch.web.deeds import drop_message, expect_snooze, queue_check, retry_message
from driftwatch.web.environment_page import find_environment
from driftwatch.web.gate import Act, acts, gate_of
from driftwatch.web.login import safe_path

router = APIRouter(include_in_schema=False)

Deed = Annotated[Act, Depends(acts(Role.OPERATOR))]


@router.post("/environments/{name}/check")
def check(request: Request, name: str, act: Deed) -> RedirectResponse:
    """Queue a check of an environment."""
    override = act.fields.get("override") == "yes"
    queue_check(gate_of(request).office, act.visitor, name, override=override)
    return RedirectResponse(f"/environments/{quote(name, safe='')}", 303)


@router.post("/environments/{name}/snooze")
def begin_snooze(request: Request, name: str, act: Deed) -> RedirectResponse:
    """Snooze a drift, or one attribute of it."""
    installation = gate_of(request).office.installation
    find_environment(installation, name)
    wish = Wish(
        environment=name,
        address=act.fields.get("address", ""),
        until=act.fields.get("until", ""),
        because=act.fields.get("because", ""),
        attribute=act.fields.get("attribute", ""),
    )
    snooze(installation, wish, act.visitor.actor)
    return RedirectResponse(f"/environments/{quote(name, safe='')}", 303)


@router.post("/snoozes/{number}/end")
def wake_up(request: Request, number: int, act: Deed) -> RedirectResponse:
    """End a snooze."""
    office = gate_of(request).office
    expect_snooze(office, number)
    end_snooze(office.installation, number, act.fields.get("because", ""), act.visitor.actor)
    return RedirectResponse(safe_path(act.fields.get("next", "/snoozes")), 303)


@router.post("/messages/{number}/retry")
def retry(request: Request, number: int, act: Deed) -> RedirectResponse:
    """Send a message again."""
    retry_message(gate_of(request).office, act.visitor, number)
    return RedirectResponse("/messages", 303)


@router.post("/messages/{number}/drop")
def drop(request: Request, number: int, act: Deed) -> RedirectResponse:
    """Give a message up."""
    drop_message(gate_of(request).office, act.visitor, number)
    return RedirectResponse("/messages", 303)
