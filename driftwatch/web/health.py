"""Whether driftwatch is well: for service managers, load balancers and Prometheus."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from driftwatch.config.service_model import Role
from driftwatch.web.gate import gate_of, needs
from driftwatch.web.metrics import CONTENT_TYPE, render_metrics
from driftwatch.web.problems import Problem

router = APIRouter(include_in_schema=False)

_VIEWER = [Depends(needs(Role.VIEWER))]


@router.api_route("/healthz", methods=["GET", "HEAD"])
def healthz(request: Request) -> Response:
    """Say whether the clock and the queue move; why not is for those who may look."""
    gate = gate_of(request)
    problems = gate.office.problems()
    if not problems:
        return PlainTextResponse("ok\n")
    try:
        known = gate.visitor(request) is not None
    except Problem:
        known = False
    told = "\n".join(problems) if known else "not healthy"
    return PlainTextResponse(f"{told}\n", 503)


@router.api_route("/readyz", methods=["GET", "HEAD"])
def readyz(request: Request) -> Response:
    """Say whether requests can be answered: the store can be read."""
    gate_of(request).office.installation.store.fact("ready")
    return PlainTextResponse("ok\n")


@router.get("/metrics", dependencies=_VIEWER)
def metrics(request: Request) -> Response:
    """Return everything that can be measured, for Prometheus."""
    return Response(render_metrics(gate_of(request).office), media_type=CONTENT_TYPE)


@router.get("/openapi.json", dependencies=_VIEWER)
def openapi(request: Request) -> Response:
    """Describe the API."""
    return JSONResponse(request.app.openapi())
