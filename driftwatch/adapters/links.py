"""Follows symbolic links, but never out of a folder."""

from pathlib import Path


def followed(path: Path, root: Path) -> Path | None:
    """Return where a path really leads; None where that is outside `root`, a loop or no name."""
    try:
        target = path.resolve()
        target.exists()  # raises for a name that is too long, which resolving lets pass
    except (OSError, RuntimeError, ValueError):
        return None
    return target if target.is_relative_to(root) else None
