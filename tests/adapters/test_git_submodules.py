"""Submodules are followed where a repository says so, and only to where it may lead."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from driftwatch.adapters.git import GitMirrors
from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook
from tests.adapters.git_world import (
    ENV,
    LINK,
    SUBMODULE,
    Origin,
    Server,
    files_of,
    mirrors,
    program,
    serving,
)


def modules(**urls: str) -> str:
    return "".join(
        f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n' for name, url in urls.items()
    )


def looked(fetcher: GitMirrors, repository: Repository) -> set[str]:
    with fetcher.checkout(repository, fetcher.fetch(repository)) as checkout:
        return files_of(checkout.path)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def parent(tmp_path: Path) -> Origin:
    return Origin.at(tmp_path / "team/parent.git")


@pytest.fixture
def child(tmp_path: Path) -> Origin:
    return Origin.at(tmp_path / "team/child.git")


def test_submodules_are_not_followed_unless_asked(
    parent: Origin, child: Origin, tmp_path: Path
) -> None:
    pinned = child.commit({"c.tf": ""})
    parent.commit({".gitmodules": modules(child=child.url), "child": (SUBMODULE, pinned)})
    assert looked(mirrors(tmp_path), parent.repository()) == {".gitmodules"}


@pytest.mark.parametrize("url", ["{absolute}", "../child.git", "./../../team/child.git"])
def test_submodules_are_followed_to_absolute_and_relative_urls(
    parent: Origin, child: Origin, tmp_path: Path, url: str
) -> None:
    pinned = child.commit({"c.tf": "pinned"})
    child.commit({"c.tf": "newer", "d.tf": ""})
    listing = modules(child=url.format(absolute=child.url))
    parent.commit({".gitmodules": listing, "child": (SUBMODULE, pinned), "a.tf": ""})
    found = looked(mirrors(tmp_path), parent.repository(submodules=True))
    assert found == {".gitmodules", "a.tf", "child/c.tf"}


@pytest.mark.parametrize("url", ["{server}/team/child.git", "../child.git", "../../team/child"])
def test_submodules_are_followed_over_http(
    parent: Origin, child: Origin, server: Server, tmp_path: Path, url: str
) -> None:
    child.path.with_suffix("").symlink_to(child.path)
    pinned = child.commit({"c.tf": ""})
    listing = modules(child=url.format(server=server.url))
    parent.commit({".gitmodules": listing, "child": (SUBMODULE, pinned)})
    repository = Repository("live", f"{server.url}/team/parent.git", submodules=True)
    assert looked(mirrors(tmp_path), repository) == {".gitmodules", "child/c.tf"}


def test_submodules_are_followed_next_to_an_address_of_ssh(
    parent: Origin, child: Origin, tmp_path: Path
) -> None:
    program(tmp_path / "bin", "ssh", 'for last; do :; done; eval "$last"')
    pinned = child.commit({"c.tf": ""})
    parent.commit({".gitmodules": modules(child="../child.git"), "child": (SUBMODULE, pinned)})
    fetcher = mirrors(tmp_path, inherited=ENV | {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"})
    for url in (f"git@host.invalid:{parent.path}", f"ssh://git@host.invalid{parent.path}"):
        repository = Repository("live", url, submodules=True)
        assert looked(fetcher, repository) == {".gitmodules", "child/c.tf"}


def test_submodules_of_submodules_are_followed(
    parent: Origin, child: Origin, tmp_path: Path
) -> None:
    grandchild = Origin.at(tmp_path / "team/grandchild.git")
    inner = grandchild.commit({"g.tf": ""})
    pinned = child.commit(
        {".gitmodules": modules(deep="../grandchild.git"), "deep": (SUBMODULE, inner)}
    )
    parent.commit({".gitmodules": modules(child="../child.git"), "child": (SUBMODULE, pinned)})
    found = looked(mirrors(tmp_path), parent.repository(submodules=True))
    assert found == {".gitmodules", "child/.gitmodules", "child/deep/g.tf"}


def test_a_submodule_that_holds_itself_ends(parent: Origin, tmp_path: Path) -> None:
    first = parent.commit({"a.tf": ""})
    for _ in range(8):
        listing = modules(me=parent.url)
        first = parent.commit({".gitmodules": listing, "a.tf": "", "me": (SUBMODULE, first)})
    found = looked(mirrors(tmp_path), parent.repository(submodules=True))
    assert "me/me/me/me/me/a.tf" in found
    assert "me/me/me/me/me/me/a.tf" not in found


@pytest.mark.parametrize("form", ["{path}", "file://{path}"])
def test_a_local_path_of_a_remote_repository_is_refused(
    parent: Origin, child: Origin, server: Server, tmp_path: Path, form: str
) -> None:
    pinned = child.commit({"secret.tf": ""})
    listing = modules(child=form.format(path=child.path))
    parent.commit({".gitmodules": listing, "child": (SUBMODULE, pinned)})
    repository = Repository("live", f"{server.url}/team/parent.git", submodules=True)
    with pytest.raises(CouldNotLook, match="is a local path") as caught:
        looked(mirrors(tmp_path), repository)
    assert caught.value.cause is Cause.GIT


def test_a_relative_url_cannot_change_the_host(
    parent: Origin, child: Origin, server: Server, tmp_path: Path
) -> None:
    pinned = child.commit({"c.tf": ""})
    port = server.url.rpartition(":")[2]
    parent.commit(
        {
            ".gitmodules": modules(child=f"../../../@localhost:{port}/x"),
            "child": (SUBMODULE, pinned),
        }
    )
    repository = Repository("live", f"{server.url}/team/parent.git", submodules=True)
    with pytest.raises(CouldNotLook):
        looked(mirrors(tmp_path), repository)
    assert server.seen[-1][0].startswith("/@localhost")


@pytest.mark.parametrize("form", ["{path}", "file://{path}"])
def test_a_local_path_of_a_repository_over_ssh_is_refused(
    parent: Origin, child: Origin, tmp_path: Path, form: str
) -> None:
    program(tmp_path / "bin", "ssh", 'for last; do :; done; eval "$last"')
    pinned = child.commit({"secret.tf": ""})
    listing = modules(child=form.format(path=child.path))
    parent.commit({".gitmodules": listing, "child": (SUBMODULE, pinned)})
    fetcher = mirrors(tmp_path, inherited=ENV | {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"})
    repository = Repository("live", f"git@host.invalid:{parent.path}", submodules=True)
    with pytest.raises(CouldNotLook, match="is a local path"):
        looked(fetcher, repository)


@pytest.mark.parametrize("url", ["ext::touch {canary}", "--upload-pack=touch {canary}", "-u", ""])
def test_a_hostile_url_of_a_submodule_is_refused(
    parent: Origin, child: Origin, tmp_path: Path, url: str
) -> None:
    canary = tmp_path / "canary"
    pinned = child.commit({"c.tf": ""})
    listing = modules(child=url.format(canary=canary))
    parent.commit({".gitmodules": listing, "child": (SUBMODULE, pinned)})
    with pytest.raises(CouldNotLook):
        looked(mirrors(tmp_path), parent.repository(submodules=True))
    assert not canary.exists()


@pytest.mark.parametrize("path", ["../out", "/tmp/out", ".git", "missing", "-x"])
def test_a_path_that_is_no_submodule_is_left_alone(
    parent: Origin, child: Origin, tmp_path: Path, path: str
) -> None:
    pinned = child.commit({"c.tf": ""})
    listing = modules(child=child.url) + f'[submodule "x"]\n\tpath = {path}\n\turl = {child.url}\n'
    parent.commit({".gitmodules": listing, "child": (SUBMODULE, pinned)})
    found = looked(mirrors(tmp_path), parent.repository(submodules=True))
    assert found == {".gitmodules", "child/c.tf"}


def test_laying_out_a_submodule_writes_through_no_link(
    parent: Origin, child: Origin, tmp_path: Path
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    pinned = child.commit({"c.tf": ""})
    links = {name: (LINK, str(precious)) for name in ("child.index", "child.lock", "index")}
    parent.commit({".gitmodules": modules(child=child.url), "child": (SUBMODULE, pinned), **links})
    assert "child/c.tf" in looked(mirrors(tmp_path), parent.repository(submodules=True))
    assert precious.read_text() == "precious"


def test_a_missing_list_of_submodules_is_an_error(
    parent: Origin, child: Origin, tmp_path: Path
) -> None:
    pinned = child.commit({"c.tf": ""})
    parent.commit({"child": (SUBMODULE, pinned)})
    with pytest.raises(CouldNotLook):
        looked(mirrors(tmp_path), parent.repository(submodules=True))


def test_credentials_go_to_submodules_on_the_same_host_alone(
    parent: Origin, child: Origin, server: Server, tmp_path: Path
) -> None:
    pinned = child.commit({"c.tf": ""})
    with serving(tmp_path) as other:
        listing = modules(near="../child.git", far=f"{other.url}/team/child.git")
        parent.commit(
            {".gitmodules": listing, "near": (SUBMODULE, pinned), "far": (SUBMODULE, pinned)}
        )
        login = f"me:{quote('p/w', safe='')}"
        urls = {
            server.url: {"username": "me", "password": "p/w"},
            server.url.replace("://", f"://{login}@"): {},
        }
        for url, login_fields in urls.items():
            repository = Repository(
                "live", f"{url}/team/parent.git", submodules=True, **login_fields
            )
            server.seen.clear()
            found = looked(mirrors(tmp_path), repository)
            assert found == {".gitmodules", "near/c.tf", "far/c.tf"}
            near = {given for path, given in server.seen if "child" in path}
            assert near == {"Basic bWU6cC93"}
        assert {given for _, given in other.seen} == {""}
