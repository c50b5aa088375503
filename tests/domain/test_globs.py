"""Globs of rules: over names, and over attribute paths."""

import pytest

from driftwatch.domain.globs import Globs, match_paths, parse_path_glob
from driftwatch.domain.model import Path


@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        ((), "anything", True),
        (("aws_*",), "aws_instance", True),
        (("aws_*",), "google_x", False),
        (("a", "b"), "b", True),
        (("a?",), "ab", True),
        (("a?",), "abc", False),
        (('module.x["k"].*',), 'module.x["k"].aws_vpc.a', True),
        (("web[0]",), "web[0]", True),
        (("web[0]",), "web0", False),
        (("a.b",), "axb", False),
        (("*", "!prod"), "prod", False),
        (("!prod",), "dev", True),
        (("dev-*", "!dev-x"), "dev-y", True),
    ],
)
def test_globs_match_names(patterns: tuple[str, ...], text: str, expected: bool) -> None:
    assert Globs(patterns).matches(text) is expected


def test_globs_match_any_of_several_texts() -> None:
    assert Globs().match_any([])
    assert Globs(("a",)).match_any(["b", "a"])
    assert not Globs(("a",)).match_any([])


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("tags", ("tags",), True),
        ("tags", ("tags", "Name"), True),
        ("tags", ("tags_all", "Name"), False),
        ("tags.*", ("tags",), False),
        ("tags.*", ("tags", "a.b/c"), True),
        ('tags["kubernetes.io/*"]', ("tags", "kubernetes.io/role"), True),
        ('tags["kubernetes.io/*"]', ("tags", "kubernetesXio/role"), False),
        ('["a.b"]', ("a.b",), True),
        ("ingress[*].cidr_blocks", ("ingress", 3, "cidr_blocks"), True),
        ("ingress[*].cidr_blocks", ("ingress", "x", "cidr_blocks"), False),
        ("ingress[0]", ("ingress", 0, "from_port"), True),
        ("ingress[0]", ("ingress", 1, "from_port"), False),
        ("versioning.enabled", ("versioning", 0, "enabled"), True),
        ("versioning.enabled", ("versioning", 0), False),
        ("**", (), True),
        ("**", ("a", 0, "b"), True),
        ("**.enabled", ("enabled",), True),
        ("**.enabled", ("a", 0, "b", "enabled"), True),
        ("**.enabled", ("a", 0, "b"), False),
        ("a.**.z", ("a", "z"), True),
        ("a.**.z", ("b", "z"), False),
        ("*", ("anything",), True),
    ],
)
def test_a_path_glob_matches_a_path_and_what_is_below(
    pattern: str, path: Path, expected: bool
) -> None:
    assert parse_path_glob(pattern).matches(path) is expected


def test_a_negated_path_glob_takes_away() -> None:
    globs = (parse_path_glob("**"), parse_path_glob("!tags"))
    assert match_paths(globs, ("policy",))
    assert not match_paths(globs, ("tags", "Name"))


@pytest.mark.parametrize("text", ["", "!", "a..b", "a[", "a[x]", 'a["b', ".", "a.b]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="attribute path"):
        parse_path_glob(text)
