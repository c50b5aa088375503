"""Checks are made as fast as limits allow, no faster, and each once."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from driftwatch.bootstrap import Installation, open_installation
from driftwatch.daemon.dispatcher import Dispatcher
from driftwatch.daemon.site import Commits, Register, Site
from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.model import Report
from driftwatch.domain.windows import Activity, Window
from driftwatch.errors import CouldNotLook
from driftwatch.pipeline import Pipeline, blank_report
from driftwatch.ports import Progress
from tests.daemon.standin import build_fleet, wait_for


@dataclass(slots=True)
class Observed:
    """A pipeline whose checks do nothing for a while, and count how many do so at once."""

    real: Pipeline
    seconds: float = 0.01
    now: int = 0
    most: int = 0
    made: Counter[str] = field(default_factory=Counter)
    by_account: Counter[str] = field(default_factory=Counter)
    most_by_account: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fetch_one(self, repository: Repository) -> str | CouldNotLook:
        return self.real.fetch_one(repository)

    def check(self, environment: Environment, _: Repository, commit: str, tell: Progress) -> Report:
        account = environment.account
        with self.lock:
            self.now += 1
            self.by_account[account] += 1
            self.most = max(self.most, self.now)
            self.most_by_account[account] = max(
                self.most_by_account[account], self.by_account[account]
            )
            self.made[environment.name] += 1
        tell("resting")
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
            self.by_account[account] -= 1
        moment = datetime.now().astimezone()  # noqa: TID251 - as the real pipeline does
        return replace(blank_report(environment, moment), commit=commit, proven_at=moment)


@dataclass(slots=True)
class Desk:
    """A dispatcher and what it works with."""

    site: Site
    register: Register
    dispatcher: Dispatcher
    observed: Observed

    def queue(self, *names: str) -> None:
        installation = self.site.installation
        for name in names or self.register.environments:
            installation.store.queue.add(name, "schedule", installation.now())

    def drain(self) -> None:
        def is_empty() -> bool:
            self.dispatcher.fill()
            return not self.site.installation.store.queue.all()

        wait_for(is_empty, 60)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as executor:
        yield executor


def make_desk(root: Path, executor: ThreadPoolExecutor, count: int, **changes: Any) -> Desk:
    names = tuple(f"e{number:04}" for number in range(count))
    fleet = build_fleet(root, names, **changes)
    installation = open_installation(fleet.config, {"PATH": "/usr/bin:/bin", "HOME": "/"})
    observed = Observed(installation.pipeline)
    site = Site(replace(installation, pipeline=cast("Pipeline", observed)))
    commits = Commits(site)
    register = Register(site, commits)
    register.refresh()
    dispatcher = Dispatcher(site, commits, register, executor)
    installation.store.presence.enter()
    return Desk(site, register, dispatcher, observed)


def leave(desk: Desk) -> None:
    desk.site.installation.store.presence.leave()


def test_a_thousand_environments_due_at_the_same_second_are_each_checked_once(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    desk = make_desk(tmp_path / "f", executor, 1000, parallelism=8)
    desk.observed.seconds = 0.0
    installation = desk.site.installation
    now = installation.now() + timedelta(hours=2)
    assert installation.store.watchlist.tick(now, desk.register.schedules) == 1000
    desk.drain()
    assert set(desk.observed.made.values()) == {1}
    assert len(desk.observed.made) == 1000
    assert desk.observed.most <= 8
    leave(desk)


def test_no_more_run_at_once_than_may(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    desk = make_desk(tmp_path / "f", executor, 12, parallelism=3)
    desk.queue()
    desk.drain()
    assert desk.observed.most == 3
    leave(desk)


def test_an_account_is_not_crowded(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    environments = {
        "{name}": {"path": "environments/e000[0-5]", "account": "x"},
        "other-{name}": {"path": "environments/*"},
    }
    environments["{name}"]["path"] = "environments/e000*"
    desk = make_desk(
        tmp_path / "f",
        executor,
        12,
        parallelism=6,
        environments=environments,
        daemon={"checks_per_account": 2, "memory_per_check": 0},
    )
    desk.queue()
    desk.dispatcher.fill()
    jobs = desk.site.installation.store.queue.all()
    assert "other checks use the account x" in {job.waiting for job in jobs}
    desk.drain()
    assert desk.observed.most_by_account["x"] == 2
    leave(desk)


def test_one_check_runs_however_little_memory_is_free(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    desk = make_desk(
        tmp_path / "f", executor, 4, parallelism=4, daemon={"memory_per_check": 1 << 20}
    )
    desk.queue()
    desk.drain()
    assert desk.observed.most == 1
    leave(desk)


def test_why_the_rest_waits_can_be_read(tmp_path: Path, executor: ThreadPoolExecutor) -> None:
    desk = make_desk(tmp_path / "f", executor, 2, parallelism=1)
    desk.observed.seconds = 0.3
    desk.queue()
    desk.dispatcher.fill()
    desk.dispatcher._told = 0.0
    wait_for(lambda: desk.observed.now == 1)
    desk.dispatcher.tell()
    running, waiting = desk.site.installation.store.queue.all()
    assert running.doing == "resting"
    assert waiting.waiting == "other checks run first"
    desk.drain()
    leave(desk)


def test_a_manual_override_opens_a_closed_window(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    desk = make_desk(tmp_path / "f", executor, 2)
    freeze = Window(
        "freeze",
        False,
        frozenset({Activity.CHECK}),
        "* * * * *",
        timedelta(hours=1),
    )
    _with(desk, windows=(freeze,))
    desk.queue()
    assert desk.dispatcher.fill() == 0
    installation = desk.site.installation
    installation.store.queue.add("e0001", "manual", installation.now(), override=True)
    assert desk.dispatcher.fill() == 1
    wait_for(lambda: desk.observed.made == {"e0001": 1})
    desk.dispatcher.wait(5)
    leave(desk)


def _with(desk: Desk, **changes: Any) -> None:
    installation: Installation = desk.site.installation
    desk.site.installation = replace(installation, config=replace(installation.config, **changes))


def test_a_report_is_saved_once_the_store_can_be_used_again(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    desk = make_desk(tmp_path / "f", executor, 1)
    database = desk.site.installation.store.database
    with database.writing() as tables:
        tables.conn.execute(
            "CREATE TRIGGER no BEFORE INSERT ON report BEGIN SELECT raise(ABORT, 'full'); END"
        )
    desk.queue()
    desk.dispatcher.fill()
    wait_for(lambda: desk.observed.made["e0000"] == 1)
    time.sleep(0.2)
    with database.writing() as tables:
        tables.conn.execute("DROP TRIGGER no")
    desk.drain()
    assert len(desk.site.installation.store.reports.of("e0000", 9)) == 1
    assert desk.observed.made["e0000"] == 1
    leave(desk)


def test_what_breaks_in_a_check_of_one_stops_nobody(
    tmp_path: Path, executor: ThreadPoolExecutor
) -> None:
    desk = make_desk(tmp_path / "f", executor, 3)
    real = desk.observed.check

    class Broken(Observed):
        def check(self, environment: Environment, *rest: Any) -> Report:
            if environment.name == "e0001" and self.made["e0001"] == 0:
                self.made["e0001"] += 1
                raise RuntimeError("boom")
            return real(environment, *rest)

    broken = Broken(desk.observed.real)
    installation = desk.site.installation
    desk.site.installation = replace(installation, pipeline=cast("Pipeline", broken))
    desk.queue()
    desk.drain()
    reports = installation.store.reports
    assert [len(reports.of(name, 9)) for name in ("e0000", "e0001", "e0002")] == [1, 1, 1]
    leave(desk)
