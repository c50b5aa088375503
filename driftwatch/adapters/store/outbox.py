"""Remembers what people are to be told, until they are told."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import Database, maybe_moment, moment, read_moment
from driftwatch.adapters.store.telling import held_digest, insert_message
from driftwatch.domain.notice import Delivery, Event, Message, Refusal
from driftwatch.domain.routing import Route, Telling, back_off
from driftwatch.domain.schedule import occurrences, share

_FIRST_RETRY = timedelta(seconds=30)
_LONGEST_RETRY = timedelta(hours=2)
_FEW = 5  # attempts that a message gets, however long ago the first one was


class Outbox:
    """Keep messages. Failures are `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: datetime, limit: int = 100, channel: str | None = None) -> Sequence[Message]:
        """List messages whose time has come, of one channel or of all, the oldest first."""
        return self._messages(
            "WHERE state = 'pending' AND next_attempt_at <= :now"
            " AND (:channel IS NULL OR channel = :channel) ORDER BY created_at, id LIMIT :limit",
            {"now": moment(now), "channel": channel, "limit": limit},
        )

    def due_channels(self, now: datetime) -> Sequence[str]:
        """Name the channels that messages wait for whose time has come."""
        rows = self._database.query(
            "SELECT DISTINCT channel FROM message WHERE state = 'pending' AND next_attempt_at <= ?",
            (moment(now),),
        )
        return [row["channel"] for row in rows]

    def unsent(self) -> int:
        """Count the messages that were tried and wait to be tried again."""
        rows = self._database.query(
            "SELECT count(*) AS number FROM message WHERE state = 'pending' AND attempts > 0"
        )
        return int(rows[0]["number"])

    def newest(
        self,
        limit: int = 100,
        state: str | None = None,
        *,
        environment: str | None = None,
        before: int | None = None,
    ) -> Sequence[Message]:
        """List the newest messages: of one state, about one environment, older than `before`."""
        return self._messages(
            "WHERE (:state IS NULL OR state = :state) AND (:before IS NULL OR id < :before)"
            " AND (:environment IS NULL OR environment = :environment)"
            " ORDER BY id DESC LIMIT :limit",
            {"state": state, "environment": environment, "before": before, "limit": limit},
        )

    def find(self, number: int) -> Message | None:
        """Find one message."""
        return next(iter(self._messages("WHERE id = ?", (number,))), None)

    def counts(self) -> dict[str, int]:
        """Count messages by state."""
        rows = self._database.query("SELECT state, count(*) AS number FROM message GROUP BY state")
        return {row["state"]: row["number"] for row in rows}

    def next_due(self) -> datetime | None:
        """Say when the next message is to be sent, where one waits."""
        rows = self._database.query(
            "SELECT min(next_attempt_at) AS at FROM message WHERE state = 'pending'"
        )
        return read_moment(rows[0]["at"])

    def events_of(self, message: Message) -> tuple[Event, ...]:
        """Return what a message tells of, in the order in which it happened."""
        rows = self._database.query(
            "SELECT document FROM message_event JOIN event ON event.id = event"
            " WHERE message = ? ORDER BY event.id",
            (message.number,),
        )
        return tuple(msgspec.json.decode(row["document"], type=Event) for row in rows)

    def claim(self, message: Message, owner: str, now: datetime) -> Message | None:
        """Take a message to send it; None where somebody else was faster."""
        with self._database.writing() as tables:
            changed = tables.conn.execute(
                "UPDATE message SET state = 'sending', owner = ?, attempts = attempts + 1,"
                " first_attempt_at = coalesce(first_attempt_at, ?)"
                " WHERE id = ? AND state = 'pending' AND attempts = ?",
                (owner, moment(now), message.number, message.attempts),
            ).rowcount
        return self.find(message.number) if changed else None

    def settle(
        self, message: Message, delivery: Delivery, now: datetime, patience: timedelta
    ) -> None:
        """Save how sending went: sent, to be tried again or parked, recipient by recipient.

        What was refused for a while is tried again until `patience` has passed since the first of
        several attempts.
        """
        since = message.first_attempt_at or now
        late = now - since >= patience and message.attempts > _FEW
        if not delivery.accepted and not delivery.refused:
            nobody = Refusal("there is nobody to send it to", permanent=True)
            delivery = Delivery(refused={"": nobody})
        again: list[str] = []
        never: list[str] = []
        for recipient, refusal in delivery.refused.items():
            (never if refusal.permanent or late else again).append(recipient)
        with self._database.writing() as tables:
            parts = [
                (list(delivery.accepted), _sent(now)),
                (again, _later(message, delivery, again, now)),
                (never, _parked(delivery, never, late=late)),
            ]
            _save(tables, message, [(who, how) for who, how in parts if who])

    def postpone(self, message: Message, until: datetime, because: str) -> None:
        """Let a message that waits wait longer, and say why."""
        with self._database.writing() as tables:
            tables.conn.execute(
                "UPDATE message SET next_attempt_at = ?, error = ?"
                " WHERE id = ? AND state = 'pending'",
                (moment(until), because, message.number),
            )

    def try_again(self, number: int, now: datetime) -> bool:
        """Send a parked message again, or a waiting one or a collected digest at once."""
        with self._database.writing() as tables:
            changed: int = tables.conn.execute(
                "UPDATE message SET state = 'pending', next_attempt_at = ?,"
                " first_attempt_at = NULL WHERE id = ? AND state IN ('parked', 'pending', 'held')",
                (moment(now), number),
            ).rowcount
        return changed > 0

    def drop(self, number: int) -> bool:
        """Give a message up that waits or is parked."""
        with self._database.writing() as tables:
            changed: int = tables.conn.execute(
                "UPDATE message SET state = 'dropped' WHERE id = ?"
                " AND state IN ('parked', 'pending', 'held')",
                (number,),
            ).rowcount
        return changed > 0

    def recover(
        self, is_alive: Callable[[str], bool], us: tuple[str, Collection[int]] = ("", ())
    ) -> int:
        """Free what nobody is sending any more; it may reach people twice.

        That is what dead processes claimed, and what we (our identity, and the numbers of the
        messages that we have in hand) claimed and lost.
        """
        identity, in_hand = us
        rows = self._database.query("SELECT id, owner FROM message WHERE state = 'sending'")
        lost = [
            row["id"]
            for row in rows
            if (
                row["id"] not in in_hand if row["owner"] == identity else not is_alive(row["owner"])
            )
        ]
        if lost:
            with self._database.writing() as tables:
                tables.conn.executemany(
                    "UPDATE message SET state = 'pending', owner = NULL"
                    " WHERE id = ? AND state = 'sending'",
                    [(number,) for number in lost],
                )
        return len(lost)

    def release_digests(
        self, telling: Telling, now: datetime, open_for: Callable[[Route], bool]
    ) -> int:
        """Send the digests whose time has come, those with nothing to tell left out.

        `open_for` says whether something stands open that a route is concerned with.
        """
        released = 0
        for route in telling.routes:
            if route.digest is not None and self._is_time(route, now):
                released += self._release(route, telling, now, standing=open_for(route))
        return released

    def follow(self, telling: Telling, now: datetime) -> None:
        """Let what digests collected go where routes lead now, at once where they collect no more.

        What was collected for a route that is gone concerns nobody any more.
        """
        routes = {route.name: route for route in telling.routes}
        for message in self.newest(limit=1000, state="held"):
            route = routes.get(message.route)
            changes: dict[str, object] = {}
            if route is None:
                changes = {"state": "dropped", "error": "its route is gone"}
            elif route.digest is None:
                changes = {"state": "pending", "next_attempt_at": moment(now)}
            if route is not None:
                recipients = tuple(route.recipients or telling.targets.get(route.channel, ()))
                if (message.channel, message.recipients) != (route.channel, recipients):
                    changes |= {"channel": route.channel, "recipients": json.dumps(recipients)}
            if changes:
                with self._database.writing() as tables:
                    tables.table("message").update(message.number, changes)

    def _is_time(self, route: Route, now: datetime) -> bool:
        rows = self._database.query("SELECT last_at FROM digest WHERE route = ?", (route.name,))
        if not rows:
            with self._database.writing() as tables:
                tables.table("digest").upsert(
                    {"route": route.name, "last_at": moment(now)}, pk="route"
                )
            return False
        assert route.digest is not None  # noqa: S101 - the caller asked
        last = datetime.fromisoformat(rows[0]["last_at"])
        due = next(occurrences(route.digest.cron, route.digest.zone, last), None)
        return due is not None and due <= now

    def _release(self, route: Route, telling: Telling, now: datetime, *, standing: bool) -> int:
        with self._database.writing() as tables:
            (last,) = tables.conn.execute(
                "SELECT last_at FROM digest WHERE route = ?", (route.name,)
            ).fetchone()
            if last >= moment(now):
                return 0
            tables.table("digest").update(route.name, {"last_at": moment(now)})
            if standing:
                held_digest(tables, route, telling, now)
            released: int = tables.conn.execute(
                "UPDATE message SET state = 'pending', created_at = ?, next_attempt_at = ?"
                " WHERE route = ? AND state = 'held'",
                (moment(now), moment(now), route.name),
            ).rowcount
        return released

    def _messages(self, rest: str, parameters: object) -> list[Message]:
        sql = f"{_SELECT} {rest}"
        return self._database.read(Message, sql, parameters, lists=("recipients",))


_SELECT = (
    "SELECT id AS number, message_id, route, channel, environment, report, digest, recipients,"
    " state, attempts, next_attempt_at, created_at, owner, sent_at, error,"
    " first_attempt_at FROM message"
)


def _sent(now: datetime) -> dict[str, object]:
    return {"state": "sent", "sent_at": moment(now), "owner": None, "error": ""}


def _later(
    message: Message, delivery: Delivery, who: Sequence[str], now: datetime
) -> dict[str, object]:
    part = share(f"{message.message_id} {message.attempts}")
    wait = back_off(message.attempts, part, _FIRST_RETRY, _LONGEST_RETRY)
    told = [delivery.refused[name].retry_after or 0.0 for name in who]
    wait = max(wait, timedelta(seconds=min(max(told, default=0.0), 86400.0)))
    return {
        "state": "pending",
        "owner": None,
        "next_attempt_at": moment(now + wait),
        "error": _reasons(delivery, who),
    }


def _parked(delivery: Delivery, who: Sequence[str], *, late: bool) -> dict[str, object]:
    given_up = "given up: " if late else ""
    return {"state": "parked", "owner": None, "error": given_up + _reasons(delivery, who)}


def _reasons(delivery: Delivery, who: Sequence[str]) -> str:
    refusals: dict[str, Refusal] = {name: delivery.refused[name] for name in who}
    texts = dict.fromkeys(
        f"{name}: {refusal.reason}" if name else refusal.reason
        for name, refusal in refusals.items()
    )
    return "; ".join(texts)[:2000].encode("utf-8", "replace").decode()


def _save(
    tables: Tables, message: Message, parts: Sequence[tuple[list[str], dict[str, object]]]
) -> None:
    """Give the first part the message's own row, and each further part a row of its own."""
    found = tables.conn.execute(
        "SELECT 1 FROM message WHERE id = ? AND state = 'sending' AND attempts = ? AND owner IS ?",
        (message.number, message.attempts, message.owner),
    ).fetchone()
    if found is None:
        return  # it was taken from us while we sent it
    for place, (who, how) in enumerate(parts):
        row = {"recipients": json.dumps(who), **how}
        if place == 0:
            tables.table("message").update(message.number, row)
            continue
        copy = insert_message(tables, {**_copied(message), **row})
        tables.conn.execute(
            "INSERT INTO message_event (message, event)"
            " SELECT ?, event FROM message_event WHERE message = ?",
            (copy, message.number),
        )


def _copied(message: Message) -> dict[str, object]:
    return {
        "message_id": message.message_id,
        "route": message.route,
        "channel": message.channel,
        "environment": message.environment,
        "report": message.report,
        "digest": message.digest,
        "attempts": message.attempts,
        "created_at": moment(message.created_at),
        "first_attempt_at": maybe_moment(message.first_attempt_at),
        "next_attempt_at": moment(message.next_attempt_at),
    }
