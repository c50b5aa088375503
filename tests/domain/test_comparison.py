"""Recorded, actual and desired make a drift with a name, a reason and a fingerprint."""

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.comparison import compare
from driftwatch.domain.masking import Masker
from driftwatch.domain.model import (
    UNKNOWN_TEXT,
    Action,
    Drift,
    Kind,
    Location,
    Path,
    Reason,
    Subject,
)
from driftwatch.domain.plan import parse_plan
from driftwatch.errors import CouldNotLook
from tests.domain.documents import (
    KEY,
    PLANS,
    FakeCode,
    compared,
    compared_one,
    make_document,
    make_entry,
    only,
)
from tests.domain.test_equality import JSON

DECLARED = FakeCode(lambda _address, _path: True)


def of(*names: str) -> FakeCode:
    return FakeCode(lambda _address, path: path[0] in names)


def one(*values: Any, **more: Any) -> Drift:
    found = compared_one(*values, **more)
    assert found is not None
    return found


# --- Real documents of terraform 1.11 and the AWS provider.


def test_a_world_that_was_freshly_applied_and_never_refreshed_shows_nothing() -> None:
    document = (PLANS / "fresh.json").read_bytes()
    assert json.loads(document)["resource_drift"], "the noise that must not be told"
    assert compared(document) == ()


def test_every_kind_of_tampering_is_named_in_a_real_document() -> None:
    found = {d.address: d for d in compared((PLANS / "tampered.json").read_bytes())}
    named = defaultdict(set)
    for address, drift in found.items():
        named[drift.kind].add(address.removeprefix("aws_"))
    assert named == {
        Kind.DRIFT: {
            "cloudwatch_log_group.drift",
            "cloudwatch_log_group.gone",
            "iam_role_policy.p",
            "ssm_parameter.secret",
            "vpc.main",
            "vpc_security_group_ingress_rule.http",
        },
        Kind.PENDING: {"cloudwatch_log_group.pending", "ssm_parameter.copy"},
        Kind.CONFLICT: {"cloudwatch_log_group.conflict"},
        Kind.UNOPPOSED: {
            "cloudwatch_log_group.codified",
            # A plan alone does not say what code ignores; with the source, this is "ignored".
            "cloudwatch_log_group.ignored",
            "iam_role.r",
            "security_group.web",
        },
    }
    assert found["aws_vpc_security_group_ingress_rule.http"].deleted
    (opened,) = only(found["aws_security_group.web"]).actual
    assert opened["cidr_blocks"] == ["0.0.0.0/0"]
    assert [p["name"] for p in only(found["aws_iam_role.r"]).actual] == ["evil"]
    assert [a.path for a in found["aws_vpc.main"].attributes] == [
        ("tags", "Owner"),
        ("tags", "Extra"),
    ]


def test_a_document_of_terraform_0_12_tells_what_waits_and_that_it_cannot_tell_drift() -> None:
    waiting, gap = compared((PLANS / "terraform-0.12.json").read_bytes())[::-1]
    assert (waiting.address, waiting.kind) == ("aws_instance.web", Kind.PENDING)
    assert (gap.subject, gap.kind) == (Subject.PLAN, Kind.UNKNOWN)


def test_a_document_of_opentofu_is_read_like_one_of_terraform() -> None:
    (drift,) = compared((PLANS / "opentofu-1.10.json").read_bytes())
    assert (drift.address, drift.kind) == ("terraform_data.app", Kind.DRIFT)


# --- The six kinds.


def test_all_three_equal_is_in_sync() -> None:
    assert compared_one({"a": 1}, {"a": 1}, {"a": 1}) is None


@pytest.mark.parametrize(
    ("values", "kind"),
    [((1, 1, 2), Kind.PENDING), ((1, 2, 1), Kind.DRIFT), ((1, 2, 3), Kind.CONFLICT)],
)
def test_each_kind_that_an_apply_would_change_is_named(values: Any, kind: Kind) -> None:
    drift = one(*({"a": value} for value in values))
    assert (drift.kind, drift.reason, only(drift).kind) == (kind, None, kind)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (DECLARED, Reason.CODIFIED),
        (FakeCode(), Reason.UNDECLARED),
        (FakeCode(lambda _address, _path: True, frozenset({("a",)})), Reason.IGNORED),
        (FakeCode(lambda _address, _path: None), Reason.UNDECLARED),
    ],
)
def test_what_an_apply_would_leave_alone_says_why(code: FakeCode, reason: Reason) -> None:
    drift = one({"a": 1}, {"a": 2}, {"a": 2}, code=code)
    assert (drift.kind, drift.reason, only(drift).reason) == (Kind.UNOPPOSED, reason, reason)


