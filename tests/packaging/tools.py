"""Runs the tools that judge what is packaged; a missing one fails the test and never skips it."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from driftwatch.adapters.process import Outcome, run
from driftwatch.config.load import process_environment

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"


def tool(name: str, package: str) -> str:
    """Find a tool, and say which Debian package brings it where it is missing."""
    found = shutil.which(name)
    assert found is not None, f"these tests need {name}: apt-get install {package}"
    return found


def call(
    *argv: str,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> Outcome:
    """Run a program with this process's PATH, and what else is given, as its environment."""
    inherited = process_environment()
    base = {"PATH": inherited["PATH"], "HOME": inherited.get("HOME", "/"), "LANG": "C.UTF-8"}
    return run(argv, cwd=cwd, env={**base, **(env or {})}, timeout=timeout)


def said(outcome: Outcome) -> str:
    return (outcome.stdout + outcome.stderr).decode(errors="replace")
