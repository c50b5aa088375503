"""Mistakes that were seen in the code of other drift detectors, one test or more for each.

The numbers are those of the list that they were collected in; what belongs to notices and
proposals is tested where those are made.
"""

import ast
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import driftwatch
from driftwatch.adapters.store.store import open_store
from driftwatch.adapters.terraform import TerraformCli
from driftwatch.adapters.terraform_argv import guarded
from driftwatch.config.load import process_environment
from driftwatch.domain.condition import parse_condition
from driftwatch.domain.globs import parse_path_glob
from driftwatch.domain.matching import Match
from driftwatch.domain.model import Action, Kind, Reason, Report, Status, Transition, Verdict
from driftwatch.domain.policy import Rule
from driftwatch.errors import Cause, CouldNotLook
from driftwatch.pipeline import Judgement, Pipeline
from driftwatch.ports import Checkout, History
from driftwatch.render.formats import Format, render
from tests.builders import NOW, make_environment, make_repository
from tests.domain.documents import KEY, compared, make_document, make_entry
from tests.fakes import (
    Answer,
    FakeClock,
    FakeGit,
    FakeHistory,
    FakeSnoozes,
    FakeSources,
    FakeTerraform,
)

TIMEOUT = CouldNotLook("The plan took longer than 30 minutes.", cause=Cause.TIMEOUT, retryable=True)
CLEAN = json.dumps(make_document([], [make_entry("aws_x.y", {"a": 1}, {"a": 1})])).encode()


def restored(actual: Any, address: str = "aws_x.y") -> bytes:
    """Write a plan that would take `actual` back to 1."""
    drift = make_entry(address, {"a": 1}, {"a": actual})
    change = make_entry(address, {"a": actual}, {"a": 1})
    return json.dumps(make_document([drift], [change])).encode()


def unopposed(actual: Any) -> bytes:
    """Write a plan that says "No changes" although something moved."""
    drift = make_entry("aws_x.y", {"a": 1}, {"a": actual})
    still = make_entry("aws_x.y", {"a": actual}, {"a": actual})
    return json.dumps(make_document([drift], [still], applyable=False)).encode()


@dataclass(slots=True)
class Story:
    """One environment that is checked again and again, an hour between."""

    history: History
    rules: tuple[Rule, ...] = ()
    hours: int = 0

    def check(self, answer: Answer) -> Report:
        pipeline = make_pipeline({"prod": answer}, self.history, self.rules, self.hours)
        self.hours += 1
        report = pipeline.check(make_environment(), make_repository(), "c0ffee", lambda _: None)
        self.history.add(report)
        return report


def make_pipeline(
    answers: Mapping[str, Answer], history: History, rules: tuple[Rule, ...] = (), hours: int = 0
) -> Pipeline:
    return Pipeline(
        git=FakeGit(),
        terraform=FakeTerraform(answers),
        sources=FakeSources(),
        snoozes=FakeSnoozes(),
        history=history,
        judgement=Judgement(rules, ("configured-secret",), KEY),
        now=FakeClock(NOW + timedelta(hours=hours)),
    )


# --- T1: the verdict is read from the text that people see.


def test_t1_a_plan_that_people_read_as_no_changes_is_judged_by_its_document() -> None:
    report = Story(FakeHistory()).check(unopposed(2))
    assert report.status is Status.DRIFTED


def test_t1_the_words_of_a_plan_in_a_value_decide_nothing() -> None:
    words = "No changes. Your infrastructure matches the configuration."
    assert Story(FakeHistory()).check(restored(words)).status is Status.DRIFTED
    (drift,) = compared(make_document([], [make_entry("aws_x.y", None, {"a": "1 to destroy"})]))
    assert (drift.kind, drift.action) == (Kind.PENDING, Action.CREATE)


# --- T2, T8, T9: a detector that changes something.


@pytest.mark.parametrize(
    "arguments",
    [
        ("init", "-input=false", "-upgrade"),
        ("init", "-input=false", "-migrate-state"),
        ("providers", "lock"),
    ],
)
def test_t2_init_never_upgrades_nor_locks_anew(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CouldNotLook, match="refused its own command"):
        guarded("terraform", arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply", "-auto-approve"),
        ("apply", "plan.bin"),
        ("destroy",),
        ("refresh",),
        ("import", "aws_x.y", "id"),
        ("state", "rm", "aws_x.y"),
        ("taint", "aws_x.y"),
        ("force-unlock", "1"),
        ("plan",),
        ("plan", "-lock=true"),
        ("-chdir=..", "apply"),
        (),
    ],
)
def test_t8_no_command_line_can_apply_anything(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CouldNotLook, match="refused its own command"):
        guarded("terraform", arguments)


