"""A check waits once and runs once, whoever dies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from driftwatch.adapters.store.presence import Presence
from driftwatch.adapters.store.store import Store, open_store
from driftwatch.domain.job import Job
from driftwatch.domain.routing import Telling
from tests.adapters.store.worlds import checked, later, open_with
from tests.builders import NOW, make_failure, make_report

LEASE = timedelta(minutes=45)
FAILURE = make_failure()
NOBODY: tuple[str, frozenset[int]] = ("us", frozenset())


def claimed(store: Store, name: str = "prod", owner: str = "me") -> Job:
    store.queue.add(name, "manual", NOW)
    (number,) = (c.number for c in store.queue.candidates() if c.environment == name)
    job = store.queue.claim(number, owner, NOW, LEASE)
    assert job is not None
    return job


def test_however_often_it_is_asked_for_a_check_waits_once(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    for actor in ("ana", "ben"):
        store.queue.add("prod", "manual", NOW, actor=actor)
    store.queue.add("prod", "push", later(1), urgent=True)
    store.queue.add("prod", "manual", later(1), override=True)
    (job,) = store.queue.all()
    assert (job.actor, job.due_at, job.urgent, job.override) == ("ana", NOW, True, True)


def test_what_is_asked_for_during_a_check_is_done_after_it(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    job = claimed(store)
    store.queue.add("prod", "push", NOW, urgent=True)
    assert store.queue.candidates() == []
    assert [one.owner for one in store.queue.all()] == ["me", None]
    store.ledger.record(checked(), job, Telling())
    assert [one.environment for one in store.queue.candidates()] == ["prod"]


def test_of_many_that_claim_a_check_one_gets_it(tmp_path: Path) -> None:
    open_with(tmp_path, *(f"e{n}" for n in range(40)))
    stores = [open_store(tmp_path) for _ in range(4)]
    for number in range(40):
        stores[0].queue.add(f"e{number}", "schedule", NOW)

    def take(place: int) -> list[int]:
        queue = stores[place].queue
        jobs = (queue.claim(c.number, f"o{place}", NOW, LEASE) for c in queue.candidates())
        return [job.number for job in jobs if job]

    with ThreadPoolExecutor(4) as executor:
        shares = list(executor.map(take, range(4)))
    assert sorted(number for share in shares for number in share) == list(range(1, 41))


def test_the_urgent_and_the_oldest_proven_come_first(tmp_path: Path) -> None:
    store = open_with(tmp_path, "a", "b", "c", "d")
    for hours, name in ((3, "a"), (1, "b")):
        store.ledger.record(checked(hours=hours, environment=name), None, Telling())
    for name in "abc":
        store.queue.add(name, "schedule", NOW)
    store.ledger.record(checked(hours=9, environment="d"), None, Telling())
    store.queue.add("d", "push", NOW, urgent=True)
    assert [c.environment for c in store.queue.candidates()] == ["d", "c", "b", "a"]


def test_a_check_that_is_handed_back_waits_again(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    job = claimed(store)
    store.queue.hand_back(job)
    (again,) = store.queue.all()
    assert (again.number, again.owner, again.tries) == (job.number, None, 1)
    store.queue.hand_back(job)
    assert len(store.queue.all()) == 1


def test_a_check_that_is_handed_back_is_one_with_the_one_that_waits(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    job = claimed(store)
    store.queue.add("prod", "push", NOW, urgent=True)
    store.queue.hand_back(job)
    (left,) = store.queue.all()
    assert (left.reason, left.owner) == ("push", None)


def test_what_a_dead_process_claimed_is_free_again(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    presence = Presence(tmp_path / "running")
    presence.enter()
    claimed(store, owner=presence.identity)
    assert store.queue.recover(store.presence.is_alive, NOW, NOBODY) == []
    presence.leave()
    assert store.queue.recover(store.presence.is_alive, NOW, NOBODY) == ["prod"]
    assert [job.owner for job in store.queue.all()] == [None]


def test_a_lease_that_is_over_is_taken_over_and_its_late_report_is_not_saved(
    tmp_path: Path,
) -> None:
    store = open_with(tmp_path, "prod")
    presence = Presence(tmp_path / "running")
    presence.enter()
    slow = claimed(store, owner=presence.identity)
    assert store.queue.recover(store.presence.is_alive, NOW + LEASE / 2, NOBODY) == []
    assert store.queue.recover(store.presence.is_alive, NOW + LEASE * 2, NOBODY) == ["prod"]
    (waiting,) = store.queue.candidates()
    fast = store.queue.claim(waiting.number, "other", NOW, LEASE)
    assert store.ledger.record(checked(), slow, Telling()) is None
    assert store.reports.of("prod", 9) == []
    assert store.ledger.record(checked(), fast, Telling()) is not None
    assert len(store.reports.of("prod", 9)) == 1
    presence.leave()


def test_what_we_claimed_and_lost_is_free_again(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    store.presence.enter()
    us = store.presence.identity
    kept, lost = claimed(store, "prod", us), claimed(store, "dev", us)
    assert store.queue.recover(store.presence.is_alive, NOW, (us, {kept.number})) == ["dev"]
    assert {job.number for job in store.queue.all() if job.owner} == {kept.number}
    assert lost.environment == "dev"
    store.presence.leave()


def test_a_check_of_what_nobody_watches_any_more_does_not_wait_for_ever(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    job = claimed(store)
    store.ledger.stop_watching("prod", NOW, Telling())
    store.queue.hand_back(job)
    assert store.queue.all() == []


def test_why_a_check_waits_and_what_it_does_can_be_read(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    job = claimed(store, "prod")
    store.queue.add("dev", "schedule", NOW)
    (waiting,) = store.queue.candidates()
    store.queue.explain({waiting.number: "a freeze", job.number: "no"})
    store.queue.tell({job.number: "refreshing", waiting.number: "no"})
    assert [(one.doing, one.waiting) for one in store.queue.all()] == [
        ("refreshing", ""),
        ("", "a freeze"),
    ]
    store.queue.explain({})
    store.queue.tell({})


def test_running_checks_are_counted_by_account(tmp_path: Path) -> None:
    store = open_with(tmp_path, "a", "b")
    with store.database.writing() as tables:
        tables.conn.execute("UPDATE watch SET account = '1234'")
    claimed(store, "a")
    claimed(store, "b")
    assert store.queue.running() == {"1234": 2}


def test_a_check_that_waits_can_be_withdrawn_unless_others_rely_on_it(tmp_path: Path) -> None:
    store = open_with(tmp_path, "a", "b", "c")
    first = store.queue.add("a", "pass", NOW)
    second = store.queue.add("b", "pass", NOW)
    assert store.queue.add("b", "manual", NOW, urgent=True) is None
    claimed(store, "c")
    numbers = [job.number for job in store.queue.all()]
    assert {first, second} <= set(numbers)
    store.queue.withdraw(numbers)
    assert sorted(job.environment for job in store.queue.all()) == ["b", "c"]


def test_what_always_fails_does_not_come_first_for_ever(tmp_path: Path) -> None:
    store = open_with(tmp_path, "bad", "good")
    store.ledger.record(checked(hours=1, environment="good"), None, Telling())
    for name in ("bad", "good"):
        store.queue.add(name, "schedule", NOW)
    assert [c.environment for c in store.queue.candidates()] == ["bad", "good"]
    failing = make_report(environment="bad", checked_at=later(2), failure=FAILURE, proven_at=None)
    store.ledger.record(failing, None, Telling())
    assert [c.environment for c in store.queue.candidates()] == ["good", "bad"]
