"""What has to be done now and then: staleness, digests, reports, backups, forgetting."""

import time
from datetime import datetime

import httpx2
import structlog

from driftwatch.daemon.postman import Postman
from driftwatch.daemon.site import Site
from driftwatch.domain.schedule import occurrences

log = structlog.get_logger("driftwatch.upkeep")

_GRACE = 1800.0  # seconds after a start in which checks catch up before anything is called stale
_JUMP = 5.0  # seconds
_ANSWER = 10.0  # seconds that a dead man's switch has
_BACKUP = "last backup"


class Upkeep:
    """The chores of a daemon; each may raise `StoreError`."""

    def __init__(self, site: Site, postman: Postman, grace: float = _GRACE) -> None:
        self._site = site
        self._postman = postman
        self._grace = grace
        self._since = time.monotonic()
        self._offset = time.time() - self._since
        self._written: tuple[int | None, ...] = ()

    def _is_catching_up(self) -> bool:
        """Say whether everything may look old only because of a start, or a jump of the clock."""
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > _JUMP:
            self._offset, self._since = offset, time.monotonic()
        return time.monotonic() - self._since < self._grace

    def tell_stale(self) -> None:
        """Tell of environments that nobody looked at for too long."""
        installation = self._site.installation
        store, now = installation.store, installation.now()
        names = store.watchlist.going_stale(now)
        if names and self._is_catching_up():
            waiting = {job.environment for job in store.queue.all()} | set(store.watchlist.due(now))
            names = [name for name in names if name not in waiting]
        for name in names:
            store.ledger.note_stale(name, now, installation.telling)
            log.warning("stale", environment=name)
            self._site.bell.set()

    def release_digests(self) -> None:
        """Send digests whose time has come."""
        self._postman.release_digests()

    def write_reports(self) -> None:
        """Write the fleet's reports to the reports directory, where anything changed."""
        installation = self._site.installation
        watched = installation.store.watchlist.all()
        newest = tuple(one.report for one in watched)
        if newest != self._written:
            installation.write_reports(one.environment for one in watched)
            self._written = newest

    def ping(self, problems: tuple[str, ...]) -> None:
        """Tell a dead man's switch that all is well, or stay silent."""
        url = self._site.installation.config.daemon.deadman_url
        if url and not problems:
            ping(url)

    def back_up(self) -> None:
        """Back the database up when its schedule says so."""
        installation = self._site.installation
        settings, now = installation.config.daemon, installation.now()
        if not settings.backups:
            return
        last = installation.store.fact(_BACKUP)
        if last is None:
            installation.store.remember(_BACKUP, now.isoformat())
            return
        since = datetime.fromisoformat(last)
        if since > now:  # a clock ran ahead: that would be the last backup for as long
            installation.store.remember(_BACKUP, now.isoformat())
        due = next(occurrences(settings.backup, "UTC", since), None)
        if due is not None and due <= now:
            path = installation.store.backup(now, settings.backups)
            installation.store.remember(_BACKUP, now.isoformat())
            log.info("backed up", path=str(path))

    def forget(self) -> None:
        """Drop what is older than its retention."""
        self._site.installation.forget_old_reports()
        self._site.installation.store.presence.sweep()


def ping(url: str) -> bool:
    """Ask a dead man's switch's address, and say whether it answered."""
    try:
        httpx2.get(url, timeout=_ANSWER, follow_redirects=False).raise_for_status()
    except httpx2.HTTPError as error:
        log.warning("the dead man's switch does not answer", kind=type(error).__name__)
        return False
    return True
