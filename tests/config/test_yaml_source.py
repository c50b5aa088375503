"""Reading YAML: plain values with places, and clear words about what cannot be read."""

from pathlib import Path

import pytest

from driftwatch.config.yaml_source import LARGEST, Place, parse_document, read_document
from driftwatch.errors import ConfigError


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_document("f.yaml", text)
    return str(caught.value)


def test_scalars_are_read_as_yaml_1_2_means_them() -> None:
    text = "[1, -3, 0o17, 0x1f, 1.5, 1e3, ~, yes, true, False, 2024-01-01, '3', 1:30]"
    assert parse_document("f", text).data == [
        *(1, -3, 15, 31, 1.5, 1000.0, None, "yes", True, False, "2024-01-01", "3", "1:30")
    ]


@pytest.mark.parametrize("text", ["012345678901", ".inf", "-.inf", ".nan"])
def test_a_number_that_json_cannot_say_stays_text(text: str) -> None:
    assert parse_document("f", text).data == text


def test_every_key_and_value_has_a_place() -> None:
    document = parse_document("f", "a:\n  b: [1, 2]\n")
    assert document.keys == {("a",): Place(1, 1), ("a", "b"): Place(2, 3)}
    assert document.values["a", "b", 1] == Place(2, 10)


def test_what_does_not_stand_in_the_file_is_placed_at_its_parent() -> None:
    document = parse_document("f", "a:\n  b: [1, 2]\n")
    assert str(document.problem(("a", "b", "c"), "no")) == "f:2:3: a.b.c: no"
    assert str(document.problem(("z",), "no")) == "f:1:1: z: no"


def test_keys_are_text_whatever_they_look_like() -> None:
    assert parse_document("f", "404: a\ntrue: b\n").data == {"404": "a", "true": "b"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", "f:2:1: a: given twice; the first is on line 1"),
        ("? [x]\n: 1\n", "f:1:3: a key must be plain text"),
        ("x:\n  ? [x]\n  : 1\n", "f:2:5: x: a key must be plain text"),
        ("<<: {a: 1}\n", "f:1:1: <<: YAML 1.2 has no merge keys; say it in defaults"),
        ("a: !vault x\n", "f:1:4: a: the tag !vault means nothing here"),
    ],
)
def test_what_is_wrong_but_readable_is_collected(text: str, problem: str) -> None:
    assert [str(p) for p in parse_document("f", text).problems] == [problem]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [\n", "f.yaml:2:1: while parsing a flow node expected the node content"),
        ("a:\n\tb: 1\n", "YAML is indented with spaces, not tabs"),
        ("a: b: c", "f.yaml:1:5: mapping values are not allowed here"),
        ("--- 1\n--- 2\n", "f.yaml:2:1: expected a single document"),
        ("a: *nope", "f.yaml:1:4: found undefined alias 'nope'"),
        ("a: \x00", "f.yaml: unacceptable character #x0000"),
        ("[" * 5000, "f.yaml: nested too deeply to read"),
        ("a: &a [*a]", "f.yaml: anchors and aliases expand to more than 200,000 values"),
    ],
)
def test_bad_syntax_is_told_with_its_place(text: str, expected: str) -> None:
    assert expected in refusal(text)


def test_a_yaml_bomb_does_not_go_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "expand to more than 200,000 values" in refusal("\n".join(lines))


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(file).data == {"a": 1}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: \xff\xfe\n", ":2: not UTF-8 text (byte 8)"),
        (b"\x7fELF\x02\x01\x00\x00", ": unacceptable character"),
        (b"#" * (LARGEST + 1), ": larger than 1 MiB"),
        (None, ": there is no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    file = tmp_path / "f.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_document(file)
    assert str(caught.value).startswith(f"{file}{expected}")


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is a directory, not a file"):
        read_document(tmp_path)


def test_a_path_through_a_file_is_told_as_the_system_tells_it(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        read_document(tmp_path / "f" / "g.yaml")
