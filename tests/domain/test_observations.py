"""Outputs that move, checks that fail, and what a plan could not see."""

from typing import Any

import pytest

from driftwatch.domain.model import UNKNOWN_TEXT, Action, Drift, Kind, Location, Subject
from tests.domain.documents import FakeCode, compared, make_change, make_document, make_entry, only

UNOPPOSED = (make_entry("aws_x.y", {"a": 1}, {"a": 2}), make_entry("aws_x.y", {"a": 2}, {"a": 2}))
PENDING = (None, make_entry("aws_x.p", {"a": 1}, {"a": 2}))
RESTORED = (make_entry("aws_x.y", {"a": 1}, {"a": 2}), make_entry("aws_x.y", {"a": 2}, {"a": 1}))


def observed(
    change: Any, *resources: tuple[Any, Any], references: Any = ("aws_x.y.a", "aws_x.y")
) -> Drift | None:
    document = make_document(
        [drift for drift, _ in resources if drift],
        [change for _, change in resources if change],
        output_changes={"o": change},
        configuration={
            "root_module": {"outputs": {"o": {"expression": {"references": list(references)}}}}
        },
    )
    outputs = [d for d in compared(document, FakeCode()) if d.subject is Subject.OUTPUT]
    return outputs[0] if outputs else None


def test_an_output_that_stays_is_no_finding() -> None:
    assert observed(make_change("a", "a"), UNOPPOSED) is None


def test_an_output_that_follows_reality_has_drifted() -> None:
    drift = observed(make_change(1, 2), UNOPPOSED)
    value = only(drift)
    assert drift is not None
    assert (drift.address, drift.kind, drift.action) == ("output.o", Kind.DRIFT, Action.UPDATE)
    assert (value.path, value.recorded, value.actual, value.desired) == (("value",), 1, 2, 2)


@pytest.mark.parametrize("resources", [[PENDING], [RESTORED], [RESTORED, PENDING], []])
def test_an_output_that_follows_code_waits_for_an_apply(resources: Any) -> None:
    value = only(observed(make_change(1, 2), *resources))
    assert (value.kind, value.recorded, value.actual, value.desired) == (Kind.PENDING, 1, 1, 2)


def test_a_new_output_waits_for_an_apply_whatever_drifted() -> None:
    assert only(observed(make_change(None, 2), UNOPPOSED)).kind is Kind.PENDING


def test_an_output_of_something_else_is_not_ascribed_to_a_drift() -> None:
    assert (
        only(observed(make_change(1, 2), UNOPPOSED, references=["aws_x.yy.a", "aws_x.yy"])).kind
        is Kind.PENDING
    )


@pytest.mark.parametrize("references", [["module.m.id", "module.m"], ["module.m[0].id"]])
def test_an_output_of_a_module_follows_what_is_in_it(references: list[str]) -> None:
    inside = tuple(
        make_entry("module.m[0].aws_x.y", {"a": 1}, {"a": 2 - at}, ["no-op"] if at else None)
        for at in (0, 1)
    )
    assert only(observed(make_change(1, 2), inside, references=references)).kind is Kind.DRIFT
    assert (
        only(observed(make_change(1, 2), inside, references=["module.mm.id"])).kind is Kind.PENDING
    )


def test_an_output_of_an_instance_is_ascribed_to_its_resource() -> None:
    one = tuple(make_entry("aws_x.y[0]", {"a": b}, {"a": 2}) for b in (1, 2))
    assert only(observed(make_change(1, 2), one)).kind is Kind.DRIFT


def test_a_data_source_moves_an_output_where_no_code_waits() -> None:
    data = ["data.aws_x.d.id", "data.aws_x.d"]
    assert only(observed(make_change(1, 2), references=data)).kind is Kind.DRIFT
    assert only(observed(make_change(1, 2), PENDING, references=data)).kind is Kind.PENDING


def test_an_output_that_an_apply_computes_is_unknown() -> None:
    drift = observed(make_change(1, None, ["update"], after_unknown=True), PENDING)
    assert only(drift).desired == UNKNOWN_TEXT
    assert drift is not None
    assert drift.kind is Kind.UNKNOWN


def test_a_secret_output_is_told_as_sensitive() -> None:
    change = make_change("old-secret", "new-secret", before_sensitive=True, after_sensitive=True)
    value = only(observed(change))
    assert value.sensitive
    assert "secret" not in f"{value.recorded}{value.desired}"


def test_an_output_without_configuration_waits_for_an_apply() -> None:
    document = make_document([], [], output_changes={"o": make_change(1, 2)})
    (drift,) = compared(document)
    assert drift.kind is Kind.PENDING


def check(status: str, *messages: str) -> dict[str, Any]:
    return {
        "address": {"to_display": "check.c"},
        "status": status,
        "instances": [{"status": status, "problems": [{"message": m} for m in messages]}],
    }


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [("fail", Kind.DRIFT, "Too long. Too late."), ("error", Kind.UNKNOWN, "Too long. Too late.")],
)
def test_a_failed_check_is_a_finding(status: str, kind: Kind, message: str) -> None:
    (drift,) = compared(make_document([], [], checks=[check(status, "Too long.", "Too late.")]))
    assert (drift.subject, drift.address, drift.kind) == (Subject.CHECK, "check.c", kind)
    assert drift.message == message


def test_a_check_without_words_tells_its_status() -> None:
    (drift,) = compared(make_document([], [], checks=[{**check("error"), "instances": None}]))
    assert drift.message == "The check ended with status error."


def test_a_check_that_only_an_apply_can_tell_is_no_finding() -> None:
    assert compared(make_document([], [], checks=[check("unknown"), check("pass")])) == ()
    assert len(compared(make_document([], [], checks=[check("unknown", "cannot be told")]))) == 1


def test_another_message_is_another_fingerprint() -> None:
    one, two = (compared(make_document([], [], checks=[check("fail", m)]))[0] for m in "ab")
    assert one.fingerprint != two.fingerprint


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"complete": False}, "incomplete"),
        ({"deferred_changes": [{}, {}]}, "defers 2 changes"),
        ({"terraform_version": "0.13.5", "format_version": "0.1"}, "0.13.5 is older than 0.15.4"),
    ],
)
def test_what_a_plan_cannot_see_is_a_finding_of_its_own(document: Any, words: str) -> None:
    (drift,) = compared(make_document([], [], **document))
    assert (drift.subject, drift.kind) == (Subject.PLAN, Kind.UNKNOWN)
    assert words in drift.message


def test_outputs_and_checks_are_placed_in_the_source() -> None:
    place = Location("main.tf", 3)
    document = make_document(
        [], [], output_changes={"o": make_change(1, 2)}, checks=[check("fail")]
    )
    found = compared(document, FakeCode(places={(): place}))
    assert [drift.location for drift in found] == [place, place]
    assert found[1].attributes[0].location == place
