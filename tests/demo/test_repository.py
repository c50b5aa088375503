"""The demo's repository against real git: what is pushed, and what of the user's is left alone."""

from pathlib import Path

import git
import pytest

from driftwatch.demo.failure import WorldError
from driftwatch.demo.repository import CodeChange, LiveRepository, create_repository

CHANGE = CodeChange(
    title="Prod: alarm at 300 ms",
    branch="prod-alarm",
    file="environments/prod/main.tf",
    old="= 500\n",
    new="= 300\n",
)


def pushed(repository: LiveRepository, *arguments: str) -> str:
    return str(git.Git(repository.bare).execute(["git", *arguments]))


def test_main_holds_the_gitops_layout(tmp_path: Path) -> None:
    files = pushed(create_repository(tmp_path), "ls-tree", "-r", "--name-only", "main").splitlines()
    for directory in ("modules/network", "modules/web-service", "modules/bucket"):
        assert f"{directory}/main.tf" in files
    for directory in (
        "base/networking",
        "base/security",
        "base/storage",
        "environments/dev",
        "environments/staging",
        "environments/prod",
        "applications/storefront",
    ):
        assert {f"{directory}/{name}" for name in ("backend.tf", "main.tf", "providers.tf")} <= {
            *files
        }
    assert "README.md" in files


def test_what_the_pipeline_writes_is_published(tmp_path: Path) -> None:
    repository = create_repository(tmp_path)
    (repository.work / "base/security/.terraform.lock.hcl").write_text("# locked\n")
    repository.publish("Lock the providers")
    assert pushed(repository, "show", "main:base/security/.terraform.lock.hcl") == "# locked"


def test_a_change_is_merged_and_its_branch_is_gone(tmp_path: Path) -> None:
    repository = create_repository(tmp_path)
    repository.merge(CHANGE)
    assert "threshold           = 300" in pushed(repository, "show", f"main:{CHANGE.file}")
    assert pushed(repository, "log", "-1", "--format=%s", "main") == "Merge prod-alarm"
    assert pushed(repository, "branch", "--format=%(refname:short)") == "main"


def test_a_change_whose_text_is_not_there_is_refused(tmp_path: Path) -> None:
    repository = create_repository(tmp_path)
    repository.merge(CHANGE)
    with pytest.raises(WorldError, match="must stand once"):
        repository.merge(CHANGE)


def test_the_users_git_setup_neither_helps_nor_hinders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    git.Git(theirs).init("--quiet")
    index = theirs / ".git" / "index"
    config = tmp_path / "gitconfig"
    config.write_text("[commit]\n  gpgsign = true\n[init]\n  defaultBranch = trunk\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(theirs / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(theirs))
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    root = tmp_path / "world"
    root.mkdir()
    repository = create_repository(root)
    repository.merge(CHANGE)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name)
    assert len(pushed(repository, "log", "--format=%h", "main").splitlines()) == 3
    assert not index.exists()
    assert git.Git(theirs).for_each_ref() == ""
