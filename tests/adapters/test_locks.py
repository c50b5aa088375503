"""Locks on files keep others out, and die with their holder."""

import subprocess  # noqa: TID251 - here a holder is killed
import sys
import threading
from pathlib import Path

import pytest

from driftwatch.adapters import locks
from driftwatch.adapters.locks import held_by_nobody, locked, locked_within

HOLDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from driftwatch.adapters.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def free(path: Path) -> bool:
    with held_by_nobody(path) as nobody:
        return nobody


def test_a_lock_and_its_folder_are_made_where_they_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a/b/lock"
    with locked(path):
        assert path.is_file()
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_held_lock_is_noticed_and_a_released_one_is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path):
        assert not free(path)
    assert free(path)


def test_a_lock_is_released_when_its_holder_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "lock"):
        divmod(1, 0)
    assert free(tmp_path / "lock")


def test_readers_share_a_lock_and_a_writer_waits_for_them(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    wrote = threading.Event()

    def write() -> None:
        with locked(path):
            wrote.set()

    writer = threading.Thread(target=write)
    with locked(path, shared=True), locked(path, shared=True):
        assert not free(path)
        writer.start()
        assert not wrote.wait(0.2)
    writer.join()
    assert wrote.is_set()


def test_a_lock_that_cannot_be_opened_is_not_free(tmp_path: Path) -> None:
    assert not free(tmp_path / "missing/lock")


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    root = str(Path(locks.__file__).parents[2])
    command = [sys.executable, "-c", HOLDER, str(path), root]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not free(path)
        holder.kill()
    assert free(path)


def test_a_lock_that_is_held_for_too_long_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    late = pytest.raises(TimeoutError, match="another process has held lock")
    with locked(path), late, locked_within(path, 0.05):
        pass
    with locked_within(path, 0.05):
        assert path.stat().st_mode & 0o777 == 0o600
