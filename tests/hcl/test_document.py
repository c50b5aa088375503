"""Any bytes become a document, and every part of it has its true place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftwatch.hcl.document import LARGEST, LARGEST_JSON, parse_document
from driftwatch.hcl.facts import read_block
from driftwatch.hcl.syntax import DEEPEST, Block, Document, Expression, Item, literal
from driftwatch.hcl.trace import find_span

PIECES = [
    *(c.to_bytes(1, "big") for c in b'{}[]()="\\,.:?-+*/#<>$%!&|~\n\r\t 0aZ_\0\xff'),
    *(b"resource", b'"a" "b" {', b"\n}\n", b"${", b"%{", b"$${", b"<<EOT\n", b"\nEOT\n", b"<<-A"),
    *(b"ignore_changes", b"lifecycle {", b"dynamic", b"content", b"merge(", b"tags = {", b"null"),
    *(b"for x in y :", b"=>", b"1e5", b"/*", b"*/", b"//", "é😀".encode(), b"\xef\xbb\xbf"),
]
code = st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)


def everything(document: Document) -> list[Block | Item | Expression]:
    found: list[Block | Item | Expression] = []
    waiting: list[Block | Item | Expression] = list(document.blocks)
    while waiting:
        part = waiting.pop()
        found.append(part)
        match part:
            case Block():
                waiting += [*part.attributes, *part.blocks]
            case Item():
                waiting.append(part.value)
            case Expression():
                waiting += [*(part.items or ()), *(part.elements or ()), *(part.merged or ())]
    return found


def ask_everything(document: Document) -> None:
    for part in everything(document):
        assert 0 <= part.span.start <= part.span.end <= len(document.content)
        assert part.span.line == document.content.count(b"\n", 0, part.span.start) + 1
    for block in document.blocks:
        facts = read_block(document, block)
        for path in (("a",), ("tags", "b"), ("a", 0, "b")):
            find_span(block, path)
            assert facts is None or facts.declares(path) in {True, False, None}
            assert facts is None or facts.ignores(path) in {True, False}


@settings(deadline=None)
@given(code)
def test_no_code_is_too_strange_to_read(content: bytes) -> None:
    ask_everything(parse_document(content))


@settings(deadline=None)
@given(code)
def test_a_block_around_strange_code_is_read_too(content: bytes) -> None:
    ask_everything(parse_document(b'resource "a" "b" {\n a = ' + content + b"\n}\n"))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_document(content: bytes) -> None:
    ask_everything(parse_document(content))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ""),
        (b"\xef\xbb\xbf", ""),
        (b'a "b" {\n x = <<EOT\n never closed\n', "does not parse (line "),
        (b'a "b" {\n x = "\0"\n}\n', "does not parse (line 2)"),
        (b"}\n", "does not parse (line 1)"),
        (b"a {\n b = 1\n c = \xff\n}\n", "is not UTF-8 (line 3)"),
        (b"#" * (LARGEST + 1), f"is larger than {LARGEST} bytes"),
        (b"x = " + b"(" * 10_000 + b"1" + b")" * 10_000, ""),
        (b"x = " + b"(" * 100_000, "does not parse (line 1)"),
        (b"x = " + b"[" * 100_000, "does not parse (line 1)"),
        (b'x = "' + b"a" * 1_000_000 + b'"', ""),
        (b"x {\n" * 20_000, "does not parse (line "),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_no_crash(content: bytes, problem: str) -> None:
    document = parse_document(content)
    assert document.problem.startswith(problem)
    assert bool(document.problem) == bool(problem)
    ask_everything(document)


def test_json_may_be_larger_because_programs_write_it() -> None:
    padding = b" " * LARGEST
    assert parse_document(b"{}" + padding, is_json=True).problem == ""
    assert "is larger" in parse_document(b"{}" + padding * 4, is_json=True).problem
    assert len(padding) * 4 == LARGEST_JSON


def test_what_is_nested_too_deeply_stays_one_expression() -> None:
    nested = b"x = " + b"[" * (DEEPEST + 9) + b"]" * (DEEPEST + 9)
    document = parse_document(b"a {\n" + nested + b"\n}\n")
    depth, span = find_span(document.blocks[0], ("x", *[0] * 100))
    assert depth == DEEPEST + 1
    assert document.text(span) == "[" * 9 + "]" * 9


def test_comments_between_the_parts_do_no_harm() -> None:
    document = parse_document(
        b'resource /* a */ "t" "n" { # b\n'
        b"  x = /* c */ { # d\n    k = 1 # e\n    /* f */ l : 2,\n  } // g\n"
        b"  y = ( # h\n [ /* i */ 1, # j\n 2 ])\n"
        b"  z = merge( # k\n { m = 1 })\n"
        b"}\n"
    )
    assert document.problem == ""
    (block,) = document.blocks
    assert block.labels == ("t", "n")
    lines = {path: find_span(block, path)[1].line for path in (("x", "l"), ("y", 1), ("z", "m"))}
    assert lines == {("x", "l"): 4, ("y", 1): 8, ("z", "m"): 10}


def test_the_labels_of_a_block_may_be_quoted_or_not() -> None:
    document = parse_document(b'resource aws_x "y\\u0041" {}\n')
    assert document.blocks[0].labels == ("aws_x", "yA")
    assert document.blocks[0].attribute("z") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"./x"', "./x"),
        ('""', ""),
        ('"a\\"b $${c}"', 'a"b ${c}'),
        ('"a ${b}"', None),
        ('"%{if a}"', None),
        ("x", None),
        ('"', None),
        ("<<EOT\nx\nEOT", None),
    ],
)
def test_a_literal_is_a_plain_quoted_string(text: str, value: str | None) -> None:
    assert literal(text) == value
