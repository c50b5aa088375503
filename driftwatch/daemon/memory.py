"""Says how much memory is free: on the machine, and within the limit of a container or unit."""

from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def free_memory(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Return the bytes that may still be used, by the tightest limit there is.

    Limits are those of cgroups (version 2) from our own up to the root. Format: cgroups(7).
    """
    free = int(psutil.virtual_memory().available)
    for folder in _own_groups(groups, membership):
        limit = _number(folder / "memory.max")
        used = _number(folder / "memory.current")
        if limit is not None and used is not None:
            free = min(free, max(0, limit - used + _reclaimable(folder)))
    return free


def _own_groups(groups: Path, membership: Path) -> list[Path]:
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    own = next((line[3:] for line in lines if line.startswith("0::")), None)
    if own is None:
        return []
    folder = groups / own.lstrip("/")
    return [folder, *(parent for parent in folder.parents if parent.is_relative_to(groups))]


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # there is no such file, or it says "max"
        return None


def _reclaimable(folder: Path) -> int:
    """Count the file cache that the kernel gives back when somebody needs memory."""
    try:
        lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    found = (line.split() for line in lines if line.startswith("inactive_file "))
    return next((int(number) for _, number in found), 0)
