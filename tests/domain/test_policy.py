"""Judging: first match wins, nothing is hidden by accident, nothing uncovered is silent."""

import pytest

from driftwatch.domain.condition import parse_condition
from driftwatch.domain.globs import Globs, parse_path_glob
from driftwatch.domain.matching import Match
from driftwatch.domain.model import (
    Action,
    AttributeDrift,
    Drift,
    Finding,
    Kind,
    Path,
    Reason,
    Severity,
    Subject,
    Value,
    Verdict,
)
from driftwatch.domain.policy import EnvironmentFacts, Rule, judge

HERE = EnvironmentFacts("prod-eu", ("critical",), ("platform",))
TAGS = ("tags", "Name")


def make_attribute(
    path: Path = TAGS,
    kind: Kind = Kind.DRIFT,
    reason: Reason | None = None,
    actual: Value = "b",
) -> AttributeDrift:
    return AttributeDrift(path, "a", actual, "a", kind, reason)


def make_drift(
    *attributes: AttributeDrift,
    subject: Subject = Subject.RESOURCE,
    kind: Kind = Kind.DRIFT,
    reason: Reason | None = None,
    action: Action = Action.UPDATE,
    deleted: bool = False,
) -> Drift:
    return Drift(
        subject,
        "aws_vpc.main",
        kind,
        "f",
        resource_type="aws_vpc",
        action=action,
        reason=reason,
        deleted=deleted,
        attributes=attributes,
    )


def make_rule(
    name: str = "rule",
    match: Match | None = None,
    *paths: str,
    when: str = "",
    severity: Severity | None = None,
    verdict: Verdict = Verdict.IGNORE,
) -> Rule:
    narrowed = match or Match(attribute=tuple(map(parse_path_glob, paths)))
    condition = parse_condition(when) if when else None
    return Rule(name, f"{name} says so", narrowed, condition, severity, verdict)


def judged(drift: Drift, *rules: Rule) -> Finding:
    (finding,) = judge([drift], rules, HERE)
    assert finding.drift is drift
    return finding


@pytest.mark.parametrize(
    ("drift", "severity", "verdict", "because"),
    [
        (make_drift(make_attribute()), "medium", "notify", "Somebody changed reality"),
        (make_drift(make_attribute(kind=Kind.CONFLICT)), "high", "notify", "both changed"),
        (make_drift(make_attribute(kind=Kind.PENDING)), "low", "notify", "waits to be applied"),
        (make_drift(make_attribute(kind=Kind.UNKNOWN)), "low", "notify", "known only after"),
        (
            make_drift(make_attribute(kind=Kind.UNOPPOSED, reason=Reason.UNDECLARED)),
            *("medium", "notify", "code says nothing"),
        ),
        (
            make_drift(make_attribute(kind=Kind.UNOPPOSED, reason=Reason.CODIFIED)),
            *("info", "notify", "already states"),
        ),
        (
            make_drift(make_attribute(kind=Kind.UNOPPOSED, reason=Reason.IGNORED)),
            *("info", "ignore", "The code says ignore_changes."),
        ),
        (
            make_drift(deleted=True, action=Action.CREATE),
            *("high", "notify", "deleted outside Terraform"),
        ),
        (
            make_drift(make_attribute(), action=Action.REPLACE),
            *("high", "notify", "destroy it and create it anew"),
        ),
        (make_drift(kind=Kind.PENDING, action=Action.DELETE), "low", "notify", "waits"),
        (
            make_drift(kind=Kind.PENDING, action=Action.REPLACE, subject=Subject.RESOURCE),
            *("low", "notify", "waits"),
        ),
        (make_drift(subject=Subject.CHECK), "high", "notify", "check block"),
        (make_drift(subject=Subject.PLAN, kind=Kind.UNKNOWN), "high", "notify", "not be seen"),
        (make_drift(make_attribute(), subject=Subject.OUTPUT), "low", "notify", "output"),
    ],
)
def test_uncovered_drift_is_never_silent(
    drift: Drift, severity: str, verdict: str, because: str
) -> None:
    finding = judged(drift)
    assert (finding.severity, finding.verdict, finding.rule) == (severity, verdict, "")
    assert because in finding.because


