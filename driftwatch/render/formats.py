"""The formats that a report can be written in, and the renderer of each."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from importlib import import_module

from driftwatch.domain.model import Report


class Format(StrEnum):
    """Name a format as people type it."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    SARIF = "sarif"
    JUNIT = "junit"

    @property
    def extension(self) -> str:
        """Name the end of a file that holds this format, dot included."""
        return _EXTENSIONS[self]


_EXTENSIONS = {
    Format.TABLE: ".txt",
    Format.JSON: ".json",
    Format.MARKDOWN: ".md",
    Format.HTML: ".html",
    Format.SARIF: ".sarif",
    Format.JUNIT: ".junit.xml",
}

# By name, because jinja2, msgspec and rich are slow to import and a command needs one of them.
_RENDERERS = {
    Format.JSON: ("json_report", "render_json"),
    Format.MARKDOWN: ("markdown", "render_markdown"),
    Format.HTML: ("html", "render_html"),
    Format.SARIF: ("sarif", "render_sarif"),
    Format.JUNIT: ("junit", "render_junit"),
}


def render(
    chosen: Format, reports: Sequence[Report], now: datetime, width: int = 80, color: bool = False
) -> str:
    """Write reports in the chosen format; `width` and `color` are for the table alone."""
    if chosen is Format.TABLE:
        module = import_module("driftwatch.render.terminal")
        table: str = module.render_terminal(reports, now, width, color)
        return table
    name, function = _RENDERERS[chosen]
    renderer: Callable[[Sequence[Report], datetime], str] = getattr(
        import_module(f"driftwatch.render.{name}"), function
    )
    return renderer(reports, now)
