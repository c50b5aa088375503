"""Private folders are private, are gone after use, and only dead ones are swept."""

import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from driftwatch.adapters.scratch import place_for_sockets, scratch, sweep


def test_a_folder_is_its_owners_alone_and_gone_after_use(tmp_path: Path) -> None:
    with scratch(tmp_path / "runs") as folder:
        assert folder.parent == tmp_path / "runs"
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "plan.bin").write_bytes(b"secret")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_is_gone_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), scratch(tmp_path) as folder:
        folder.mkdir()
    assert list(tmp_path.iterdir()) == []


def test_two_folders_are_two(tmp_path: Path) -> None:
    with scratch(tmp_path) as one, scratch(tmp_path) as two:
        assert one != two


def test_what_a_dead_process_left_is_swept_and_counted(tmp_path: Path) -> None:
    for name in ("dead", "buried"):
        (tmp_path / name / "home").mkdir(parents=True)
        (tmp_path / name / ".alive").touch()
        (tmp_path / name / "plan.bin").write_bytes(b"secret")
    assert sweep(tmp_path) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_never_swept(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        (folder / "plan.bin").write_bytes(b"secret")
        assert sweep(tmp_path) == 0
        assert (folder / "plan.bin").read_bytes() == b"secret"


def test_a_folder_that_is_just_being_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert sweep(tmp_path) == 0
    assert (tmp_path / "new").is_dir()


def test_a_folder_whose_owner_died_before_it_could_lock_it_is_swept_later(tmp_path: Path) -> None:
    (tmp_path / "orphan").mkdir()
    os.utime(tmp_path / "orphan", (0, 0))
    assert sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanished_meanwhile_harms_nobody(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        shutil.rmtree(folder)
    assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_to_sweep_where_nothing_ever_ran(tmp_path: Path) -> None:
    assert sweep(tmp_path / "missing") == 0


@pytest.mark.parametrize("depth", [1, 40])
def test_a_socket_fits_however_long_the_data_directory_is(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["deep"] * depth)
    folder.mkdir(parents=True)
    with place_for_sockets(folder) as place, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "plugin1234567890"))
        assert place.stat().st_mode & 0o777 == 0o700
    if depth > 1:
        assert not place.exists()


def test_a_short_folder_holds_its_own_sockets() -> None:
    with tempfile.TemporaryDirectory() as short, place_for_sockets(Path(short)) as place:
        assert place == Path(short) / "tmp"
