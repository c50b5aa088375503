"""Keeps a mirror of each repository and lays out its files at a commit, for one check at a time."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from git.cmd import Git
from git.exc import CommandError, GitCommandNotFound

from driftwatch.adapters.git_environment import (
    check_branch,
    check_commit,
    check_url,
    git_environment,
    protocol,
    unset,
    web_url,
    without_credentials,
)
from driftwatch.adapters.git_errors import explained, is_damage
from driftwatch.adapters.links import followed
from driftwatch.adapters.locks import locked
from driftwatch.adapters.scratch import scratch, sweep
from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook
from driftwatch.ports import Checkout

_TERRAFORM = (".tf", ".tf.json", ".tofu", ".tofu.json")
_DEEPEST_SUBMODULE = 5
_BRANCHES = "+refs/heads/*:refs/heads/*"
_HOST = re.compile(r"[a-z]+://[^/]*|[\w.-]+@[\w.-]+:")


@dataclass(frozen=True, slots=True)
class GitMirrors:
    """Mirrors of repositories below `data_dir`, named by content and never by their URL.

    `inherited` is the environment of driftwatch itself, `timeout` the seconds that one git command
    may take.
    """

    data_dir: Path
    inherited: Mapping[str, str] = field(repr=False)
    timeout: float = 300.0

    def __post_init__(self) -> None:
        sweep(self._worktrees)

    @property
    def _worktrees(self) -> Path:
        return self.data_dir / "worktrees"

    def fetch(self, repository: Repository) -> str:
        """Bring the mirror up to date and return the commit that the branch names now.

        A force-pushed branch is followed, a deleted one is an error. A mirror that is damaged is
        made anew.
        """
        check_url(repository.url)
        check_branch(repository.branch)
        mirror = self._mirror(repository)
        with locked(mirror.with_suffix(".lock")):
            try:
                return self._fetch(repository, mirror)
            except CouldNotLook as error:
                if not is_damage(error):
                    raise
            shutil.rmtree(mirror, ignore_errors=True)
            return self._fetch(repository, mirror)

    def _mended(self, repository: Repository, look: Callable[[], str]) -> str:
        """Look into the mirror, and once more into a new one where git finds damage."""
        try:
            return look()
        except CouldNotLook as error:
            if not is_damage(error):
                raise
        mirror = self._mirror(repository)
        with locked(mirror.with_suffix(".lock")):
            shutil.rmtree(mirror, ignore_errors=True)
            self._fetch(repository, mirror)
        return look()

    def directories(self, repository: Repository, commit: str) -> Sequence[str]:
        """List the directories that hold Terraform files at `commit`, relative, sorted."""
        check_commit(commit)
        listing = self._mended(
            repository, lambda: self._run(repository, "ls-tree", "-rz", "--name-only", commit)
        )
        files = (PurePosixPath(name) for name in listing.split("\0") if name.endswith(_TERRAFORM))
        return sorted({file.parent.as_posix() for file in files})

    @contextmanager
    def checkout(self, repository: Repository, commit: str) -> Iterator[Checkout]:
        """Lay out the files of `commit` for as long as the context lasts.

        There is no `.git` beside them: nothing in the tree can steer git, and no hook can run.
        """
        check_commit(commit)
        with scratch(self._worktrees) as folder:
            tree = folder / "tree"
            self._lay_out(repository, commit, tree)
            _drop_escaping_links(tree)
            yield Checkout(tree, commit, web_url(repository, commit))

    def _fetch(self, repository: Repository, mirror: Path) -> str:
        url = without_credentials(repository.url)
        if not (mirror / "HEAD").exists():
            mirror.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._run(repository, "init", "--quiet", "--bare", "--end-of-options", str(mirror))
        branch = repository.branch or self._default_branch(repository, url)
        options = ("--prune", "--force", "--no-tags", "--no-write-fetch-head", "--quiet")
        self._run(repository, "fetch", *options, "--end-of-options", url, _BRANCHES)
        try:
            reference = f"refs/heads/{branch}^{{commit}}"
            return self._run(repository, "rev-parse", "--verify", "--end-of-options", reference)
        except CouldNotLook as error:
            raise CouldNotLook(
                f"The repository {repository.name} has no branch {branch}.",
                cause=Cause.GIT,
                detail=error.detail,
            ) from error

    def _default_branch(self, repository: Repository, url: str) -> str:
        answer = self._run(repository, "ls-remote", "--symref", "--end-of-options", url, "HEAD")
        found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", answer, re.MULTILINE)
        if found is None:
            raise CouldNotLook(
                f"The repository {repository.name} is empty, or its HEAD names no branch.",
                cause=Cause.GIT,
            )
        return found[1]

    def _lay_out(self, repository: Repository, commit: str, tree: Path, depth: int = 0) -> None:
        tree.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Beside a submodule's folder a repository could have put a link where our index goes.
        with scratch(self._worktrees) as folder:
            place = {"GIT_INDEX_FILE": str(folder / "index"), "GIT_WORK_TREE": str(tree)}

            def look() -> str:
                self._run(repository, "read-tree", commit, env=place)
                return self._run(repository, "checkout-index", "--all", "--force", "-q", env=place)

            self._mended(repository, look)
        if repository.submodules and depth < _DEEPEST_SUBMODULE:
            for path, submodule, revision in self._submodules(repository, commit):
                self.fetch(submodule)
                self._lay_out(submodule, revision, tree / path, depth + 1)

    def _submodules(
        self, repository: Repository, commit: str
    ) -> Iterator[tuple[str, Repository, str]]:
        """List path, repository and commit of each submodule; they are mirrored like any other."""
        links = self._run(repository, "ls-tree", "-r", "-z", commit)
        pinned = {
            entry.partition("\t")[2]: entry.split()[2]
            for entry in links.split("\0")
            if entry.startswith("160000 ")
        }
        if not pinned:
            return
        listing = self._run(
            repository, "config", "--null", f"--blob={commit}:.gitmodules", "--list"
        )
        settings = dict(line.partition("\n")[::2] for line in listing.split("\0") if line)
        for key, path in settings.items():
            if not key.endswith(".path") or path not in pinned:
                continue
            url = _resolved(repository.url, settings.get(f"{key[:-5]}.url", ""))
            yield path, _submodule(repository, url), pinned[path]

    def _mirror(self, repository: Repository) -> Path:
        identity = sha256(without_credentials(repository.url).encode()).hexdigest()[:20]
        return self.data_dir / "git" / identity

    def _run(
        self,
        repository: Repository,
        command: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
    ) -> str:
        mirror = self._mirror(repository)
        try:
            environment = git_environment(repository, self.inherited) | dict(env or {})
            environment |= {"GIT_DIR": str(mirror)} if command != "init" else {}
            leash = _leash(environment.get("PATH"))
            argv = [*leash, *unset(self.inherited, environment), "git", command, *arguments]
            output = Git(str(self.data_dir)).execute(
                argv,
                env=environment,
                kill_after_timeout=self.timeout,
                strip_newline_in_stdout=True,
            )
        except (GitCommandNotFound, OSError) as error:
            raise CouldNotLook("Git cannot be run.", cause=Cause.MACHINE) from error
        except CommandError as error:
            raise explained(repository, command, error, self.timeout) from error
        except ValueError as error:  # NUL, or half of a surrogate pair
            raise CouldNotLook(
                f"The settings of the repository {repository.name} hold a character that no "
                "program can be given.",
                cause=Cause.CONFIGURATION,
            ) from error
        return str(output)


@cache
def _leash(path: str | None) -> tuple[str, ...]:
    """Let git die with us where the system can do that: a killed daemon leaves no fetch behind."""
    found = shutil.which("git", path=path) and shutil.which("setpriv", path=path)
    return (found, "--pdeathsig", "KILL", "--") if found else ()


def _resolved(base: str, url: str) -> str:
    """Resolve a submodule's URL, which may be relative to its repository's; hosts stay."""
    if not url.startswith(("./", "../")):
        return url
    host = _HOST.match(base)
    prefix = host[0] if host else ""
    kept: list[str] = []
    for part in (*base[len(prefix) :].rstrip("/").split("/"), *url.split("/")):
        if part != "..":
            kept += [part] if part != "." else []
        elif kept not in ([], [""]):
            kept.pop()
    return prefix + "/".join(kept)


def _submodule(parent: Repository, url: str) -> Repository:
    """Describe a submodule; it gets its parent's credentials on the same host alone."""
    check_url(url)
    if protocol(url) == "file" and protocol(parent.url) != "file":
        raise CouldNotLook(
            f"The submodule {url!r} of {parent.name} is a local path.", cause=Cause.GIT
        )
    there, here = urlsplit(url), urlsplit(parent.url)
    if (there.scheme, there.hostname, there.port) != (here.scheme, here.hostname, here.port):
        parent = replace(parent, username=None, password=None)
    return replace(parent, name=f"{parent.name} ({without_credentials(url)})", url=url, branch=None)


def _drop_escaping_links(tree: Path) -> None:
    """Remove symbolic links that lead out of the tree: what they name is not the repository's."""
    root = tree.resolve()
    for path in tree.rglob("*"):
        if path.is_symlink() and followed(path, root) is None:
            path.unlink()
