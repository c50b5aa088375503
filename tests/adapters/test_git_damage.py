"""A mirror that a crash or a bad disk left damaged is made anew, and nobody has to notice."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adapters.git_world import Origin, files_of, git, mirrors


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.at(tmp_path / "origin.git")


def mirror_of(tmp_path: Path) -> Path:
    (mirror,) = (path for path in (tmp_path / "data/git").iterdir() if path.is_dir())
    return mirror


def _empty_objects(mirror: Path) -> None:
    for path in (mirror / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")


def _overwrite_objects(mirror: Path) -> None:
    for path in (mirror / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"damaged" * 20)


def _spoil_a_file(mirror: Path) -> None:
    blob = git(mirror, "rev-parse", "main:a.tf")
    path = mirror / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")


def _remove_a_file(mirror: Path) -> None:
    blob = git(mirror, "rev-parse", "main:a.tf")
    (mirror / "objects" / blob[:2] / blob[2:]).unlink()


def _remove_objects(mirror: Path) -> None:
    shutil.rmtree(mirror / "objects")


def _spoil_head(mirror: Path) -> None:
    (mirror / "HEAD").write_bytes(b"\0\0\0\0")


def _empty_refs(mirror: Path) -> None:
    (mirror / "refs/heads/main").write_bytes(b"")


def _spoil_config(mirror: Path) -> None:
    (mirror / "config").write_bytes(b"\0[[[")


def _leave_a_lock(mirror: Path) -> None:
    (mirror / "refs/heads/main.lock").touch()


DAMAGES = [
    _empty_objects,
    _overwrite_objects,
    _remove_objects,
    _spoil_a_file,
    _remove_a_file,
    _spoil_head,
    _empty_refs,
    _spoil_config,
    _leave_a_lock,
]


@pytest.mark.parametrize("news", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_mirror_is_made_anew(
    origin: Origin, tmp_path: Path, damage: Callable[[Path], None], news: bool
) -> None:
    fetcher = mirrors(tmp_path)
    commit = origin.commit({"a.tf": "1"})
    fetcher.fetch(origin.repository())
    damage(mirror_of(tmp_path))
    commit = origin.commit({"a.tf": "2"}) if news else commit
    assert fetcher.fetch(origin.repository()) == commit
    with fetcher.checkout(origin.repository(), commit) as checkout:
        assert files_of(checkout.path) == {"a.tf"}
    assert fetcher.directories(origin.repository(), commit) == ["."]


def test_a_mirror_damaged_after_its_fetch_is_made_anew(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    commit = origin.commit({"a.tf": "1"})
    fetcher.fetch(origin.repository())
    _empty_objects(mirror_of(tmp_path))
    assert fetcher.directories(origin.repository(), commit) == ["."]
