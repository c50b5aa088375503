"""What is new, what moved, what stays and what is gone."""

from dataclasses import replace
from datetime import timedelta

from driftwatch.domain.lifecycle import carried, decide
from driftwatch.domain.model import Finding, Kind, Report, Subject, Transition, Verdict
from tests.builders import NOW, make_drift, make_finding, make_report, make_snooze

LATER = NOW + timedelta(hours=1)


def finding(address: str = "aws_x.y", fingerprint: str = "one", **more: Verdict) -> Finding:
    return make_finding(make_drift(address=address, fingerprint=fingerprint), **more)


def before(*findings: Finding) -> Report:
    decisions, _ = decide(findings, None, NOW)
    return make_report(*decisions)


def gap() -> Finding:
    return make_finding(make_drift(subject=Subject.PLAN, address="plan", kind=Kind.UNKNOWN))


def test_the_first_time_everything_is_new() -> None:
    (decision,), resolved = decide([finding()], None, NOW)
    assert (decision.transition, decision.first_seen) == (Transition.NEW, NOW)
    assert resolved == ()


def test_what_stays_as_it_was_is_ongoing_since_it_was_first_seen() -> None:
    (decision,), _ = decide([finding()], before(finding()), LATER)
    assert (decision.transition, decision.first_seen) == (Transition.ONGOING, NOW)


def test_a_value_that_moves_is_a_change_and_keeps_its_age() -> None:
    (decision,), resolved = decide([finding(fingerprint="two")], before(finding()), LATER)
    assert (decision.transition, decision.first_seen) == (Transition.CHANGED, NOW)
    assert resolved == ()


def test_what_is_no_longer_seen_is_resolved() -> None:
    decisions, (resolved,) = decide([finding("aws_x.z")], before(finding()), LATER)
    assert [d.transition for d in decisions] == [Transition.NEW]
    assert (resolved.key, resolved.address) == ("resource:aws_x.y", "aws_x.y")
    assert (resolved.fingerprint, resolved.first_seen) == ("one", NOW)


def test_a_resource_and_an_output_of_one_name_are_two_things() -> None:
    output = make_finding(make_drift(subject=Subject.OUTPUT, address="aws_x.y"))
    decisions, resolved = decide([output], before(finding()), LATER)
    assert decisions[0].transition is Transition.NEW
    assert len(resolved) == 1


def test_what_nobody_heard_of_is_not_announced_as_resolved() -> None:
    assert decide([], before(finding(verdict=Verdict.IGNORE)), LATER) == ((), ())


def test_what_a_rule_no_longer_ignores_is_news() -> None:
    (decision,), _ = decide([finding()], before(finding(verdict=Verdict.IGNORE)), LATER)
    assert (decision.transition, decision.first_seen) == (Transition.NEW, NOW)


def test_what_is_ignored_from_now_on_is_neither_news_nor_resolved() -> None:
    (decision,), resolved = decide([finding(verdict=Verdict.IGNORE)], before(finding()), LATER)
    assert decision.transition is Transition.ONGOING
    assert resolved == ()


def test_a_plan_with_gaps_resolves_nothing() -> None:
    seen, hidden = finding("aws_x.seen"), finding("aws_x.hidden")
    decisions, resolved = decide([seen, gap()], before(seen, hidden), LATER)
    assert {d.finding.drift.address: d.transition for d in decisions} == {
        "aws_x.seen": Transition.ONGOING,
        "plan": Transition.NEW,
        "aws_x.hidden": Transition.ONGOING,
    }
    assert resolved == ()


def test_what_is_carried_over_is_no_news() -> None:
    (decision,), _ = decide([finding()], None, NOW)
    assert carried([decision], (), LATER) == (replace(decision, transition=Transition.ONGOING),)


def test_a_finding_rests_as_long_as_its_snooze_holds() -> None:
    snooze = make_snooze(finding().drift, until=LATER)
    ((now,), _), ((later,), _) = (decide([finding()], None, t, [snooze]) for t in (NOW, LATER))
    assert (now.snooze, now.shown) == (snooze, False)
    assert (later.snooze, later.shown) == (None, True)


def test_what_is_carried_over_rests_only_while_its_snooze_goes_on() -> None:
    snooze = make_snooze(finding().drift, until=LATER)
    (decision,), _ = decide([finding()], None, NOW, [snooze])
    assert carried([decision], [snooze], NOW)[0].snooze == snooze
    assert carried([decision], [snooze], LATER)[0].snooze is None
    assert carried([decision], [], NOW)[0].snooze is None


def test_behind_a_gap_in_the_plan_what_is_snoozed_goes_on_resting() -> None:
    hidden = finding("aws_x.hidden")
    snooze = make_snooze(hidden.drift)
    decisions, _ = decide([gap()], before(hidden), LATER, [snooze])
    assert {d.finding.drift.address: d.snooze for d in decisions} == {
        "plan": None,
        "aws_x.hidden": snooze,
    }


def test_resting_changes_nothing_about_what_is_new_and_what_is_gone() -> None:
    snooze = make_snooze(finding().drift)
    (decision,), _ = decide([finding()], before(finding()), LATER, [snooze])
    assert (decision.transition, decision.first_seen) == (Transition.ONGOING, NOW)
    _, (resolved,) = decide([], make_report(decision), LATER, [snooze])
    assert resolved.first_seen == NOW