def test_the_plan_answers_where_the_source_cannot() -> None:
    entries = (
        [make_entry("aws_x.y", {"a": 1}, {"a": 2})],
        [make_entry("aws_x.y", {"a": 2}, {"a": 2})],
    )
    resource = {"address": "aws_x.y", "expressions": {"a": {"constant_value": 2}}}
    document = make_document(*entries, configuration={"root_module": {"resources": [resource]}})
    (drift,) = compared(document, FakeCode(lambda _address, _path: None))
    assert drift.reason is Reason.CODIFIED


def test_what_only_an_apply_knows_is_unknown_where_code_computes_it() -> None:
    drift = one(
        {"a": 1}, {"a": 1}, {}, code=DECLARED, actions=["update"], after_unknown={"a": True}
    )
    assert (drift.kind, only(drift).desired) == (Kind.UNKNOWN, UNKNOWN_TEXT)


def test_a_computed_value_that_stays_is_not_worth_a_word_but_one_that_moved_is() -> None:
    code, more = of("b"), {"actions": ["update"], "after_unknown": {"a": True}}
    still = one({"a": 1, "b": 1}, {"a": 1, "b": 1}, {"b": 2}, code=code, **more)
    assert [a.path for a in still.attributes] == [("b",)]
    moved = one({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"b": 1}, code=code, **more)
    assert (only(moved).path, only(moved).kind) == (("a",), Kind.UNKNOWN)


def test_a_resource_is_named_by_the_attribute_that_needs_people_most() -> None:
    recorded, actual, desired = (
        {"a": 1, "b": 1, "c": 1},
        {"a": 1, "b": 2, "c": 2},
        {"a": 2, "b": 2, "c": 1},
    )
    assert one(recorded, actual, desired).kind is Kind.DRIFT
    assert one(recorded, actual, desired | {"c": 3}).kind is Kind.CONFLICT
    assert one(recorded, actual | {"c": 1}, desired).kind is Kind.UNOPPOSED
    assert one(recorded, actual | {"c": 1}, desired, code=DECLARED).kind is Kind.PENDING


# --- What an apply would do.


def test_a_resource_that_is_gone_is_deleted() -> None:
    document = make_document(
        [make_entry("aws_x.y", {"a": 1}, None)], [make_entry("aws_x.y", None, {"a": 1})]
    )
    (drift,) = compared(document)
    assert (drift.kind, drift.deleted, drift.action) == (Kind.DRIFT, True, Action.CREATE)
    assert drift.attributes == ()


def test_a_resource_that_is_gone_from_code_too_is_nobodys_loss() -> None:
    (drift,) = compared(make_document([make_entry("aws_x.y", {"a": 1}, None)]))
    assert (drift.kind, drift.reason, drift.deleted) == (Kind.UNOPPOSED, Reason.CODIFIED, True)
    assert not drift.moved


@pytest.mark.parametrize("after", [None, {"a": 1}])
def test_what_code_creates_or_gives_up_waits(after: Any) -> None:
    before = None if after else {"a": 1}
    (drift,) = compared(make_document([], [make_entry("aws_x.y", before, after)]))
    assert (drift.kind, drift.attributes) == (Kind.PENDING, ())


@pytest.mark.parametrize("actions", [["delete"], ["forget"]])
def test_a_drifted_resource_that_code_gives_up_is_a_conflict_about_what_moved(actions: Any) -> None:
    drift = one({"a": 1, "b": 1}, {"a": 2, "b": 1}, None, actions=actions)
    assert (drift.kind, drift.reason) == (Kind.CONFLICT, None)
    value = only(drift)
    assert (value.path, value.recorded, value.actual, value.desired) == (("a",), 1, 2, None)


def test_the_noise_of_a_first_refresh_is_no_conflict_with_a_removal() -> None:
    drift = one({"tags": None}, {"tags": {}}, None, actions=["delete"])
    assert (drift.kind, drift.attributes) == (Kind.PENDING, ())


def test_a_tainted_resource_waits_for_its_replacement() -> None:
    entry = make_entry(
        "aws_x.y",
        {"id": "a"},
        {},
        ["delete", "create"],
        {"action_reason": "replace_because_tainted"},
        after_unknown={"id": True},
    )
    (drift,) = compared(make_document([], [entry]))
    assert (drift.kind, drift.replaces, drift.action_reason) == (
        Kind.PENDING,
        True,
        "replace_because_tainted",
    )


