"""Watches a large fleet: what a check costs beside terraform, how old results get, how fast pages are.

Two parts. `overhead` drives the real queue, store and dispatcher with checks that take no time.
`live` runs the daemon as a process, with a stand-in for terraform, and looks at its dashboard.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import psutil

from driftwatch.bootstrap import open_installation, start_logging
from driftwatch.daemon.dispatcher import Dispatcher
from driftwatch.daemon.site import Commits, Register, Site
from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.model import Report
from driftwatch.errors import CouldNotLook
from driftwatch.pipeline import Pipeline, blank_report
from driftwatch.ports import Progress
from tests.daemon.standin import Fleet, build_fleet, ends, free_port, wait_for


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["overhead", "live"])
    parser.add_argument("--environments", type=int, default=2000)
    parser.add_argument("--checks", type=int, default=20_000, help="for overhead")
    parser.add_argument("--minutes", type=float, default=20, help="for live")
    parser.add_argument("--interval", default="10m", help="for live")
    arguments = parser.parse_args()
    names = tuple(f"team{n % 40:02}-service-{n:04}" for n in range(arguments.environments))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "fleet"
        if arguments.part == "overhead":
            overhead(build_fleet(root, names, parallelism=8), arguments.checks)
        else:
            live(root, names, arguments.minutes, arguments.interval)
    return 0


@dataclass(slots=True)
class NoWork:
    """A pipeline whose checks find nothing, at once."""

    now: datetime
    real: Pipeline

    def fetch_one(self, repository: Repository) -> str | CouldNotLook:
        return self.real.fetch_one(repository)

    def check(self, environment: Environment, _: Repository, commit: str, __: Progress) -> Report:
        report = blank_report(environment, self.now)
        return replace(report, commit=commit, proven_at=self.now, in_sync_at=self.now)


def overhead(fleet: Fleet, checks: int) -> None:
    installation = open_installation(fleet.config, {"PATH": "/usr/bin:/bin", "HOME": "/"})
    start_logging(installation.config, level="warning")
    work = NoWork(installation.now(), installation.pipeline)
    site = Site(replace(installation, pipeline=work, now=lambda: work.now))
    store = installation.store
    store.presence.enter()
    process = psutil.Process()
    with ThreadPoolExecutor(8) as executor:
        commits = Commits(site)
        register = Register(site, commits)
        register.refresh()
        dispatcher = Dispatcher(site, commits, register, executor)
        done, first = 0, 0
        wall, cpu = time.perf_counter(), time.process_time()
        while done < checks:
            work.now += timedelta(minutes=10)
            done += store.watchlist.tick(work.now, register.schedules)
            while store.queue.all():
                dispatcher.fill()
                site.bell.wait(0.05)
                site.bell.clear()
            first = first or process.memory_info().rss
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    last = process.memory_info().rss
    store.presence.leave()
    print(f"{done} checks of {len(fleet.names)} environments that take no time")
    print(f"overhead: {wall / done * 1000:.2f} ms a check, {cpu / done * 1000:.2f} ms of CPU")
    grown = (last - first) / first * 100
    print(f"memory: {first >> 20} MB after one round, {last >> 20} MB at the end ({grown:+.1f} %)")
    size = (fleet.data_dir / "driftwatch.db").stat().st_size
    print(f"database: {size >> 20} MB, {size / done:.0f} bytes a check")


def live(root: Path, names: tuple[str, ...], minutes: float, interval: str) -> None:
    port = free_port()
    fleet = build_fleet(root, names, web={"listen": f"127.0.0.1:{port}"}, parallelism=8)
    fleet.configure(defaults={**fleet.settings["defaults"], "schedule": f"every {interval}"})
    length = timedelta(minutes=float(interval.removesuffix("m"))).total_seconds()
    with fleet.daemon() as process:
        wait_for((fleet.data_dir / "driftwatch.db").exists, 60)
        watch = Watch(fleet, f"http://127.0.0.1:{port}", psutil.Process(process.pid))
        began = time.monotonic()
        wait_for(lambda: len(fleet.store().reports.latest()) == len(names), 3600)
        print(f"first pass: {len(names) / (time.monotonic() - began):.1f} checks a second")
        watch.run(minutes * 60)
        ends(process)
    watch.tell(length)


class Watch:
    """Looks at a running daemon from outside."""

    def __init__(self, fleet: Fleet, base: str, process: psutil.Process) -> None:
        self.fleet, self.base, self.process = fleet, base, process
        self.ages: list[float] = []
        self.seconds: dict[str, list[float]] = {}
        self.memory: list[int] = []
        self.checks = 0

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        store = self.fleet.store()
        before = self._checks()
        with httpx2.Client(base_url=self.base) as client:
            while time.monotonic() < end:
                for path in ("/", "/?page=5", f"/environments/{self.fleet.names[7]}", "/queue"):
                    began = time.perf_counter()
                    client.get(path).raise_for_status()
                    self.seconds.setdefault(path, []).append(time.perf_counter() - began)
                now = datetime.now().astimezone()
                watched = store.watchlist.all()
                self.ages.append(max((now - w.proven_at).total_seconds() for w in watched))
                self.memory.append(self.process.memory_info().rss)
                time.sleep(1)
        self.checks = self._checks() - before

    def _checks(self) -> int:
        rows = self.fleet.store().database.query("SELECT count(*) AS number FROM report")
        return int(rows[0]["number"])

    def tell(self, interval: float) -> None:
        print(f"{self.checks} checks while watching, {len(self.ages)} looks")
        oldest = max(self.ages)
        print(f"oldest result: {oldest:.0f} s, {oldest / interval:.2f} x its interval")
        for path, seconds in self.seconds.items():
            p99 = statistics.quantiles(seconds, n=100)[98] if len(seconds) > 1 else seconds[0]
            median = statistics.median(seconds)
            print(f"{path:<44} p50 {median * 1000:6.1f} ms   p99 {p99 * 1000:6.1f} ms")
        tenth = max(len(self.memory) // 10, 1)
        early = statistics.median(self.memory[:tenth])
        late = statistics.median(self.memory[-tenth:])
        growth = (late - early) / early * 100
        print(f"memory: {early / 2**20:.0f} MB early, {late / 2**20:.0f} MB late ({growth:+.1f} %)")
        print(f"threads of the watcher: {threading.active_count()}")


if __name__ == "__main__":
    sys.exit(main())
