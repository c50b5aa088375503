"""Repositories to fetch from: bare ones on disk, and a server that asks for a password."""

import base64
import os
import subprocess  # noqa: TID251 - repositories are made by the real git
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from driftwatch.adapters.git import GitMirrors
from driftwatch.domain.environment import Repository

ENV = {
    "PATH": os.environ["PATH"],  # noqa: TID251 - where the real git is
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}
LINK = "120000"
SUBMODULE = "160000"


def git(folder: Path, *argv: str, stdin: bytes = b"", env: Mapping[str, str] = ENV) -> str:
    done = subprocess.run(
        ["git", *argv], cwd=folder, env=dict(env), input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


Entry = str | bytes | tuple[str, str]


@dataclass(frozen=True)
class Origin:
    """A bare repository; an entry that is not a file is (mode, target or commit)."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Origin":
        path.mkdir(parents=True)
        git(path, "init", "--quiet", "--bare", "--initial-branch=main")
        return cls(path)

    @property
    def url(self) -> str:
        return str(self.path)

    def commit(
        self, files: Mapping[str, Entry], branch: str = "main", *, anew: bool = False
    ) -> str:
        """Commit exactly these files on top of a branch, or as its only commit."""
        known = self.path.joinpath("refs/heads", branch).exists() and not anew
        stream = [f"commit refs/heads/{branch}\ncommitter A <a@example.org> 1700000000 +0000\n"]
        stream += ["data 1\nx\n", f"from refs/heads/{branch}^0\n" if known else "", "deleteall\n"]
        data = "".join(stream).encode()
        for name, entry in files.items():
            data += _entry(name, entry)
        git(self.path, "fast-import", "--quiet", "--force", stdin=data)
        return git(self.path, "rev-parse", f"refs/heads/{branch}")

    def repository(self, **changes: object) -> Repository:
        return Repository("live", **{"url": self.url, **changes})  # type: ignore[arg-type]


def _entry(name: str, entry: Entry) -> bytes:
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    mode, content = entry if isinstance(entry, tuple) else ("100644", entry)
    if mode == SUBMODULE:
        return f"M {mode} {content!s} {quoted}\n".encode()
    body = content.encode() if isinstance(content, str) else content
    return f"M {mode} inline {quoted}\ndata {len(body)}\n".encode() + body + b"\n"


def mirrors(folder: Path, **changes: object) -> GitMirrors:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    return GitMirrors(data, **{"inherited": ENV, **changes})  # type: ignore[arg-type]


def files_of(tree: Path) -> set[str]:
    return {path.relative_to(tree).as_posix() for path in tree.rglob("*") if not path.is_dir()}


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@dataclass
class Server:
    """A smart-HTTP server of the bare repositories below `root`; `seen` holds what was asked."""

    root: Path
    url: str = ""
    login: str | None = None
    seen: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving(root: Path, login: str | None = None) -> Iterator[Server]:
    server = Server(root, login=login)

    class Handler(_Backend):
        world = server

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}"
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


class _Backend(BaseHTTPRequestHandler):
    """Pass requests to `git http-backend` as a web server does (RFC 3875)."""

    world: Server

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.world.seen.append((self.path, given))
        login = self.world.login
        if login and given != "Basic " + base64.b64encode(login.encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        self._answer()

    do_POST = do_GET  # noqa: N815 - http.server names it

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        env = ENV | {
            "GIT_PROJECT_ROOT": str(self.world.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        done = subprocess.run(
            ["git", "http-backend"], env=env, input=body, capture_output=True, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests' output is for failures."""
