"""Values as GitHub-flavoured Markdown that stays inert, wherever it is quoted.

Code spans alone are not enough: a reply by e-mail strips them and wakes mentions up, so `@`, `#`
and `://` are also parted from what follows by a zero-width space.
"""

import html
import re
from urllib.parse import quote

from driftwatch.domain.model import Location
from driftwatch.render.text import visible

_LIVE = re.compile(r"[@#]|:(?=//)|www(?=\.)|\bGH(?=-\d)", re.IGNORECASE)
_ACTIVE = re.compile(r"[\\`*_\[\]<>#|~&@$]")
_BACKTICKS = re.compile("`+")
_EDGED = re.compile(r"\A(?:`|[ ]+[^ ])|(?:`|[^ ][ ]+)\Z")
_WEB = re.compile(r"https?://", re.IGNORECASE)
_BAR = r"\|"
_URL_SAFE = "/:?#@!$&'*+,;=~%-._"


def clip(text: str, limit: int) -> str:
    """Make text visible and shorten it to `limit` characters and the mark of the cut."""
    shown = visible(text[:limit])
    return shown if len(text) <= limit and len(shown) <= limit else f"{shown[:limit]}…"


def code(text: str) -> str:
    """Quote one line of visible text as a code span."""
    inert = _inert(text)
    fence = "`" * (_longest_run(inert) + 1)
    # CommonMark strips one space from each end unless nothing else is there.
    pad = " " if not inert or _EDGED.search(inert) else ""
    return f"{fence}{pad}{inert}{pad}{fence}"


def row(*cells: str) -> str:
    """Join Markdown as one row of a table; a bar ends a cell even inside a code span."""
    return f"| {' | '.join(cell.replace('|', _BAR) for cell in cells)} |"


def prose(text: str) -> str:
    """Quote one line of visible text as words in which no markup acts."""
    return _ACTIVE.sub(r"\\\g<0>", _inert(text))


def in_html(text: str) -> str:
    """Quote one line of visible text inside an HTML block, as code."""
    return f"<code>{html.escape(_inert(text))}</code>"


def fence(text: str) -> str:
    """Quote text of several lines in a fence that nothing inside can close.

    Each line is indented, because forges run quick actions that stand at the start of a line.
    """
    lines = [f"  {_inert(visible(line))}" for line in text.splitlines()]
    marks = "`" * max(3, *(_longest_run(line) + 1 for line in lines))
    return "\n".join([f"{marks}text", *lines, marks])


def link(location: Location) -> str:
    """Write a place in the source, linked where its address is one of the web."""
    label = code(f"{clip(location.file, 200)}:{location.line}")
    if location.url is None or not _WEB.match(location.url):
        return label
    return f"[{label}]({quote(location.url, safe=_URL_SAFE, errors='replace')})"


def _inert(text: str) -> str:
    return _LIVE.sub("\\g<0>\u200b", text)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)
