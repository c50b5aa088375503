"""Takes messages out of the outbox and gives them to channels, one at a time for each channel."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta

import structlog

from driftwatch.daemon.site import Site
from driftwatch.domain.model import Report
from driftwatch.domain.notice import Delivery, Message, Notice, Refusal
from driftwatch.domain.routing import Route
from driftwatch.domain.windows import Activity, Hindrance, find_hindrance
from driftwatch.errors import CouldNotSend, StoreError

log = structlog.get_logger("driftwatch.messages")

_ASK_AGAIN = timedelta(hours=1)  # where a window does not say when it opens
_AT_ONCE = 50  # messages of one channel in one round


class Postman:
    """Sends what is due. `deliver` is for one thread alone; channels are served on `executor`."""

    def __init__(
        self, site: Site, executor: Executor, count: Callable[[str, str], None] | None = None
    ) -> None:
        self._site = site
        self._count = count or (lambda _channel, _result: None)
        self._executor = executor
        self._busy: set[str] = set()
        self._sending: set[int] = set()
        self._unsettled: dict[int, tuple[Message, Delivery]] = {}
        self._turn = threading.Lock()
        self.stopping = threading.Event()

    @property
    def is_idle(self) -> bool:
        """Say whether nothing is being sent."""
        with self._turn:
            return not self._busy

    def deliver(self) -> None:
        """Begin to send what is due, on every channel that is not busy. Raises `StoreError`."""
        self._settle_late()
        installation = self._site.installation
        outbox, now = installation.store.outbox, installation.now()
        for channel in outbox.due_channels(now):
            with self._turn:
                if channel in self._busy or self.stopping.is_set():
                    continue
            due = outbox.due(now, _AT_ONCE, channel)
            if messages := [message for message in due if not self._hindered(message)]:
                with self._turn:
                    self._busy.add(channel)
                self._executor.submit(self._serve, channel, messages)

    def recover(self) -> int:
        """Free what nobody sends any more, and count it. Raises `StoreError`."""
        store = self._site.installation.store
        with self._turn:
            in_hand = self._sending | self._unsettled.keys()
        return store.outbox.recover(store.presence.is_alive, (self._site.identity, in_hand))

    def _settle_late(self) -> None:
        """Save how sending went where that could not be saved at once."""
        with self._turn:
            late = list(self._unsettled.items())
        for number, (message, delivery) in late:
            self._settle(message, delivery)
            with self._turn:
                self._unsettled.pop(number, None)

    def release_digests(self) -> None:
        """Let go of the digests whose time has come. Raises `StoreError`."""
        installation = self._site.installation
        telling = installation.telling
        installation.store.outbox.follow(telling, installation.now())
        if any(route.digest for route in telling.routes):
            installation.store.outbox.release_digests(telling, installation.now(), self._stands)

    def _stands(self, route: Route) -> bool:
        """Say whether anything is open that a route's people should be reminded of."""
        now = self._site.installation.now()
        return any(
            watched.drifted or watched.status_at(now) not in ("in sync", "pending", "snoozed")
            for watched in self._site.installation.store.watchlist.all()
            if route.concerns(watched.environment, watched.owners, watched.labels)
        )

    def _hindered(self, message: Message) -> bool:
        """Postpone a message that may not be sent now, and say so."""
        hindrance = self._hindrance(message)
        if hindrance is None:
            return False
        installation = self._site.installation
        until = hindrance.until or installation.now() + _ASK_AGAIN
        installation.store.outbox.postpone(message, until, hindrance.because)
        return True

    def _hindrance(self, message: Message) -> Hindrance | None:
        installation = self._site.installation
        watched = installation.store.watchlist.find(message.environment)
        labels = watched.labels if watched else ()
        # A digest is of no single environment: windows that name some have no say in it.
        environment = (message.environment, labels)
        windows = installation.config.windows
        return find_hindrance(windows, Activity.NOTIFY, environment, installation.now())

    def _serve(self, channel: str, messages: Sequence[Message]) -> None:
        try:
            for message in messages:
                if self.stopping.is_set():
                    break
                self._send(message)
        except Exception:
            log.exception("sending stopped", channel=channel)
        finally:
            with self._turn:
                self._busy.discard(channel)
            self._site.bell.set()

    def _send(self, message: Message) -> None:
        installation = self._site.installation
        with self._turn:
            self._sending.add(message.number)
        try:
            outbox, now = installation.store.outbox, installation.now()
            claimed = outbox.claim(message, self._site.identity, now)
            if claimed is not None:
                self._settle_or_keep(claimed, self._attempt(claimed))
        finally:
            with self._turn:
                self._sending.discard(message.number)

    def _settle_or_keep(self, message: Message, delivery: Delivery) -> None:
        """Save how sending went; where that fails, keep it: who got a message got it."""
        self._tell(message, delivery)
        try:
            self._settle(message, delivery)
        except StoreError as error:
            log.warning("how a message went cannot be saved yet", error=str(error))
            with self._turn:
                self._unsettled[message.number] = (message, delivery)

    def _settle(self, message: Message, delivery: Delivery) -> None:
        installation = self._site.installation
        patience = installation.config.notifications.give_up_after
        installation.store.outbox.settle(message, delivery, installation.now(), patience)

    def _attempt(self, message: Message) -> Delivery:
        channel = self._site.installation.channels.get(message.channel)
        if channel is None:
            return _refused(message, f"there is no channel {message.channel} any more", gone=True)
        try:
            notice = write_notice(self._site, message)
            return channel.send(notice, message.recipients)
        except CouldNotSend as error:
            refusal = Refusal(error.message, error.permanent, error.retry_after)
            return Delivery(refused=dict.fromkeys(message.recipients or ("",), refusal))
        except Exception as error:
            log.exception("a channel broke", channel=message.channel, message=message.number)
            return _refused(message, f"driftwatch itself broke: {type(error).__name__}")

    def _tell(self, message: Message, delivery: Delivery) -> None:
        for recipient in delivery.accepted:
            self._count(message.channel, "sent")
            log.info("sent", channel=message.channel, message=message.number, to=recipient)
        for recipient, refusal in delivery.refused.items():
            self._count(message.channel, "parked" if refusal.permanent else "pending")
            log.warning(
                "not sent",
                channel=message.channel,
                message=message.number,
                to=recipient,
                reason=refusal.reason,
                permanent=refusal.permanent,
                attempt=message.attempts,
            )


