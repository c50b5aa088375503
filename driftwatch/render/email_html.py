"""A mail as HTML: tables for layout and styles in place, as mail programs want it."""

import re
from functools import cache
from importlib.resources import files

from css_inline import CSSInliner
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup, escape

from driftwatch.render.notice_page import Page
from driftwatch.render.trend import HEIGHT, WIDTH


def render_email_html(page: Page, trend_id: str) -> str:
    """Write a page as one HTML document; `trend_id` is the picture's Content-ID, "" for none."""
    html = _template().render(
        page=page,
        trend_id=trend_id,
        width=WIDTH,
        height=HEIGHT,
        style=Markup(_asset("notice.css")),  # noqa: S704 - our own file, without any value in it
    )
    return _inliner().inline(html)


def _inliner() -> CSSInliner:
    """Put styles in place; what is for dark or small screens alone stays a rule at the top."""
    return CSSInliner(load_remote_stylesheets=False, keep_at_rules=True, minify_css=True)


def _breakable(address: str) -> Markup:
    """Let a long address break after its dots on a narrow screen."""
    return Markup("<wbr>").join(escape(step) for step in re.split(r"(?<=\.)", address))


def _asset(name: str) -> str:
    return (files("driftwatch.render") / "templates" / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["breakable"] = _breakable
    return environment.from_string(_asset("notice.html.j2"))
