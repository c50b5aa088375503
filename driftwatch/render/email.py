"""A notice as a mail: subject, text, HTML with its styles in place, and a picture of the trend."""

from dataclasses import dataclass

from driftwatch.domain.notice import Notice
from driftwatch.render.email_html import render_email_html
from driftwatch.render.email_text import render_email_text
from driftwatch.render.html import render_html
from driftwatch.render.notice import tally
from driftwatch.render.notice_cards import main_url
from driftwatch.render.notice_page import Page, make_page
from driftwatch.render.notice_subject import safe_name, subject
from driftwatch.render.trend import render_trend

TREND_ID = "trend@driftwatch"
"""What the HTML calls the picture (`cid:`)."""
LARGEST_HTML = 100_000
"""Bytes; Gmail cuts a mail off at about 102 KB."""

_LARGEST_ATTACHMENT = (
    5 << 20
)  # bytes; many servers take mails of 10 MB only, and base64 adds a third
_ROOMS = (30, 15, 7, 3, 1, 0)


@dataclass(frozen=True, slots=True)
class Email:
    """A mail without its envelope; `html` None where only the bare words could be written."""

    subject: str
    text: str
    html: str | None = None
    png: bytes | None = None
    attachment: str | None = None


def render_email(notice: Notice, *, attach_report: bool = False) -> Email:
    """Write a notice as a mail; whatever goes wrong in it, people are told that there is news."""
    try:
        return _full(notice, attach_report=attach_report)
    except Exception as error:  # noqa: BLE001 - no value that nobody thought of may lose the alert
        return bare_email(notice, type(error).__name__)


def bare_email(notice: Notice, trouble: str) -> Email:
    """Say only where something happened, in words that hold nothing from outside."""
    where = safe_name(notice.environment) or "An environment"
    sample = "Sample: " if notice.sample else ""
    url = main_url(notice)
    lines = [
        f"{where}: {tally(notice)}.",
        "",
        f"The full message could not be written ({trouble}).",
        f"See the dashboard: {url}" if url else "Run `driftwatch status` to see more.",
    ]
    return Email(f"{sample}{where} has news: see the dashboard", "\n".join(lines) + "\n")


def _full(notice: Notice, *, attach_report: bool) -> Email:
    png = render_trend(notice.trend)
    attachment, note = _attachment(notice) if attach_report else (None, "")
    page, html = _fitting(notice, note, TREND_ID if png else "")
    return Email(subject(notice), render_email_text(page), html, png, attachment)


def _fitting(notice: Notice, note: str, trend_id: str) -> tuple[Page, str]:
    """Lay out as many events as the largest HTML has room for."""
    pages = (make_page(notice, room, note) for room in _ROOMS)
    drafts = ((page, render_email_html(page, trend_id)) for page in pages)
    return next(draft for draft in drafts if len(draft[1].encode()) <= LARGEST_HTML)


def _attachment(notice: Notice) -> tuple[str | None, str]:
    html = render_html(notice.reports, notice.at)
    if len(html) > _LARGEST_ATTACHMENT:
        return None, "The full report is too large to be attached."
    return html, "The full report is attached."