def test_t9_no_code_but_the_demos_knows_a_word_that_changes_a_cloud() -> None:
    """Whatever people do to a proposal, there is no path from it to an apply."""
    words = {"apply", "destroy", "-auto-approve", "taint", "force-unlock", "refresh"}
    root = Path(driftwatch.__file__).parent
    found = {
        (path.relative_to(root).as_posix(), node.value)
        for path in root.rglob("*.py")
        if path.relative_to(root).parts[0] != "demo"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in words
    }
    assert found == set()


# --- T3, T4: a check that could not look passes for a clean one.


def test_t3_a_timeout_is_not_no_findings() -> None:
    story = Story(FakeHistory())
    story.check(restored(2))
    report = story.check(TIMEOUT)
    assert report.status is Status.FAILED
    assert [d.finding.drift.address for d in report.decisions] == ["aws_x.y"]
    assert report.resolved == ()


@pytest.mark.parametrize("content", [b"", b"{", CLEAN[:-9], b'{"format_version":"1.2"}'])
def test_t3_an_answer_that_broke_off_is_not_no_findings(content: bytes) -> None:
    assert Story(FakeHistory()).check(content).status is Status.FAILED


def test_t4_a_failed_check_does_not_leave_the_last_green_status() -> None:
    story = Story(FakeHistory())
    clean = story.check(CLEAN)
    failed = story.check(TIMEOUT)
    (newest,) = story.history.latest()
    assert (clean.status, newest.status) == (Status.IN_SYNC, Status.FAILED)
    assert failed.proven_at == failed.in_sync_at == clean.checked_at


def test_t4_a_result_that_nobody_renewed_stops_being_green() -> None:
    report = Story(FakeHistory()).check(CLEAN)
    assert report.status_at(NOW + timedelta(hours=23)) is Status.IN_SYNC
    assert report.status_at(NOW + timedelta(hours=25)) is Status.STALE


# --- T5: code that did not change is taken for a cloud that did not change.


def test_t5_the_same_commit_is_looked_at_again() -> None:
    story = Story(FakeHistory())
    statuses = [story.check(answer).status for answer in (CLEAN, CLEAN, restored(2))]
    assert statuses == [Status.IN_SYNC, Status.IN_SYNC, Status.DRIFTED]


# --- T6: one failure takes everyone's news along.


def test_t6_an_error_drops_nobody_elses_report() -> None:
    answers: dict[str, Answer] = {"bad": TIMEOUT, "worse": RuntimeError("bug"), "good": restored(2)}
    pipeline = make_pipeline(answers, FakeHistory())
    fleet = [make_environment(name=name) for name in answers]
    with ThreadPoolExecutor(2) as executor:
        reports = {
            report.environment: report
            for report in pipeline.check_all(
                fleet, {"live": make_repository()}, {"live": "c"}, executor, lambda _, __: None
            )
        }
    assert reports.keys() == answers.keys()
    assert [d.transition for d in reports["good"].decisions] == [Transition.NEW]


# --- T7: what is known is lost with the process.


def test_t7_what_is_known_survives_the_process(tmp_path: Path) -> None:
    first = Story(open_store(tmp_path).reports).check(restored(2))
    again = Story(open_store(tmp_path).reports, hours=1).check(restored(2))
    assert [d.transition for d in again.decisions] == [Transition.ONGOING]
    assert again.decisions[0].first_seen == first.checked_at


# --- T10: the raw plan, secrets included, goes wherever the report goes.


@pytest.mark.parametrize("chosen", Format)
def test_t10_no_report_holds_a_secret_of_the_plan(chosen: Format) -> None:
    flags = {"before_sensitive": {"p": True}, "after_sensitive": {"p": True}}
    secret, moved = (
        {"p": "plan-secret-1", "q": "x"},
        {"p": "plan-secret-2", "q": "has plan-secret-1"},
    )
    document = make_document(
        [make_entry("aws_x.y", secret, moved, **flags)],
        [make_entry("aws_x.y", moved, secret, **flags)],
        variables={"v": {"value": "raw-secret"}},
        configuration={"root_module": {"variables": {"v": {"sensitive": True}}}},
        checks=[
            {
                "address": {"to_display": "check.c"},
                "status": "fail",
                "instances": [{"problems": [{"message": "raw-secret and configured-secret"}]}],
            }
        ],
    )
    story = Story(FakeHistory())
    found = story.check(json.dumps(document).encode())
    failed = story.check(
        CouldNotLook("x", cause=Cause.PROVIDER, detail="Error: configured-secret was refused")
    )
    failed = replace(failed, environment="other")
    text = render(chosen, [found, failed], NOW)
    assert "aws_x.y" in text
    assert not [word for word in ("plan-secret", "raw-secret", "configured-secret") if word in text]


# --- T11: an alert is known by its title.


def test_t11_identity_is_the_content_of_a_drift_and_not_its_title() -> None:
    story = Story(FakeHistory())
    seen = [story.check(restored(value)).decisions[0] for value in (2, 2, 3)]
    assert len({d.finding.drift.address for d in seen}) == 1
    assert len({d.finding.drift.fingerprint for d in seen}) == 2
    assert [d.transition for d in seen] == [Transition.NEW, Transition.ONGOING, Transition.CHANGED]


