"""The demo's Git repository: a bare one to watch, and a work tree that pushes to it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import git

from driftwatch.demo.failure import WorldError

BRANCH = "main"
_FILES = Path(__file__).with_name("files")


@dataclass(frozen=True, slots=True)
class CodeChange:
    """One merged pull request: `old` becomes `new` in `file`, where it must stand exactly once."""

    title: str
    branch: str
    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class LiveRepository:
    """A bare repository at `bare`, and the platform team's work tree of it."""

    bare: Path
    work: Path

    def publish(self, message: str) -> None:
        """Commit everything in the work tree and push it."""
        tool = _isolated(self.work)
        tool.add("--all")
        tool.commit("--quiet", "--message", message)
        tool.push("--quiet", "origin", BRANCH)

    def merge(self, change: CodeChange) -> None:
        """Make a change on a branch, merge it as a forge would, and push."""
        file = self.work / change.file
        text = file.read_text(encoding="utf-8")
        if text.count(change.old) != 1:
            raise WorldError(f"{change.old!r} must stand once in {change.file}")
        tool = _isolated(self.work)
        tool.checkout("--quiet", "-b", change.branch)
        file.write_text(text.replace(change.old, change.new), encoding="utf-8")
        tool.commit("--quiet", "--all", "--message", change.title)
        tool.checkout("--quiet", BRANCH)
        tool.merge("--quiet", "--no-ff", "--message", f"Merge {change.branch}", change.branch)
        tool.branch("--delete", change.branch)
        tool.push("--quiet", "origin", BRANCH)


def create_repository(root: Path) -> LiveRepository:
    """Make the demo's repository below `root` and push its first commit."""
    repository = LiveRepository(root / "live.git", root / "work")
    shutil.copytree(_FILES, repository.work)
    tool = _isolated(repository.work)
    tool.init("--quiet", "--template=", f"--initial-branch={BRANCH}")
    tool.add("--all")
    tool.commit("--quiet", "--message", "Describe the live infrastructure as code")
    tool.clone("--quiet", "--bare", "--template=", ".", str(repository.bare))
    tool.config("--file", str(repository.bare / "config"), "--remove-section", "remote.origin")
    tool.remote("add", "origin", str(repository.bare))
    return repository


def _isolated(work: Path) -> git.Git:
    """Run git on one work tree only, whatever the user's configuration and environment say."""
    tool = git.Git(work)
    tool.update_environment(
        GIT_DIR=str(work / ".git"),
        GIT_WORK_TREE=str(work),
        GIT_INDEX_FILE=str(work / ".git" / "index"),
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_NOSYSTEM="1",
        GIT_CONFIG_COUNT="0",
        GIT_AUTHOR_NAME="Platform team",
        GIT_AUTHOR_EMAIL="platform@acme.example",
        GIT_COMMITTER_NAME="Platform team",
        GIT_COMMITTER_EMAIL="platform@acme.example",
    )
    return tool
