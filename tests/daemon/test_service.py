"""The daemon as an operator sees it: a process that checks, tells, obeys signals, and ends."""

import signal
import sqlite3
import time
from pathlib import Path

import httpx2
import pytest

from driftwatch.domain.model import Status
from driftwatch.domain.notice import EventKind
from tests.adapters.store.worlds import kinds
from tests.daemon.standin import (
    Fleet,
    Mailbox,
    build_fleet,
    descendants_of,
    ends,
    free_port,
    git,
    mail_to,
    open_mailbox,
    wait_for,
)


def looked_at(fleet: Fleet, times: int = 1) -> bool:
    """Say whether every environment has been checked so often."""
    if not (fleet.data_dir / "driftwatch.db").exists():
        return False
    reports = fleet.store().reports
    return all(len(reports.of(name, times)) >= times for name in fleet.names)


def reports_of(fleet: Fleet, name: str) -> list[Status]:
    return [report.status for report in fleet.store().reports.of(name, 99)]


def audited(fleet: Fleet) -> list[str]:
    return [entry.action for entry in reversed(fleet.store().audit.entries())]


@pytest.fixture
def mailbox() -> Mailbox:  # type: ignore[misc]
    with open_mailbox() as mailbox:
        yield mailbox


def test_a_drift_is_told_once_and_its_end_too(tmp_path: Path, mailbox: Mailbox) -> None:
    fleet = build_fleet(tmp_path / "f", ("dev", "prod"), notifications=mail_to(mailbox))
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.move("prod", 7)
        wait_for(lambda: len(mailbox.mails) == 1)
        wait_for(lambda: reports_of(fleet, "prod").count(Status.DRIFTED) >= 3)
        fleet.move("prod")
        wait_for(lambda: len(mailbox.mails) == 2)
        assert ends(process) == 0
    opened, closed = mailbox.mails
    assert "aws_x.y" in opened["Subject"]
    assert "Resolved" in closed["Subject"]
    assert closed["References"] == opened["References"]
    assert kinds(fleet.store()) == [EventKind.OPENED, EventKind.CLOSED]
    assert (tmp_path / "f/reports/drift.html").exists()
    assert descendants_of(fleet.root) == []


def test_a_new_installation_starts_quietly(tmp_path: Path, mailbox: Mailbox) -> None:
    notifications = {**mail_to(mailbox), "first_pass": "quiet"}
    fleet = build_fleet(tmp_path / "f", ("dev", "prod"), notifications=notifications)
    fleet.move("prod", 7)
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet, times=2))
        fleet.move("dev", 3)
        wait_for(lambda: mailbox.mails)
        assert ends(process) == 0
    assert [mail["X-Driftwatch-Environment"] for mail in mailbox.mails] == ["dev"]


def test_sigterm_lets_a_short_check_end(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",))
    fleet.pace(1)
    with fleet.daemon() as process:
        wait_for(lambda: "check starts" in fleet.log)
        assert ends(process) == 0
    assert reports_of(fleet, "prod") == [Status.IN_SYNC]
    assert fleet.store().queue.all() == []


def test_sigterm_hands_a_long_check_back_in_time(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), daemon={"shutdown": "2s", "memory_per_check": 0})
    fleet.pace(60)
    with fleet.daemon() as process:
        wait_for(lambda: any("sleep" in line for line in descendants_of(fleet.root)))
        began = time.monotonic()
        assert ends(process) == 0
        assert time.monotonic() - began < 5
    wait_for(lambda: descendants_of(fleet.root) == [], 10)
    assert reports_of(fleet, "prod") == []
    assert [job.owner for job in fleet.store().queue.all()] == [None]
    assert list((fleet.data_dir / "runs").iterdir()) == []
    fleet.pace(0)
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        assert ends(process) == 0


