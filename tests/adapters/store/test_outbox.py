"""A message is kept until everybody got it, or until somebody can see who did not."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from driftwatch.adapters.store.presence import Presence
from driftwatch.adapters.store.store import Store
from driftwatch.domain.notice import Delivery, Message, Refusal
from driftwatch.domain.routing import Digest, Route, Telling
from tests.adapters.store.worlds import TELLING, checked, later, open_with
from tests.builders import NOW, make_decision

WEEK = timedelta(days=7)
BUSY = Refusal("451 try again later")
UNKNOWN = Refusal("550 no such user", permanent=True)


def one_message(folder: Path) -> tuple[Store, Message]:
    store = open_with(folder, "prod")
    store.ledger.record(checked(make_decision()), None, TELLING)
    (message,) = store.outbox.due(NOW)
    claimed = store.outbox.claim(message, store.presence.identity, NOW)
    assert claimed is not None
    return store, claimed


def test_a_message_that_was_sent_is_sent(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    store.outbox.settle(message, Delivery(message.recipients), NOW, WEEK)
    assert store.outbox.due(later(999)) == []
    (sent,) = store.outbox.newest(state="sent")
    assert (sent.sent_at, sent.attempts, sent.owner) == (NOW, 1, None)


def test_a_message_is_claimed_once(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    assert message.attempts == 1
    assert store.outbox.claim(message, "other", NOW) is None
    assert store.outbox.due(later(1)) == []


def test_recipients_who_are_refused_are_told_apart(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    delivery = Delivery(refused={"ops@example.org": BUSY, "dev@example.org": UNKNOWN})
    store.outbox.settle(message, delivery, NOW, WEEK)
    parked, waiting = store.outbox.newest()
    assert (waiting.state, waiting.recipients) == ("pending", ("ops@example.org",))
    assert (parked.state, parked.recipients) == ("parked", ("dev@example.org",))
    assert parked.error == "dev@example.org: 550 no such user"
    assert parked.message_id == waiting.message_id == message.message_id
    assert store.outbox.events_of(parked) == store.outbox.events_of(waiting)


def test_who_got_it_does_not_get_it_again(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    delivery = Delivery(("ops@example.org",), {"dev@example.org": BUSY})
    store.outbox.settle(message, delivery, NOW, WEEK)
    (again,) = store.outbox.due(later(1))
    assert again.recipients == ("dev@example.org",)
    assert again.attempts == 1
    assert [one.state for one in store.outbox.newest()] == ["pending", "sent"]


def test_tries_lie_ever_further_apart(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    now, waits = NOW, []
    for _ in range(12):
        store.outbox.settle(message, Delivery(refused={"ops@example.org": BUSY}), now, WEEK)
        (waiting,) = store.outbox.newest(state="pending")
        waits.append(waiting.next_attempt_at - now)
        now = waiting.next_attempt_at
        claimed = store.outbox.claim(waiting, "me", NOW)
        assert claimed is not None
        message = claimed
    assert timedelta(seconds=15) <= waits[0] <= timedelta(seconds=30)
    assert timedelta(minutes=59) <= waits[-1] <= timedelta(hours=2)


def test_a_server_that_says_when_to_come_back_is_heard(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    busy = Refusal("429", retry_after=3600.0)
    store.outbox.settle(message, Delivery(refused={"ops@example.org": busy}), NOW, WEEK)
    assert store.outbox.due(later(0.9)) == []
    assert len(store.outbox.due(later(1))) == 1
    assert store.outbox.next_due() == later(1)


def test_what_cannot_be_sent_for_too_long_is_parked_and_can_be_sent_again(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    delivery = Delivery(refused={"ops@example.org": BUSY})
    for _ in range(6):
        store.outbox.settle(message, delivery, later(24 * 8), WEEK)
        assert store.outbox.unsent() <= 1
        (waiting,) = store.outbox.newest()
        again = store.outbox.claim(waiting, "me", NOW)
        message = again or message
    (parked,) = store.outbox.newest(state="parked")
    assert parked.error.startswith("given up: ")
    assert store.outbox.counts() == {"parked": 1}
    assert store.outbox.try_again(parked.number, later(24 * 9))
    (due,) = store.outbox.due(later(24 * 9))
    assert (due.created_at, due.first_attempt_at) == (NOW, None)
    assert not store.outbox.try_again(999, NOW)


def test_a_message_can_be_given_up(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    assert not store.outbox.drop(message.number)
    store.outbox.settle(message, Delivery(refused={"": UNKNOWN}), NOW, WEEK)
    assert store.outbox.newest()[0].error == "550 no such user"
    assert store.outbox.drop(message.number)
    assert not store.outbox.try_again(message.number, NOW)


def test_what_a_dead_process_was_sending_is_sent_again_under_the_same_name(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(make_decision()), None, TELLING)
    (message,) = store.outbox.due(NOW)
    presence = Presence(tmp_path / "running")
    presence.enter()
    first = store.outbox.claim(message, presence.identity, NOW)
    assert store.outbox.recover(store.presence.is_alive) == 0
    presence.leave()
    assert store.outbox.recover(store.presence.is_alive) == 1
    (again,) = store.outbox.due(NOW)
    second = store.outbox.claim(again, "me", NOW)
    assert first is not None
    assert second is not None
    assert (second.message_id, second.attempts) == (first.message_id, 2)
    store.outbox.settle(first, Delivery(first.recipients), NOW, WEEK)
    assert [one.state for one in store.outbox.newest()] == ["sending"]


def test_a_message_can_wait_for_a_window(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(make_decision()), None, TELLING)
    (message,) = store.outbox.due(NOW)
    store.outbox.postpone(message, later(8), "a freeze")
    assert store.outbox.due(later(7)) == []
    (waiting,) = store.outbox.due(later(8))
    assert (waiting.error, waiting.attempts) == ("a freeze", 0)
    assert store.outbox.find(waiting.number) == waiting


def test_patience_begins_with_the_first_attempt_and_not_with_a_freeze(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(make_decision()), None, TELLING)
    (message,) = store.outbox.due(NOW)
    store.outbox.postpone(message, later(24 * 30), "a freeze")
    (thawed,) = store.outbox.due(later(24 * 30))
    claimed = store.outbox.claim(thawed, "me", later(24 * 30))
    assert claimed is not None
    delivery = Delivery(refused={"ops@example.org": BUSY})
    store.outbox.settle(claimed, delivery, later(24 * 30), WEEK)
    assert store.outbox.newest()[0].state == "pending"


def test_a_message_to_nobody_is_parked_and_says_so(tmp_path: Path) -> None:
    store, message = one_message(tmp_path)
    store.outbox.settle(message, Delivery(), NOW, WEEK)
    (parked,) = store.outbox.newest()
    assert (parked.state, parked.error) == ("parked", "there is nobody to send it to")


def test_what_we_claimed_and_lost_is_sent_again(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.presence.enter()
    store.ledger.record(checked(make_decision()), None, TELLING)
    (message,) = store.outbox.due(NOW)
    us = store.presence.identity
    assert store.outbox.claim(message, us, NOW)
    alive = store.presence.is_alive
    assert store.outbox.recover(alive, (us, {message.number})) == 0
    assert store.outbox.recover(alive, (us, set())) == 1
    store.presence.leave()


def test_what_a_digest_collected_follows_its_route(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    daily = Route("daily", "mail", ("boss@example.org",), digest=Digest("daily", "0 7 * * *"))
    store.ledger.record(checked(make_decision()), None, Telling((daily,)))
    moved = replace(daily, channel="other", recipients=("ana@example.org",))
    store.outbox.follow(Telling((moved,)), NOW)
    (held,) = store.outbox.newest()
    assert (held.state, held.channel, held.recipients) == ("held", "other", ("ana@example.org",))
    store.outbox.follow(Telling((replace(moved, digest=None),)), NOW)
    assert store.outbox.newest()[0].state == "pending"


def test_what_a_digest_collected_for_a_route_that_is_gone_is_dropped(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    daily = Route("daily", "mail", ("boss@example.org",), digest=Digest("daily", "0 7 * * *"))
    store.ledger.record(checked(make_decision()), None, Telling((daily,)))
    store.outbox.follow(Telling(), NOW)
    assert store.outbox.newest()[0].state == "dropped"


def test_each_channel_is_asked_for_what_waits_for_it(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    pager = Route("pager", "pager", ("on-call",))
    routes = (*TELLING.routes, pager)
    store.ledger.record(checked(make_decision()), None, Telling(routes))
    assert sorted(store.outbox.due_channels(NOW)) == ["mail", "pager"]
    assert [m.route for m in store.outbox.due(NOW, channel="pager")] == ["pager"]
