"""Free memory is what the tightest limit leaves."""

from pathlib import Path

import psutil

from driftwatch.daemon.memory import free_memory


def group(folder: Path, limit: str, used: int, cache: int | None = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text(f"{used}\n")
    if cache is not None:
        (folder / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\nfile 9\n")


def membership(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "membership"
    path.write_text(text)
    return path


def test_the_limit_of_a_container_counts(tmp_path: Path) -> None:
    root = tmp_path / "groups"
    group(root / "system.slice/driftwatch.service", "1000000", 600000, cache=100000)
    own = membership(tmp_path, "0::/system.slice/driftwatch.service\n")
    assert free_memory(root, own) == 500000


def test_the_limit_of_a_group_above_counts_too(tmp_path: Path) -> None:
    root = tmp_path / "groups"
    group(root / "a", "5000", 4000, cache=None)
    group(root / "a/b", "max", 10)
    assert free_memory(root, membership(tmp_path, "0::/a/b\n")) == 1000
    group(root / "a", "5000", 7000)
    assert free_memory(root, membership(tmp_path, "0::/a/b\n")) == 0


def test_without_limits_the_machine_counts(tmp_path: Path) -> None:
    total = psutil.virtual_memory().total
    for text in ("0::/nowhere\n", "1:memory:/old\n", ""):
        assert total // 100 < free_memory(tmp_path, membership(tmp_path, text)) <= total
    assert free_memory(tmp_path, tmp_path / "missing") > 0
    assert free_memory() > 0