def test_a_replacement_tells_what_forces_it() -> None:
    more = {"actions": ["create", "delete"], "after_unknown": {"id": True}}
    drift = one({"id": "a", "n": 1}, {"id": "a", "n": 1}, {"n": 2}, code=of("n"), **more)
    assert (drift.kind, drift.action) == (Kind.PENDING, Action.REPLACE)
    assert only(drift).path == ("n",)


def test_a_move_is_told_and_is_no_drift() -> None:
    entry = make_entry("aws_x.new", {"a": 1}, {"a": 1}, entry={"previous_address": "aws_x.old"})
    (drift,) = compared(make_document([], [entry]))
    assert (drift.kind, drift.action, drift.moved) == (Kind.PENDING, Action.NO_OP, False)
    assert "Moved from aws_x.old" in drift.message


def test_a_move_is_told_although_the_first_refresh_made_noise() -> None:
    noise = make_entry("aws_x.new", {"t": None}, {"t": {}}, entry={"previous_address": "aws_x.old"})
    entry = make_entry("aws_x.new", {"t": {}}, {"t": {}}, entry={"previous_address": "aws_x.old"})
    (drift,) = compared(make_document([noise], [entry]))
    assert "Moved from" in drift.message


def test_a_previous_address_that_is_the_same_is_no_move() -> None:
    entry = make_entry("aws_x.y", {"a": 1}, {"a": 1}, entry={"previous_address": "aws_x.y"})
    assert compared(make_document([], [entry])) == ()


@pytest.mark.parametrize("after", [{"a": 1}, {"a": 2}])
def test_an_import_is_told_and_is_no_drift(after: Any) -> None:
    (drift,) = compared(
        make_document([], [make_entry("aws_x.y", {"a": 1}, after, importing={"id": "i"})])
    )
    assert drift.kind is Kind.PENDING
    assert "import block" in drift.message


def test_a_forgotten_resource_waits() -> None:
    (drift,) = compared(make_document([], [make_entry("aws_x.y", {"a": 1}, None, ["forget"])]))
    assert (drift.kind, drift.action) == (Kind.PENDING, Action.FORGET)


def test_a_deposed_object_is_found_under_the_address_of_its_resource() -> None:
    entry = make_entry("aws_x.y", {"a": 1}, None, entry={"deposed": "ab12cd34"})
    place = Location("main.tf", 1)
    (drift,) = compared(make_document([], [entry]), FakeCode(places={(): place}))
    assert (drift.address, drift.location) == ("aws_x.y (deposed ab12cd34)", place)


def test_a_data_source_that_waits_for_an_apply_is_unknown() -> None:
    entries = [
        make_entry(
            "data.aws_x.y", None, {}, ["read"], {"action_reason": "read_because_dependency_pending"}
        ),
        make_entry(
            "data.aws_x.z", {"a": 1}, {"a": 2}, ["no-op"], {"previous_address": "data.aws_x.old"}
        ),
    ]
    (drift,) = compared(make_document([], entries))
    assert (drift.kind, drift.action, drift.address) == (Kind.UNKNOWN, Action.READ, "data.aws_x.y")


def test_a_plan_that_only_refreshed_tells_every_move_as_unopposed() -> None:
    (drift,) = compared(make_document([make_entry("aws_x.y", {"a": 1}, {"a": 2})]))
    assert (drift.kind, drift.action) == (Kind.UNOPPOSED, Action.NO_OP)


# --- Attributes that mirror other resources.


def rule(*cidrs: str) -> dict[str, Any]:
    return {"cidr_blocks": list(cidrs), "from_port": 443, "to_port": 443, "protocol": "tcp"}


def group(*rules: Any) -> dict[str, Any]:
    return {"id": "sg-1", "ingress": list(rules), "name": "web"}


def ingress(cidr: str) -> dict[str, Any]:
    return {
        "security_group_id": "sg-1",
        "cidr_ipv4": cidr,
        "from_port": 443,
        "to_port": 443,
        "ip_protocol": "tcp",
    }


GROUP, RULE = "aws_security_group.g", "aws_vpc_security_group_ingress_rule.r"


