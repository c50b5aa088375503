"""Versions that code asks for are read, and compared as Terraform compares them."""

from pathlib import Path

import pytest

from driftwatch.adapters.versions import is_exact, newest_allowed, satisfies, wanted_version


@pytest.mark.parametrize(
    ("version", "constraint", "expected"),
    [
        ("1.9.8", "1.9.8", True),
        ("1.9.8", "= 1.9.8", True),
        ("1.9.8", "v1.9.8", True),
        ("1.9.8", "1.9.7", False),
        ("1.9.8", "!= 1.9.8", False),
        ("1.9.8", "> 1.9.8", False),
        ("1.9.8", "< 1.9.8", False),
        ("1.9.8", ">= 1.9.8", True),
        ("1.9.8", "<= 1.9.8", True),
        ("1.10.0", "> 1.9.8", True),
        ("1.9.8", ">=1.5", True),
        ("1.9.8", ">= 1.5, < 2.0.0", True),
        ("2.0.0", ">= 1.5, < 2.0.0", False),
        ("1.9.8", "~> 1.9.0", True),
        ("1.10.0", "~> 1.9.0", False),
        ("1.10.0", "~> 1.9", True),
        ("2.0.0", "~> 1.9", False),
        ("1.8.9", "~> 1.9", False),
        ("1.12.0-beta1", ">= 1.5", False),
        ("1.12.0-beta1", "1.12.0-beta1", True),
        ("1.12.0-beta1", "1.12.0-beta2", False),
        ("1.12.0", ">= 1.12.0-beta1", True),
        ("1.12.0", "1.12.0-beta1", False),
        ("1.12.0", "<= 1.12.0-beta1", False),
        ("1.9.8", "newest please", False),
        ("1.9.8", ">= 1.5,", False),
        ("not a version", ">= 1.5", False),
    ],
)
def test_constraints_mean_what_terraform_says(
    version: str, constraint: str, expected: bool
) -> None:
    assert satisfies(version, constraint) is expected


def test_the_newest_release_is_chosen_by_number_and_never_a_prerelease() -> None:
    there = ["1.9.8", "1.10.0", "1.10.1-rc1", "2.0.0", "junk", ".lock"]
    assert newest_allowed(there, "~> 1.5") == "1.10.0"
    assert newest_allowed(there, "> 3") is None


def test_an_exact_version_is_no_constraint() -> None:
    assert is_exact("1.9.8")
    assert is_exact("1.9.8-rc1\n")
    assert not is_exact("1.9")
    assert not is_exact(">= 1.9.8")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_version_file_counts_before_the_code(tmp_path: Path) -> None:
    write(tmp_path / ".terraform-version", "v1.9.8\n")
    write(tmp_path / "main.tf", 'terraform {\n  required_version = ">= 1.5"\n}\n')
    assert wanted_version(tmp_path, tmp_path) == "1.9.8"


def test_a_version_file_counts_for_directories_below_but_not_beyond_the_repository(
    tmp_path: Path,
) -> None:
    live = tmp_path / "repository/live/prod"
    live.mkdir(parents=True)
    write(tmp_path / ".terraform-version", "1.1.1")
    assert wanted_version(live, tmp_path / "repository") is None
    write(tmp_path / "repository/.terraform-version", "1.9.8")
    assert wanted_version(live, tmp_path / "repository") == "1.9.8"
    write(live / ".terraform-version", "1.9.7")
    assert wanted_version(live, tmp_path / "repository") == "1.9.7"


@pytest.mark.parametrize("text", ["latest", "latest:^1.9", "min-required", "", "\xff\xfe"])
def test_a_version_file_without_a_version_leaves_it_to_the_code(tmp_path: Path, text: str) -> None:
    (tmp_path / ".terraform-version").write_bytes(text.encode("latin-1"))
    write(tmp_path / "main.tf", 'terraform { required_version = "~> 1.9" }')
    assert wanted_version(tmp_path, tmp_path) == "~> 1.9"


def test_every_requirement_in_the_directory_must_hold(tmp_path: Path) -> None:
    write(tmp_path / "a.tf", 'terraform {\n\trequired_version=">= 1.5"\n}')
    write(tmp_path / "b.tf.json", '{"terraform": {"required_version": "< 2.0"}}')
    write(tmp_path / "c.tf", '# required_version = "0.11"\nlocals { my_required_version = "9" }')
    write(tmp_path / "modules/x/main.tf", 'terraform {\n  required_version = "0.12"\n}')
    assert wanted_version(tmp_path, tmp_path) == ">= 1.5, < 2.0"


def test_code_that_asks_for_nothing_wants_no_version(tmp_path: Path) -> None:
    assert wanted_version(tmp_path, tmp_path) is None
