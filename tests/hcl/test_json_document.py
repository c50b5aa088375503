"""Terraform's JSON syntax is read in all its spellings, with true places."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftwatch.domain.model import Path
from driftwatch.hcl.document import parse_document
from driftwatch.hcl.facts import read_block
from driftwatch.hcl.syntax import DEEPEST, Expression
from driftwatch.hcl.trace import find_span
from tests.hcl.test_document import ask_everything

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)
roots = st.dictionaries(st.sampled_from(["resource", "terraform", "output", "x"]), values)


@settings(deadline=None)
@given(values | roots, st.sampled_from([None, 2]))
def test_any_json_is_a_document(value: object, indent: int | None) -> None:
    document = parse_document(json.dumps(value, indent=indent).encode(), is_json=True)
    assert document.problem == ""
    ask_everything(document)


@settings(deadline=None)
@given(st.dictionaries(st.text(), values, min_size=1))
def test_a_body_is_found_key_by_key(body: dict[str, object]) -> None:
    content = json.dumps({"resource": {"a": {"b": body}}}, indent=1, ensure_ascii=False)
    document = parse_document(content.encode(), is_json=True)
    (block,) = document.blocks
    for key, value in body.items():
        item = block.attribute(key)
        assert item is not None
        read = json.loads(document.text(item.value.span))
        assert json.dumps(read) == json.dumps(value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is not JSON (line 1)"),
        (b'{\n"a": 1,\n}', "is not JSON (line 3)"),
        (b'{"a": "\0"}', "is not JSON (line 1)"),
        (b'{"a":\n "\xff"}', "is not UTF-8 (line 2)"),
        (b"[" * 200_000 + b"]" * 200_000, "is nested too deeply"),
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8 (line 1)"),
    ],
)
def test_what_is_not_json_is_a_problem(content: bytes, problem: str) -> None:
    document = parse_document(content, is_json=True)
    assert (document.blocks, document.problem) == ((), problem)


def test_blocks_are_found_in_every_spelling() -> None:
    content = b"""\xef\xbb\xbf[{
      "resource": [{"a": {"b": {"x": 1}}}, {"a": [{"c": [{"y": 2},
        {"y": 3}]}]}],
      "output": {"o": {"value": 1e400}},
      "provider": {"aws": [{"region": "x"},
        {"alias": "y"}]},
      "terraform": {"backend": {"s3": {}}},
      "moved": [{"from": "a.b", "to": "a.c"}],
      "locals": {"resource": {"no": {"no": {}}}}
    }]"""
    document = parse_document(content, is_json=True)
    found = [(b.block_type, *b.labels, b.span.line) for b in document.blocks]
    assert found == [
        ("resource", "a", "b", 2),
        ("resource", "a", "c", 2),
        ("resource", "a", "c", 3),
        ("provider", "aws", 5),
        ("provider", "aws", 6),
        ("output", "o", 4),
        ("terraform", 7),
    ]


def test_what_is_nested_deeply_is_skipped_and_the_rest_is_found() -> None:
    deep = '{"k": [' * 200 + "]}" * 200
    text = f'{{"resource": {{"a": {{"b": {{"deep": {deep},\n"after": 1}}}}}}}}'
    document = parse_document(text.encode(), is_json=True)
    (block,) = document.blocks
    assert find_span(block, ("after",))[1].line == 2
    path: Path = ("deep", *("k", 0) * 200)
    depth, _ = find_span(block, path)
    assert depth < DEEPEST
    facts = read_block(document, block)
    assert facts is not None
    assert facts.declares(path) is True


def test_a_number_is_never_computed() -> None:
    document = parse_document(
        b'{"resource": {"a": {"b": {"x": ' + b"9" * 5000 + b"}}}}", is_json=True
    )
    (block,) = document.blocks
    item = block.attribute("x")
    assert item is not None
    assert isinstance(item.value, Expression)
    assert document.text(item.value.span) == "9" * 5000