def grouped(
    recorded: Any, actual: Any, desired: Any, rules: Any, code: Any = None, **more: Any
) -> tuple[Drift, ...]:
    drift = [make_entry(GROUP, recorded, actual)]
    changes = [make_entry(GROUP, actual, desired, **more), *rules]
    return compared(make_document(drift, changes), code or FakeCode())


MANAGED = make_entry(RULE, ingress("10.0.0.0/8"), ingress("10.0.0.0/8"))


def test_rules_that_resources_manage_are_no_drift_of_their_group() -> None:
    there = group(rule("10.0.0.0/8"))
    assert grouped(group(), there, there, [MANAGED]) == ()


def test_a_second_source_of_a_managed_rule_is_no_drift_either() -> None:
    """AWS merges rules that share a port, so that the move shows inside of an element."""
    second = make_entry(
        "aws_vpc_security_group_ingress_rule.s", ingress("10.1.0.0/16"), ingress("10.1.0.0/16")
    )
    there = group(rule("10.0.0.0/8", "10.1.0.0/16"))
    assert grouped(group(rule("10.0.0.0/8")), there, there, [MANAGED, second]) == ()


def test_a_rule_that_somebody_added_by_hand_is_told_alone() -> None:
    there = group(rule("10.0.0.0/8", "0.0.0.0/0"))
    (drift,) = grouped(group(rule("10.0.0.0/8")), there, there, [MANAGED])
    value = only(drift)
    assert (drift.kind, drift.reason, drift.action) == (
        Kind.UNOPPOSED,
        Reason.UNDECLARED,
        Action.NO_OP,
    )
    assert (value.path, value.recorded, value.actual) == (
        ("ingress",),
        [],
        [rule("0.0.0.0/0") | {"self": False}],
    )


def test_a_rule_that_code_only_wants_explains_nothing_that_is_there() -> None:
    wanted = make_entry(RULE, None, ingress("0.0.0.0/0"))
    there = group(rule("0.0.0.0/0"))
    assert [d.kind for d in grouped(group(), there, there, [wanted])] == [
        Kind.UNOPPOSED,
        Kind.PENDING,
    ]


def test_a_rule_whose_resource_drifted_is_told_once() -> None:
    moved = [make_entry(RULE, ingress("10.0.0.0/8"), ingress("0.0.0.0/0"))]
    back = make_entry(RULE, ingress("0.0.0.0/0"), ingress("10.0.0.0/8"))
    was, there = group(rule("10.0.0.0/8")), group(rule("0.0.0.0/0"))
    document = make_document(
        [*moved, make_entry(GROUP, was, there)], [back, make_entry(GROUP, there, there)]
    )
    assert [d.address for d in compared(document, FakeCode())] == [RULE]


def test_rules_that_code_ignores_or_states_keep_their_reason() -> None:
    was, there = group(rule("10.0.0.0/8")), group(rule("0.0.0.0/0"))
    (ignored,) = grouped(was, there, there, [MANAGED], FakeCode(ignores=frozenset({("ingress",)})))
    (stated,) = grouped(was, there, there, [MANAGED], DECLARED)
    assert (ignored.reason, stated.reason) == (Reason.IGNORED, Reason.CODIFIED)


def test_rules_written_in_line_are_opposed_and_therefore_drift() -> None:
    was, there = group(rule("10.0.0.0/8")), group(rule("10.0.0.0/8"), rule("0.0.0.0/0"))
    (drift,) = grouped(was, there, was, [], DECLARED)
    assert (drift.kind, only(drift).actual) == (Kind.DRIFT, [rule("0.0.0.0/0")])


def test_a_group_that_is_replaced_still_tells_only_rules_added_by_hand() -> None:
    wanted = {"name": "other"}
    more = {"actions": ["delete", "create"], "after_unknown": {"id": True, "ingress": True}}
    there = group(rule("10.0.0.0/8"))
    (quiet,) = grouped(group(), there, wanted, [MANAGED], of("name"), **more)
    assert [a.path for a in quiet.attributes] == [("name",)]
    opened = group(rule("10.0.0.0/8"), rule("0.0.0.0/0"))
    (loud,) = grouped(group(), opened, wanted, [MANAGED], of("name"), **more)
    told = {a.path: a for a in loud.attributes}
    assert told[("ingress",)].kind is Kind.UNKNOWN
    (left,) = told[("ingress",)].actual
    assert left["cidr_blocks"] == ["0.0.0.0/0"]
    assert told[("ingress",)].desired == UNKNOWN_TEXT


