"""Credentials reach the server that they are for, and nothing else: no file, argument or error."""

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest

from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook
from tests.adapters.git_world import ENV, Origin, Server, files_of, mirrors, program, serving

PASSWORD = "s3cret/with:@ odd% letters"
LOGIN = f"deploy:{PASSWORD}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, LOGIN) as server:
        yield server


@pytest.fixture
def commit(tmp_path: Path) -> str:
    return Origin.at(tmp_path / "origin.git").commit({"a.tf": "x"})


def protected(server: Server, **changes: object) -> Repository:
    blank = Repository("live", f"{server.url}/origin.git", username="deploy", password=PASSWORD)
    return replace(blank, **changes)  # type: ignore[arg-type]


def in_the_url(server: Server) -> Repository:
    host = server.url.removeprefix("http://")
    return Repository("live", f"http://deploy:{quote(PASSWORD, safe='')}@{host}/origin.git")


def everything_on_disk(folder: Path) -> bytes:
    return b"\n".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("describe", [protected, in_the_url])
def test_credentials_are_sent_and_stay_out_of_mirror_and_arguments(
    server: Server, commit: str, tmp_path: Path, describe: object
) -> None:
    log = tmp_path / "argv.log"
    program(
        tmp_path / "bin", "git", f'printf "%s\\n" "$@" >> {log}\nPATH={ENV["PATH"]} exec git "$@"'
    )
    fetcher = mirrors(tmp_path, inherited=ENV | {"PATH": f"{tmp_path}/bin:{ENV['PATH']}"})
    repository = describe(server)  # type: ignore[operator]
    assert fetcher.fetch(repository) == commit
    with fetcher.checkout(repository, commit) as checkout:
        assert files_of(checkout.path) == {"a.tf"}
    assert all(given.startswith("Basic ") for _, given in server.seen)
    token = server.seen[0][1].removeprefix("Basic ")
    arguments = log.read_text()
    assert "ls-remote" in arguments
    assert "fetch" in arguments
    for secret in (PASSWORD, quote(PASSWORD, safe=""), token):
        assert secret not in arguments
        assert secret.encode() not in everything_on_disk(tmp_path / "data")


@pytest.mark.parametrize("password", ["wr0ng-passw0rd", None])
def test_a_wrong_password_is_said_and_not_shown(
    server: Server, commit: str, tmp_path: Path, password: str | None
) -> None:
    with pytest.raises(CouldNotLook) as caught:
        mirrors(tmp_path).fetch(protected(server, password=password))
    error = caught.value
    assert error.message == "The credentials for the repository live are not accepted."
    assert (error.cause, error.retryable) == (Cause.GIT, False)
    shown = f"{error} {error.message} {error.detail} {error.command} {error!r}"
    assert "wr0ng-passw0rd" not in shown
    assert "deploy" not in shown


def test_an_error_does_not_show_the_credentials_of_a_url(
    server: Server, commit: str, tmp_path: Path
) -> None:
    right = in_the_url(server)
    missing = replace(right, url=right.url.replace("origin.git", "missing.git"))
    with pytest.raises(CouldNotLook) as caught:
        mirrors(tmp_path).fetch(missing)
    assert caught.value.message == "The repository live was not found."
    shown = f"{caught.value} {caught.value.detail} {caught.value.command}"
    assert quote(PASSWORD, safe="") not in shown
    assert PASSWORD not in shown


def test_nobody_is_asked_for_a_password(server: Server, commit: str, tmp_path: Path) -> None:
    canary = tmp_path / "asked"
    program(tmp_path / "bin", "ask", f"touch {canary}; echo x")
    asking = {"GIT_ASKPASS": f"{tmp_path}/bin/ask", "SSH_ASKPASS": f"{tmp_path}/bin/ask"}
    with pytest.raises(CouldNotLook):
        mirrors(tmp_path, inherited=ENV | asking).fetch(protected(server, password=None))
    assert not canary.exists()


def test_a_public_repository_needs_no_credentials(commit: str, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        repository = Repository("live", f"{server.url}/origin.git")
        assert mirrors(tmp_path).fetch(repository) == commit
        assert {given for _, given in server.seen} == {""}


def test_credentials_do_not_follow_a_redirect_to_another_host(commit: str, tmp_path: Path) -> None:
    with serving(tmp_path) as elsewhere:

        class Redirect(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(301)
                self.send_header("Location", elsewhere.url + self.path)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Redirect) as http:
            thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            repository = Repository(
                "live", f"http://127.0.0.1:{http.server_port}/origin.git", password=PASSWORD
            )
            try:
                with pytest.raises(CouldNotLook, match="has moved") as caught:
                    mirrors(tmp_path).fetch(repository)
                assert not caught.value.retryable
            finally:
                http.shutdown()
                thread.join()
        assert elsewhere.seen == []