def test_a_second_sigterm_hurries(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), daemon={"shutdown": "40s"})
    fleet.pace(60)
    with fleet.daemon() as process:
        wait_for(lambda: any("sleep" in line for line in descendants_of(fleet.root)))
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        assert ends(process) == 0
        assert time.monotonic() - began < 5


def test_what_a_killed_daemon_left_is_made_good_by_the_next(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
    fleet.pace(30)
    fleet.move("prod", 7)
    with fleet.daemon() as process:
        wait_for(lambda: any("sleep" in line for line in descendants_of(fleet.root)))
        process.kill()
    wait_for(lambda: descendants_of(fleet.root) == [], 10)
    fleet.pace(0)
    with fleet.daemon() as process:
        wait_for(lambda: mailbox.mails)
        assert ends(process) == 0
    assert "interrupted and will be made again" in fleet.log
    assert list((fleet.data_dir / "runs").iterdir()) == []
    assert len(list((fleet.data_dir / "running").iterdir())) == 0


def test_there_is_one_daemon_for_a_data_directory(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",))
    with fleet.daemon() as first:
        wait_for(lambda: looked_at(fleet))
        with fleet.daemon() as second:
            assert second.wait(30) == 75
        assert f"process {first.pid}" in fleet.log
        assert first.poll() is None


def test_sighup_loads_the_configuration_anew(tmp_path: Path, mailbox: Mailbox) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod", "dev"))
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.configure(
            notifications=mail_to(mailbox), environments={"prod": {"path": "environments/prod"}}
        )
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "loaded anew" in fleet.log)
        wait_for(lambda: [w.environment for w in fleet.store().watchlist.all()] == ["prod"])
        fleet.move("prod", 3)
        wait_for(lambda: mailbox.mails)
        assert ends(process) == 0
    assert audited(fleet) == ["daemon.start", "config.change"]


def test_a_bad_configuration_is_refused_and_the_old_one_holds(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
    good = fleet.config.read_text(encoding="utf-8")
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.config.write_text(good.replace("schedule:", "shedule:"), encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "the configuration is refused" in fleet.log)
        fleet.configure(data_dir=str(tmp_path / "elsewhere"))
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "data_dir cannot change" in fleet.log)
        fleet.move("prod", 3)
        wait_for(lambda: mailbox.mails)
        assert ends(process) == 0
    assert "unknown key; did you mean" in fleet.log
    assert audited(fleet) == ["daemon.start", "config.refuse", "config.refuse"]


def test_a_bad_configuration_does_not_start(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), nonsense=1)
    with fleet.daemon() as process:
        assert process.wait(30) == 78
    assert "nonsense" in fleet.log


