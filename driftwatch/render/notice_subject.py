"""A notice's subject: the one text of it that may stand in a header.

Nothing that the cloud or a repository wrote gets there, except an address without a character that
could act: readers decode `=?utf-8?q?…?=` even where an attacker wrote it.
"""

import re

from driftwatch.domain.notice import EventKind, Notice
from driftwatch.errors import Cause
from driftwatch.render.notice import (
    OFF,
    THINGS,
    Item,
    count_unseen,
    digest_name,
    find_items,
    open_reports,
    tally,
    worst,
)

_STEP = r"[A-Za-z_][A-Za-z0-9_-]*(?:\[(?:\d{1,9}|\"[A-Za-z0-9_.-]+\")\])?"
_SAFE_ADDRESS = re.compile(rf"{_STEP}(?:\.{_STEP})*", re.ASCII)
_SAFE_TYPE = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_LONGEST_IN_HEADER = 80

_SUBJECTS = {
    EventKind.OPENED: "{severity} drift in {where}: {what}",
    EventKind.CHANGED: "{severity} drift in {where} changed: {what}",
    EventKind.REMINDED: "{severity} drift in {where}, still: {what}",
    EventKind.OVERDUE: "Waiting to be applied in {where} for too long: {what}",
    EventKind.CLOSED: "Resolved in {where}: {what}",
    EventKind.FAILED: "Could not look at {where}: {what}",
    EventKind.STALE: "Stale: nobody has looked at {where} for too long",
    EventKind.RECOVERED: "Looking at {where} again",
    EventKind.FRESH: "Looking at {where} again",
}


def subject(notice: Notice) -> str:
    """Say in one line of ASCII what happened where, and how bad it is; safe in any header."""
    told = _digest_subject(notice) if notice.digest else _subject(notice)
    return f"Sample: {told}" if notice.sample else told


def safe_name(text: str) -> str:
    """Give an environment's name as a header may hold it, "" for one that it may not."""
    return text if _SAFE_NAME.fullmatch(text) else ""


def _subject(notice: Notice) -> str:
    where = safe_name(notice.environment) or "an environment"
    kinds = {event.kind for event in notice.events}
    severity = worst(notice.events).capitalize()
    if len(kinds) == 1:
        (kind,) = kinds
        what = _in_header(find_items(notice))
        return _SUBJECTS[kind].format(severity=severity, where=where, what=what)
    if kinds & set(OFF):
        return f"{severity} drift in {where}: {tally(notice)}"
    return f"{where}: {tally(notice)}"


def _in_header(items: list[Item]) -> str:
    """Name what happened to something so that no value can act in a header."""
    if len(items) > 1:
        return f"{len(items)} resources"
    (item,) = items
    if item.event.kind is EventKind.FAILED:
        return item.event.note if item.event.note in set(Cause) else "an error"
    address = item.event.address
    if len(address) <= _LONGEST_IN_HEADER and _SAFE_ADDRESS.fullmatch(address):
        return address
    kind = item.decision.finding.drift.resource_type if item.decision else ""
    if len(kind) <= _LONGEST_IN_HEADER and _SAFE_TYPE.fullmatch(kind):
        return f"one {kind}"
    return "one resource"


def _digest_subject(notice: Notice) -> str:
    still, unseen = len(open_reports(notice)), count_unseen(notice)
    places = "environment" if still == 1 else "environments"
    standing = f"{still} {places} drifted" if still else "nothing is drifted"
    blind = f", {unseen} not seen" if unseen else ""
    return f"{digest_name(notice)}: {tally(notice, THINGS)}; {standing}{blind}"
