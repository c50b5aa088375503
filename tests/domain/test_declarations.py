"""A plan document says what code declares where there is no source to read."""

import json
from typing import Any

import pytest

from driftwatch.domain.declarations import PlanDeclarations
from driftwatch.domain.masking import Masker
from driftwatch.domain.model import Path
from driftwatch.domain.plan import parse_plan
from tests.domain.documents import KEY, make_document

EXPRESSIONS = {
    "name": {"constant_value": "a"},
    "tags": {"references": ["var.tags"]},
    "versioning": {"enabled": {"constant_value": True}},
    "ebs": [{"size": {"constant_value": 1}, "iops": {"constant_value": 3}}, {"size": {}}],
    "none": [],
}
CONFIGURATION: Any = {
    "root_module": {
        "resources": [
            {"address": "aws_x.y", "expressions": EXPRESSIONS},
            {"address": "aws_x.bare"},
        ],
        "module_calls": {
            "m": {"module": {"resources": [{"address": "aws_x.z", "expressions": EXPRESSIONS}]}},
            "empty": {},
        },
    }
}


@pytest.fixture(scope="module")
def code() -> PlanDeclarations:
    content = json.dumps(make_document([], [], configuration=CONFIGURATION)).encode()
    return PlanDeclarations(parse_plan(content, Masker(KEY)))


@pytest.mark.parametrize(
    ("path", "declared"),
    [
        ((), True),
        (("name",), True),
        (("tags", "Owner"), True),
        (("size",), False),
        (("versioning",), True),
        (("versioning", 0, "enabled"), True),
        (("versioning", 0, "mfa_delete"), False),
        (("ebs",), True),
        (("ebs", 1, "size"), True),
        (("ebs", 0, "iops"), False),
        (("none",), False),
    ],
)
def test_an_attribute_is_declared_where_code_has_an_expression_for_it(
    code: PlanDeclarations, path: Path, declared: bool
) -> None:
    assert code.declared("aws_x.y", path) is declared


def test_instances_and_modules_lead_to_one_declaration(code: PlanDeclarations) -> None:
    assert code.declared('module.m["a.b[0]"].aws_x.z[3]', ("name",))
    assert code.declared("aws_x.bare", ("name",)) is False


@pytest.mark.parametrize(
    "address", ["aws_x.other", "module.n.aws_x.z", "module.empty.aws_x.z", "not an address"]
)
def test_what_the_plan_does_not_know_cannot_be_told(code: PlanDeclarations, address: str) -> None:
    assert code.declared(address, ("name",)) is None


def test_a_plan_knows_neither_places_nor_what_is_ignored(code: PlanDeclarations) -> None:
    assert not code.ignored("aws_x.y", ("name",))
    assert code.locate("aws_x.y", ("name",)) is None
