"""Reports as one self-contained HTML file that asks nobody for anything."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from driftwatch.domain.model import Kind, Reason, Report, Severity, Status
from driftwatch.render.html_parts import (
    ICONS,
    attribute_rows,
    failure_advice,
    safe_link,
    since,
    summary,
)
from driftwatch.render.text import (
    ago,
    describe_action,
    describe_kind,
    describe_snooze,
    explain_kind,
    headline,
    sort_worst_first,
    visible,
)

_OPEN_UP_TO = 30  # findings on the page that stand open; more would bury the reader

_LEGEND = (
    (Kind.DRIFT, None),
    (Kind.UNOPPOSED, Reason.UNDECLARED),
    (Kind.CONFLICT, None),
    (Kind.PENDING, None),
    (Kind.UNOPPOSED, Reason.CODIFIED),
    (Kind.UNOPPOSED, Reason.IGNORED),
    (Kind.UNKNOWN, None),
)


@dataclass(frozen=True, slots=True)
class Tile:
    """How many environments have one status."""

    status: Status
    icon: str
    count: int


def render_html(reports: Sequence[Report], now: datetime, title: str = "Drift report") -> str:
    """Write the fleet's state and findings, worst first, as one HTML document."""
    ordered = sort_worst_first(reports, now)
    style, script = _asset("report.css"), _asset("report.js")
    shown = sum(len(report.visible) for report in ordered)
    return _template().render(
        title=title,
        headline=headline(ordered, now),
        now=now,
        reports=ordered,
        tiles=tuple(_tiles(ordered, now)),
        severities=tuple(Severity),
        kinds=tuple(Kind),
        legend=_LEGEND,
        open=shown <= _OPEN_UP_TO,
        style=Markup(style),  # noqa: S704 - our own file, and no value is ever put into it
        script=Markup(script),  # noqa: S704 - likewise
        policy=_policy(style, script),
    )


def content_policy() -> str:
    """Return the Content-Security-Policy that every page of `render_html` holds."""
    return _policy(_asset("report.css"), _asset("report.js"))


def _tiles(reports: Sequence[Report], now: datetime) -> Iterator[Tile]:
    statuses = [report.status_at(now) for report in reports]
    for status in Status:
        if count := statuses.count(status):
            yield Tile(status, ICONS[status], count)


def _policy(style: str, script: str) -> str:
    """Allow this very style and this very script, and nothing else: no request leaves the page."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


@cache
def _asset(name: str) -> str:
    return (files("driftwatch.render") / "templates" / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = visible
    environment.globals |= {
        "ago": ago,
        "attribute_rows": attribute_rows,
        "describe_action": describe_action,
        "describe_kind": describe_kind,
        "describe_snooze": describe_snooze,
        "explain_kind": explain_kind,
        "failure_advice": failure_advice,
        "icons": ICONS,
        "safe_link": safe_link,
        "since": since,
        "summary": summary,
    }
    return environment.from_string(_asset("report.html.j2"))
