"""Messages reach their channels, whatever the store and other channels do meanwhile."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from driftwatch.bootstrap import open_installation
from driftwatch.daemon.postman import Postman
from driftwatch.daemon.site import Site
from driftwatch.domain.notice import Delivery, Notice
from driftwatch.domain.routing import Route, Telling
from tests.adapters.store.worlds import checked
from tests.builders import make_decision
from tests.daemon.standin import build_fleet, wait_for


@dataclass(slots=True)
class Recorded:
    """A channel that remembers what it carried, and takes its time."""

    seconds: float = 0.0
    sent: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    targets: tuple[str, ...] = ("room",)

    def send(self, notice: Notice, recipients: Sequence[str]) -> Delivery:
        time.sleep(self.seconds)
        self.sent.append(notice.message_id)
        self.gate.wait(5)
        return Delivery(tuple(recipients))


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


def make_site(root: Path, **channels: Recorded) -> Site:
    fleet = build_fleet(root, ("prod",))
    installation = open_installation(fleet.config, {"PATH": "/usr/bin:/bin", "HOME": "/"})
    installation.store.presence.enter()
    return Site(replace(installation, channels=channels))


def queue(site: Site, channel: str, count: int) -> None:
    telling = Telling((Route(channel, channel),), {channel: ("room",)})
    for number in range(count):
        decisions = (make_decision(),) if number % 2 == 0 else ()
        site.installation.store.ledger.record(checked(*decisions, hours=number), None, telling)


def test_a_store_that_fails_once_loses_and_repeats_no_message(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    room = Recorded()
    site = make_site(tmp_path / "f", room=room)
    queue(site, "room", 1)
    postman = Postman(site, executor)
    postman.deliver()
    wait_for(lambda: room.sent)
    path = site.installation.store.database.path
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE UPDATE ON message BEGIN SELECT raise(ABORT, 'full'); END"
        )
    room.gate.set()
    wait_for(lambda: postman.is_idle)
    assert site.installation.store.outbox.newest()[0].state == "sending"
    connection.execute("DROP TRIGGER no")
    connection.close()
    assert postman.recover() == 0
    postman.deliver()
    assert site.installation.store.outbox.newest()[0].state == "sent"
    assert len(room.sent) == 1
    site.installation.store.presence.leave()


def test_a_slow_channel_keeps_no_other_waiting(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    slow, pager = Recorded(seconds=0.2), Recorded()
    slow.gate.set()
    pager.gate.set()
    site = make_site(tmp_path / "f", slow=slow, pager=pager)
    queue(site, "slow", 120)
    queue(site, "pager", 121)
    postman = Postman(site, executor)
    postman.deliver()
    wait_for(lambda: pager.sent, 5)
    assert len(slow.sent) < 60
    postman.stopping.set()
    wait_for(lambda: postman.is_idle)
    site.installation.store.presence.leave()
