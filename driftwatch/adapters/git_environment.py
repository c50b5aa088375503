"""Builds the environment that git gets: nothing of a repository, user or machine runs or leaks."""

import base64
import re
import shlex
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from driftwatch.domain.environment import Repository
from driftwatch.errors import Cause, CouldNotLook

_PASSED = (
    "PATH",
    "LANG",
    "LC_ALL",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_PROTOCOLS = ("file", "git", "http", "https", "ssh")
_SCP = re.compile(r"\A[\w.-]+@[\w.-]+:(?!//)")
_NO_BRANCH = re.compile(
    r"\A-|\A\Z|[\x00-\x20\x7f\ud800-\udfff~^:?*\[\\]|\.\.|@\{|\A/|/\Z|//|\.lock\Z"
)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"

# Settings that win over every file: hooks, monitors and helpers never run, symlinks stay text until
# we have looked at them, and a server that says nothing is given up.
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.symlinks": "true",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.attributesFile": "/dev/null",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "http.followRedirects": "initial",
    "protocol.allow": "never",
    "protocol.ext.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
}


def check_url(url: str) -> None:
    """Refuse a URL that is none, that git could take for an option, or that names a helper."""
    if not url or not url.isprintable():
        raise CouldNotLook(
            "The URL is empty or holds control characters.", cause=Cause.CONFIGURATION
        )
    try:
        urlsplit(url).port  # noqa: B018 - it raises what a wrong host or port deserves
    except ValueError as error:
        raise CouldNotLook(f"The URL cannot be read: {error}.", cause=Cause.CONFIGURATION) from None
    helper = "::" in url.split("/", maxsplit=1)[0]
    if url.startswith("-") or helper or protocol(url) not in _PROTOCOLS:
        raise CouldNotLook(
            f"{without_credentials(url)!r} is not a URL that driftwatch fetches from; it takes "
            "https, http, ssh, git and local paths.",
            cause=Cause.CONFIGURATION,
        )


def protocol(url: str) -> str:
    """Name how git would reach a URL; a path is "file"."""
    scheme, separator, _ = url.partition("://")
    return scheme if separator else "ssh" if _SCP.match(url) else "file"


def check_branch(branch: str | None) -> None:
    """Refuse what git would not take for the name of a branch, such as `main~1`."""
    if branch is not None and _NO_BRANCH.search(branch):
        raise CouldNotLook(f"{branch!r} is not the name of a branch.", cause=Cause.CONFIGURATION)


def check_commit(commit: str) -> None:
    """Refuse what is not the full name of a commit."""
    if not _COMMIT.fullmatch(commit):
        raise CouldNotLook(f"{commit!r} is not the name of a commit.", cause=Cause.GIT)


def without_credentials(url: str) -> str:
    """Drop the user and the password from a URL; with ssh the user is part of the address."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0] + at if parts.scheme == "ssh" else ""
    return urlunsplit(parts._replace(netloc=user + host))


def git_environment(repository: Repository, inherited: Mapping[str, str]) -> dict[str, str]:
    """Build the whole environment of a git that talks to a repository.

    Credentials stand in it and nowhere else: not in arguments, not in a file of the mirror.
    """
    settings = {**_SETTINGS, **{f"protocol.{name}.allow": "always" for name in _PROTOCOLS}}
    header = _header(repository)
    if header is not None:
        # Git repeats the header to whatever host a redirect leads to.
        settings |= {header[0]: header[1], "http.followRedirects": "false"}
    environment = {name: inherited[name] for name in _PASSED if name in inherited}
    ssh = f"{_SSH} -i {shlex.quote(repository.ssh_key)}" if repository.ssh_key else _SSH
    environment |= {
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": ssh,
        "GIT_ALLOW_PROTOCOL": ":".join(_PROTOCOLS),
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def unset(inherited: Mapping[str, str], environment: Mapping[str, str]) -> list[str]:
    """Begin a command without the variables that steer git and that GitPython would pass on.

    Empty ones will not do: to git an empty GIT_SSL_CAINFO or GIT_OBJECT_DIRECTORY is a setting.
    """
    steering = [n for n in inherited if n.startswith("GIT_") and n not in environment]
    return ["env", *(word for name in steering for word in ("-u", name))] if steering else []


def _header(repository: Repository) -> tuple[str, str] | None:
    parts = urlsplit(repository.url)
    if parts.scheme not in ("http", "https"):
        return None
    username = repository.username or unquote(parts.username or "")
    password = repository.password or unquote(parts.password or "")
    if not password:
        return None
    token = base64.b64encode(f"{username or 'x-access-token'}:{password}".encode()).decode()
    host = parts.netloc.rpartition("@")[2]
    return f"http.{parts.scheme}://{host}/.extraHeader", f"Authorization: Basic {token}"


def web_url(repository: Repository, commit: str) -> str | None:
    """Find the address under which a forge shows files at a commit; None for a local path."""
    base = repository.web_url or _base(repository.url)
    if base is None:
        return None
    return f"{base.rstrip('/')}{_step(base)}{commit}"


def _step(base: str) -> str:
    """Say how a forge goes from a repository to its files; most do as GitHub does."""
    if "github" in (urlsplit(base).hostname or ""):
        return "/blob/"
    if "gitlab" in base:
        return "/-/blob/"
    gitea = any(name in base for name in ("gitea", "forgejo", "codeberg"))
    return "/src/commit/" if gitea else "/blob/"


def _base(url: str) -> str | None:
    scp = re.match(r"\A[\w.-]+@([\w.-]+):(?!//)(.+?)(?:\.git)?/?\Z", url)
    if scp:
        return f"https://{scp[1]}/{scp[2]}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https", "ssh", "git") or not parts.hostname:
        return None
    path = parts.path.rstrip("/").removesuffix(".git")
    port = f":{parts.port}" if parts.port and parts.scheme.startswith("http") else ""
    scheme = parts.scheme if parts.scheme.startswith("http") else "https"
    return f"{scheme}://{parts.hostname}{port}{path}"
