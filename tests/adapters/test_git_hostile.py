"""Whatever a repository, a setting or the machine says, git runs nothing that it names."""

import os
from pathlib import Path

import pytest

from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook
from tests.adapters.git_world import ENV, Origin, files_of, git, mirrors, program


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Name the file that a program called `evil` makes when it runs."""
    program(tmp_path / "bin", "evil", f"echo ran >> {tmp_path}/canary; cat")
    return tmp_path / "canary"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin.at(tmp_path / "origin.git")


HOSTILE_URLS = [
    "ext::{evil}",
    "ext::sh -c {evil}",
    "fd::17",
    "transport::{evil}",
    "--upload-pack={evil}",
    "-u{evil}",
    "-",
    "",
    "https://host.invalid/x\n[core]",
    "https://host.invalid/\x00x",
    "https://host.invalid/\x7fx",
    "https://[::1/x",
    "https://host.invalid:port/x",
    "ftp://host.invalid/x",
    "javascript://host.invalid/x",
    "ext://{evil}",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused_before_git_sees_it(
    tmp_path: Path, canary: Path, url: str
) -> None:
    repository = Repository("live", url.format(evil=f"{tmp_path}/bin/evil"), branch="main")
    with pytest.raises(CouldNotLook) as caught:
        mirrors(tmp_path).fetch(repository)
    assert caught.value.cause is Cause.CONFIGURATION
    assert caught.value.command == ()
    assert not canary.exists()


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand={evil}/x",
        "ssh://x@-oProxyCommand={evil}/x",
        "x@-oProxyCommand={evil}:x",
        "ssh://host.invalid:22/--upload-pack={evil}",
        "file:///--upload-pack={evil}",
        "/x --upload-pack={evil}",
        "/x; {evil}",
        "/$({evil})",
    ],
)
def test_a_url_that_hides_an_option_runs_nothing(tmp_path: Path, canary: Path, url: str) -> None:
    program(tmp_path / "bin", "ssh", "exit 255")
    path = {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"}
    with pytest.raises(CouldNotLook):
        mirrors(tmp_path, inherited=ENV | path).fetch(Repository("live", url.format(evil="evil")))
    assert not canary.exists()


HOSTILE_BRANCHES = [
    "--upload-pack=evil",
    "-x",
    "",
    "main~0",
    "main^{commit}",
    "@{-1}",
    "../../HEAD",
    "a b",
    "main\n",
    "main\0",
    "*",
    "main:other",
    "/main",
    "main/",
    "main.lock",
]


@pytest.mark.parametrize("branch", HOSTILE_BRANCHES)
def test_a_hostile_branch_is_refused(
    origin: Origin, tmp_path: Path, canary: Path, branch: str
) -> None:
    origin.commit({"a.tf": ""})
    with pytest.raises(CouldNotLook, match="is not the name of a branch") as caught:
        mirrors(tmp_path).fetch(origin.repository(branch=branch))
    assert caught.value.cause is Cause.CONFIGURATION
    assert not canary.exists()


@pytest.mark.parametrize("commit", ["--prefix=/", "-", "HEAD", "main", "", "0" * 40 + "\n"])
def test_a_hostile_commit_is_refused(origin: Origin, tmp_path: Path, commit: str) -> None:
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": ""})
    fetcher.fetch(origin.repository())
    with pytest.raises(CouldNotLook, match="is not the name of a commit"):
        fetcher.directories(origin.repository(), commit)
    with (
        pytest.raises(CouldNotLook, match="is not the name of a commit"),
        fetcher.checkout(origin.repository(), commit),
    ):
        pass


@pytest.mark.parametrize(
    "changes",
    [
        {"branch": "\ud800"},
        {"ssh_key": "/keys/\0"},
        {"url": "http://127.0.0.1:1/\ud800"},
        {"url": "http://127.0.0.1:1/x", "password": "\ud800"},
    ],
)
def test_a_setting_that_no_program_can_be_given_is_refused(
    origin: Origin, tmp_path: Path, changes: dict[str, str]
) -> None:
    origin.commit({"a.tf": ""})
    with pytest.raises(CouldNotLook) as caught:
        mirrors(tmp_path).fetch(origin.repository(**changes))
    assert caught.value.cause is Cause.CONFIGURATION


def test_a_key_that_looks_like_an_option_is_a_name(tmp_path: Path, canary: Path) -> None:
    log = tmp_path / "ssh.log"
    program(tmp_path / "bin", "ssh", f'printf "%s\\n" "$@" >> {log}; exit 255')
    path = {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"}
    key = "-oProxyCommand=evil; evil $(evil)"
    with pytest.raises(CouldNotLook):
        mirrors(tmp_path, inherited=ENV | path).fetch(
            Repository("live", "ssh://host.invalid/x", ssh_key=key)
        )
    words = log.read_text().splitlines()
    assert words[words.index("-i") + 1] == key
    assert not canary.exists()


def test_hooks_filters_and_monitors_of_a_mirror_never_run(
    origin: Origin, tmp_path: Path, canary: Path
) -> None:
    """A template or an older git may have left them there."""
    fetcher = mirrors(tmp_path)
    origin.commit({"a.tf": "1"})
    fetcher.fetch(origin.repository())
    (mirror,) = (path for path in (tmp_path / "data/git").iterdir() if path.is_dir())
    evil = f"{tmp_path}/bin/evil"
    for hook in ("post-checkout", "reference-transaction", "post-index-change", "fsmonitor"):
        program(mirror / "hooks", hook, evil)
    git(mirror, "config", "core.fsmonitor", evil)
    git(mirror, "config", "core.sshCommand", evil)
    commit = origin.commit({"a.tf": "2"})
    assert fetcher.fetch(origin.repository()) == commit
    with fetcher.checkout(origin.repository(), commit) as checkout:
        assert (checkout.path / "a.tf").read_text() == "2"
    assert not canary.exists()


def hostile_variables(tmp_path: Path) -> dict[str, str]:
    evil = f"{tmp_path}/bin/evil"
    config = tmp_path / "hostile.config"
    lines = [f'[filter "evil"]\n\tsmudge = {evil}\n\trequired = true']
    lines += [f"[core]\n\tfsmonitor = {evil}\n\thooksPath = {tmp_path}/bin"]
    lines += ['[url "/nowhere/"]\n\tinsteadOf = /']
    config.write_text("\n".join(lines) + "\n")
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        program(tmp_path / "bin", hook, evil)
    return {
        "GIT_CONFIG_SYSTEM": str(config),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_PARAMETERS": f"'filter.evil.smudge'='{evil}'",
        "GIT_CONFIG_COUNT": "60",
        **{f"GIT_CONFIG_KEY_{n}": "filter.evil.smudge" for n in range(60)},
        **{f"GIT_CONFIG_VALUE_{n}": evil for n in range(60)},
        "GIT_CONFIG": str(config),
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_WORK_TREE": str(tmp_path / "nowhere"),
        "GIT_COMMON_DIR": str(tmp_path / "nowhere"),
        "GIT_INDEX_FILE": str(tmp_path / "nowhere/index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "nowhere"),
        "GIT_NAMESPACE": "evil",
        "GIT_TEMPLATE_DIR": str(tmp_path / "bin"),
        "GIT_EXEC_PATH": str(tmp_path / "bin"),
        "GIT_SSH": evil,
        "GIT_SSH_COMMAND": evil,
        "GIT_PROXY_COMMAND": evil,
        "GIT_EXTERNAL_DIFF": evil,
        "GIT_EDITOR": evil,
        "GIT_PAGER": evil,
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TRACE_CURL": str(tmp_path / "trace"),
        "GIT_ATTR_SOURCE": "evil",
        "GIT_REPLACE_REF_BASE": "refs/evil",
        "GIT_SHALLOW_FILE": str(tmp_path / "nowhere"),
        "GIT_DEFAULT_HASH": "sha256",
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path),
    }


def test_the_variables_of_the_machine_do_not_steer_git(
    origin: Origin, tmp_path: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = origin.commit({"a.tf": "x", ".gitattributes": "* filter=evil diff=evil\n"})
    for name, value in hostile_variables(tmp_path).items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".gitconfig").write_bytes((tmp_path / "hostile.config").read_bytes())
    inherited = dict(os.environ)  # noqa: TID251 - as bootstrap passes it
    fetcher = mirrors(tmp_path, inherited=inherited)
    assert fetcher.fetch(origin.repository()) == commit
    assert fetcher.directories(origin.repository(), commit) == ["."]
    with fetcher.checkout(origin.repository(), commit) as checkout:
        assert files_of(checkout.path) == {"a.tf", ".gitattributes"}
        assert (checkout.path / "a.tf").read_text() == "x"
    assert not canary.exists()
    assert not (tmp_path / "trace").exists()
    assert not (tmp_path / "nowhere").exists()


def test_large_files_are_left_as_pointers(origin: Origin, tmp_path: Path, canary: Path) -> None:
    program(tmp_path / "bin", "git-lfs", f"touch {canary}")
    path = {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"}
    files = {".gitattributes": "* filter=lfs\n", "big.tf": "version https://git-lfs"}
    commit = origin.commit(dict(files))
    fetcher = mirrors(tmp_path, inherited=ENV | path)
    fetcher.fetch(origin.repository())
    with fetcher.checkout(origin.repository(), commit) as checkout:
        assert (checkout.path / "big.tf").read_text() == files["big.tf"]
    assert not canary.exists()
