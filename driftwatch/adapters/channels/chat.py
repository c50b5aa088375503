"""Chat rooms and pagers through Apprise, one call for each, so that each has its own fate."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from driftwatch.config.service_model import ChatSettings
from driftwatch.domain.model import Severity
from driftwatch.domain.notice import Delivery, Notice, Refusal
from driftwatch.render.chat import LONGEST_TITLE, render_chat
from driftwatch.render.text import visible

_SECONDS = 30.0  # for one room
_ANSWER = 200  # characters
_STATUS = re.compile(r"error=(\d{3})\b")
_FINAL = frozenset({400, 404, 405, 410, 413, 414, 422})  # not 401 and 403: tokens are renewed
_OWN_HOST = frozenset({"json", "jsons", "form", "forms", "xml", "xmls"})
_SECRET = re.compile(r"[^/:@?&=#,]{4,}")
_TYPES = {
    Severity.CRITICAL: "failure",
    Severity.HIGH: "failure",
    Severity.MEDIUM: "warning",
    Severity.LOW: "warning",
    Severity.INFO: "info",
}


@dataclass(frozen=True, slots=True)
class _Room:
    """One Apprise URL; `plugin` is None where Apprise does not understand it."""

    name: str
    url: str
    plugin: Any


class ChatChannel:
    """Tells every room; a room is named by its place in the list and what of its URL is no secret.

    Apprise's own "privacy" URLs are no names: they show paths, topics and headers that are secret
    with some services.
    """

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings

    @property
    def targets(self) -> tuple[str, ...]:
        """Name the rooms."""
        return tuple(room.name for room in self._rooms)

    def send(self, notice: Notice, recipients: Sequence[str]) -> Delivery:
        """Tell the rooms one after another, and say which of them took it."""
        accepted, refused = [], {}
        for name in recipients:
            refusal = self._tell(self._find(name), notice)
            if refusal is None:
                accepted.append(name)
            else:
                refused[name] = refusal
        return Delivery(tuple(accepted), refused)

    @cached_property
    def _rooms(self) -> tuple[_Room, ...]:
        return tuple(_open(self._settings.urls))

    def _find(self, name: str) -> _Room | None:
        """Find a room by its name, or by its place and service where its token was renewed."""
        for room in self._rooms:
            if room.name == name or _service(room.name) == _service(name):
                return room
        return None

    def _tell(self, room: _Room | None, notice: Notice) -> Refusal | None:
        if room is None:
            return Refusal("This room is no longer configured.", permanent=True)
        if room.plugin is None:
            return Refusal("Apprise does not understand this URL.", permanent=True)
        from apprise import Apprise, NotifyFormat  # noqa: PLC0415 - a third of a second

        chat = render_chat(notice, _limit(room.plugin))
        caller = Apprise(asset=room.plugin.asset)
        caller.add(room.plugin)
        result = caller.notify(
            body=chat.body,
            title=chat.title,
            notify_type="success" if chat.severity is None else _TYPES[chat.severity],
            body_format=NotifyFormat.TEXT,
            timeout=_SECONDS,
        )
        return None if result else _refusal(result, room.url)


def _open(urls: Sequence[str]) -> Iterator[_Room]:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - a third of a second

    # Its lines hold URLs at some levels, and what matters of them is in the result.
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    asset = AppriseAsset(
        app_id="driftwatch",
        app_desc="Drift of Terraform environments",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        http_redirects=False,
        allow_templates=False,
    )
    for number, url in enumerate(urls, 1):
        plugin = Apprise.instantiate(url, asset=asset)
        yield _Room(_name(number, plugin), url, plugin)


def _name(number: int, plugin: Any) -> str:
    if plugin is None:
        return f"{number} (not understood)"
    parts = urlsplit(plugin.url(privacy=True))
    host = parts.netloc.rpartition("@")[2]
    masked = "..." in host or parts.scheme in _OWN_HOST
    return visible(f"{number} {parts.scheme}://{host if masked else ''}")


def _service(name: str) -> str:
    return name.partition("://")[0]


def _limit(plugin: Any) -> int:
    """Say how many characters a body may have; a service without titles has the title in it."""
    most = int(plugin.body_maxlen)
    return max(most - (0 if plugin.title_maxlen else LONGEST_TITLE), most // 2)


def _refusal(result: Any, url: str) -> Refusal:
    from apprise import AppriseResultStatus  # noqa: PLC0415 - imported already

    if result.status is AppriseResultStatus.TIMEOUT:
        return Refusal(f"The service did not answer in {_SECONDS:g} seconds.")
    told = " ".join(entry.message for one in result.results for entry in one.logs())
    status = _STATUS.search(told)
    final = status is not None and int(status[1]) in _FINAL
    return Refusal(_tame(told, url) or "The service did not take it.", permanent=final)


def _tame(text: str, url: str) -> str:
    """Take out of what Apprise says all that stands in the URL, longest parts first."""
    for part in sorted(set(_SECRET.findall(url)), key=len, reverse=True):
        text = text.replace(part, "***")
    return visible(" ".join(text.split()))[:_ANSWER]