# --- T12: rules look at what an apply would change, and miss what drifted.


def test_t12_a_rule_sees_what_drifted_although_an_apply_would_change_nothing() -> None:
    rule = Rule(
        "a may move", "It scales.", Match(attribute=(parse_path_glob("a"),)), verdict=Verdict.IGNORE
    )
    report = Story(FakeHistory(), (rule,)).check(unopposed(2))
    (decision,) = report.decisions
    assert (decision.finding.drift.kind, decision.finding.drift.reason) == (
        Kind.UNOPPOSED,
        Reason.UNDECLARED,
    )
    assert decision.finding.rule == "a may move"
    assert report.status is Status.IN_SYNC


# --- T13: an accepted value is stored and never compared.


def test_t13_an_accepted_value_is_compared_at_every_check() -> None:
    accepted = Rule(
        "seven is fine", "Agreed.", when=parse_condition("actual == 7"), verdict=Verdict.IGNORE
    )
    story = Story(FakeHistory(), (accepted,))
    assert story.check(restored(7)).status is Status.IN_SYNC
    moved = story.check(restored(8))
    assert moved.status is Status.DRIFTED
    assert [d.transition for d in moved.decisions] == [Transition.NEW]


# --- T14, T19: what is left on disk, and what is given to terraform.


@dataclass(frozen=True, slots=True)
class Impostor:
    """A program that answers like terraform and writes down how it was called."""

    folder: Path
    show: str = 'cat "$HERE/plan.json"'

    def plan(self, **fields: Any) -> bytes:
        environment = make_environment(directory="live", **fields)
        checkout = Checkout(self.folder / "checkout", "c0ffee")
        inherited = {"PATH": f"{self.install()}:{process_environment()['PATH']}"}
        cli = TerraformCli(self.folder / "data", inherited)
        return cli.plan(environment, checkout, lambda _: None).content

    def install(self) -> Path:
        live = self.folder / "checkout" / "live"
        live.mkdir(parents=True)
        for name in ("main.tf", "prod.tfvars", "staging.tfvars"):
            (live / name).write_bytes(b"")
        (self.folder / "plan.json").write_bytes(restored("secret-of-the-plan"))
        program = self.folder / "bin" / "terraform"
        program.parent.mkdir()
        program.write_text(
            f"""#!/bin/sh
HERE='{self.folder}'
echo "$@" >> "$HERE/calls"
case "$1" in
  version) echo '{{"terraform_version":"1.11.4"}}' ;;
  plan) for word; do case "$word" in -out=*) cp "$HERE/plan.json" "${{word#-out=}}" ;; esac; done ;;
  show) {self.show} ;;
esac
""",
            encoding="utf-8",
        )
        program.chmod(0o755)
        return program.parent

    @property
    def calls(self) -> list[list[str]]:
        return [line.split() for line in (self.folder / "calls").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("show", ['cat "$HERE/plan.json"', "echo boom >&2; exit 1", "kill -9 $$"])
def test_t14_no_plan_stays_on_disk_however_a_check_ends(tmp_path: Path, show: str) -> None:
    impostor = Impostor(tmp_path, show)
    if show.startswith("cat"):
        assert b"secret-of-the-plan" in impostor.plan()
    else:
        with pytest.raises(CouldNotLook):
            impostor.plan()
    assert "show" in {call[0] for call in impostor.calls}
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"secret-of-the-plan" in path.read_bytes()]


@pytest.mark.parametrize(("named", "given"), [((), []), (("prod.tfvars",), ["prod.tfvars"])])
def test_t19_only_var_files_that_are_named_reach_terraform(
    tmp_path: Path, named: tuple[str, ...], given: list[str]
) -> None:
    impostor = Impostor(tmp_path)
    impostor.plan(var_files=named)
    (plan,) = (call for call in impostor.calls if call[0] == "plan")
    files = [word.removeprefix("-var-file=") for word in plan if word.startswith("-var-file")]
    assert [Path(file).name for file in files] == given


# --- T23: no `resource_drift` is taken for a reason to look at `resource_changes`.


@pytest.mark.parametrize("absent", [True, False])
def test_t23_a_plan_that_lists_no_drift_has_none_whatever_waits(absent: bool) -> None:
    document = make_document(
        [], [make_entry("aws_x.y", {"a": 1}, {"a": 2}), make_entry("aws_x.z", {}, None)]
    )
    assert "resource_drift" not in document
    if not absent:
        document["resource_drift"] = []
    report = Story(FakeHistory()).check(json.dumps(document).encode())
    assert report.status is Status.PENDING
    assert {d.finding.drift.kind for d in report.decisions} == {Kind.PENDING}
    assert report.drifted == ()
