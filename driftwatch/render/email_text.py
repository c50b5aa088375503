"""A mail as plain text of 72 columns, whole words and addresses kept together."""

import textwrap
from collections.abc import Iterator

from driftwatch.render.notice_cards import Card, Change, Standing
from driftwatch.render.notice_page import Page

_COLUMNS = 72
_LABEL = 10


def render_email_text(page: Page) -> str:
    """Write what happened first, then where to read on, then the details."""
    blocks = [_lead(page), _links(page), *map(_alarm, page.alarms)]
    if page.reliefs:
        blocks.append("\n".join(line for card in page.reliefs for line in _relief(card)))
    blocks += [_more(page.more, "more"), _standings(page), page.trend and _wrap(page.trend)]
    blocks += [page.note and _wrap(page.note)]
    text = "\n\n".join(block for block in blocks if block)
    return f"{text}\n\n-- \n{_footer(page)}\n"


def _lead(page: Page) -> str:
    sample = "This is a sample: nothing of it happened.\n\n" if page.sample else ""
    return sample + "\n".join(_wrap(line) for line in page.lead if line)


def _links(page: Page) -> str:
    return "\n".join(f"{words}:\n  {url}" for words, url in page.links)


def _alarm(card: Card) -> str:
    where = f"{card.environment}: " if card.environment else ""
    lines = [_wrap(f"[{card.label}] {where}{card.address or card.told}")]
    told = f"{card.title}: {card.kind}" if card.kind else card.title
    lines += [_wrap(f"{told}.", 4)] if card.address else []
    lines += [_wrap(text, 4) for text in (card.because, card.message) if text]
    lines += [_wrap(f"{card.since}.", 4)] if card.since else []
    lines += [f"    | {line}" for line in card.detail]
    for change in card.changes:
        lines += _change(change)
    lines += [f"    … and {card.more} more attributes"] if card.more else []
    lines += [_wrap(f"An apply {card.apply}.", 4)] if card.apply else []
    lines += [f"    {text}" for text in (card.place, card.link or "") if text]
    return "\n".join(lines)


def _change(change: Change) -> Iterator[str]:
    yield _wrap(change.path, 4)
    if change.lines:
        for _, line in change.lines:
            yield f"      {line}"
        return
    for name, value in (("was", change.was), ("is", change.actual), ("code says", change.code)):
        if value is not None:
            yield _wrap(f"{name:<{_LABEL}}{value}", 6, _LABEL)


def _relief(card: Card) -> Iterator[str]:
    where = f"{card.environment}: " if card.environment else ""
    told = f"{card.address} {card.told}" if card.address else card.told
    yield _wrap(f"[{card.label}] {where}{told}.")
    if card.since:
        yield _wrap(f"{card.since}.", 4)


def _standings(page: Page) -> str:
    lines = [line for standing in page.standings for line in _standing(standing)]
    if page.calm:
        lines.append(f"  In sync or snoozed: {page.calm} more.")
    if page.more_standings:
        lines.append(_more(page.more_standings, "more environments that need people"))
    return "\n".join(["How it stands now", *lines]) if lines else ""


def _standing(standing: Standing) -> Iterator[str]:
    yield _wrap(f"{standing.environment}: {standing.words}", 2)
    yield _wrap(f"last seen {standing.seen}, in sync {standing.in_sync}", 4)
    yield _wrap(standing.source, 4)


def _more(count: int, words: str) -> str:
    return f"… and {count} {words}." if count else ""


def _footer(page: Page) -> str:
    way = f" along route {page.route}" if page.route else ""
    return _wrap(f"Sent by driftwatch{way}. It only looks: nothing was applied.")


def _wrap(text: str, indent: int = 0, hanging: int = 0) -> str:
    margin = " " * indent
    return textwrap.fill(
        text,
        _COLUMNS,
        initial_indent=margin,
        subsequent_indent=margin + " " * hanging,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
