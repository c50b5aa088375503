"""One pass for cron tells what the daemon would, and nothing twice."""

import subprocess  # noqa: TID251 - passes overlap here, as those of cron do
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from driftwatch.cli.main import run
from driftwatch.domain.model import Status
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


def one_pass(fleet: Fleet, *arguments: str) -> tuple[int, str]:
    """Run `driftwatch check --deliver` as cron does."""
    with fleet.start(subprocess.PIPE, "check", "--deliver", *arguments) as process:
        output, _ = process.communicate(timeout=60)
    return process.returncode, output.decode()


def checks_of(fleet: Fleet) -> dict[str, int]:
    reports = fleet.store().reports
    return {name: len(reports.of(name, 99)) for name in fleet.names}


def test_passes_tell_each_transition_once(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(tmp_path / "f", ("dev", "prod"), notifications=mail_to(mailbox))
        assert one_pass(fleet)[0] == 0
        fleet.move("prod", 7)
        assert [one_pass(fleet)[0] for _ in range(3)] == [2, 2, 2]
        assert len(mailbox.mails) == 1
        fleet.move("prod", 9)
        one_pass(fleet)
        fleet.move("prod")
        assert one_pass(fleet)[0] == 0
    assert kinds(fleet.store()) == [EventKind.OPENED, EventKind.CHANGED, EventKind.CLOSED]
    assert len(mailbox.mails) == 3


def test_passes_that_overlap_share_the_work(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(
            tmp_path / "f", ("a", "b", "c"), notifications=mail_to(mailbox), parallelism=2
        )
        fleet.pace(1)
        fleet.move("a", 7)
        with ThreadPoolExecutor(3) as executor:
            codes = list(executor.map(lambda _: one_pass(fleet)[0], range(3)))
    assert codes == [2, 2, 2]
    assert len(mailbox.mails) == 1
    assert max(checks_of(fleet).values()) <= 2
    assert kinds(fleet.store(), "a") == [EventKind.OPENED]


def test_a_pass_beside_a_daemon_tells_nothing_twice(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(tmp_path / "f", ("dev", "prod"), notifications=mail_to(mailbox))
        with fleet.daemon() as process:
            wait_for(lambda: "check ended" in fleet.log)
            for size in (7, 9, 1, 4):
                fleet.move("prod", size)
                one_pass(fleet)
            assert ends(process) == 0
        store = fleet.store()
        told = {str(mail["Message-ID"]) for mail in mailbox.mails}
        assert len(told) == len(mailbox.mails) == len(store.outbox.newest())
        assert kinds(store) == [
            EventKind.OPENED,
            EventKind.CHANGED,
            EventKind.CLOSED,
            EventKind.OPENED,
        ]


def test_only_what_is_named_is_checked(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("dev", "prod"))
    assert one_pass(fleet, "prod")[0] == 0
    assert checks_of(fleet) == {"dev": 0, "prod": 1}
    code, said = one_pass(fleet, "pord")
    assert code == 64
    assert "No environment is called pord" in said


def test_what_may_not_be_checked_now_is_skipped_and_said(tmp_path: Path) -> None:
    window = {
        "deny": ["check"],
        "schedule": "* * * * *",
        "duration": "2h",
        "because": "a freeze",
        "environments": ["prod"],
    }
    fleet = build_fleet(tmp_path / "f", ("dev", "prod"), windows={"freeze": window})
    _, said = one_pass(fleet, "-q")
    assert "prod is skipped: window freeze denies it: a freeze" in said
    assert checks_of(fleet) == {"dev": 1, "prod": 0}
    assert fleet.store().queue.all() == []


def test_a_message_that_cannot_be_sent_waits_for_the_next_pass(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
        one_pass(fleet)
        fleet.move("prod", 7)
        mailbox.answer = lambda _: "451 not now"
        code, said = one_pass(fleet)
        assert code == 2
        assert "1 message waits to be sent" in said
        mailbox.answer = lambda _: None
        store = fleet.store()
        (waiting,) = store.outbox.newest()
        assert "451" in waiting.error
        assert store.outbox.try_again(waiting.number, waiting.created_at)
        one_pass(fleet)
    assert len(mailbox.mails) == 1


def test_one_that_fails_hides_no_other(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(
            tmp_path / "f",
            ("bad", "good"),
            notifications={**mail_to(mailbox), "failed_after": 1},
        )
        fleet.write_plan("bad", "no plan at all")
        fleet.move("good", 7)
        assert one_pass(fleet)[0] == 1
    assert {mail["X-Driftwatch-Environment"] for mail in mailbox.mails} == {"bad", "good"}


def test_without_deliver_nobody_is_told(tmp_path: Path) -> None:
    with open_mailbox() as mailbox:
        fleet = build_fleet(tmp_path / "f", ("prod",), notifications=mail_to(mailbox))
        fleet.move("prod", 7)
        assert run(["-c", str(fleet.config), "check", "-q"]) == 2
        assert mailbox.mails == []
        assert one_pass(fleet)[0] == 2
    assert len(mailbox.mails) == 1
    assert fleet.store().reports.of("prod", 1)[0].status is Status.DRIFTED


@pytest.mark.parametrize("parallel", ["1", "3"])
def test_a_pass_can_be_told_how_much_to_do_at_once(tmp_path: Path, parallel: str) -> None:
    fleet = build_fleet(tmp_path / "f", ("a", "b", "c"))
    assert one_pass(fleet, "-j", parallel)[0] == 0
    assert checks_of(fleet) == {"a": 1, "b": 1, "c": 1}


def test_what_others_asked_for_is_not_taken_away(tmp_path: Path) -> None:
    window = {"deny": ["check"], "schedule": "* * * * *", "duration": "2h"}
    fleet = build_fleet(tmp_path / "f", ("dev", "prod"), windows={"freeze": window})
    one_pass(fleet)
    store = fleet.store()
    now = store.watchlist.all()[0].since
    store.queue.add("prod", "manual", now, urgent=True)
    store.queue.add("dev", "schedule", now)
    one_pass(fleet)
    assert {job.environment for job in store.queue.all()} == {"dev", "prod"}


def test_a_pass_waits_for_no_window_while_others_run(tmp_path: Path) -> None:
    window = {
        "deny": ["check"],
        "schedule": "* * * * *",
        "duration": "2h",
        "environments": ["prod"],
    }
    fleet = build_fleet(tmp_path / "f", ("dev", "prod"), windows={"freeze": window})
    fleet.pace(2)
    with fleet.daemon() as process:
        wait_for(lambda: "check starts" in fleet.log)
        _, said = one_pass(fleet, "prod")
        assert "prod is skipped" in said
        assert ends(process) == 0


def test_a_repository_that_cannot_be_reached_is_no_clean_pass(tmp_path: Path) -> None:
    fleet = build_fleet(tmp_path / "f", ("prod",))
    fleet.work.rename(tmp_path / "away")
    code, said = one_pass(fleet)
    assert code == 1
    assert "The repository live cannot be reached" in said
    (tmp_path / "away").rename(fleet.work)
    assert one_pass(fleet)[0] == 0
    fleet.work.rename(tmp_path / "away")
    assert one_pass(fleet, "prod")[0] == 1
