"""Globs: which environments they mean."""

from collections.abc import Sequence

import pytest

from driftwatch.config.directories import fits
from driftwatch.config.expansion import expand
from driftwatch.config.model import EnvironmentSpec
from driftwatch.domain.environment import Environment


def make_spec(
    name: str,
    path: str,
    exclude: tuple[str, ...] = (),
    workspace: str | None = None,
    backend_config: tuple[str, ...] = (),
) -> EnvironmentSpec:
    template = Environment(
        name, "live", path, workspace=workspace, backend_config=backend_config, owners=("web",)
    )
    return EnvironmentSpec(template, exclude)


def names(specs: Sequence[EnvironmentSpec], *directories: str) -> list[tuple[str, str]]:
    found = expand(specs, {"live": directories})
    assert found.notes == ()
    return [(e.name, e.directory) for e in found.environments]


@pytest.mark.parametrize(
    ("glob", "directory", "expected"),
    [
        ("a/*", "a/b", True),
        ("a/*", "a/b/c", False),
        ("a/*", "a", False),
        ("a/**", "a", True),
        ("a/**", "a/b/c", True),
        ("**", ".", False),
        ("**", "a/.terraform/b", False),
        ("a/*", "a/.hidden", False),
        ("a/.*", "a/.hidden", True),
        ("**/prod", "prod", True),
        ("**/prod", "x/y/prod", True),
        ("a/**/z", "a/z", True),
        ("env-?", "env-1", True),
        ("env-?", "env-10", False),
        ("a.b", "axb", False),
        ("a[1]", "a[1]", True),
    ],
)
def test_a_glob_fits_a_directory(glob: str, directory: str, expected: bool) -> None:
    assert fits(glob, directory) is expected


def test_a_path_without_a_glob_is_one_environment_even_if_it_is_missing() -> None:
    assert names([make_spec("prod", "environments/prod")]) == [("prod", "environments/prod")]


def test_a_glob_finds_one_environment_for_each_directory() -> None:
    specs = [make_spec("apps-{name}", "apps/*"), make_spec("{path}", "base/**")]
    assert names(specs, "apps/b", "apps/a", "base/net/core", "modules/x") == [
        ("apps-a", "apps/a"),
        ("apps-b", "apps/b"),
        ("base-net-core", "base/net/core"),
    ]


def test_what_the_template_says_holds_for_all() -> None:
    found = expand([make_spec("{name}", "apps/*")], {"live": ["apps/a"]})
    assert found.environments[0].owners == ("web",)


def test_excluded_directories_are_not_meant() -> None:
    specs = [make_spec("{name}", "apps/*", exclude=("apps/old-*", "apps/x"))]
    assert names(specs, "apps/a", "apps/old-1", "apps/x") == [("a", "apps/a")]


def test_what_is_spelt_out_is_not_found_again() -> None:
    specs = [
        make_spec("{name}", "apps/*"),
        make_spec("special", "apps/a", workspace="default"),
        make_spec("blue", "apps/b", workspace="blue"),
    ]
    assert names(specs, "apps/a", "apps/b") == [
        ("b", "apps/b"),
        ("special", "apps/a"),
        ("blue", "apps/b"),
    ]


def test_one_directory_with_two_backends_is_two_environments() -> None:
    specs = [
        make_spec("dev-{name}", "apps/*", backend_config=("dev.hcl",)),
        make_spec("prod-{name}", "apps/*", backend_config=("prod.hcl",)),
    ]
    assert names(specs, "apps/a") == [("dev-a", "apps/a"), ("prod-a", "apps/a")]


def test_two_environments_that_are_spelt_out_may_share_a_directory() -> None:
    assert names([make_spec("a", "x"), make_spec("b", "x")]) == [("a", "x"), ("b", "x")]


def test_the_root_of_a_repository_is_named_after_it() -> None:
    assert names([make_spec("all-{name}", ".")]) == [("all-live", ".")]


def test_what_no_name_can_hold_becomes_a_dash() -> None:
    assert names([make_spec("x-{name}", "a/*")], "a/b c (1)") == [("x-b-c-1-", "a/b c (1)")]


def test_a_glob_that_finds_nothing_says_so() -> None:
    found = expand([make_spec("{name}", "apps/*")], {"other": ["apps/a"]})
    assert found.environments == ()
    assert found.notes == ("{name}: no directory of live fits apps/*",)


def test_two_directories_never_share_a_name_in_silence() -> None:
    found = expand([make_spec("{name}", "*/*")], {"live": ["a/web", "b/WEB"]})
    assert [e.directory for e in found.environments] == ["a/web"]
    assert found.notes == (
        (
            "b/WEB is not watched: its name WEB is taken by a/web; use {path} in {name}, or spell"
            " it out"
        ),
    )


def test_a_name_that_gets_too_long_is_told() -> None:
    found = expand([make_spec("{name}", "a/*")], {"live": ["a/" + "x" * 64]})
    assert found.environments == ()
    assert "no name of at most 63 characters; spell it out" in found.notes[0]