def test_a_new_environment_is_found_and_a_removed_one_is_let_go(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    fleet = build_fleet(
        tmp_path / "f",
        ("dev", "prod"),
        notifications=mail_to(mailbox),
        daemon={"discover": "1s", "memory_per_check": 0},
    )
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.move("prod", 7)
        wait_for(lambda: len(mailbox.mails) == 1)
        fleet.write_plan("test", (fleet.root / "plans/dev").read_text("utf-8"))
        git(fleet.work, "mv", "environments/prod", "environments/test")
        git(fleet.work, "commit", "-qm", "Rename")
        wait_for(lambda: {w.environment for w in _watched(fleet)} == {"dev", "test"}, 60)
        wait_for(lambda: len(mailbox.mails) == 2)
        assert ends(process) == 0
    assert "no longer watched" in mailbox.mails[1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert fleet.store().reports.of("prod", 1)


def _watched(fleet: Fleet):  # type: ignore[no-untyped-def]  # noqa: ANN202
    return fleet.store().watchlist.all()


def test_a_repository_that_cannot_be_reached_takes_nothing_away_and_is_told(
    tmp_path: Path, mailbox: Mailbox
) -> None:
    fleet = build_fleet(
        tmp_path / "f",
        ("prod",),
        notifications={**mail_to(mailbox), "failed_after": 1},
        daemon={"discover": "1s", "memory_per_check": 0},
    )
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.work.rename(tmp_path / "away")
        wait_for(lambda: len(mailbox.mails) == 1, 60)
        assert [w.environment for w in _watched(fleet)] == ["prod"]
        (tmp_path / "away").rename(fleet.work)
        wait_for(lambda: len(mailbox.mails) == 2, 120)
        assert ends(process) == 0
    assert kinds(fleet.store()) == [EventKind.FAILED, EventKind.RECOVERED]


def test_a_window_that_denies_keeps_checks_waiting_and_says_so(tmp_path: Path) -> None:
    window = {"deny": ["check"], "schedule": "* * * * *", "duration": "2h", "because": "a freeze"}
    fleet = build_fleet(tmp_path / "f", ("prod",), windows={"freeze": window})
    with fleet.daemon() as process:
        wait_for((fleet.data_dir / "driftwatch.db").exists)
        wait_for(lambda: any("a freeze" in job.waiting for job in fleet.store().queue.all()))
        assert reports_of(fleet, "prod") == []
        store = fleet.store()
        store.queue.add("prod", "manual", store.watchlist.all()[0].since, override=True)
        wait_for(lambda: looked_at(fleet))
        assert ends(process) == 0


def test_a_window_that_denies_notices_delays_them(tmp_path: Path, mailbox: Mailbox) -> None:
    window = {"deny": ["notify"], "schedule": "* * * * *", "duration": "2h"}
    fleet = build_fleet(
        tmp_path / "f", ("prod",), notifications=mail_to(mailbox), windows={"night": window}
    )
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.move("prod", 7)
        wait_for(lambda: any("night" in m.error for m in fleet.store().outbox.newest()))
        fleet.configure(windows={})
        with sqlite3.connect(fleet.data_dir / "driftwatch.db") as connection:
            connection.execute("UPDATE message SET next_attempt_at = created_at")
        connection.close()
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: mailbox.mails)
        assert ends(process) == 0


def test_the_dashboard_and_health_are_served(tmp_path: Path) -> None:
    port = free_port()
    fleet = build_fleet(tmp_path / "f", ("prod",), web={"listen": f"127.0.0.1:{port}"})
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        base = f"http://127.0.0.1:{port}"
        assert httpx2.get(f"{base}/healthz").status_code == 200
        assert "prod" in httpx2.get(base).text
        metrics = httpx2.get(f"{base}/metrics").text
        assert 'driftwatch_checks_total{result="in sync"}' in metrics
        asked = httpx2.post(
            f"{base}/api/v1/environments/prod/check",
            json={},
            headers={"Origin": base, "Sec-Fetch-Site": "same-origin"},
        )
        assert asked.status_code in (202, 403), asked.text
        assert ends(process) == 0


def test_a_taken_port_is_a_clear_error(tmp_path: Path, mailbox: Mailbox) -> None:
    web = {"listen": f"127.0.0.1:{mailbox.port}"}
    fleet = build_fleet(tmp_path / "f", ("prod",), web=web)
    with fleet.daemon() as process:
        assert process.wait(30) == 78
    assert "web.listen: cannot listen" in fleet.log


def test_a_locked_database_is_waited_for(tmp_path: Path, mailbox: Mailbox) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        connection = sqlite3.connect(fleet.data_dir / "driftwatch.db", isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        fleet.move("prod", 7)
        time.sleep(3)
        connection.execute("ROLLBACK")
        connection.close()
        wait_for(lambda: mailbox.mails)
        assert ends(process) == 0


def test_a_schedule_that_never_fires_checks_when_asked(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",))
    defaults = {**fleet.settings["defaults"], "schedule": "never"}
    fleet.configure(defaults=defaults)
    with fleet.daemon() as process:
        wait_for(lambda: (fleet.data_dir / "driftwatch.db").exists() and _watched(fleet))
        time.sleep(2)
        assert reports_of(fleet, "prod") == []
        store = fleet.store()
        store.queue.add("prod", "manual", store.watchlist.all()[0].since)
        wait_for(lambda: looked_at(fleet))
        assert ends(process) == 0


def test_systemd_hears_that_it_is_ready_and_alive(tmp_path: Path) -> None:
    import socket  # noqa: PLC0415

    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        fleet = build_fleet(tmp_path / "f", ("prod",))
        with fleet.daemon(NOTIFY_SOCKET=address) as process:
            assert manager.recv(99) == b"READY=1"
            assert manager.recv(99) == b"WATCHDOG=1"
            process.send_signal(signal.SIGHUP)
            heard = b""
            while b"RELOADING" not in heard:
                heard = manager.recv(99)
            while b"READY" not in heard:
                heard = manager.recv(99)
            process.send_signal(signal.SIGTERM)
            while b"STOPPING" not in heard:
                heard = manager.recv(99)
            assert process.wait(30) == 0


def test_files_of_the_daemon_are_for_its_owner_alone(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",))
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        shared = [path for path in fleet.data_dir.iterdir() if _mode(path) & 0o077]
        assert ends(process) == 0
    assert shared == []


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0


def test_the_dashboard_moves_when_the_configuration_says_so(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    fleet = build_fleet(tmp_path / "f", ("prod",), web={"listen": f"127.0.0.1:{first}"})
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        fleet.configure(web={"listen": f"127.0.0.1:{second}"})
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "loaded anew" in fleet.log)
        assert httpx2.get(f"http://127.0.0.1:{second}/healthz").status_code == 200
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{first}/healthz")
        fleet.configure(web={"listen": "0.0.0.0:0"})
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: "can be reached from other machines" in fleet.log)
        assert httpx2.get(f"http://127.0.0.1:{second}/healthz").status_code == 200
        checks = len(reports_of(fleet, "prod"))
        wait_for(lambda: len(reports_of(fleet, "prod")) > checks + 1)
        assert ends(process) == 0


def test_an_outage_that_outlasts_a_restart_is_told(tmp_path: Path, mailbox: Mailbox) -> None:
    notifications = {**mail_to(mailbox), "failed_after": 1}
    fleet = build_fleet(tmp_path / "f", ("prod",), notifications=notifications)
    with fleet.daemon() as process:
        wait_for(lambda: looked_at(fleet))
        assert ends(process) == 0
    fleet.work.rename(tmp_path / "away")
    with fleet.daemon() as process:
        wait_for(lambda: mailbox.mails, 60)
        assert [w.environment for w in _watched(fleet)] == ["prod"]
        assert ends(process) == 0
    assert kinds(fleet.store()) == [EventKind.FAILED]


def test_a_repository_that_was_never_seen_is_no_health(tmp_path: Path) -> None:
    port = free_port()
    fleet = build_fleet(tmp_path / "f", ("prod",), web={"listen": f"127.0.0.1:{port}"})
    fleet.work.rename(tmp_path / "away")
    with fleet.daemon() as process:
        wait_for(lambda: "a repository cannot be reached" in fleet.log)
        health = f"http://127.0.0.1:{port}/healthz"
        wait_for(lambda: httpx2.get(health).status_code == 503)
        assert ends(process) == 0


_HANGS = """#!/bin/sh
case "$1" in version|--version) exec /usr/bin/git "$@" ;; esac
exec sleep 120
"""


def test_a_daemon_ends_in_time_though_a_check_hangs_in_git(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",), daemon={"shutdown": "2s"})
    folder = fleet.root / "bin"
    (folder / "git").write_text(_HANGS, encoding="utf-8")
    (folder / "git").chmod(0o755)
    with fleet.daemon(PATH=f"{folder}:/usr/bin:/bin") as process:
        wait_for(lambda: any("sleep 120" in line for line in descendants_of(fleet.root)))
        began = time.monotonic()
        assert ends(process) == 0
        assert time.monotonic() - began < 6
    wait_for(lambda: descendants_of(fleet.root) == [], 10)
