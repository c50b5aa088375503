"""A notice for chat rooms and pagers: a title and some lines of plain text, whatever their markup.

Every service reads its own markup into text, so what comes from outside is not only made visible: a
zero-width space parts every sign that could call people or link from what follows it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from driftwatch.domain.model import Severity
from driftwatch.domain.notice import Notice
from driftwatch.render.notice import (
    ADDRESS,
    find_items,
    label,
    opening,
    reason,
    sentence,
    shown,
    tally,
    worst,
)
from driftwatch.render.notice_cards import main_url
from driftwatch.render.notice_subject import safe_name, subject

_ACTS = re.compile(r"[@#<](?!\u200b)|\](?=\()")
_PART = "\u200b"
LONGEST_TITLE = 250
"""Characters; no subject is longer."""

_MOST = 10  # events; who wants all opens the report


@dataclass(frozen=True, slots=True)
class Chat:
    """A message; `severity` is that of its worst alarm, None where it tells of reliefs alone."""

    title: str
    body: str
    severity: Severity | None


def render_chat(notice: Notice, limit: int) -> Chat:
    """Write a notice in at most `limit` characters of body, whole lines, the worst first."""
    severity = _severity(notice)
    try:
        return Chat(subject(notice), _body(notice, limit), severity)
    except Exception as error:  # noqa: BLE001 - no value that nobody thought of may lose the alert
        where = safe_name(notice.environment) or "An environment"
        words = f"{tally(notice)}. The message could not be written ({type(error).__name__})."
        return Chat(f"{where} has news: see the dashboard", words, severity)


def _severity(notice: Notice) -> Severity | None:
    good = all(event.kind.is_good for event in notice.events)
    return None if good and notice.events else worst(notice.events)


def _body(notice: Notice, limit: int) -> str:
    lines = list(_lines(notice))
    link = main_url(notice)
    room = limit - (len(link) + 1 if link else 0)
    kept: list[str] = []
    for at, line in enumerate(lines):
        rest = f"… and {len(lines) - at} more lines"
        if len(line) + 1 + len(rest) > room:
            kept.append(rest if len(rest) <= room else "")
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join(line for line in (*kept, link) if line)[:limit]


def _lines(notice: Notice) -> Iterator[str]:
    """Give the opening, then each event where there are several."""
    if notice.sample:
        yield "This is a sample: nothing of it happened."
    yield from (_inert(line) for line in opening(notice) if line)
    items = find_items(notice)
    if len(items) == 1 and not notice.digest:
        return
    for item in items[:_MOST]:
        where = f"{shown(item.event.environment, ADDRESS)}: " if notice.digest else ""
        why = reason(item, notice.at)
        yield _inert(" ".join(f"{label(item.event)} {where}{sentence(item)} {why}".split()))
    if len(items) > _MOST:
        yield f"… and {len(items) - _MOST} more"


def _inert(text: str) -> str:
    return _ACTS.sub(rf"\g<0>{_PART}", text)