def write_notice(site: Site, message: Message) -> Notice:
    """Put together what a message says, from what is stored now. Raises `StoreError`."""
    installation = site.installation
    store = installation.store
    notice = Notice(
        message_id=message.message_id,
        events=store.outbox.events_of(message),
        reports=(),
        at=message.created_at,
        route=message.route,
        environment=message.environment,
        attempt=message.attempts,
        digest=message.digest,
        base_url=installation.config.web.public_url,
        report_number=message.report,
    )
    if message.digest:
        return replace(notice, reports=_digested(site, message), at=installation.now())
    report = store.reports.numbered(message.report) if message.report is not None else None
    trend = store.reports.trend(message.environment)
    return replace(notice, reports=(report,) if report else (), trend=trend)


def _digested(site: Site, message: Message) -> tuple[Report, ...]:
    installation = site.installation
    routes = {route.name: route for route in installation.config.notifications.routes}
    route = routes.get(message.route)
    watched = {w.environment for w in installation.store.watchlist.all()}
    reports = installation.store.reports.latest(watched)
    return tuple(
        report
        for report in reports
        if route is None or route.concerns(report.environment, report.owners, report.labels)
    )


def _refused(message: Message, reason: str, *, gone: bool = False) -> Delivery:
    refusal = Refusal(reason, permanent=gone)
    return Delivery(refused=dict.fromkeys(message.recipients or ("",), refusal))
