"""Fetches releases of terraform and tofu, and lets through only what their checksums state."""

import io
import json
import platform
import time
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPException, HTTPMessage
from pathlib import PurePosixPath
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import (  # noqa: TID251 - the fetching part of releases.py
    HTTPRedirectHandler,
    Request,
    build_opener,
)

from driftwatch.errors import Cause, CouldNotLook

_LARGEST = 512 << 20  # bytes; a release has about 30 MB, its program about 90
_SILENCE = 60.0  # seconds without an answer
_PATIENCE = 900.0  # seconds for a whole download
_CHUNK = 1 << 20
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class ReleaseSite:
    """Where releases of a tool are: `folder` is a URL with `{version}`, `index` lists them."""

    tool: str
    folder: str
    index: str

    @classmethod
    def of(cls, tool: str, mirror: str | None = None) -> "ReleaseSite":
        """Name a tool's release site, or its place in a mirror, laid out like Terraform's.

        Layouts: https://releases.hashicorp.com/terraform and
        https://github.com/opentofu/opentofu/releases
        """
        if mirror is None and tool == "tofu":
            return cls(
                tool,
                "https://github.com/opentofu/opentofu/releases/download/v{version}",
                "https://get.opentofu.org/tofu/api.json",
            )
        base = f"{(mirror or 'https://releases.hashicorp.com').rstrip('/')}/{tool}"
        return cls(tool, f"{base}/{{version}}", f"{base}/index.json")

    def versions(self) -> Iterable[str]:
        """List the releases that there are. Raises `CouldNotLook`."""
        try:
            listed = json.loads(_fetch(self.index))["versions"]
            return [v["id"] if isinstance(v, dict) else v for v in listed]
        except (ValueError, KeyError, TypeError) as error:
            raise _refused(f"{self.index} does not list releases") from error

    def program(self, version: str) -> bytes:
        """Fetch a release and return its program. Raises `CouldNotLook`."""
        system, machine = platform.system().lower(), platform.machine()
        folder = self.folder.format(version=version)
        name = f"{self.tool}_{version}_{system}_{_MACHINES.get(machine, machine)}.zip"
        sums = _fetch(f"{folder}/{self.tool}_{version}_SHA256SUMS").decode(errors="replace")
        expected = dict(line.split()[::-1] for line in sums.splitlines() if len(line.split()) == 2)  # noqa: PLR2004 - "digest  name"
        if name not in expected:
            raise _refused(f"{self.tool} {version} is not released for this machine ({name})")
        archive = _fetch(f"{folder}/{name}")
        if expected[name].lower() != sha256(archive).hexdigest():
            raise _refused(f"{folder}/{name} does not have the SHA-256 checksum that was stated")
        return _unpack(archive, name, self.tool)


def _unpack(archive: bytes, name: str, program: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            for entry in opened.infolist():
                if _leads_out(entry.filename):
                    raise _refused(f"{name} holds a file that leads out of it: {entry.filename!r}")
            if opened.getinfo(program).file_size > _LARGEST:
                raise _refused(f"{name} holds a program that is too large")
            return opened.read(program)
    except KeyError as error:
        raise _refused(f"{name} holds no program {program}") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError) as error:
        raise _refused(f"{name} cannot be unpacked ({error})") from error


def _leads_out(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name


class _NoDowngrade(HTTPRedirectHandler):
    """Follows redirects, but never from https to something that anybody on the way can change."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            raise URLError(f"it redirects to {newurl}, which is not encrypted")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetch(url: str) -> bytes:
    opener = build_opener(_NoDowngrade)
    deadline = time.monotonic() + _PATIENCE
    content = bytearray()
    try:
        with opener.open(url, timeout=_SILENCE) as answer:
            while chunk := answer.read(_CHUNK):
                content += chunk
                if len(content) > _LARGEST or time.monotonic() > deadline:
                    raise _refused(f"{url} is too large or too slow")
            missing = answer.length or 0
    except HTTPError as error:
        error.close()
        raise _unreachable(url, error) from error
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(url, error) from error
    if missing:
        raise _unreachable(url, f"{missing} bytes are missing")
    return bytes(content)


def _unreachable(url: str, why: object) -> CouldNotLook:
    return CouldNotLook(f"Cannot fetch {url}: {why}.", cause=Cause.MACHINE, retryable=True)


def _refused(why: str) -> CouldNotLook:
    return CouldNotLook(f"{why}; nothing of it was kept.", cause=Cause.MACHINE)
