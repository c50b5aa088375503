"""Policy files: what they may say, and how they are refused."""

from pathlib import Path

import pytest

from driftwatch.config.policy_files import load_policies, parse_policies
from driftwatch.config.yaml_source import parse_document
from driftwatch.domain.model import Action, Kind, Reason, Severity, Subject, Verdict
from driftwatch.domain.policy import Rule
from driftwatch.domain.policy_examples import run_examples
from driftwatch.errors import ConfigError

RULE = "name: a, because: b"


def parse(text: str) -> tuple[Rule, ...]:
    return parse_policies([parse_document("f.yaml", text)])


def test_a_rule_says_all_that_it_can() -> None:
    (rule,) = parse("""\
rules:
  - name: open
    because: It is open.
    match:
      environment: [prod-*, "!prod-x"]
      labels: critical
      resource_type: aws_*
      address: module.x.*
      attribute: [ingress, "!tags"]
      kind: [drift, unexpected]
      reason: undeclared
      subject: [resource, output]
      deleted: false
    when: world(actual)
    severity: critical
    verdict: revert
    examples:
      - drift:
          resource_type: aws_vpc
          action: update
          attributes:
            "ingress[0].cidr": {recorded: a, actual: b}
            tags: {recorded: a, actual: b, desired: b, reason: undeclared, sensitive: true}
        environment: {name: prod-1, labels: [critical], owners: web}
        expect: {matches: false, severity: low, verdict: notify}
      - drift: {subject: check, address: check.a, kind: unknown, deleted: true}
""")
    assert (rule.name, rule.because, rule.source) == ("open", "It is open.", "f.yaml")
    assert (rule.severity, rule.verdict) == (Severity.CRITICAL, Verdict.REVERT)
    match = rule.match
    assert match.environment.patterns == ("prod-*", "!prod-x")
    assert match.labels.patterns == ("critical",)
    assert match.resource_type.patterns == ("aws_*",)
    assert match.address.patterns == ("module.x.*",)
    assert [(g.text, g.negated) for g in match.attribute] == [("ingress", False), ("!tags", True)]
    assert match.kinds == {"drift", "unexpected"}
    assert match.reasons == {Reason.UNDECLARED}
    assert match.subjects == {Subject.RESOURCE, Subject.OUTPUT}
    assert (match.deleted, match.replaces) == (False, None)
    assert rule.when is not None
    assert rule.when.source == "world(actual)"
    first, second = rule.examples
    assert (first.drift.address, first.drift.action) == ("aws_vpc.example", Action.UPDATE)
    assert [(a.path, a.kind, a.desired) for a in first.drift.attributes] == [
        (("ingress", 0, "cidr"), Kind.DRIFT, "a"),
        (("tags",), Kind.UNOPPOSED, "b"),
    ]
    assert first.drift.attributes[1].sensitive
    assert first.environment.owners == ("web",)
    assert (first.matches, first.severity, first.verdict) == (False, "low", "notify")
    assert (second.drift.subject, second.drift.kind) == (Subject.CHECK, Kind.UNKNOWN)
    assert (second.drift.deleted, second.matches) == (True, True)


def test_the_example_of_the_documentation_keeps_its_promise() -> None:
    guide = Path(__file__).parents[2] / "docs" / "policies.md"
    rules = parse(guide.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
    assert [result.problem for result in run_examples(rules)] == [""]


def test_a_rule_without_match_is_about_resources_only() -> None:
    (rule,) = parse(f"rules: [{{{RULE}}}]")
    assert rule.match.subjects == {Subject.RESOURCE}
    assert (rule.severity, rule.verdict) == (None, Verdict.NOTIFY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "f.yaml:1:1: must be a map of keys and values"),
        ("{}", "f.yaml:1:1: rules: is required"),
        ("rules: 3", "f.yaml:1:8: rules: must be a list"),
        ("rules: [{name: a}]", "f.yaml:1:9: rules[0].because: is required"),
        (
            f"rules: [{{{RULE}, sevrity: low}}]",
            "f.yaml:1:31: rules[0].sevrity: unknown key; did you mean 'severity'?",
        ),
        (
            f"rules: [{{{RULE}, when: 'actaul == 1'}}]",
            "f.yaml:1:37: rules[0].when: unknown variable 'actaul'; did you mean 'actual'?",
        ),
        (
            f"rules: [{{{RULE}, when: true}}]",
            "f.yaml:1:37: rules[0].when: must be a CEL expression, as text",
        ),
        (
            f"rules: [{{{RULE}, match: {{attribute: 'a[x'}}}}]",
            (
                "f.yaml:1:39: rules[0].match.attribute[0]: 'a[x' is not an attribute path: write"
                " tags.Name or list[*].name"
            ),
        ),
        (
            f"rules: [{{{RULE}, match: {{attribute: a, deleted: true}}}}]",
            (
                "f.yaml:1:38: rules[0].match: a rule about attributes cannot decide about a"
                " deletion or replacement"
            ),
        ),
        (
            f"rules: [{{{RULE}, match: {{kind: [moved, gone]}}}}]",
            (
                "f.yaml:1:53: rules[0].match.kind[1]: must be 'drift', 'pending', 'unopposed',"
                " 'conflict', 'unknown', 'moved' or 'unexpected'"
            ),
        ),
        (
            f"rules: [{{{RULE}, examples: [{{drift: {{attributes: {{a: {{actual: null}}}}}}}}]}}]",
            (
                "f.yaml:1:67: rules[0].examples[0].drift.attributes.a: the three values mean the"
                " same: no drift"
            ),
        ),
        (
            f"rules: [{{{RULE}, examples: [{{drift: {{attributes: {{'a[': {{actual: 1}}}}}}}}]}}]",
            (
                "f.yaml:1:64: rules[0].examples[0].drift.attributes.a[: must be the path of an"
                " attribute"
            ),
        ),
        (
            f"rules: [{{{RULE}}}, {{{RULE}}}]",
            "f.yaml:1:39: rules[1].name: the name 'a' is taken by a rule in f.yaml",
        ),
    ],
)
def test_a_policy_is_refused_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert str(caught.value) == expected


def test_files_of_a_directory_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.txt"):
        text = f"rules: [{{name: {name[0]}, because: x}}]"
        (tmp_path / name).write_text(text, encoding="utf-8")
    extra = tmp_path / "c.txt"
    assert [rule.name for rule in load_policies([extra, tmp_path])] == ["c", "a", "b"]


def test_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{name: a}]", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("rulez: []\nrulez: []", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_policies([tmp_path])
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/a.yaml:1:9: rules[0].because: is required",
        f"{tmp_path}/b.yaml:1:1: rules: is required",
        f"{tmp_path}/b.yaml:1:1: rulez: unknown key; did you mean 'rules'?",
        f"{tmp_path}/b.yaml:2:1: rulez: given twice; the first is on line 1",
    ]


def test_a_directory_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no policy in this directory"):
        load_policies([tmp_path])