def test_a_group_that_is_given_up_is_no_conflict_with_its_managed_rules() -> None:
    (drift,) = grouped(group(), group(rule("10.0.0.0/8")), None, [MANAGED], actions=["delete"])
    assert drift.kind is Kind.PENDING


def test_an_attribute_that_mirrors_as_a_whole_is_told_where_nothing_explains_it() -> None:
    def bucket(enabled: bool) -> dict[str, Any]:
        return {"id": "b", "versioning": [{"enabled": enabled, "mfa_delete": False}]}

    drift = make_entry("aws_s3_bucket.b", bucket(enabled=False), bucket(enabled=True))
    still = make_entry("aws_s3_bucket.b", bucket(enabled=True), bucket(enabled=True))
    beside = make_entry("aws_s3_bucket_versioning.v", {"bucket": "b"}, {"bucket": "b"})
    assert compared(make_document([drift], [still, beside]), FakeCode()) == ()
    (told,) = compared(make_document([drift], [still]), FakeCode())
    assert only(told).path == ("versioning", 0, "enabled")


# --- Identity, order and place.


def test_the_fingerprint_stays_while_nothing_moves_whatever_the_order_of_keys() -> None:
    values = {"a": 1, "m": {"x": 1, "y": 2}}, {"m": {"y": 3, "x": 1}, "a": 1}
    one_way = one(values[0], values[1], values[0])
    other_way = one(*(dict(reversed(v.items())) for v in (values[0], values[1], values[0])))
    assert one_way.fingerprint == other_way.fingerprint


@pytest.mark.parametrize("other", [(1, 3, 1), (0, 2, 0), (1, 2, 2), (1, 2, 3)])
def test_the_fingerprint_moves_with_every_value(other: tuple[int, int, int]) -> None:
    first = one({"a": 1}, {"a": 2}, {"a": 1})
    assert one(*({"a": value} for value in other)).fingerprint != first.fingerprint


def test_the_fingerprint_moves_with_a_hidden_value_and_tells_nothing_of_it() -> None:
    def secret(actual: str) -> Drift:
        flags = {"before_sensitive": {"p": True}, "after_sensitive": {"p": True}}
        return one({"p": "secret-0"}, {"p": actual}, {"p": "secret-0"}, **flags)

    assert secret("secret-1").fingerprint == secret("secret-1").fingerprint
    assert secret("secret-1").fingerprint != secret("secret-2").fingerprint
    assert "secret-" not in repr(secret("secret-1"))


@given(st.dictionaries(st.text(min_size=1), JSON), st.dictionaries(st.text(min_size=1), JSON))
def test_fingerprints_are_stable_for_any_values(recorded: Any, actual: Any) -> None:
    first, again = (compared_one(recorded, actual, recorded) for _ in range(2))
    assert first == again


def test_findings_are_ordered_by_subject_and_address() -> None:
    entries = [make_entry(f"aws_x.{name}", None, {"a": 1}) for name in "cab"]
    assert [d.address for d in compared(make_document([], entries))] == [
        "aws_x.a",
        "aws_x.b",
        "aws_x.c",
    ]


def test_an_attribute_stands_at_its_own_place_or_at_that_of_its_resource() -> None:
    block, line = Location("main.tf", 1), Location("main.tf", 7)
    places: dict[Path, Location] = {(): block, ("a",): line}
    drift = one({"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 1, "b": 1}, code=FakeCode(places=places))
    assert drift.location == block
    assert [a.location for a in drift.attributes] == [line, block]


# --- Hostile input.


@given(
    JSON, JSON, JSON, JSON, st.sampled_from(["aws_x.y", "aws_security_group.g", "aws_s3_bucket.b"])
)
def test_no_values_can_break_a_comparison(
    r: Any, a: Any, d: Any, unknown: Any, address: str
) -> None:
    for actions in (["update"], ["no-op"], ["delete"], ["delete", "create"]):
        drift, change = make_entry(address, r, a), make_entry(address, a, d, actions)
        change["change"]["after_unknown"] = unknown
        compared(make_document([drift], [change]), DECLARED)


def test_values_nested_too_deeply_to_compare_are_refused() -> None:
    plan = parse_plan(
        json.dumps(make_document([make_entry("aws_x.y", {}, {})])).encode(), Masker(KEY)
    )
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]
    change = replace(plan.drift["aws_x.y"], before={"a": deep}, after={"a": [deep]})
    with pytest.raises(CouldNotLook, match="too deeply"):
        compare(replace(plan, drift={"aws_x.y": change}), FakeCode())
