"""What goes wrong with a request, as RFC 9457 describes it."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
PROBLEM_SCHEMA = "#/components/schemas/Problem"


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """Refuse a request, and say why."""

    def __init__(
        self, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class ProblemDocument(BaseModel):
    """Say what is wrong with a request (RFC 9457)."""

    type: str = Field(default="about:blank")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong, for people.")


def title_of(status: int) -> str:
    """Name a status in words."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem_response(problem: Problem) -> JSONResponse:
    """Answer with a problem for machines."""
    document = ProblemDocument(
        title=title_of(problem.status), status=problem.status, detail=problem.detail
    )
    return JSONResponse(
        document.model_dump(), problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def too_many(wait: float, detail: str) -> Problem:
    """Ask to come back later."""
    return Problem(429, detail, headers={"Retry-After": str(max(1, round(wait + 0.5)))})
