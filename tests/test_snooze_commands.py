"""Snoozing as people type it, on a real database: bound, listed, edited, ended and audited."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import pytest

from driftwatch.bootstrap import Installation, now, open_installation
from driftwatch.cli.exits import exit_code
from driftwatch.cli.main import run
from driftwatch.desk import login_name
from driftwatch.domain.model import Action, Decision, Verdict
from tests.builders import (
    NOW,
    make_attribute,
    make_decision,
    make_drift,
    make_failure,
    make_finding,
    make_report,
    make_snoozed,
)

LOGS = "aws_cloudwatch_log_group.app"


class Place:
    """An installation that has a report on record."""

    def __init__(self, root: Path, *decisions: Decision) -> None:
        self.config = root / "driftwatch.yaml"
        self.config.write_text(
            f"repositories: {{live: {{url: ./live}}}}\ndata_dir: {root / 'data'}\n",
            encoding="utf-8",
        )
        self.report(*(decisions or (make_decision(),)))

    @cached_property
    def installation(self) -> Installation:
        return open_installation(self.config)

    def report(self, *decisions: Decision) -> None:
        self.installation.store.reports.add(make_report(*decisions, checked_at=now()))

    def __call__(self, *arguments: str) -> int:
        return run(["-c", str(self.config), *arguments])

    def snooze(self, *more: str, until: str = "2w", because: str = "known, ticket 4711") -> int:
        where = more if more and not more[0].startswith("-") else ("prod", LOGS, *more)
        return self("snooze", *where, "--until", until, "--because", because)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


Said = pytest.CaptureFixture[str]


def audited(place: Place) -> list[tuple[str, str, str]]:
    entries = place.installation.store.audit.entries()
    return [(entry.actor, entry.action, entry.subject) for entry in reversed(entries)]


def test_a_snooze_is_bound_to_the_newest_report_listed_ended_and_audited(
    place: Place, capsys: Said
) -> None:
    assert place.snooze("--by", "ana") == 0
    assert f"Snooze 1: {LOGS} in prod, snoozed until " in capsys.readouterr().out
    (made,) = place.installation.store.snoozes.active("prod")
    assert (made.by, made.because) == ("ana", "known, ticket 4711")
    assert timedelta(days=13, hours=23) < made.until - now() < timedelta(days=14)

    assert place("snoozes") == 0
    assert f"    1  prod  {LOGS}  snoozed until " in capsys.readouterr().out
    assert place("unsnooze", "1", "--because", "mended", "--by", "ben") == 0
    assert f"Snooze 1 of {LOGS} in prod has ended." in capsys.readouterr().out
    assert place("snoozes") == 0
    assert capsys.readouterr().out == "Nothing is snoozed.\n"
    assert place("snoozes", "--all") == 0
    assert "ben ended it: mended" in capsys.readouterr().out
    subject = f"prod: {LOGS}"
    assert audited(place) == [("ana", "snooze.add", subject), ("ben", "snooze.end", subject)]
    assert place.installation.store.audit.verify() == (2, None)


def test_snoozing_again_edits_what_is_live(place: Place, capsys: Said) -> None:
    assert place.snooze() == place.snooze(until="2d", because="longer\n than thought") == 0
    capsys.readouterr()
    assert place("snoozes", "prod", "--all", "-f", "json") == 0
    second, first = json.loads(capsys.readouterr().out)
    assert (first["number"], first["ended_because"]) == (1, "replaced")
    assert (second["number"], second["because"]) == (2, "longer than thought")
    assert second["ended_at"] is None
    assert datetime.fromisoformat(second["until"]) > now()
    assert (second["key"], "binding" in second) == (f"resource:{LOGS}", False)
    assert place("snoozes", "dev", "-f", "json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_one_attribute_can_be_snoozed(place: Place, capsys: Said) -> None:
    assert place.snooze("prod", LOGS, "retention_in_days") == 0
    assert "retention_in_days snoozed until" in capsys.readouterr().out
    assert place.snooze("prod", LOGS, "tags.x") == 64
    said = capsys.readouterr().err
    assert f"{LOGS} has no drifted attribute tags.x; it has: retention_in_days" in said
    assert place.snooze("prod", LOGS, "..") == 64
    assert "is not an attribute path" in capsys.readouterr().err


def test_what_is_last_known_can_be_snoozed_while_checks_fail(place: Place) -> None:
    failed = make_report(make_decision(), checked_at=now(), failure=make_failure())
    place.installation.store.reports.add(failed)
    assert place.snooze() == 0


def test_a_thing_can_be_named_by_its_key(place: Place) -> None:
    assert place.snooze("prod", f"resource:{LOGS}") == 0


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2020-01-01", "'2020-01-01' is over already."),
        ("2099-01-01", "is more than a year ahead"),
        ("400d", "is more than a year ahead"),
        ("next week", "is no time: write 2w, 2026-12-24 or 2026-12-24T08:00 (UTC)."),
        ("0001-01-01T00:00+12:00", "is no time"),
    ],
)
def test_a_time_that_makes_no_sense_is_refused(
    place: Place, capsys: Said, until: str, expected: str
) -> None:
    assert place.snooze(until=until) == 64
    assert expected in capsys.readouterr().err
    assert place.installation.store.snoozes.all(include_ended=True) == []


def test_a_snooze_needs_a_reason_and_a_name(place: Place, capsys: Said) -> None:
    assert place.snooze(because=" ") == 64
    assert "needs a reason" in capsys.readouterr().err
    assert place.snooze(because="x" * 501) == 64
    assert "up to 500 characters" in capsys.readouterr().err
    for name in ("", "x" * 101):
        assert place.snooze("--by", name) == 64
        assert "must say who decides" in capsys.readouterr().err


def test_what_is_not_drifted_is_refused_with_what_is(place: Place, capsys: Said) -> None:
    assert place.snooze("dev", LOGS) == 64
    assert "No check of 'dev' is on record. There are: prod." in capsys.readouterr().err
    assert place.snooze("prod", "aws_vpc.main") == 64
    said = capsys.readouterr().err
    assert f"aws_vpc.main is not drifted in prod; what is: {LOGS}." in said
    many = [make_decision(make_finding(make_drift(address=f"aws_x.n{n}"))) for n in range(22)]
    place.report(*many)
    assert place.snooze() == 64
    assert "aws_x.n19 and 2 more." in capsys.readouterr().err
    place.report(make_decision(make_finding(verdict=Verdict.IGNORE, because="Autoscaled.")))
    assert place.snooze() == 64
    assert f"A rule ignores {LOGS} already: Autoscaled." in capsys.readouterr().err
    assert place.snooze("prod", "aws_vpc.main") == 64
    assert "what is: nothing." in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes", [{"deleted": True}, {"action": Action.REPLACE}, {"action": Action.DELETE}]
)
def test_a_loss_cannot_be_snoozed(place: Place, capsys: Said, changes: dict[str, object]) -> None:
    place.report(make_decision(make_finding(make_drift(**changes))))
    assert place.snooze() == 64
    assert f"{LOGS}: a deletion or replacement cannot be snoozed" in capsys.readouterr().err


def test_a_snooze_that_is_not_live_cannot_be_ended(place: Place, capsys: Said) -> None:
    assert place("unsnooze", "9") == 64
    assert "No snooze 9 is live" in capsys.readouterr().err
    assert audited(place) == []


def test_an_installation_without_any_check_has_nothing_to_snooze(
    tmp_path: Path, capsys: Said
) -> None:
    place = Place.__new__(Place)
    place.config = tmp_path / "driftwatch.yaml"
    place.config.write_text(
        f"repositories: {{live: {{url: ./live}}}}\ndata_dir: {tmp_path / 'data'}\n",
        encoding="utf-8",
    )
    assert place.snooze() == 64
    assert "There are: none." in capsys.readouterr().err


def test_a_hostile_name_stays_visible(place: Place, capsys: Said) -> None:
    assert place.snooze("--by", "a\x1b[31mb", because="x\u202ey") == 0
    assert place("snoozes") == 0
    said = capsys.readouterr().out
    assert "by a<U+001B>[31mb: x<U+202E>y" in said


def test_what_is_snoozed_ends_when_its_value_moves(place: Place) -> None:
    assert place.snooze() == 0
    store = place.installation.store
    moved = make_drift(attributes=(make_attribute(actual=3),))
    report = make_report(make_decision(make_finding(moved)), checked_at=now())
    store.ledger.record(report, None, place.installation.telling)
    (ended,) = store.snoozes.all(include_ended=True)
    assert ended.ended_because == "the value moved"
    assert store.snoozes.active("prod") == []
    unmoved = replace(report, decisions=(make_decision(),))
    store.ledger.record(unmoved, None, place.installation.telling)
    assert store.snoozes.active("prod") == []


def test_who_is_at_the_keyboard_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ana")
    assert login_name() == "ana"
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    assert login_name()


def test_nobody_known_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise KeyError("uid")

    for name in ("LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("getpass.getuser", fail)
    assert login_name() == "unknown"


def test_a_snoozed_drift_is_no_drift_for_exit_codes() -> None:
    snoozed, drifted = make_report(make_snoozed()), make_report(make_decision())
    assert exit_code([snoozed], NOW) == 0
    assert exit_code([snoozed, drifted], NOW) == 2
    assert exit_code([snoozed], NOW + timedelta(days=2)) == 1


def test_what_is_no_text_breaks_nothing(place: Place, capsys: Said) -> None:
    assert place.snooze("--by", "a\udcff", because="x\udcff") == 0
    assert place.snooze("prod\udcff", LOGS) == 64
    assert place.snooze("prod", "\udcff") == 64
    assert place.snooze("prod", LOGS, "\udcff") == 64
    half = make_drift(address='aws_x.y["\ud800"]')
    place.report(make_decision(make_finding(half)))
    assert place.snooze("prod", half.address) == 64
    assert "Traceback" not in capsys.readouterr().err
