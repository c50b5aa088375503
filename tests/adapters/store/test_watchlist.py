"""What is watched is queued when it is due, once, whatever clocks do."""

from datetime import timedelta
from pathlib import Path

from driftwatch.domain.environment import Environment
from driftwatch.domain.model import Severity, Status
from driftwatch.domain.routing import Telling
from driftwatch.domain.schedule import Schedule, parse_schedule
from tests.adapters.store.worlds import checked, hourly, later, open_with
from tests.builders import NOW, make_decision, make_failure

HOURLY = parse_schedule("every 1h")


def schedules(*names: str, schedule: Schedule = HOURLY) -> dict[str, Schedule]:
    return dict.fromkeys(names, schedule)


def test_a_new_environment_is_due_at_once(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    assert store.watchlist.tick(NOW, schedules("prod", "dev")) == 2
    assert [job.environment for job in store.queue.all()] == ["prod", "dev"]
    assert store.watchlist.tick(NOW, schedules("prod", "dev")) == 0


def test_downtime_leads_to_one_check_and_not_to_fifty(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    for hours in range(50):
        store.watchlist.tick(later(hours + 100), schedules("prod"))
    assert len(store.queue.all()) == 1
    found = store.watchlist.find("prod")
    assert found is not None
    assert found.next_due is not None
    assert later(149) < found.next_due <= later(150)


def test_a_schedule_that_is_unknown_yet_leaves_everything_as_it_is(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    assert store.watchlist.tick(later(5), {}) == 0
    store.watchlist.align(later(5), {})
    found = store.watchlist.find("prod")
    assert found is not None
    assert found.next_due == NOW


def test_never_means_never(tmp_path: Path) -> None:
    store = open_with(tmp_path)
    store.watchlist.watch([Environment("prod", "live", ".", schedule=Schedule())], NOW)
    assert store.watchlist.tick(later(9999), schedules("prod", schedule=Schedule())) == 0
    store.watchlist.align(NOW, schedules("prod", schedule=Schedule()))
    found = store.watchlist.find("prod")
    assert found is not None
    assert found.next_due is None


def test_a_changed_schedule_counts_from_now(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.watchlist.tick(NOW, schedules("prod"))
    minutely = parse_schedule("every 1m")
    changed = Environment("prod", "live", "x", schedule=minutely)
    assert store.watchlist.watch([changed], later(0.1)) == ()
    found = store.watchlist.find("prod")
    assert found is not None
    assert found.schedule == "every 1m"
    assert found.directory == "x"
    assert found.next_due is not None
    assert found.next_due <= later(0.1) + timedelta(minutes=1)


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_a_year(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.watchlist.tick(later(24 * 365), schedules("prod"))
    store.watchlist.align(NOW, schedules("prod"))
    found = store.watchlist.find("prod")
    assert found is not None
    assert found.next_due is not None
    assert NOW < found.next_due <= later(1)


def test_a_clock_that_was_set_forward_leads_to_one_check(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.watchlist.tick(NOW, schedules("prod"))
    job = store.queue.all()[0]
    claimed = store.queue.claim(job.number, store.presence.identity, NOW, timedelta(hours=1))
    store.ledger.record(checked(), claimed, Telling())
    store.watchlist.align(later(24 * 365), schedules("prod"))
    assert store.watchlist.tick(later(24 * 365), schedules("prod")) == 1
    assert len(store.queue.all()) == 1


def test_what_is_gone_is_named_unless_its_repository_cannot_be_reached(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    assert store.watchlist.gone({"prod"}, set()) == ["dev"]
    assert store.watchlist.gone({"prod"}, {"live"}) == []
    assert store.watchlist.gone({"prod"}, {"other"}) == ["dev"]


def test_staleness_counts_from_the_last_proof_or_from_the_beginning(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    store.ledger.record(checked(hours=2), None, Telling())
    assert store.watchlist.going_stale(later(24)) == []
    assert store.watchlist.going_stale(later(25)) == ["dev"]
    assert store.watchlist.going_stale(later(26.5)) == ["dev", "prod"]
    assert len(store.ledger.note_stale("dev", later(25), Telling())) == 1
    assert store.watchlist.going_stale(later(26.5)) == ["prod"]


def test_an_environment_stands_there_in_numbers(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    before = store.watchlist.find("prod")
    assert before is not None
    assert (before.status, before.report) == (Status.NEVER, None)
    assert before.status_at(later(25)) is Status.STALE
    store.ledger.record(checked(make_decision(), hours=1), None, Telling())
    found = store.watchlist.find("prod")
    assert found is not None
    assert (found.status, found.drifted, found.worst) == (Status.DRIFTED, 1, Severity.MEDIUM)
    assert (found.checked_at, found.proven_at) == (later(1), later(1))
    assert found.status_at(later(2)) is Status.DRIFTED
    assert found.status_at(later(26)) is Status.STALE
    store.ledger.record(checked(hours=2, failure=make_failure()), None, Telling())
    found = store.watchlist.find("prod")
    assert found is not None
    assert (found.status, found.failure) == (Status.FAILED, "The credentials have expired.")
    assert found.status_at(later(100)) is Status.FAILED
    assert store.watchlist.find("unknown") is None


def test_a_report_that_arrives_late_does_not_count_as_the_newest(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(hours=5), None, Telling())
    store.reports.add(checked(make_decision(), hours=4))
    found = store.watchlist.find("prod")
    assert found is not None
    assert found.status is Status.IN_SYNC


def test_a_fleet_on_one_schedule_does_not_start_at_once(tmp_path: Path) -> None:
    store = open_with(tmp_path, *(f"e{number}" for number in range(60)))
    names = [watched.environment for watched in store.watchlist.all()]
    store.watchlist.tick(NOW, schedules(*names))
    dues = {one.next_due for one in store.watchlist.all()}
    assert len(dues) == 60
    by_minute = [sum(d is not None and d.minute == m for d in dues) for m in range(60)]
    assert max(by_minute) <= 6


def test_hourly_environments_keep_their_names_and_owners(tmp_path: Path) -> None:
    store = open_with(tmp_path)
    store.watchlist.watch([hourly("prod", owners=("a", "b"), labels=("x",), account="1234")], NOW)
    (found,) = store.watchlist.all()
    assert (found.owners, found.labels, found.account) == (("a", "b"), ("x",), "1234")
