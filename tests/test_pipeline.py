"""The story of one check, told with fakes: what goes wrong stays where it went wrong."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

from driftwatch.domain.condition import parse_condition
from driftwatch.domain.environment import Environment
from driftwatch.domain.lifecycle import decide
from driftwatch.domain.model import Kind, Reason, Report, Status, Transition, Verdict
from driftwatch.domain.policy import Rule
from driftwatch.errors import Cause, CouldNotLook, StoreError
from driftwatch.pipeline import Judgement, Pipeline, examine
from driftwatch.ports import Git, History, PlanDocument, Progress, Snoozes, SourceFiles, Terraform
from tests.builders import NOW, make_environment, make_report, make_repository, make_snooze
from tests.domain.documents import KEY, make_document, make_entry
from tests.fakes import (
    Answer,
    FakeClock,
    FakeGit,
    FakeHistory,
    FakeSnoozes,
    FakeSources,
    FakeTerraform,
)

CLEAN = json.dumps(make_document([], [make_entry("aws_x.y", {"a": 1}, {"a": 1})])).encode()
CODE = {"environments/prod": {"main.tf": b'resource "aws_x" "y" {\n  a = 1\n}\n'}}


def drifted(actual: Any = 2) -> bytes:
    drift, back = (
        make_entry("aws_x.y", {"a": 1}, {"a": actual}),
        make_entry("aws_x.y", {"a": actual}, {"a": 1}),
    )
    return json.dumps(make_document([drift], [back])).encode()


def nothing(_: str, __: str = "") -> None:
    """Take progress and tell nobody."""


def make_pipeline(
    answers: Mapping[str, Answer], history: FakeHistory | None = None, **parts: Any
) -> Pipeline:
    judgement = Judgement(
        rules=parts.pop("rules", ()), secrets=parts.pop("secrets", ("hunter2-token",)), key=KEY
    )
    return Pipeline(
        git=parts.pop("git", None) or FakeGit(),
        terraform=FakeTerraform(answers),
        sources=FakeSources(CODE, parts.pop("codeowners", None)),
        history=history or FakeHistory(),
        snoozes=parts.pop("snoozes", None) or FakeSnoozes(),
        judgement=judgement,
        now=FakeClock(NOW),
    )


def check(answer: Answer, history: FakeHistory | None = None, **parts: Any) -> Report:
    pipeline = make_pipeline({"prod": answer}, history, **parts)
    report = pipeline.check(make_environment(), make_repository(), "c0ffee", nothing)
    pipeline.history.add(report)
    return report


def check_all(
    answers: Mapping[str, Answer],
    history: FakeHistory | None = None,
    git: FakeGit | None = None,
    environments: Sequence[Environment] | None = None,
) -> list[Report]:
    pipeline = make_pipeline(answers, history, git=git)
    fleet = environments or [make_environment(name=name) for name in answers]
    repositories = {e.repository: make_repository(name=e.repository) for e in fleet}
    with ThreadPoolExecutor(4) as executor:
        commits = pipeline.fetch(repositories.values(), executor)
        return list(pipeline.check_all(fleet, repositories, commits, executor, nothing))


def no_credentials(message: str = "The credentials have expired.") -> CouldNotLook:
    return CouldNotLook(
        message,
        cause=Cause.CREDENTIALS,
        retryable=True,
        command=("terraform", "plan"),
        exit_code=1,
        detail="ExpiredToken",
    )


def test_the_fakes_have_the_shape_of_the_ports() -> None:
    git: Git = FakeGit()
    terraform: Terraform = FakeTerraform({})
    sources: SourceFiles = FakeSources()
    history: History = FakeHistory()
    snoozes: Snoozes = FakeSnoozes()
    assert all((git, terraform, sources, history, snoozes))


def test_a_check_tells_what_drifted_where_it_stands_in_code_and_what_it_saw_it_with() -> None:
    environment = make_environment(workspace="blue", owners=("team",), labels=("gold",))
    pipeline = make_pipeline(
        {"prod": drifted()}, git=FakeGit(web_url="https://example.com/blob/c0ffee")
    )
    report = pipeline.check(environment, make_repository(), "c0ffee", nothing)
    (decision,) = report.decisions
    drift = decision.finding.drift
    assert (report.status, decision.transition, drift.kind) == (
        Status.DRIFTED,
        Transition.NEW,
        Kind.DRIFT,
    )
    assert drift.attributes[0].location is not None
    assert (
        drift.attributes[0].location.url
        == "https://example.com/blob/c0ffee/environments/prod/main.tf#L2"
    )
    assert (report.tool, report.commit, report.resources) == ("terraform 1.11.4", "c0ffee", 1)
    assert (report.workspace, report.owners, report.labels) == ("blue", ("team",), ("gold",))
    assert (report.checked_at, report.proven_at, report.duration) == (NOW, NOW, 1.0)


def test_without_a_page_for_the_repository_places_have_no_link() -> None:
    location = check(drifted()).decisions[0].finding.drift.location
    assert location is not None
    assert (location.file, location.line, location.url) == ("environments/prod/main.tf", 1, None)


def test_code_that_does_not_parse_costs_links_and_not_the_check() -> None:
    broken = FakeSources({"environments/prod": {"main.tf": b'resource "aws_x" "y" {\n  a = = \n'}})
    pipeline = replace(make_pipeline({"prod": drifted()}), sources=broken)
    report = pipeline.check(make_environment(), make_repository(), "c0ffee", nothing)
    assert report.failure is None
    assert report.status is Status.DRIFTED
    assert "main.tf" in report.sources_note


def test_a_checkout_is_given_back_whatever_happens() -> None:
    git = FakeGit()
    for answer in (CLEAN, no_credentials(), ValueError("x")):
        check(answer, git=git)
    assert git.open_checkouts == 0


def test_rules_judge_what_is_found() -> None:
    rule = Rule("hush", "because", verdict=Verdict.IGNORE)
    report = check(drifted(), rules=(rule,))
    assert report.decisions[0].finding.rule == "hush"
    assert report.status is Status.IN_SYNC


def test_a_plan_document_alone_can_be_examined_without_source() -> None:
    blank = replace(check(CLEAN), tool="")
    masker = Judgement((), (), KEY).masker()
    code = {"root_module": {"resources": [{"address": "aws_x.y", "expressions": {"a": {}}}]}}
    moved = make_entry("aws_x.y", {"a": 1}, {"a": 2})
    document = PlanDocument(
        json.dumps(make_document([moved], configuration=code)).encode(), tool=""
    )
    report = examine(document, None, blank, ((), None, masker))
    assert report.tool == "terraform 1.11.4"
    assert report.decisions[0].finding.drift.reason is Reason.CODIFIED


# --- From check to check.


def test_a_drift_is_new_then_ongoing_then_changed_then_resolved() -> None:
    history = FakeHistory()
    seen = [check(answer, history) for answer in (drifted(2), drifted(2), drifted(3), CLEAN)]
    assert [[d.transition for d in report.decisions] for report in seen] == [
        [Transition.NEW],
        [Transition.ONGOING],
        [Transition.CHANGED],
        [],
    ]
    assert [len(report.resolved) for report in seen] == [0, 0, 0, 1]
    assert seen[2].decisions[0].first_seen == seen[0].checked_at == seen[3].resolved[0].first_seen


def test_a_failed_check_is_a_failure_that_keeps_what_was_known() -> None:
    history = FakeHistory()
    known = check(drifted(), history)
    report = check(no_credentials(), history)
    assert report.status is Status.FAILED
    assert report.failure is not None
    assert (report.failure.cause, report.failure.retryable) == (Cause.CREDENTIALS, True)
    assert (report.failure.command, report.failure.exit_code) == (("terraform", "plan"), 1)
    assert [d.finding for d in report.decisions] == [d.finding for d in known.decisions]
    assert (report.resources, report.tool) == (known.resources, known.tool)
    assert report.resolved == ()


def test_what_a_failed_check_keeps_is_no_news() -> None:
    history = FakeHistory()
    check(drifted(), history)
    assert [d.transition for d in check(no_credentials(), history).decisions] == [
        Transition.ONGOING
    ]


def test_a_first_check_that_fails_knows_nothing() -> None:
    report = check(no_credentials())
    assert (report.status, report.decisions, report.proven_at) == (Status.FAILED, (), None)


def test_a_failure_neither_resolves_a_drift_nor_makes_it_new_again() -> None:
    history = FakeHistory()
    for answer in (drifted(), no_credentials(), ValueError("bug")):
        check(answer, history)
    report = check(drifted(), history)
    assert [d.transition for d in report.decisions] == [Transition.ONGOING]
    assert report.resolved == ()


def test_proof_has_the_age_of_the_last_look_and_health_that_of_the_last_clean_one() -> None:
    history, proofs = FakeHistory(), []
    answers: tuple[Answer, ...] = (CLEAN, drifted(), no_credentials(), CLEAN)
    for days, answer in enumerate(answers):
        pipeline = replace(
            make_pipeline({"prod": answer}, history), now=FakeClock(NOW + timedelta(days))
        )
        report = pipeline.check(make_environment(), make_repository(), "c0ffee", nothing)
        history.add(report)
        proofs.append((report.proven_at, report.in_sync_at))
    days_ = [NOW + timedelta(day) for day in range(4)]
    assert proofs == [
        (days_[0], days_[0]),
        (days_[1], days_[0]),
        (days_[1], days_[0]),
        (days_[3], days_[3]),
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b'{"format_version":"9.0"}', CLEAN[:40], b'{"errored":true,"format_version":"1.2"}'],
)
def test_a_plan_that_cannot_be_read_is_a_failure_and_never_clean(content: bytes) -> None:
    report = check(content)
    assert report.failure is not None
    assert report.failure.cause is Cause.PLAN
    assert report.in_sync_at is None


# --- What goes wrong stays where it went wrong.


def test_one_environments_failure_never_stops_another() -> None:
    answers: dict[str, Answer] = {
        "a": no_credentials(),
        "b": drifted(),
        "c": KeyError("a bug of ours"),
        "d": CLEAN,
    }
    history = FakeHistory()
    statuses = {r.environment: r.status for r in check_all(answers, history)}
    assert statuses == {
        "a": Status.FAILED,
        "b": Status.DRIFTED,
        "c": Status.FAILED,
        "d": Status.IN_SYNC,
    }
    assert {r.environment for r in history.reports} == set(answers)


def test_a_bug_of_ours_is_called_a_bug() -> None:
    failure = check(ZeroDivisionError("division by zero")).failure
    assert failure is not None
    assert (failure.cause, failure.retryable) == (Cause.INTERNAL, False)
    assert "bug" in failure.message
    assert failure.detail == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    "error", [CouldNotLook("No route to host.", cause=Cause.GIT, retryable=True), OSError("odd")]
)
def test_an_unreachable_repository_fails_its_own_environments_alone(error: Exception) -> None:
    fleet = [
        make_environment(name="a", repository="gone"),
        make_environment(name="b", repository="gone"),
        make_environment(name="c", repository="here"),
    ]
    history = FakeHistory()
    git = FakeGit({"gone": error, "here": "c0ffee"})
    check_all({"a": drifted(), "b": drifted(), "c": CLEAN}, history, environments=fleet)
    reports = {r.environment: r for r in check_all({"c": CLEAN}, history, git, fleet)}
    assert reports["c"].status is Status.IN_SYNC
    for name in "ab":
        failure = reports[name].failure
        assert failure is not None
        assert failure.cause is (error.cause if isinstance(error, CouldNotLook) else Cause.INTERNAL)
        assert len(reports[name].decisions) == 1
    assert len(history.reports) == 6


def test_reports_come_as_soon_as_they_are_there_and_are_saved_by_then() -> None:
    gate = Event()

    def slow(progress: Progress) -> bytes:
        assert gate.wait(30)
        return CLEAN

    history = FakeHistory()
    pipeline = make_pipeline({"slow": slow, "fast": CLEAN}, history)
    fleet = [make_environment(name=name) for name in ("slow", "fast")]
    with ThreadPoolExecutor(2) as executor:
        reports = pipeline.check_all(
            fleet, {"live": make_repository()}, {"live": "c0ffee"}, executor, nothing
        )
        first = next(reports)
        assert [r.environment for r in history.reports] == [first.environment] == ["fast"]
        gate.set()
        assert [r.environment for r in reports] == ["slow"]


def test_progress_says_which_environment_it_is_about() -> None:
    def telling(progress: Progress) -> bytes:
        progress("refreshing aws_x.y")
        return CLEAN

    told: list[tuple[str, str]] = []
    pipeline = make_pipeline({"prod": telling})
    with ThreadPoolExecutor(1) as executor:
        list(
            pipeline.check_all(
                [make_environment()],
                {"live": make_repository()},
                {"live": "c0ffee"},
                executor,
                lambda name, text: told.append((name, text)),
            )
        )
    assert told == [("prod", "refreshing aws_x.y")]


def test_a_report_that_cannot_be_saved_is_given_and_the_others_are_saved() -> None:
    history = FakeHistory(full_for=frozenset({"a", "b"}))
    pipeline = make_pipeline({"a": drifted(), "b": CLEAN, "c": CLEAN}, history)
    fleet = [make_environment(name=name) for name in "abc"]
    with ThreadPoolExecutor(1) as executor:
        reports = pipeline.check_all(
            fleet, {"live": make_repository()}, {"live": "c0ffee"}, executor, nothing
        )
        given = [next(reports).environment for _ in fleet]
        with pytest.raises(StoreError, match="disk is full"):
            next(reports)
    assert sorted(given) == ["a", "b", "c"]
    assert [r.environment for r in history.reports] == ["c"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [(StoreError("The database is locked."), Cause.MACHINE), (OSError("odd"), Cause.INTERNAL)],
)
def test_a_history_that_cannot_be_asked_fails_the_check_and_clears_nothing(
    error: Exception, cause: Cause
) -> None:
    history = FakeHistory()
    check(drifted(), history)
    history.broken = error
    failure = check(CLEAN, history).failure
    assert failure is not None
    assert failure.cause is cause
    history.broken = None
    known = history.last_looked("prod")
    assert known is not None
    assert known.status is Status.DRIFTED


# --- Secrets.


def test_secrets_of_the_configuration_are_cut_out_of_every_error() -> None:
    leaky = CouldNotLook(
        "Cannot reach https://bot:hunter2-token@example.com.",
        cause=Cause.GIT,
        command=("git", "fetch", "https://hunter2-token@example.com"),
        detail="fatal: hunter2-token was refused",
    )
    reports = [
        check(leaky),
        check(ValueError("hunter2-token")),
        *check_all({"prod": CLEAN}, git=FakeGit({"live": leaky})),
        *check_all({"prod": CLEAN}, git=FakeGit({"live": ValueError("hunter2-token")})),
        check(CLEAN, FakeHistory(broken=StoreError("hunter2-token"))),
    ]
    assert all(report.failure for report in reports)
    assert "hunter2" not in repr(reports)


def test_secrets_of_the_plan_are_cut_out_of_an_error_that_comes_later() -> None:
    entry = make_entry("aws_x.y", {"p": "plan-secret"}, {"p": "x"}, before_sensitive={"p": True})
    last = make_entry("aws_x.z", {}, {"a": 1}, ["plan-secret"])
    report = check(json.dumps(make_document([], [entry, last])).encode())
    assert report.failure is not None
    assert "plan-secret" not in repr(report)


def test_a_configured_secret_is_masked_in_values_and_counted() -> None:
    report = check(drifted("a hunter2-token b"))
    assert "hunter2" not in repr(report)
    assert report.redactions > 0


def test_a_report_decides_like_the_lifecycle_does() -> None:
    history = FakeHistory()
    first = check(drifted(), history)
    second = check(drifted(3), history)
    findings = [d.finding for d in second.decisions]
    assert (second.decisions, second.resolved) == decide(findings, first, second.checked_at)


# --- Snoozed.


def snoozing(report: Report, **changes: Any) -> FakeSnoozes:
    drift = report.decisions[0].finding.drift
    return FakeSnoozes([make_snooze(drift, **changes), make_snooze(drift, environment="dev")])


def test_what_is_snoozed_is_no_drift_until_its_value_moves() -> None:
    history = FakeHistory()
    snoozes = snoozing(check(drifted(), history))
    rests = check(drifted(), history, snoozes=snoozes)
    assert (rests.status, rests.decisions[0].snooze) == (Status.SNOOZED, snoozes.snoozes[0])
    assert rests.in_sync_at is None
    moved = check(drifted(3), history, snoozes=snoozes)
    assert (moved.status, moved.decisions[0].snooze) == (Status.DRIFTED, None)


def test_a_snooze_goes_on_over_a_failed_check_and_no_longer_than_its_time() -> None:
    history = FakeHistory()
    snoozes = snoozing(check(drifted(), history), until=NOW + timedelta(hours=1))
    check(drifted(), history, snoozes=snoozes)
    failed = check(no_credentials(), history, snoozes=snoozes)
    assert failed.decisions[0].snooze == snoozes.snoozes[0]
    late = replace(make_pipeline({"prod": no_credentials()}, history, snoozes=snoozes))
    late = replace(late, now=FakeClock(NOW + timedelta(hours=1)))
    report = late.check(make_environment(), make_repository(), "c0ffee", nothing)
    assert report.decisions[0].snooze is None


def test_a_snooze_that_was_taken_back_is_over_in_a_failed_check_too() -> None:
    history = FakeHistory()
    check(drifted(), history, snoozes=snoozing(check(drifted(), history)))
    assert check(no_credentials(), history).decisions[0].snooze is None


def test_snoozes_that_cannot_be_asked_for_fail_the_check_and_wake_nobody() -> None:
    history = FakeHistory()
    snoozes = snoozing(check(drifted(), history))
    check(drifted(), history, snoozes=snoozes)
    snoozes.broken = StoreError("The database is locked.")
    report = check(CLEAN, history, snoozes=snoozes)
    assert report.failure is not None
    assert report.failure.cause is Cause.MACHINE
    assert report.decisions[0].snooze == snoozes.snoozes[0]


# --- Owners.


OWNED = b"* @everyone\n/environments/prod/ @org/prod\n"


def test_an_environment_without_owners_gets_those_of_its_directory() -> None:
    assert check(CLEAN, codeowners=OWNED).owners == ("@org/prod",)
    assert check(CLEAN).owners == ()


def test_owners_of_the_configuration_stand() -> None:
    pipeline = make_pipeline({"prod": CLEAN}, codeowners=OWNED)
    environment = make_environment(owners=("team",))
    report = pipeline.check(environment, make_repository(), "c0ffee", nothing)
    assert report.owners == ("team",)


def test_rules_judge_by_the_owners_of_the_directory() -> None:
    rule = Rule(
        "hush",
        "because",
        verdict=Verdict.IGNORE,
        when=parse_condition('"@org/prod" in environment.owners'),
    )
    assert check(drifted(), rules=(rule,), codeowners=OWNED).status is Status.IN_SYNC
    assert check(drifted(), rules=(rule,)).status is Status.DRIFTED


def test_a_failed_check_concerns_the_same_owners() -> None:
    history = FakeHistory()
    assert check(no_credentials(), codeowners=OWNED).owners == ("@org/prod",)
    check(CLEAN, history, codeowners=OWNED)
    (report,) = check_all(
        {"prod": CLEAN}, history, FakeGit({"live": CouldNotLook("No.", cause=Cause.GIT)})
    )
    assert report.owners == ("@org/prod",)


def test_an_owners_file_that_is_not_understood_is_told_and_costs_nothing_else() -> None:
    report = check(drifted(), codeowners=b"* @all\n!/x\n")
    assert (report.status, report.owners) == (Status.DRIFTED, ("@all",))
    said = ".github/CODEOWNERS: an exclusion with ! is ignored (line 2)."
    assert report.sources_note == said
    huge = check(drifted(), codeowners=b"* @all\n" * 600_000)
    assert huge.sources_note == ".github/CODEOWNERS: is larger than 3 MB and is ignored."


def test_a_report_says_which_directories_its_environment_depends_on() -> None:
    environment = make_environment(
        var_files=("prod.tfvars", "../common.tfvars"),
        backend_config=("../../backends/prod.hcl", "bucket=state"),
    )
    pipeline = make_pipeline({"prod": CLEAN})
    report = pipeline.check(environment, make_repository(), "c0ffee", lambda _: None)
    assert report.directories == ("backends", "environments", "environments/prod")


def test_what_an_environment_depends_on_is_known_when_nobody_can_look() -> None:
    history = FakeHistory([make_report(directories=("environments/prod", "modules/web"))])
    pipeline = make_pipeline({"prod": CouldNotLook("no", cause=Cause.STATE)}, history)
    report = pipeline.check(make_environment(), make_repository(), "c0ffee", lambda _: None)
    assert report.directories == ("environments/prod", "modules/web")