def test_the_first_rule_that_fits_decides() -> None:
    first = make_rule("first", severity=Severity.CRITICAL, verdict=Verdict.REVERT)
    finding = judged(make_drift(make_attribute()), first, make_rule("second"))
    assert (finding.rule, finding.because) == ("first", "first says so")
    assert (finding.severity, finding.verdict) == (Severity.CRITICAL, Verdict.REVERT)


@pytest.mark.parametrize(
    "match",
    [
        Match(environment=Globs(("prod-*",))),
        Match(labels=Globs(("crit*",))),
        Match(resource_type=Globs(("aws_v*",))),
        Match(address=Globs(("*.main",))),
        Match(kinds=frozenset({"drift"})),
        Match(kinds=frozenset({"moved"})),
        Match(kinds=frozenset({"unexpected"})),
        Match(deleted=False),
        Match(replaces=False),
    ],
)
def test_a_rule_fits_what_it_names(match: Match) -> None:
    assert judged(make_drift(make_attribute()), make_rule("rule", match)).rule == "rule"


@pytest.mark.parametrize(
    "match",
    [
        Match(environment=Globs(("dev-*",))),
        Match(labels=Globs(("sandbox",))),
        Match(resource_type=Globs(("aws_subnet",))),
        Match(address=Globs(("*.other",))),
        Match(kinds=frozenset({"pending"})),
        Match(reasons=frozenset({Reason.CODIFIED})),
        Match(subjects=frozenset({Subject.OUTPUT})),
        Match(deleted=True),
        Match(replaces=True),
        Match(attribute=(parse_path_glob("policy"),)),
    ],
)
def test_a_rule_does_not_fit_anything_else(match: Match) -> None:
    assert judged(make_drift(make_attribute()), make_rule("rule", match)).rule == ""


@pytest.mark.parametrize(
    ("word", "kind", "reason", "expected"),
    [
        ("moved", Kind.UNOPPOSED, Reason.CODIFIED, True),
        ("moved", Kind.PENDING, None, False),
        ("unexpected", Kind.UNOPPOSED, Reason.UNDECLARED, True),
        ("unexpected", Kind.UNOPPOSED, Reason.IGNORED, False),
        ("unexpected", Kind.UNOPPOSED, Reason.CODIFIED, False),
        ("unexpected", Kind.CONFLICT, None, True),
        ("unexpected", Kind.UNKNOWN, None, False),
    ],
)
def test_words_for_several_kinds(
    word: str, kind: Kind, reason: Reason | None, expected: bool
) -> None:
    rule = make_rule("rule", Match(kinds=frozenset({word})), severity=Severity.LOW)
    finding = judged(make_drift(make_attribute(kind=kind, reason=reason)), rule)
    assert (finding.rule == "rule") is expected


def test_a_rule_can_ask_for_a_reason() -> None:
    rule = make_rule("rule", Match(reasons=frozenset({Reason.UNDECLARED})))
    attribute = make_attribute(kind=Kind.UNOPPOSED, reason=Reason.UNDECLARED)
    assert judged(make_drift(attribute), rule).rule == "rule"


def test_a_drift_is_ignored_only_if_every_attribute_is() -> None:
    both = make_drift(make_attribute(), make_attribute(("policy",)))
    tags, policy = make_rule("tags", None, "tags"), make_rule("policy", None, "policy")
    assert judged(both, tags, policy).verdict is Verdict.IGNORE
    finding = judged(both, tags)
    assert (finding.verdict, finding.severity, finding.rule) == ("notify", "medium", "")


def test_the_worst_attribute_speaks_for_the_drift() -> None:
    drift = make_drift(make_attribute(), make_attribute(("policy",)))
    mild = make_rule("mild", None, "tags", severity=Severity.LOW, verdict=Verdict.NOTIFY)
    bad = make_rule("bad", None, "policy", severity=Severity.CRITICAL, verdict=Verdict.NOTIFY)
    finding = judged(drift, mild, bad)
    assert (finding.severity, finding.because, finding.rule) == ("critical", "bad says so", "bad")


@pytest.mark.parametrize(
    ("tags", "policy", "expected"),
    [
        (Verdict.ADOPT, Verdict.ADOPT, Verdict.ADOPT),
        (Verdict.ADOPT, Verdict.REVERT, Verdict.NOTIFY),
        (Verdict.ADOPT, Verdict.NOTIFY, Verdict.NOTIFY),
        (Verdict.IGNORE, Verdict.REVERT, Verdict.REVERT),
        (Verdict.IGNORE, Verdict.NOTIFY, Verdict.NOTIFY),
    ],
)
def test_attributes_that_disagree_need_a_person(
    tags: Verdict, policy: Verdict, expected: Verdict
) -> None:
    rules = (
        make_rule("t", None, "tags", verdict=tags),
        make_rule("p", None, "policy", verdict=policy),
    )
    drift = make_drift(make_attribute(), make_attribute(("policy",)))
    assert judged(drift, *rules).verdict is expected


