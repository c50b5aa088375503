"""Kills the daemon at random moments while environments drift, and counts what was lost.

Real processes, git, SQLite and SMTP; terraform is a stand-in. Exit code 0 means: no transition was
lost, none was told twice but for mails right after a kill, nothing survived, the database is sound.
"""

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from driftwatch.adapters.store.store import Store
from driftwatch.domain.model import Report
from driftwatch.domain.news import Patience, find_news
from driftwatch.domain.notice import Condition, EventKind, Thread
from tests.daemon.standin import (
    Fleet,
    Mailbox,
    build_fleet,
    descendants_of,
    ends,
    mail_to,
    open_mailbox,
    wait_for,
)

NAMES = ("alpha", "beta", "gamma", "delta")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    print(f"seed {arguments.seed}, {arguments.kills} kills")
    with tempfile.TemporaryDirectory() as folder, open_mailbox() as mailbox:
        fleet = build_fleet(Path(folder) / "fleet", NAMES, **settings(mailbox))
        fleet.configure(defaults={**fleet.settings["defaults"], "schedule": "every 1s"})
        began = time.monotonic()
        sizes = torment(fleet, dice, arguments.kills)
        settle(fleet, sizes)
        print(f"{time.monotonic() - began:.0f} s, {len(mailbox.mails)} mails")
        problems = [*examine(fleet, sizes, mailbox)]
    for problem in problems:
        print(f"PROBLEM {problem}")
    print("nothing was lost" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


def settings(mailbox: Mailbox) -> dict[str, object]:
    notifications = mail_to(mailbox)
    notifications["routes"]["minutely"] = {
        "channel": "mail",
        "to": ["boss@example.org"],
        "digest": {"schedule": "* * * * *"},
    }
    return {"notifications": notifications}


def torment(fleet: Fleet, dice: random.Random, kills: int) -> dict[str, int]:
    """Start the daemon, let the world move, kill it, and again."""
    sizes = dict.fromkeys(NAMES, 1)
    survivors = 0
    for number in range(kills):
        fleet.pace(dice.choice((0, 0, 0.1, 0.5)))
        said = fleet.log.count('"ready"') if number else 0
        with fleet.daemon() as process:
            if dice.random() < 0.8:  # some kills hit the start, most hit the work
                wait_for(lambda: fleet.log.count('"ready"') > said, 60, "no daemon")  # noqa: B023
            end = time.monotonic() + dice.uniform(0, 2)
            while time.monotonic() < end:
                if dice.random() < 0.3:
                    name = dice.choice(NAMES)
                    sizes[name] = dice.choice((1, 1, 7, 9))
                    fleet.move(name, sizes[name])
                time.sleep(min(dice.uniform(0.05, 0.3), max(0.0, end - time.monotonic())))
            process.kill()
            process.wait()
        if number % 20 == 9:
            time.sleep(3)
            survivors += len(descendants_of(fleet.root))
        if number % 100 == 99:
            print(f"{number + 1} kills, {survivors} survivors", flush=True)
    assert survivors == 0, f"{survivors} processes outlived their daemon"
    return sizes


def settle(fleet: Fleet, sizes: dict[str, int]) -> None:
    """Let a daemon finish in peace: every environment looked at anew, every message sent."""
    fleet.pace(0)
    store = fleet.store()
    numbers = {w.environment: w.report or 0 for w in store.watchlist.all()}

    def is_settled() -> bool:
        watched = store.watchlist.all()
        fresh = all((w.report or 0) > numbers.get(w.environment, 0) + 2 for w in watched)
        right = all((w.drifted > 0) == (sizes[w.environment] != 1) for w in watched)
        return len(watched) == len(NAMES) and fresh and right and not waiting(store)

    with fleet.daemon() as process:
        wait_for(is_settled, 180, "the daemon did not settle")
        ends(process)
    store.database.close()


def waiting(store: Store) -> int:
    counts = store.outbox.counts()
    return counts.get("pending", 0) + counts.get("sending", 0) + counts.get("parked", 0)


def examine(fleet: Fleet, sizes: dict[str, int], mailbox: Mailbox) -> Iterator[str]:
    """Compare reality with reports, reports with events, and events with mails."""
    store = fleet.store()
    yield from survivors_of(fleet)
    events = Counter()
    for name in NAMES:
        reports = list(reversed(store.reports.of(name, 1_000_000)))
        told = [event for _, _, event in reversed(store.ledger.events(name, 1_000_000))]
        expected = list(replay(reports))
        if [(e.kind, e.fingerprint, e.at) for e in told] != expected:
            yield f"{name}: {len(told)} events where its reports tell of {len(expected)}"
        yield from alternation(name, [event.kind for event in told])
        if told and (told[-1].kind is EventKind.CLOSED) == (sizes[name] != 1):
            yield f"{name}: the last event is {told[-1].kind}, and reality says {sizes[name]}"
        events[name] = len(told)
    yield from mails(store, mailbox, sum(events.values()))
    with sqlite3.connect(fleet.data_dir / "driftwatch.db") as connection:
        (answer,) = connection.execute("PRAGMA integrity_check").fetchone()
    connection.close()
    if answer != "ok":
        yield f"the database is damaged: {answer}"
    count, tampering = store.audit.verify()
    print(f"{sum(events.values())} transitions, {count} audit entries")
    if tampering:
        yield f"the audit log is damaged at {tampering.number}: {tampering.reason}"


def survivors_of(fleet: Fleet) -> Iterator[str]:
    left = descendants_of(fleet.root)
    yield from (f"survivor: {line}" for line in left)
    for folder in ("runs", "worktrees", "running"):
        found = [path.name for path in (fleet.data_dir / folder).iterdir() if is_residue(path)]
        if found:
            yield f"{folder} holds {found}"


def is_residue(path: Path) -> bool:
    """Tell what stays from what the next start a minute later sweeps: folders nobody had locked."""
    return path.is_file() or (path / ".alive").exists() or time.time() - path.stat().st_mtime > 60


def replay(reports: list[Report]) -> Iterator[tuple[EventKind, str, datetime]]:
    """Work out from an environment's reports alone what must have been told."""
    threads: dict[str, Thread] = {}
    condition = Condition()
    for report in reports:
        news = find_news(report, threads, condition, Patience())
        condition = news.condition
        for key in news.closed:
            threads.pop(key, None)
        threads.update({thread.key: thread for thread in news.open})
        yield from ((e.kind, e.fingerprint, e.at) for e in news.events)


def alternation(name: str, kinds: list[EventKind]) -> Iterator[str]:
    is_open = False
    for kind in kinds:
        if kind in (EventKind.FAILED, EventKind.RECOVERED, EventKind.STALE, EventKind.FRESH):
            continue
        if (kind is EventKind.OPENED) == is_open:
            yield f"{name}: {kind} while {'open' if is_open else 'closed'}"
        is_open = kind is not EventKind.CLOSED


def mails(store: Store, mailbox: Mailbox, transitions: int) -> Iterator[str]:
    """Every event reaches each route in one message; repeats bear the same Message-ID."""
    messages = store.outbox.newest(1_000_000)
    arrived: dict[str, int] = defaultdict(int)
    for mail in mailbox.mails:
        arrived[str(mail["Message-ID"]).strip("<>").partition("@")[0]] += 1
    for message in messages:
        if message.state == "sent" and not arrived[message.message_id]:
            yield f"message {message.number} is called sent and never arrived"
    strangers = set(arrived) - {message.message_id for message in messages}
    if strangers:
        yield f"{len(strangers)} mails belong to no message"
    for route in ("all", "minutely"):
        numbers = Counter(
            (event.environment, event.kind, event.at, event.key)
            for message in messages
            if message.route == route
            for event in store.outbox.events_of(message)
        )
        if route == "all" and len(numbers) != transitions:
            yield f"route {route}: {len(numbers)} of {transitions} transitions have a message"
        if any(count > 1 for count in numbers.values()):
            yield f"route {route}: a transition is told in two messages"
    minutes = Counter(m.created_at.replace(second=0) for m in messages if m.digest and m.sent_at)
    if any(count > 1 for count in minutes.values()):
        yield "a digest was made twice in a minute"
    repeats = sum(count - 1 for count in arrived.values())
    print(f"{len(messages)} messages, {repeats} mails were repeats under the same Message-ID")


if __name__ == "__main__":
    sys.exit(main())
