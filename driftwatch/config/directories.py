"""Matches directories of a repository against the globs of a configuration."""

import re
from functools import cache


def is_glob(path: str) -> bool:
    """Say whether a path means all directories that fit it."""
    return "*" in path or "?" in path


def fits(glob: str, directory: str) -> bool:
    """Match a directory: `*` within a step, `**` for any number of steps.

    A directory whose name begins with a dot is meant only where the glob says the dot.
    """
    return _compiled(glob).fullmatch(f"{directory}/") is not None


@cache
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile("".join(map(_step, glob.split("/"))), re.DOTALL)


def _step(step: str) -> str:
    if step == "**":
        return r"(?:[^/.][^/]*/)*"
    wild = {"*": "[^/]*", "?": "[^/]"}
    visible = r"(?!\.)" if step[:1] in wild else ""
    return visible + "".join(wild.get(c) or re.escape(c) for c in step) + "/"
