"""What a block declares and ignores is read by one parser or the other, whatever its shape."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from driftwatch.domain.model import Location
from driftwatch.hcl.configuration import read_configuration
from driftwatch.hcl.document import parse_document
from driftwatch.hcl.facts import outline, read_block
from tests.hcl.test_document import ask_everything
from tests.hcl.trees import load_tree, make_configuration, make_repository


def test_an_override_replaces_attributes_and_merges_lifecycle() -> None:
    code = 'resource "a" "b" {\n x = 1\n y = { k = 1 }\n dynamic "d" {\n content {\n e = 1\n}\n}\n'
    base = (
        code
        + " dynamic z {\n content {}\n}\n s {\n g = 1\n}\n"
        + " lifecycle {\n ignore_changes = [x, y]\n}\n}\n"
    )
    over = (
        'resource "a" "b" {\n y = { l = 1 }\n dynamic "d" {\n content {\n f = 1\n}\n}\n'
        " dynamic s {\n content {\n h = 1\n}\n}\n lifecycle {\n ignore_changes = [y]\n}\n}\n"
    )
    repository = make_repository(a_override_tf=over, main_tf=base)
    configuration = read_configuration(".", repository.read)
    answers = {
        path: configuration.declared("a.b", path)
        for path in (
            ("x",),
            ("y", "k"),
            ("y", "l"),
            ("d", 0, "e"),
            ("d", 0, "f"),
            ("z",),
            ("s", 0, "g"),
            ("s", 0, "h"),
        )
    }
    assert answers == {
        ("x",): True,
        ("y", "k"): False,
        ("y", "l"): True,
        ("d", 0, "e"): False,
        ("d", 0, "f"): True,
        ("z",): True,
        ("s", 0, "g"): False,
        ("s", 0, "h"): True,
    }
    assert configuration.ignored("a.b", ("y",))
    assert not configuration.ignored("a.b", ("x",))


def test_an_exponent_that_only_one_parser_reads_costs_nothing() -> None:
    configuration = make_configuration('resource "a" "b" {\n  x = 1e5\n  y = { z = 2 }\n}\n')
    assert configuration.declared("a.b", ("x",)) is True
    assert configuration.declared("a.b", ("y", "z")) is True
    assert configuration.declared("a.b", ("w",)) is False
    assert configuration.locate("a.b") == Location("main.tf", 1)


def test_a_block_that_python_hcl2_cannot_read_is_read_by_its_outline() -> None:
    deep = "(" * 5000 + "1" + ")" * 5000
    configuration = make_configuration(
        f'resource "a" "b" {{\n x = {deep}\n tags = {{ Name = "x", (y) = 1 }}\n'
        ' empty = { "" = 1 }\n list = ["q", v]\n'
        ' nil = null\n dynamic "d" {\n  content {\n   e = 1\n  }\n }\n'
        ' lifecycle {\n  ignore_changes = [tags["Team"], "old", count.x]\n }\n}\n'
    )
    assert configuration.declared("a.b", ("x",)) is True
    assert configuration.declared("a.b", ("tags", "Name")) is True
    assert configuration.declared("a.b", ("tags", "Computed")) is True
    assert configuration.declared("a.b", ("empty", "")) is True
    assert configuration.declared("a.b", ("empty", "Name")) is False
    assert configuration.declared("a.b", ("nil",)) is False
    assert configuration.declared("a.b", ("list", 0)) is True
    assert configuration.declared("a.b", ("d", 0, "e")) is True
    assert configuration.declared("a.b", ("d", 0, "f")) is False
    assert configuration.ignored("a.b", ("tags", "Team"))
    assert configuration.ignored("a.b", ("old",))
    assert configuration.notes == ("a.b in main.tf was read by its outline alone.",)


def test_an_entry_of_ignore_changes_that_is_no_path_is_told() -> None:
    configuration = make_configuration(
        'resource "a" "b" {\n lifecycle {\n  ignore_changes = [x, y[*].z]\n }\n}\n'
    )
    assert configuration.ignored("a.b", ("x",))
    assert not configuration.ignored("a.b", ("y",))
    assert configuration.notes == ("a.b in main.tf ignores 'y[*].z', which is not a path.",)


@pytest.mark.parametrize("everything", ["all", '["*"]'])
def test_everything_can_be_ignored(everything: str) -> None:
    configuration = make_configuration(
        f'resource "a" "b" {{\n lifecycle {{\n  ignore_changes = {everything}\n }}\n}}\n'
    )
    assert configuration.ignored("a.b", ("x", 0, "y"))


def test_a_json_block_that_is_no_object_declares_nothing() -> None:
    repository = make_repository(x_tf_json='{"resource": {"a": {"b": "oops"}}}')
    configuration = read_configuration(".", repository.read)
    assert configuration.declared("a.b", ("x",)) is False
    assert configuration.locate("a.b") == Location("x.tf.json", 1)


def test_blocks_read_by_many_threads_are_read_alike() -> None:
    body = "x = [for k in var.l : { a = (k.v) }]\n y = merge({ b = [1, var.z] }, var.w)\n"
    blocks = [
        (document, document.blocks[0])
        for number in range(40)
        for document in [parse_document(f'a "b{number}" {{\n {body * 9}}}\n'.encode())]
    ]
    with ThreadPoolExecutor(8) as pool:
        facts = list(pool.map(lambda pair: read_block(*pair), blocks))
    assert facts == facts[:1] * 40
    assert facts[0] is not None
    assert facts[0].body["y"].startswith("${merge(")


@pytest.mark.parametrize(
    "block",
    [
        "x = " + "(" * 10_000 + "1" + ")" * 10_000,
        "x = " + "[" * 5_000 + "]" * 5_000,
        "x = " + "{a=" * 5_000 + "1" + "}" * 5_000,
        "x " + "{\n y " * 5_000 + "{}" + "\n}" * 5_000,
        "x = <<EOT\na" + "\n" * 50_000 + "b\nEOT",
        'x = "' + "${a}" * 2_000 + '"',
        "x = 1" + "+1" * 10_000,
        "y = 1\n" * 20_000,
    ],
)
def test_a_block_of_any_shape_is_read_in_bounded_time(block: str) -> None:
    document = parse_document(f'resource "a" "b" {{\n{block}\n}}\n'.encode())
    assert document.problem == ""
    facts = read_block(document, document.blocks[0])
    assert facts is not None
    assert facts.declares((block[0],)) is True
    assert facts.declares(("z",)) is False
    ask_everything(document)


def test_both_parsers_agree_on_every_block_of_the_fixtures() -> None:
    names: set[str] = set()
    for files in load_tree().values():
        for name, content in files.items():
            document = parse_document(content, is_json=name.endswith(".json"))
            for block in document.blocks:
                facts = read_block(document, block)
                assert facts is not None
                assert set(outline(document, block)) == set(facts.body)
                names |= facts.names
    assert {"egress", "ingress", "tags", "rule"} <= names
