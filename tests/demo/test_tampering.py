"""The list of planted cases is complete and fits the demo's code."""

from pathlib import Path

from driftwatch.demo import tampering
from driftwatch.demo.tampering import PLANTED
from driftwatch.demo.world import ROOT_MODULES
from driftwatch.domain.model import Kind, Reason

FILES = Path(tampering.__file__).with_name("files")
CASES = [planted.case for planted in PLANTED]


def test_reality_is_moved_in_at_least_ten_ways() -> None:
    deeds = {getattr(planted.deed, "func", None) for planted in PLANTED if planted.deed}
    assert len(deeds - {None}) >= 10


def test_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_every_kind_and_every_reason_is_planted() -> None:
    assert {case.kind for case in CASES} == {None, *Kind}
    assert {case.reason for case in CASES} == {None, *Reason}


def test_every_environment_has_a_case_and_every_case_an_environment() -> None:
    assert {case.environment for case in CASES} == {module.name for module in ROOT_MODULES}


def test_the_same_drift_is_in_two_environments() -> None:
    shorter = [case for case in CASES if case.name.startswith("shorter-logs-")]
    assert [case.environment for case in shorter] == ["dev", "staging"]
    assert len({case.place for case in shorter}) == 1


def test_every_merged_change_finds_its_text_once() -> None:
    changes = [planted.change for planted in PLANTED if planted.change]
    assert len(changes) >= 3
    for change in changes:
        assert (FILES / change.file).read_text().count(change.old) == 1


def test_a_secret_is_named_so_that_no_report_can_hold_it_unnoticed() -> None:
    (case,) = (case for case in CASES if case.secret)
    (planted,) = (planted for planted in PLANTED if planted.case is case)
    assert case.secret in getattr(planted.deed, "keywords", {}).values()
