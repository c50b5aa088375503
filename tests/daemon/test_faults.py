"""The daemon while clocks jump, disks fill up and mail servers misbehave."""

import signal
import subprocess  # noqa: TID251 - limits of the daemon's process are changed from outside
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil

from driftwatch.daemon.clock import Chore, Clock
from driftwatch.domain.notice import EventKind
from tests.adapters.store.worlds import kinds
from tests.daemon.standin import (
    Fleet,
    build_fleet,
    ends,
    mail_to,
    open_mailbox,
    wait_for,
)


def number_of_checks(fleet: Fleet) -> int:
    return sum(len(fleet.store().reports.of(name, 999)) for name in fleet.names)


def goes_on(fleet: Fleet, checks: int = 2) -> Callable[[], bool]:
    """Say whether so many more checks have been made since this was called."""
    before = number_of_checks(fleet)
    return lambda: number_of_checks(fleet) >= before + checks


def test_a_clock_that_jumps_stops_nobody_and_starts_no_storm(tmp_path: Path) -> None:
    """Programs see another time of day, while the monotonic clock goes on as it does."""
    libraries = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    assert libraries, "this test needs Debian's faketime"
    stamp = tmp_path / "faketime"
    stamp.write_text("+0", encoding="utf-8")
    fleet = build_fleet(tmp_path / "f", ("prod",))
    with fleet.daemon(
        LD_PRELOAD=str(libraries[0]),
        FAKETIME_TIMESTAMP_FILE=str(stamp),
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        FAKETIME_NO_CACHE="1",
    ) as process:
        wait_for(lambda: (fleet.data_dir / "driftwatch.db").exists() and number_of_checks(fleet))
        for jump in ("-1h", "+3h", "-400d", "+400d"):
            stamp.write_text(jump, encoding="utf-8")
            began, before = time.monotonic(), number_of_checks(fleet)
            wait_for(goes_on(fleet, 3), 30, f"no checks after {jump}")
            passed = time.monotonic() - began
            assert number_of_checks(fleet) - before <= passed / 2 + 3
        assert ends(process) == 0
    assert fleet.log.count("the clock jumped") >= 4
    assert EventKind.STALE not in kinds(fleet.store())


def test_a_clock_set_back_does_not_silence_chores() -> None:
    rung: list[float] = []
    clock = Clock((Chore("ring", timedelta(seconds=0.2), lambda: rung.append(1.0)),))
    clock.start()
    wait_for(lambda: len(rung) >= 2)
    assert clock.jumped() == 0.0
    clock._offset += 3600  # as if the time of day had been an hour later until now
    assert clock.jumped() < -3000
    before = len(rung)
    wait_for(lambda: len(rung) >= before + 2)
    clock.pause()
    clock.stop()


def test_a_chore_that_fails_is_done_again_and_counts_as_silence() -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise RuntimeError("no")

    clock = Clock((Chore("fail", timedelta(seconds=0.1), fail),))
    assert clock.silent_for("fail") < 0.1
    clock.start()
    wait_for(lambda: len(tries) >= 3)
    assert clock.silent_for("fail") >= 0.2
    clock.stop()


def test_a_disk_that_is_full_loses_nothing(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
        with fleet.daemon() as process:
            wait_for((fleet.data_dir / "driftwatch.db").exists)
            wait_for(lambda: number_of_checks(fleet) >= 1)
            _limit(process.pid, "1:unlimited")
            fleet.move("prod", 7)
            time.sleep(0.5)
            before = number_of_checks(fleet)
            time.sleep(5)
            assert process.poll() is None
            assert number_of_checks(fleet) == before
            assert mailbox.mails == []
            _limit(process.pid, "unlimited:unlimited")
            wait_for(lambda: mailbox.mails, 60)
            assert ends(process) == 0
    assert kinds(fleet.store()) == [EventKind.OPENED]
    fleet.store().database.examine()


def _limit(pid: int, size: str) -> None:
    """Let a process write no files beyond a size: SQLite meets what a full disk is to it."""
    subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={size}"], check=True)


def test_a_mail_server_that_refuses_is_asked_again(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        answers = ["451 not now"]
        mailbox.answer = lambda _: answers.pop() if answers else None
        fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
        fleet.move("prod", 7)
        with fleet.daemon() as process:
            wait_for(lambda: mailbox.mails, 90)
            assert ends(process) == 0
    (mail,) = mailbox.mails
    assert mail["X-Driftwatch-Attempt"] == "2"


def test_who_is_refused_for_good_is_parked_and_the_others_are_served(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        mailbox.refuse = {"gone@example.org": "550 no such user"}
        notifications = mail_to(mailbox, to=["ops@example.org", "gone@example.org"])
        fleet = build_fleet(tmp_path / "f", ("prod",), notifications=notifications)
        fleet.move("prod", 7)
        with fleet.daemon() as process:
            wait_for(lambda: mailbox.mails)
            wait_for(lambda: fleet.store().outbox.newest(state="parked"))
            assert ends(process) == 0
    (parked,) = fleet.store().outbox.newest(state="parked")
    assert parked.recipients == ("gone@example.org",)
    assert "550" in parked.error


def test_a_stopped_daemon_catches_up_with_one_check(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",))
    with fleet.daemon() as process:
        wait_for(lambda: (fleet.data_dir / "driftwatch.db").exists() and number_of_checks(fleet))
        process.send_signal(signal.SIGSTOP)
        time.sleep(8)
        before = number_of_checks(fleet)
        process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        wait_for(goes_on(fleet, 3))
        assert number_of_checks(fleet) - before <= (time.monotonic() - began) / 2 + 2
        assert ends(process) == 0


def test_the_daemon_leaves_no_file_and_no_thread_behind_over_many_checks(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("a", "b", "c"))
    with fleet.daemon() as process:
        wait_for(lambda: (fleet.data_dir / "driftwatch.db").exists() and number_of_checks(fleet))
        wait_for(goes_on(fleet, 9))
        seen = psutil.Process(process.pid)
        files, threads = seen.num_fds(), seen.num_threads()
        wait_for(goes_on(fleet, 30), 60)
        with suppress(psutil.NoSuchProcess):
            assert seen.num_fds() <= files + 12
            assert seen.num_threads() <= threads + 6
        assert ends(process) == 0
