"""Puts the web together: pages, API, metrics, webhooks, and what stands before all of them."""

from importlib.metadata import version
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from driftwatch.errors import DriftwatchError, StoreError, UsageError
from driftwatch.web import actions, api, environment_page, health, hooks, login, pages, static
from driftwatch.web.gate import Gate
from driftwatch.web.guard import Guard
from driftwatch.web.limits import Limits
from driftwatch.web.office import Office
from driftwatch.web.pages import error_page
from driftwatch.web.problems import Problem, ProblemDocument, problem_response, title_of

_MACHINES = ("/api/", "/hooks/", "/metrics", "/healthz", "/readyz", "/openapi.json", "/static/")
_SAFE = ("GET", "HEAD")
_PLAIN = {404: "There is nothing at this address.", 405: "This cannot be done at this address."}
PARTS = (pages, environment_page, login, actions, static, health, hooks, api)


def build_app(office: Office, limits: Limits | None = None) -> FastAPI:
    """Build the application for an office."""
    app = FastAPI(
        title="driftwatch",
        version=version("driftwatch"),
        description="Watches Terraform environments for drift. See docs/api.md.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.gate = Gate(office)
    app.add_middleware(Guard, office=office, limits=limits or Limits())
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(DriftwatchError, _on_error)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for part in PARTS:
        app.include_router(part.router)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """Describe the API as OpenAPI; requests that are malformed are problems like all others."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"token": []}]
        models = schema["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            models.pop(name, None)
        models["Problem"] = ProblemDocument.model_json_schema()
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        app.openapi_schema = schema
    return app.openapi_schema


async def _on_problem(request: Request, error: Exception) -> Response:
    return await _tell(request, cast(Problem, error))


async def _on_error(request: Request, error: Exception) -> Response:
    if isinstance(error, UsageError):
        return await _tell(request, Problem(409, str(error)))
    status = 503 if isinstance(error, StoreError) else 500
    return await _tell(request, Problem(status, "driftwatch cannot answer now; its log says why."))


async def _on_http(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    title = title_of(found.status_code)
    detail = found.detail if found.detail != title else _PLAIN.get(found.status_code, f"{title}.")
    return await _tell(request, Problem(found.status_code, detail, headers=found.headers))


async def _on_invalid(request: Request, error: Exception) -> Response:
    problems = cast(RequestValidationError, error).errors()
    told = "; ".join(f"{'.'.join(map(str, p['loc'][1:]))}: {p['msg']}" for p in problems[:5])
    return await _tell(request, Problem(400, told or "The request is malformed."))


async def _tell(request: Request, problem: Problem) -> Response:
    """Answer machines with a document, people with a page, and strangers with the login."""
    path = request.url.path
    if path.startswith(_MACHINES):
        return problem_response(problem)
    if problem.status == 401 and request.method in _SAFE:  # noqa: PLR2004 - unauthorized
        asked = f"{path}?{request.url.query}" if request.url.query else path
        return RedirectResponse(f"/login?next={quote(asked, safe='')}", 303)
    return await run_in_threadpool(error_page, request, problem)
