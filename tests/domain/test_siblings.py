"""What resources beside a resource explain of its attributes, and what they do not."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.domain.mirrors import SIBLINGS
from driftwatch.domain.siblings import mirroring_attributes, related_types, unexplained
from tests.domain.test_equality import JSON

GROUP = ("aws_security_group", {"id": "sg-1"})
INGRESS = "aws_vpc_security_group_ingress_rule"


def rule(port: int, *cidrs: str, **more: Any) -> dict[str, Any]:
    """Make a rule as a group lists it."""
    return {
        "cidr_blocks": list(cidrs),
        "description": "",
        "from_port": port,
        "ipv6_cidr_blocks": [],
        "prefix_list_ids": [],
        "protocol": "tcp",
        "security_groups": [],
        "self": False,
        "to_port": port,
        **more,
    }


def alone(port: int | None, cidr: str | None = None, **more: Any) -> dict[str, Any]:
    """Make a rule as a resource of its own."""
    return {
        "security_group_id": "sg-1",
        "cidr_ipv4": cidr,
        "from_port": port,
        "ip_protocol": "tcp",
        "to_port": port,
        **more,
    }


def left(actual: list[Any], *rules: Mapping[str, Any], recorded: Any = ()) -> Any:
    return unexplained(GROUP, "ingress", (list(recorded), actual), {INGRESS: rules})[1]


def test_types_beside_a_type_are_known() -> None:
    assert related_types(["aws_security_group", "aws_vpc"]) == {
        "aws_vpc_security_group_ingress_rule",
        "aws_vpc_security_group_egress_rule",
        "aws_security_group_rule",
    }
    assert mirroring_attributes("aws_security_group") == ("ingress", "egress")
    assert mirroring_attributes("aws_vpc") == ()


def test_a_rule_that_a_resource_manages_is_explained() -> None:
    assert left([rule(443, "10.0.0.0/8")], alone(443, "10.0.0.0/8")) == []


def test_a_rule_that_nothing_manages_is_left() -> None:
    evil = rule(443, "0.0.0.0/0")
    assert left([rule(443, "10.0.0.0/8"), evil], alone(443, "10.0.0.0/8")) == [evil]


@pytest.mark.parametrize(
    "evil",
    [
        rule(444, "10.0.0.0/8"),
        rule(443, "10.0.0.0/8", protocol="udp"),
        rule(443, "10.0.0.0/8", to_port=444),
        rule(443, ipv6_cidr_blocks=["::/0"]),
        rule(443, prefix_list_ids=["pl-1"]),
        rule(443, security_groups=["sg-2"]),
        rule(443, self=True),
        rule(0, "10.0.0.0/8", protocol="-1"),
    ],
)
def test_a_rule_that_differs_in_anything_but_its_description_is_left(evil: Any) -> None:
    assert left([evil], alone(443, "10.0.0.0/8")) == [evil]


def test_of_rules_that_aws_merged_only_the_source_that_nothing_manages_is_left() -> None:
    merged = rule(443, "10.0.0.0/8", "0.0.0.0/0", self=True, ipv6_cidr_blocks=["::/0"])
    managed = [alone(443, "10.0.0.0/8"), alone(443, referenced_security_group_id="sg-1")]
    assert left([merged], *managed) == [rule(443, "0.0.0.0/0", ipv6_cidr_blocks=["::/0"])]
    assert left(
        [merged], alone(443, "10.0.0.0/8"), alone(443, "0.0.0.0/0"), alone(443, cidr_ipv6="::/0")
    ) == [rule(443, self=True)]


def test_a_rule_that_was_there_before_is_left_on_neither_side() -> None:
    before = [rule(80, "10.0.0.0/8"), rule(443, "10.0.0.0/8")]
    after = [rule(443, "10.0.0.0/8", "192.168.0.0/16")]
    recorded, actual = unexplained(GROUP, "ingress", (before, after), {})
    assert recorded == [rule(80, "10.0.0.0/8")]
    assert actual == [rule(443, "192.168.0.0/16")]


def test_rules_of_another_group_explain_nothing() -> None:
    evil = rule(443, "0.0.0.0/0")
    assert left([evil], alone(443, "0.0.0.0/0", security_group_id="sg-2")) == [evil]
    assert left([evil], alone(443, "0.0.0.0/0", security_group_id=None)) == [evil]


def test_a_group_that_has_no_id_yet_is_explained_by_nothing() -> None:
    evil = rule(443, "0.0.0.0/0")
    rules = {INGRESS: [alone(443, "0.0.0.0/0", security_group_id=None)]}
    assert unexplained(("aws_security_group", {}), "ingress", ([], [evil]), rules)[1] == [evil]


def test_rules_of_the_old_kind_explain_their_own_direction() -> None:
    old = {
        "security_group_id": "sg-1",
        "type": "ingress",
        "cidr_blocks": ["10.0.0.0/8"],
        "from_port": 22,
        "to_port": 22,
        "protocol": "6",
        "self": True,
    }
    rules = {"aws_security_group_rule": [old]}
    there = rule(22, "10.0.0.0/8", self=True)
    assert unexplained(GROUP, "ingress", ([], [there]), rules) == ([], [])
    assert unexplained(GROUP, "egress", ([], [there]), rules) == ([], [there])
    rules["aws_security_group_rule"][0]["type"] = "egress"
    assert unexplained(GROUP, "egress", ([], [there]), rules) == ([], [])
    assert unexplained(GROUP, "ingress", ([], [there]), rules) == ([], [there])


def test_all_protocols_are_the_same_however_ports_are_written() -> None:
    assert (
        left([rule(0, "10.0.0.0/8", protocol="-1")], alone(None, "10.0.0.0/8", ip_protocol="-1"))
        == []
    )
    assert (
        left([rule(0, "10.0.0.0/8", protocol="50")], alone(-1, "10.0.0.0/8", ip_protocol="50"))
        == []
    )


def test_all_icmp_types_are_more_than_the_first() -> None:
    every = rule(-1, "0.0.0.0/0", protocol="icmp")
    assert left([every], alone(0, "0.0.0.0/0", ip_protocol="icmp")) == [every]
    assert left([every], alone(-1, "0.0.0.0/0", ip_protocol="icmp")) == []


def test_a_rule_without_any_source_is_left() -> None:
    assert left([rule(443)], alone(443, "10.0.0.0/8")) == [rule(443)]


def test_an_inline_policy_added_by_hand_is_left() -> None:
    role = ("aws_iam_role", {"id": "r", "name": "r"})
    managed = {"aws_iam_role_policy": [{"role": "r", "name": "p", "policy": "{}"}]}
    evil = {"name": "evil", "policy": "*"}
    listed = [{"name": "p", "policy": "{}"}, evil]
    assert unexplained(role, "inline_policy", ([], listed), managed) == ([], [evil])


def test_an_unmanaged_inline_policy_whose_content_moves_is_left() -> None:
    role = ("aws_iam_role", {"id": "r", "name": "r"})
    was, now = {"name": "evil", "policy": "a"}, {"name": "evil", "policy": "b"}
    assert unexplained(role, "inline_policy", ([was], [now]), {}) == ([was], [now])


def test_attached_policies_are_explained_by_either_kind_of_attachment() -> None:
    role = ("aws_iam_role", {"id": "r", "name": "r"})
    managed: dict[str, Any] = {
        "aws_iam_role_policy_attachment": [{"role": "r", "policy_arn": "arn:a"}],
        "aws_iam_policy_attachment": [{"roles": ["q", "r"], "policy_arn": "arn:b"}],
    }
    attached = ["arn:a", "arn:b", "arn:admin"]
    assert unexplained(role, "managed_policy_arns", ([], attached), managed) == ([], ["arn:admin"])


def test_a_route_is_explained_by_its_destination() -> None:
    table = ("aws_route_table", {"id": "rtb-1"})
    managed = {"aws_route": [{"route_table_id": "rtb-1", "destination_cidr_block": "0.0.0.0/0"}]}
    routes = [{"cidr_block": "0.0.0.0/0"}, {"cidr_block": "10.9.0.0/16"}, {"cidr_block": ""}]
    assert unexplained(table, "route", ([], routes), managed) == ([], routes[1:])


def test_network_acl_rules_are_explained_by_number_and_direction() -> None:
    acl = ("aws_network_acl", {"id": "acl-1"})
    managed = {
        "aws_network_acl_rule": [
            {"network_acl_id": "acl-1", "rule_number": 100, "egress": False},
            {"network_acl_id": "acl-1", "rule_number": 200, "egress": True},
        ]
    }
    rules = [{"rule_no": 100}, {"rule_no": 200}]
    assert unexplained(acl, "ingress", ([], rules), managed) == ([], [{"rule_no": 200}])
    assert unexplained(acl, "egress", ([], rules), managed) == ([], [{"rule_no": 100}])


def test_a_resource_that_manages_all_of_an_attribute_explains_all_of_it() -> None:
    bucket = ("aws_s3_bucket", {"id": "b"})
    moved = ([{"enabled": False}], [{"enabled": True}])
    managed = {"aws_s3_bucket_versioning": [{"bucket": "b"}]}
    assert unexplained(bucket, "versioning", moved, managed) == (None, None)
    assert unexplained(bucket, "versioning", moved, {}) == moved


def test_a_value_of_an_unexpected_shape_is_left_as_it_is() -> None:
    assert unexplained(GROUP, "ingress", ("a", {"b": 1}), {}) == ("a", {"b": 1})
    assert unexplained(GROUP, "ingress", (None, ["x", 1]), {}) == ([], ["x", 1])


@given(st.sampled_from(sorted(SIBLINGS)), JSON, JSON, st.lists(st.dictionaries(st.text(), JSON)))
def test_no_json_can_break_it(
    mirror: tuple[str, str], recorded: Any, actual: Any, others: list[dict[str, Any]]
) -> None:
    resource_type, attribute = mirror
    owner = {"id": "x", "name": recorded, "arn": ["x"]}
    others = [
        *others,
        *({s.link: "x", "name": o} for s in SIBLINGS[mirror] for o in (recorded, "x")),
    ]
    resources = {s.resource_type: others for s in SIBLINGS[mirror]}
    unexplained((resource_type, owner), attribute, (recorded, actual), resources)
