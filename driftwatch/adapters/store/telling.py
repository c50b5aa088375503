"""Puts events into the outbox: who is told of what, in the transaction that found it out."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlite_utils import Database as Tables

from driftwatch.adapters.store.database import moment
from driftwatch.domain.notice import Event
from driftwatch.domain.routing import Route, Telling, address


def tell(
    tables: Tables,
    events: Sequence[Event],
    concerned: tuple[Sequence[str], Sequence[str]],
    telling: Telling,
    report: object,
) -> None:
    """Save events, and for each route a message that will tell of those that go its way."""
    if not events:
        return
    numbers = [_save_event(tables, event, report) for event in events]
    owners, labels = concerned
    for route, places in address(events, owners, labels, telling.routes):
        message = _message(tables, events[0], route, telling, report)
        tables.conn.executemany(
            "INSERT INTO message_event (message, event) VALUES (?, ?)",
            [(message, numbers[place]) for place in places],
        )


def _save_event(tables: Tables, event: Event, report: object) -> int:
    cursor = tables.conn.execute(
        "INSERT INTO event (environment, kind, at, severity, key, report, document)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            event.environment,
            event.kind.value,
            moment(event.at),
            event.severity.value,
            event.key,
            report,
            msgspec.json.encode(event).decode(),
        ),
    )
    return int(cursor.lastrowid or 0)


def _message(tables: Tables, event: Event, route: Route, telling: Telling, report: object) -> int:
    """Find the digest that collects a route's events, or make a message that goes out at once."""
    if route.digest is not None:
        return held_digest(tables, route, telling, event.at)
    recipients = route.recipients or telling.targets.get(route.channel, ())
    return insert_message(
        tables,
        {
            "route": route.name,
            "channel": route.channel,
            "environment": event.environment,
            "report": report,
            "recipients": json.dumps(recipients),
            "created_at": moment(event.at),
            "next_attempt_at": moment(event.at),
        },
    )


def held_digest(tables: Tables, route: Route, telling: Telling, now: datetime) -> int:
    """Find or begin the message that holds a digest route's events until it is time."""
    row = tables.conn.execute(
        "SELECT id FROM message WHERE route = ? AND state = 'held'", (route.name,)
    ).fetchone()
    if row is not None:
        return int(row[0])
    recipients = route.recipients or telling.targets.get(route.channel, ())
    return insert_message(
        tables,
        {
            "route": route.name,
            "channel": route.channel,
            "environment": "",
            "report": None,
            "digest": route.digest.name if route.digest else "",
            "recipients": json.dumps(recipients),
            "state": "held",
            "created_at": moment(now),
            "next_attempt_at": moment(now),
        },
    )


def insert_message(tables: Tables, row: Mapping[str, object]) -> int:
    """Put a message into the outbox, under an identity that it keeps however often it is sent."""
    identity = f"driftwatch.{secrets.token_hex(12)}"
    return int(tables.table("message").insert({"message_id": identity, **row}).last_pk or 0)
