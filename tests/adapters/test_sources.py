"""A checkout's Terraform files are read, and nothing outside the checkout is."""

from pathlib import Path

import pytest

from driftwatch.adapters.sources import SourceDirectory
from driftwatch.ports import Checkout

LARGEST = 4 << 20


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "secret.tf").write_text("secret")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.tf").write_text("secret")
    (tmp_path / "tree/live").mkdir(parents=True)
    return tmp_path / "tree"


def read(tree: Path, directory: str) -> dict[str, bytes]:
    return dict(SourceDirectory().read(Checkout(tree, "c"), directory))


def test_only_files_that_terraform_reads_are_read(tree: Path) -> None:
    wanted = {"a.tf", "b.tf.json", "c.tofu", "d.tofu.json", "with space.tf", "ümlaut.tf"}
    others = {"terraform.tfvars", "x.json", "x.tf.bak", "readme.md", ".hidden.tf", ".#a.tf", "tf"}
    for name in wanted | others:
        (tree / "live" / name).write_text(name)
    (tree / "live/folder.tf").mkdir()
    (tree / "live/below").mkdir()
    (tree / "live/below/e.tf").touch()
    assert read(tree, "live") == {name: name.encode() for name in wanted}


def test_bytes_are_kept_as_they_are(tree: Path) -> None:
    content = b"\xef\xbb\xbf\xff\0\r\n"
    (tree / "live/a.tf").write_bytes(content)
    assert read(tree, "live") == {"a.tf": content}


def test_files_come_sorted(tree: Path) -> None:
    for name in ("c.tf", "a.tf", "b.tf"):
        (tree / "live" / name).touch()
    assert list(read(tree, "live")) == ["a.tf", "b.tf", "c.tf"]


def test_links_are_followed_within_the_checkout_only(tree: Path) -> None:
    (tree / "shared.tf").write_text("shared")
    (tree / "live/inside.tf").symlink_to("../shared.tf")
    (tree / "live/outside.tf").symlink_to("../../secret.tf")
    (tree / "live/absolute.tf").symlink_to(tree.parent / "secret.tf")
    (tree / "live/dangling.tf").symlink_to("nowhere.tf")
    (tree / "live/loop.tf").symlink_to("loop.tf")
    assert read(tree, "live") == {"inside.tf": b"shared"}


def test_a_folder_that_is_a_link_within_the_checkout_is_read(tree: Path) -> None:
    (tree / "live/a.tf").write_text("a")
    (tree / "prod").symlink_to("live")
    assert read(tree, "prod") == {"a.tf": b"a"}


@pytest.mark.parametrize(
    "directory", ["..", "../outside", "live/../../outside", "link", "{absolute}", "/", "/etc"]
)
def test_a_directory_outside_holds_nothing(tree: Path, directory: str) -> None:
    (tree / "link").symlink_to("../outside")
    assert read(tree, directory.format(absolute=tree.parent / "outside")) == {}


@pytest.mark.parametrize("directory", ["missing", "live/a.tf", "loop", "nul\0", "x" * 5000])
def test_what_is_no_directory_holds_nothing(tree: Path, directory: str) -> None:
    (tree / "live/a.tf").touch()
    (tree / "loop").symlink_to("loop")
    assert read(tree, directory) == {}


def test_a_file_too_big_to_be_source_is_skipped(tree: Path) -> None:
    for name, size in (("big.tf", LARGEST + 1), ("largest.tf", LARGEST)):
        with (tree / "live" / name).open("wb") as file:
            file.truncate(size)
    assert {name: len(content) for name, content in read(tree, "live").items()} == {
        "largest.tf": LARGEST
    }


def test_a_survey_names_every_file_and_reads_those_of_terraform(tree: Path) -> None:
    (tree / "live/a.tf").write_text("a")
    (tree / "live/prod.tfvars").write_text("x = 1")
    (tree / "live/.terraform.lock.hcl").write_text("lock")
    (tree / "modules").mkdir()
    (tree / "modules/out").symlink_to("../../outside")
    (tree / ".git").mkdir()
    (tree / ".git/config.tf").touch()
    (tree / "README.md").touch()
    found = SourceDirectory().survey(Checkout(tree, "c"))
    assert found == {
        ".": {"README.md": b"", "live": b"", "modules": b""},
        "live": {"a.tf": b"a", "prod.tfvars": b"", ".terraform.lock.hcl": b""},
        "modules": {"out": b""},
    }


def owners(tree: Path) -> tuple[str, bytes] | None:
    return SourceDirectory().owners(Checkout(tree, "c"))


def test_the_owners_file_that_counts_is_the_first_of_those_that_are_there(tree: Path) -> None:
    assert owners(tree) is None
    places = (".gitlab/CODEOWNERS", "docs/CODEOWNERS", "CODEOWNERS", ".github/CODEOWNERS")
    for place in places:
        (tree / place).parent.mkdir(exist_ok=True)
        (tree / place).write_text(place)
        assert owners(tree) == (place, place.encode())


def test_an_owners_file_is_never_read_from_outside(tree: Path) -> None:
    (tree / "CODEOWNERS").symlink_to("../secret.tf")
    (tree / "docs").symlink_to("../outside")
    (tree / ".github").mkdir()
    (tree / ".github/CODEOWNERS").mkdir()
    assert owners(tree) is None
    (tree / "shared").write_text("* @team")
    (tree / ".gitlab").mkdir()
    (tree / ".gitlab/CODEOWNERS").symlink_to("../shared")
    assert owners(tree) == (".gitlab/CODEOWNERS", b"* @team")


def test_of_an_owners_file_too_large_to_count_one_byte_too_many_is_read(tree: Path) -> None:
    with (tree / "CODEOWNERS").open("wb") as file:
        file.truncate(64 << 20)
    found = owners(tree)
    assert found is not None
    assert len(found[1]) == (3 << 20) + 1