@pytest.mark.parametrize(
    "rule",
    [
        make_rule("all", Match()),
        make_rule("all", None, "**"),
        make_rule("all", Match(), when="true"),
        make_rule("all", Match(deleted=False)),
    ],
)
@pytest.mark.parametrize(
    "drift",
    [
        make_drift(make_attribute(), deleted=True, action=Action.CREATE),
        make_drift(deleted=True, action=Action.CREATE),
        make_drift(make_attribute(), action=Action.REPLACE),
    ],
)
def test_only_a_rule_that_says_so_hides_a_deletion_or_replacement(rule: Rule, drift: Drift) -> None:
    finding = judged(drift, rule)
    assert (finding.verdict, finding.severity) == ("notify", "high")


def test_a_rule_about_attributes_hides_no_destruction_that_code_asks_for() -> None:
    drift = make_drift(make_attribute(), kind=Kind.CONFLICT, action=Action.DELETE)
    finding = judged(drift, make_rule("all", None, "**"), make_rule("when", Match(), when="true"))
    assert (finding.verdict, finding.severity) == ("notify", "high")


@pytest.mark.parametrize(
    ("match", "drift"),
    [
        (Match(deleted=True), make_drift(deleted=True, action=Action.CREATE)),
        (Match(replaces=True), make_drift(make_attribute(), action=Action.REPLACE)),
    ],
)
@pytest.mark.parametrize("when", ["", 'environment.name == "prod-eu"'])
def test_a_rule_that_says_so_decides_about_a_loss(match: Match, drift: Drift, when: str) -> None:
    finding = judged(drift, make_rule("gone", match, when=when))
    assert (finding.rule, finding.verdict) == ("gone", Verdict.IGNORE)


def test_a_rule_about_deletion_does_not_decide_about_replacement() -> None:
    drift = make_drift(make_attribute(), deleted=True, action=Action.REPLACE)
    assert judged(drift, make_rule("gone", Match(deleted=True))).verdict is Verdict.NOTIFY


def test_a_condition_looks_at_each_attribute() -> None:
    rule = make_rule("open", None, when='actual == "bad" && path == "tags.Name"')
    assert judged(make_drift(make_attribute(actual="bad")), rule).rule == "open"
    assert judged(make_drift(make_attribute(actual="good")), rule).rule == ""


def test_a_condition_may_look_at_a_check_as_a_whole() -> None:
    match = Match(subjects=frozenset({Subject.CHECK}))
    rule = make_rule("check", match, when='address == "aws_vpc.main"')
    assert judged(make_drift(subject=Subject.CHECK), rule).rule == "check"


def test_a_condition_that_fails_is_told_and_hides_nothing() -> None:
    broken = make_rule("broken", None, when="actual.size() > 3 && actual.nope")
    finding = judged(make_drift(make_attribute(actual=3)), broken, make_rule("quiet"))
    assert (finding.verdict, finding.severity) == ("notify", "medium")
    assert finding.rule == "quiet"
    assert finding.because.startswith('quiet says so The rule "broken" could not be evaluated: ')


def test_a_failing_condition_does_not_mute_a_grave_one() -> None:
    broken = make_rule("broken", None, when="actual.nope")
    grave = make_rule("grave", severity=Severity.CRITICAL, verdict=Verdict.REVERT)
    finding = judged(make_drift(make_attribute()), broken, grave)
    assert (finding.severity, finding.verdict) == (Severity.CRITICAL, Verdict.NOTIFY)


def test_a_rule_without_severity_keeps_the_one_of_the_defaults() -> None:
    rule = make_rule("rule", verdict=Verdict.REVERT)
    assert judged(make_drift(make_attribute(kind=Kind.CONFLICT)), rule).severity is Severity.HIGH
    quiet = make_rule("rule", verdict=Verdict.IGNORE)
    assert judged(make_drift(make_attribute()), quiet).severity is Severity.INFO
