"""What a forge says was pushed → which environments that touches. Pure: bytes in, names out."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec

from driftwatch.domain.environment import Repository
from driftwatch.domain.watched import Watched

_BRANCH = "refs/heads/"
_NOTHING = re.compile(r"0+")
_MOST_FILES = 3000  # GitHub lists no more of one comparison
_MOST_COMMITS = 2048  # GitHub lists no more of one push
_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/@\s]+):(?!//)(?P<path>[^\s]+)")
_SCHEME = re.compile(
    r"(?:https?|ssh|git|git\+ssh)://(?:[^@/\s]*@)?(?P<host>\[[^\]\s]*\]|[^:/@\s]+)(?::\d*)?/(?P<path>[^\s]*)",
    re.IGNORECASE,
)
_SAME = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}


@dataclass(frozen=True, slots=True)
class Push:
    """One push: where to, and which files it changed; `whole` where all of them are known.

    `urls` are all the addresses of the repository; `default_branch` is "" where nobody said.
    """

    urls: tuple[str, ...]
    branch: str
    default_branch: str
    files: tuple[str, ...]
    whole: bool


class _Commit(msgspec.Struct):
    added: list[str] | None = None
    modified: list[str] | None = None
    removed: list[str] | None = None


class _Repository(msgspec.Struct):
    """What a forge itself says of a repository; `homepage` is whatever its owner typed."""

    clone_url: str | None = None
    ssh_url: str | None = None
    html_url: str | None = None
    git_url: str | None = None
    git_http_url: str | None = None
    git_ssh_url: str | None = None
    web_url: str | None = None
    default_branch: str | None = None


class _Payload(msgspec.Struct):
    ref: str
    before: str | None = None
    after: str | None = None
    created: bool | None = None
    deleted: bool | None = None
    forced: bool | None = None
    size: int | None = None
    total_commits: int | None = None
    total_commits_count: int | None = None
    commits: list[_Commit] | None = None
    repository: _Repository | None = None
    project: _Repository | None = None


def parse_push(body: bytes, content_type: str = "application/json") -> Push | None:
    """Read what GitHub, GitLab or Gitea send of a push; None where it is not to a branch.

    Raises `ValueError` for anything else.
    """
    payload = _decode(body, content_type)
    if not payload.ref.startswith(_BRANCH):
        return None
    places = [place for place in (payload.project, payload.repository) if place]
    defaults = [place.default_branch for place in places if place.default_branch]
    files = tuple(dict.fromkeys(_files(payload.commits or ())))
    return Push(
        urls=tuple(dict.fromkeys(url for place in places for url in _urls(place))),
        branch=payload.ref.removeprefix(_BRANCH),
        default_branch=defaults[0] if defaults else "",
        files=files,
        whole=_is_whole(payload) and 0 < len(files) < _MOST_FILES,
    )


def _decode(body: bytes, content_type: str) -> _Payload:
    try:
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            fields = parse_qs(body.decode("ascii"), max_num_fields=10)
            body = fields.get("payload", [""])[0].encode()
        return msgspec.json.decode(body, type=_Payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ValueError("this is no push that driftwatch can read") from error


def _is_whole(payload: _Payload) -> bool:
    """Say whether the commits are all that changed, as far as the forge tells."""
    commits = payload.commits or []
    totals = (payload.size, payload.total_commits, payload.total_commits_count)
    ends = (payload.before, payload.after)
    return (
        not (payload.created or payload.deleted or payload.forced)
        and not any(end is not None and _NOTHING.fullmatch(end) for end in ends)
        and all(total is None or total == len(commits) for total in totals)
        and 0 < len(commits) < _MOST_COMMITS
    )


def _files(commits: Iterable[_Commit]) -> Iterator[str]:
    for commit in commits:
        for files in (commit.added, commit.modified, commit.removed):
            yield from files or ()


def _urls(place: _Repository) -> Iterator[str]:
    for url in (
        place.clone_url,
        place.ssh_url,
        place.html_url,
        place.git_url,
        place.git_http_url,
        place.git_ssh_url,
        place.web_url,
    ):
        if url and normalise(url):
            yield normalise(url)


def normalise(url: str) -> str:
    """Write a repository's address as host/path, however it is reached; "" for a local one."""
    found = _SCHEME.fullmatch(url.strip()) or _SCP.fullmatch(url.strip())
    if found is None:
        return ""
    host = found["host"].lower()
    path = found["path"].partition("?")[0].strip("/").lower().removesuffix(".git").strip("/")
    return f"{_SAME.get(host, host)}/{path}" if path else ""


def find_repositories(push: Push, repositories: Iterable[Repository]) -> list[Repository]:
    """Find the registered repositories that a push went to, on the branch that is watched."""
    found = []
    for repository in repositories:
        ours = {normalise(repository.url), normalise(repository.web_url or "")} - {""}
        branch = repository.branch or push.default_branch or push.branch
        if ours & set(push.urls) and branch == push.branch:
            found.append(repository)
    return found


def touched(
    push: Push, watched: Iterable[Watched], repositories: Sequence[Repository]
) -> list[str]:
    """Name the environments of some repositories whose code a push touches, sorted."""
    names = {repository.name for repository in repositories}
    ours = [one for one in watched if one.repository in names]
    if push.whole:
        files = {_steps(file) for file in push.files}
        above = {file[:depth] for file in files for depth in range(len(file) + 1)}
        ours = [one for one in ours if _is_touched(one, files, above)]
    return sorted(one.environment for one in ours)


def _is_touched(
    one: Watched, files: Collection[tuple[str, ...]], above: Collection[tuple[str, ...]]
) -> bool:
    """Say whether a file lies in a folder of an environment, or is a submodule that holds one."""
    folders = [_steps(folder) for folder in one.directories or (one.directory,)]
    return any(
        folder in above or any(folder[:depth] in files for depth in range(1, len(folder)))
        for folder in folders
    )


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in path.split("/") if step not in ("", "."))
