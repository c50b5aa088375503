"""An installation with a store on disk and a fleet in it, behind the real server."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from driftwatch.bootstrap import Installation, open_installation
from driftwatch.config.service_model import Role
from driftwatch.domain.environment import HOURLY
from driftwatch.domain.model import Report
from driftwatch.domain.notice import Delivery, Refusal
from driftwatch.domain.routing import Route, Telling
from driftwatch.web.measures import Measures
from driftwatch.web.server import WebServer
from tests.builders import NOW, make_environment, make_fleet

HERE = ("127.0.0.1", 50000)  # whom the test client says that it is
HOOK_SECRET = "a secret of the forge that is long"
ROUTES = (Route("team", "mail", ("ops@example.org", "gone@example.org")), Route("room", "chat"))


@dataclass(slots=True)
class FakeOffice:
    """The daemon, as far as the web sees it."""

    installation: Installation
    measures: Measures = field(default_factory=Measures)
    ill: list[str] = field(default_factory=list)
    woken: int = 0

    def problems(self) -> Sequence[str]:
        return self.ill

    def wake(self) -> None:
        self.woken += 1

    def set_clock(self, moment: datetime) -> None:
        self.installation = replace(self.installation, now=lambda: moment)

    def set_web(self, **changes: Any) -> None:
        """Change the settings as a reload would."""
        config = self.installation.config
        self.installation = replace(
            self.installation, config=replace(config, web=replace(config.web, **changes))
        )

    def token(self, role: Role, name: str = "", expires: datetime | None = None) -> str:
        tokens = self.installation.store.tokens
        return tokens.create(name or role.value, role, self.installation.now(), expires)


def make_office(folder: Path, **web: Any) -> FakeOffice:
    """Build an installation as a configuration describes it; `web` is that part of it."""
    settings = {
        "repositories": {
            "live": {"url": "https://github.com/example/infrastructure"},
            "other": {"url": "git@gitlab.example.org:group/Other.git", "branch": "release"},
        },
        "data_dir": str(folder / "data"),
        "environments": {"prod": {"repository": "live", "path": "environments/prod"}},
        "windows": {
            "freeze": {
                "deny": ["check", "notify"],
                "schedule": "0 9 * * *",
                "duration": "2h",
                "environments": ["prod*"],
                "because": "End-of-month closing",
            },
            "nights": {
                "allow": ["propose"],
                "schedule": "0 22 * * *",
                "duration": "6h",
                "timezone": "Europe/Berlin",
                "labels": ["development"],
            },
        },
        "web": web
        | {
            "hooks": {
                name: {"forge": name, "secret": HOOK_SECRET}
                for name in ("github", "gitlab", "gitea")
            }
        },
    }
    path = folder / "driftwatch.yaml"
    path.write_text(json.dumps(settings), encoding="utf-8")
    office = FakeOffice(open_installation(path, {}))
    office.set_clock(NOW)
    return office


def watch(office: FakeOffice, *reports: Report, quiet: bool = False) -> None:
    """Watch the environments of reports since some days ago."""
    environments = [
        make_environment(
            name=report.environment,
            repository=report.repository,
            directory=report.directory,
            owners=report.owners,
            labels=report.labels,
            account="123456789012",
        )
        for report in reports
    ]
    repositories = {report.repository for report in reports} if quiet else set()
    watchlist = office.installation.store.watchlist
    watchlist.watch(environments, NOW - timedelta(days=9), quiet=repositories)


def record(office: FakeOffice, report: Report, telling: Telling | None = None) -> None:
    """Save a report as a check does."""
    office.installation.store.ledger.record(report, None, telling or Telling())


def empty_queue(office: FakeOffice) -> None:
    """Let every job be done."""
    with office.installation.store.database.writing() as tables:
        tables.conn.execute("DELETE FROM job")


def fill(office: FakeOffice) -> None:
    """Lay out a fleet that shows every status, with a past, messages, jobs and snoozes."""
    fleet = make_fleet()
    watch(office, *fleet)
    telling = Telling(ROUTES, {"chat": ("slack",)})
    for report in fleet:
        calm = replace(report, decisions=(), resolved=(), failure=None)
        for days in range(9, 0, -1):
            at = report.checked_at - timedelta(days=days)
            past = report if days in (2, 5) else calm
            past = replace(past, checked_at=at, proven_at=at, in_sync_at=at)
            record(office, past, telling)
        record(office, report, telling)
    store = office.installation.store
    store.watchlist.tick(NOW, {report.environment: HOURLY for report in fleet})
    empty_queue(office)
    for place, message in enumerate(store.outbox.due(NOW + timedelta(days=1))[:9]):
        claimed = store.outbox.claim(message, "1-abc", NOW)
        assert claimed is not None
        store.outbox.settle(claimed, _delivery(place), NOW, timedelta(days=90))
    store.queue.add("prod", "schedule", NOW - timedelta(minutes=9))
    store.queue.add("staging", "push", NOW, actor="hook:github", urgent=True)
    store.queue.add("dev", "asked", NOW, actor="token:ana", urgent=True, override=True)
    jobs = {job.environment: job for job in store.queue.all()}
    store.queue.claim(jobs["staging"].number, "4242-abc", NOW, timedelta(minutes=5))
    store.queue.tell({jobs["staging"].number: "refreshing aws_sns_topic.alerts"})
    store.queue.explain({jobs["prod"].number: "window freeze denies it: End-of-month closing"})


def _delivery(place: int) -> Delivery:
    if place % 3 == 2:
        refused = {"gone@example.org": Refusal("550 5.1.1 no such user", permanent=True)}
        return Delivery(("ops@example.org",), refused)
    if place % 4 == 3:
        return Delivery((), {"slack": Refusal("503 try again later")})
    return Delivery(("ops@example.org", "gone@example.org"))


@contextmanager
def served(office: FakeOffice) -> Iterator[str]:
    """Serve an office on a port of its own, and give the address."""
    office.set_web(port=0)
    server = WebServer(office, office.installation.config.web)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.stop()


@contextmanager
def browsing(base: str, **options: Any) -> Iterator[httpx2.Client]:
    """Open a client that follows no redirects and asks no proxy."""
    with httpx2.Client(base_url=base, trust_env=False, timeout=20, **options) as client:
        yield client
