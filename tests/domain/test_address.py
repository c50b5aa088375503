"""Addresses and paths are read as Terraform writes them, whatever their keys hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftwatch.domain.address import (
    Address,
    Mode,
    ModuleStep,
    format_path,
    parse_address,
    parse_path,
    unescape,
)

names = st.from_regex(r"[a-z_][a-z0-9_-]{0,8}", fullmatch=True).filter(
    lambda name: name not in {"module", "resource", "data", "ephemeral"}
)
keys = st.none() | st.integers(0, 10**6) | st.text()
addresses = st.builds(
    Address,
    st.lists(st.builds(ModuleStep, names, keys), max_size=4).map(tuple),
    st.sampled_from(Mode),
    names,
    names,
    keys,
)


@settings(deadline=None)
@given(addresses)
def test_every_address_reads_back_as_it_was_written(address: Address) -> None:
    assert parse_address(str(address)) == address


@settings(deadline=None)
@given(st.lists(st.text() | st.integers(-5, 10**9)).map(tuple))
def test_every_path_reads_back_as_it_was_written(path: tuple[str | int, ...]) -> None:
    assert parse_path(format_path(path)) == path


@settings(deadline=None)
@given(st.text(alphabet='module.data[]"\\0a${}x_- \n'))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aws_vpc.main", Address((), Mode.MANAGED, "aws_vpc", "main")),
        ("resource.aws_vpc.main", Address((), Mode.MANAGED, "aws_vpc", "main")),
        ("data.aws_ami.base[0]", Address((), Mode.DATA, "aws_ami", "base", 0)),
        ("ephemeral.aws_x.y", Address((), Mode.EPHEMERAL, "aws_x", "y")),
        ("output.url", Address((), Mode.MANAGED, "output", "url")),
        (
            'module.a["x.y"].module.b[0].aws_foo.bar["k.with[0].d\\"ots"]',
            Address(
                (ModuleStep("a", "x.y"), ModuleStep("b", 0)),
                Mode.MANAGED,
                "aws_foo",
                "bar",
                'k.with[0].d"ots',
            ),
        ),
        ('a.b["$${c} %%{d}"]', Address((), Mode.MANAGED, "a", "b", "${c} %{d}")),
        ('a.b["${c}"]', Address((), Mode.MANAGED, "a", "b", "${c}")),
        ("module.data.data.data.data", Address((ModuleStep("data"),), Mode.DATA, "data", "data")),
    ],
)
def test_an_address_is_taken_apart(text: str, expected: Address) -> None:
    assert parse_address(text) == expected
    assert parse_address(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aws_vpc",
        "module.a",
        "module.a[0]",
        ".aws_vpc.main",
        "aws_vpc..main",
        "aws_vpc.main.cidr",
        "aws_vpc.main[0][1]",
        "aws_vpc.main[x]",
        'aws_vpc.main["x]',
        "aws_vpc.0",
        "aws_vpc main",
        "[0].a.b",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_address(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("tags", "Name"), "tags.Name"),
        (("ingress", 0, "from_port"), "ingress[0].from_port"),
        (("tags", "kubernetes.io/x"), 'tags["kubernetes.io/x"]'),
        (("tags", "0"), 'tags["0"]'),
        (("tags", ""), 'tags[""]'),
        (("tags", "größe-1"), "tags.größe-1"),
        (("tags", 'a"b\\\n\x1b\U000e0001'), 'tags["a\\"b\\\\\\n\\u001b\\U000e0001"]'),
        (("tags", "${a} %{b}"), 'tags["$${a} %%{b}"]'),
    ],
)
def test_a_path_is_written_as_terraform_writes_it(path: tuple[str | int, ...], text: str) -> None:
    assert format_path(path) == text


def test_the_index_form_of_old_terraform_is_understood() -> None:
    assert parse_path('ingress.0.ports[ 1 ][ "a" ]') == ("ingress", 0, "ports", 1, "a")


def test_no_control_character_survives_in_a_written_path() -> None:
    everything = "".join(map(chr, range(0x250)))
    assert format_path((everything,)).isprintable()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        (r"\x41\u00e9\U0001F600\t\q", "Aé😀\tq"),
        (r"\Uffffffff", "Uffffffff"),
        ("$$5 $${a}", "$$5 ${a}"),
    ],
)
def test_a_quoted_string_is_unescaped(text: str, value: str) -> None:
    assert unescape(text) == value
