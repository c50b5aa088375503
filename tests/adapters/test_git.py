"""A mirror follows its repository, and a checkout holds a commit's files for as long as needed."""

import os
import socket
import subprocess  # noqa: TID251 - a driftwatch is killed here
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from driftwatch.adapters.git import GitMirrors
from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook
from tests.adapters.git_world import ENV, LINK, Origin, files_of, git, mirrors, program

NOBODY = "0" * 40


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.at(tmp_path / "origin.git")


def refusal(fetcher: GitMirrors, repository: Repository) -> CouldNotLook:
    with pytest.raises(CouldNotLook) as caught:
        fetcher.fetch(repository)
    return caught.value


def worktrees(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "data/worktrees"
    return list(folder.iterdir()) if folder.exists() else []


def test_fetch_returns_the_commit_of_the_branch(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a.tf": "main"})
    wanted = origin.commit({"a.tf": "other"}, branch="feature/x")
    assert mirrors(tmp_path).fetch(origin.repository(branch="feature/x")) == wanted


@pytest.mark.parametrize("default", ["main", "trunk", "team/default"])
def test_without_a_branch_the_default_one_is_found(
    origin: Origin, tmp_path: Path, default: str
) -> None:
    origin.commit({"a.tf": "main"})
    wanted = origin.commit({"a.tf": default}, branch=default)
    git(origin.path, "symbolic-ref", "HEAD", f"refs/heads/{default}")
    assert mirrors(tmp_path).fetch(origin.repository()) == wanted


def test_a_new_commit_is_followed(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": "1"})
    fetcher.fetch(origin.repository())
    wanted = origin.commit({"a.tf": "2"})
    assert fetcher.fetch(origin.repository()) == wanted


def test_a_force_pushed_branch_is_followed(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": "1"})
    before = fetcher.fetch(origin.repository(branch="main"))
    wanted = origin.commit({"a.tf": "2"}, anew=True)
    assert fetcher.fetch(origin.repository(branch="main")) == wanted
    with fetcher.checkout(origin.repository(), before) as checkout:
        assert (checkout.path / "a.tf").read_text() == "1"


def test_a_branch_may_become_a_folder_of_branches(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": "1"}, branch="team")
    fetcher.fetch(origin.repository(branch="team"))
    git(origin.path, "update-ref", "-d", "refs/heads/team")
    wanted = origin.commit({"a.tf": "2"}, branch="team/a")
    assert fetcher.fetch(origin.repository(branch="team/a")) == wanted


def test_a_deleted_branch_is_an_error_and_not_its_last_commit(
    origin: Origin, tmp_path: Path
) -> None:
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": "1"})
    origin.commit({"a.tf": "1"}, branch="gone")
    fetcher.fetch(origin.repository(branch="gone"))
    git(origin.path, "update-ref", "-d", "refs/heads/gone")
    error = refusal(fetcher, origin.repository(branch="gone"))
    assert error.message == "The repository live has no branch gone."
    assert (error.cause, error.retryable) == (Cause.GIT, False)


def test_an_empty_repository_is_an_error(origin: Origin, tmp_path: Path) -> None:
    error = refusal(mirrors(tmp_path), origin.repository())
    assert error.message == "The repository live is empty, or its HEAD names no branch."
    assert (error.cause, error.retryable) == (Cause.GIT, False)


def test_a_missing_repository_is_an_error(tmp_path: Path) -> None:
    error = refusal(mirrors(tmp_path), Repository("live", str(tmp_path / "missing.git")))
    assert error.message == "The repository live was not found."
    assert (error.cause, error.retryable, error.exit_code) == (Cause.GIT, False, 128)
    assert error.command == ("git", "ls-remote")
    assert "does not appear to be a git repository" in error.detail


@pytest.mark.parametrize("scheme", ["http", "git"])
def test_a_host_that_refuses_is_worth_another_try(tmp_path: Path, scheme: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{free.getsockname()[1]}/x.git"
        error = refusal(mirrors(tmp_path), Repository("live", url))
    assert error.message == "The repository live could not be reached."
    assert (error.cause, error.retryable) == (Cause.GIT, True)


def test_a_host_without_a_name_is_worth_another_try(tmp_path: Path) -> None:
    error = refusal(mirrors(tmp_path), Repository("live", "http://host.invalid/x.git"))
    assert error.message == "The repository live could not be reached."
    assert error.retryable


def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x.git"
        error = refusal(mirrors(tmp_path, timeout=0.5), Repository("live", url))
    assert error.message == "Git was not done with live after 0 seconds."
    assert (error.cause, error.retryable) == (Cause.GIT, True)


def test_a_machine_without_git_is_said_so(origin: Origin, tmp_path: Path) -> None:
    nothing = mirrors(tmp_path, inherited={"PATH": str(tmp_path)})
    assert refusal(nothing, origin.repository()).cause is Cause.MACHINE


def test_a_user_of_ssh_and_its_key_reach_ssh(origin: Origin, tmp_path: Path) -> None:
    wanted = origin.commit({"a.tf": ""})
    log = tmp_path / "ssh.log"
    script = f'echo "$@" >> {log}; for last; do :; done; eval "$last"'
    program(tmp_path / "bin", "ssh", script)
    fetcher = mirrors(tmp_path, inherited=ENV | {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"})
    url = f"ssh://deploy@host.invalid{origin.path}"
    assert fetcher.fetch(Repository("live", url, ssh_key="/keys/of ours")) == wanted
    words = log.read_text().splitlines()[0]
    assert "-i /keys/of ours" in words
    assert "BatchMode=yes" in words
    assert "deploy@host.invalid" in words


def test_a_checkout_holds_the_files_and_no_git(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    names = {"a.tf", "modules/x/main.tf", ".gitignore"}
    commit = origin.commit(dict.fromkeys(sorted(names), "x"))
    fetcher.fetch(origin.repository())
    with fetcher.checkout(origin.repository(), commit) as checkout:
        assert files_of(checkout.path) == names
        assert checkout.commit == commit
        assert checkout.path.stat().st_mode & 0o077 == 0
    assert not checkout.path.exists()


def test_a_checkout_of_an_unknown_commit_is_an_error(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": ""})
    fetcher.fetch(origin.repository())
    with pytest.raises(CouldNotLook), fetcher.checkout(origin.repository(), NOBODY):
        pass
    assert worktrees(tmp_path) == []


def test_links_that_leave_the_tree_are_dropped_and_others_kept(
    origin: Origin, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    kept = {"in": "a.tf", "dir/up": "../a.tf", "folder": "dir", "dangling": "nowhere"}
    dropped = {
        "absolute": str(secret),
        "dir/out": "../../../../secret",
        "chained": "absolute",
        "through": "folder/../../../secret",
        "machine": "/",
        "loop": "loop",
    }
    links: dict[str, str | bytes | tuple[str, str]] = {n: (LINK, t) for n, t in kept.items()}
    links |= {name: (LINK, target) for name, target in dropped.items()}
    commit = origin.commit({"a.tf": "x", "dir/b.tf": "", **links})
    fetcher = mirrors(tmp_path)
    fetcher.fetch(origin.repository())
    with fetcher.checkout(origin.repository(), commit) as checkout:
        found = {path for path in checkout.path.rglob("*") if path.is_symlink()}
        assert {path.relative_to(checkout.path).as_posix() for path in found} == set(kept)
        assert (checkout.path / "dir/up").read_text() == "x"
    assert secret.read_text() == "secret"


def test_a_worktree_is_removed_when_its_check_fails(origin: Origin, tmp_path: Path) -> None:
    fetcher = mirrors(tmp_path)
    commit = origin.commit({"a.tf": ""})
    fetcher.fetch(origin.repository())
    with pytest.raises(ZeroDivisionError), fetcher.checkout(origin.repository(), commit):
        _ = len(worktrees(tmp_path)) / 0
    assert worktrees(tmp_path) == []


OWNER = """
import sys
from pathlib import Path
from driftwatch.adapters.git import GitMirrors
from driftwatch.domain.environment import Repository
git = GitMirrors(Path(sys.argv[1]), {"PATH": sys.argv[3]})
repository = Repository("live", sys.argv[2])
with git.checkout(repository, git.fetch(repository)) as checkout:
    print(checkout.path, flush=True)
    sys.stdin.read()
"""


def test_worktrees_are_swept_when_their_owner_died_and_not_while_it_lives(
    origin: Origin, tmp_path: Path
) -> None:
    origin.commit({"a.tf": ""})
    mirrors(tmp_path)
    argv = [sys.executable, "-c", OWNER, str(tmp_path / "data"), origin.url, ENV["PATH"]]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as owner:
        assert owner.stdout is not None
        tree = Path(os.fsdecode(owner.stdout.readline().strip()))
        assert (tree / "a.tf").exists()
        mirrors(tmp_path)
        assert (tree / "a.tf").exists()
        owner.kill()
    assert (tree / "a.tf").exists()
    mirrors(tmp_path)
    assert worktrees(tmp_path) == []


def test_threads_fetch_and_check_out_at_once(origin: Origin, tmp_path: Path) -> None:
    commit = origin.commit({f"{number}.tf": str(number) for number in range(50)})
    fetcher = mirrors(tmp_path)
    start = Barrier(4)

    def look(_: int) -> set[str]:
        start.wait()
        assert fetcher.fetch(origin.repository()) == commit
        with fetcher.checkout(origin.repository(), commit) as checkout:
            return files_of(checkout.path)

    with ThreadPoolExecutor(4) as pool:
        looks = list(pool.map(look, range(4)))
    assert looks == [{f"{number}.tf" for number in range(50)}] * 4
    assert worktrees(tmp_path) == []


def test_directories_lists_those_that_hold_terraform_files(origin: Origin, tmp_path: Path) -> None:
    names = [
        "main.tf",
        "a/b/x.tf.json",
        "tofu/x.tofu",
        "no/readme.md",
        "with space/x.tf",
        "new\nline/x.tf",
        'quo"te\\/x.tf',
        "-dash/x.tf",
        "ümläut/x.tf",
    ]
    commit = origin.commit(dict.fromkeys(names, ""))
    fetcher = mirrors(tmp_path)
    fetcher.fetch(origin.repository())
    wanted = {".", "a/b", "tofu", "with space", "new\nline", 'quo"te\\', "-dash", "ümläut"}
    assert fetcher.directories(origin.repository(), commit) == sorted(wanted)
