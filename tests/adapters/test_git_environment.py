"""URLs are taken apart as git does, and a forge's address is found from them."""

import pytest

from driftwatch.adapters.git_environment import (
    check_url,
    git_environment,
    unset,
    web_url,
    without_credentials,
)
from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook

COMMIT = "4f0c2d9be1a7735c86e4d1f29b0a8c37e5d61f02"


def settings(environment: dict[str, str]) -> dict[str, str]:
    count = int(environment["GIT_CONFIG_COUNT"])
    return {
        environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"]
        for n in range(count)
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/example/live",
        "http://[::1]:8080/live.git",
        "ssh://git@github.com:22/example/live.git",
        "git@github.com:example/live.git",
        "git://host.invalid/live",
        "file:///srv/git/live.git",
        "/srv/git/live.git",
        "/srv/git/with space::and colons",
        "../live.git",
    ],
)
def test_every_usual_url_is_taken(url: str) -> None:
    check_url(url)


def test_a_refusal_does_not_show_the_password_of_a_url() -> None:
    with pytest.raises(CouldNotLook) as caught:
        check_url("ftp://me:s3cret@host.invalid/x")
    assert "s3cret" not in str(caught.value)
    assert caught.value.cause is Cause.CONFIGURATION


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://me:pw@host.invalid:8443/x", "https://host.invalid:8443/x"),
        ("https://token@host.invalid/x", "https://host.invalid/x"),
        ("https://me:a@b@host.invalid/x", "https://host.invalid/x"),
        ("ssh://git@host.invalid:22/x", "ssh://git@host.invalid:22/x"),
        ("ssh://git:pw@host.invalid/x", "ssh://git@host.invalid/x"),
        ("ssh://host.invalid/x", "ssh://host.invalid/x"),
        ("git@host.invalid:x", "git@host.invalid:x"),
        ("/srv/a@b", "/srv/a@b"),
    ],
)
def test_credentials_are_cut_from_urls(url: str, bare: str) -> None:
    assert without_credentials(url) == bare


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://github.com/example/live.git", "https://github.com/example/live/blob/"),
        ("https://me:pw@github.com/example/live/", "https://github.com/example/live/blob/"),
        ("git@github.com:example/live.git", "https://github.com/example/live/blob/"),
        ("ssh://git@github.com:22/example/live", "https://github.com/example/live/blob/"),
        ("git://github.com/example/live", "https://github.com/example/live/blob/"),
        ("http://git.example.org:3000/a/b.git", "http://git.example.org:3000/a/b/blob/"),
        ("https://gitlab.com/g/sub/live.git", "https://gitlab.com/g/sub/live/-/blob/"),
        ("git@gitlab.example.org:g/live.git", "https://gitlab.example.org/g/live/-/blob/"),
        ("https://codeberg.org/a/b", "https://codeberg.org/a/b/src/commit/"),
        ("https://gitea.example.org/a/b.git", "https://gitea.example.org/a/b/src/commit/"),
        ("ssh://git@forgejo.example.org/a/b", "https://forgejo.example.org/a/b/src/commit/"),
        ("https://github.com/example/gitlab-live", "https://github.com/example/gitlab-live/blob/"),
        ("https://github.com/gitea/live", "https://github.com/gitea/live/blob/"),
    ],
)
def test_the_address_of_a_forge_is_found(url: str, base: str) -> None:
    assert web_url(Repository("live", url), COMMIT) == base + COMMIT


@pytest.mark.parametrize("url", ["/srv/git/live.git", "file:///srv/git/live.git", "../live"])
def test_a_local_repository_has_no_address(url: str) -> None:
    assert web_url(Repository("live", url), COMMIT) is None


def test_a_given_address_wins() -> None:
    repository = Repository("live", "/srv/live.git", web_url="https://gitlab.example.org/g/live/")
    assert web_url(repository, COMMIT) == f"https://gitlab.example.org/g/live/-/blob/{COMMIT}"


def test_only_named_variables_are_passed_on() -> None:
    inherited = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "GIT_DIR": "/x", "HOME": "/root"}
    environment = git_environment(Repository("live", "/srv/live.git"), inherited)
    assert environment["PATH"] == "/bin"
    assert environment["HOME"] != "/root"
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert "GIT_DIR" not in environment


def test_variables_that_steer_git_are_taken_away_and_no_others() -> None:
    inherited = {"GIT_DIR": "/x", "GIT_SSH_COMMAND": "evil", "HOME": "/root"}
    environment = git_environment(Repository("live", "/srv/live.git"), inherited)
    assert unset(inherited, environment) == ["env", "-u", "GIT_DIR"]
    assert unset({"HOME": "/root"}, environment) == []


def test_credentials_are_a_header_for_their_host_alone() -> None:
    repository = Repository("live", "https://host.invalid:8443/a/b", password="pw")
    found = settings(git_environment(repository, {}))
    header = "Authorization: Basic eC1hY2Nlc3MtdG9rZW46cHc="
    assert found["http.https://host.invalid:8443/.extraHeader"] == header
    assert found["http.followRedirects"] == "false"


@pytest.mark.parametrize("url", ["ssh://git@host.invalid/x", "/srv/x", "git@host.invalid:x"])
def test_passwords_are_for_http_alone(url: str) -> None:
    environment = git_environment(Repository("live", url, password="pa55word"), {})
    assert not any("extraHeader" in value for value in environment.values())
    assert settings(environment)["http.followRedirects"] == "initial"


def test_a_repository_does_not_show_its_password() -> None:
    assert "pa55word" not in repr(Repository("live", "https://host.invalid", password="pa55word"))
