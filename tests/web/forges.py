"""Pushes as the three forges send them, and the headers that make them genuine."""

import hmac
import json
from typing import Any

from tests.web.world import HOOK_SECRET

BEFORE = "95790bf891e76fee5e1747ab589903a6a1f80f22"
AFTER = "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"


def commit(*files: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": AFTER,
        "message": "Mend the group",
        "timestamp": "2026-03-02T09:00:00+01:00",
        "author": {"name": "Ana", "email": "ana@example.org"},
        "added": [],
        "modified": list(files),
        "removed": [],
    } | changes


def github(*files: str, **changes: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": BEFORE,
        "after": AFTER,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "compare": "https://github.com/example/infrastructure/compare/95790bf891e7...da1560886d4f",
        "commits": [commit(*files)] if files else [],
        "repository": {
            "id": 186853002,
            "full_name": "example/infrastructure",
            "private": True,
            "html_url": "https://github.com/example/infrastructure",
            "git_url": "git://github.com/example/infrastructure.git",
            "ssh_url": "git@github.com:example/infrastructure.git",
            "clone_url": "https://github.com/example/infrastructure.git",
            "default_branch": "main",
        },
        "pusher": {"name": "ana", "email": None},
    } | changes


def gitlab(*files: str, **changes: Any) -> dict[str, Any]:
    place = {
        "name": "Other",
        "git_ssh_url": "git@gitlab.example.org:group/other.git",
        "git_http_url": "https://gitlab.example.org/group/other.git",
    }
    return {
        "object_kind": "push",
        "event_name": "push",
        "before": BEFORE,
        "after": AFTER,
        "ref": "refs/heads/release",
        "checkout_sha": AFTER,
        "project_id": 15,
        "project": place
        | {
            "web_url": "https://gitlab.example.org/group/other",
            "default_branch": "main",
            "path_with_namespace": "group/other",
        },
        "repository": place | {"homepage": "https://gitlab.example.org/group/other"},
        "commits": [commit(*files)] if files else [],
        "total_commits_count": 1 if files else 0,
    } | changes


def gitea(*files: str, **changes: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": BEFORE,
        "after": AFTER,
        "compare_url": "https://git.example.org/example/infrastructure/compare/a...b",
        "commits": [commit(*files)] if files else [],
        "total_commits": 1 if files else 0,
        "repository": {
            "full_name": "example/infrastructure",
            "html_url": "https://github.com/example/infrastructure",
            "ssh_url": "ssh://git@github.com:22/example/infrastructure.git",
            "clone_url": "https://github.com/example/infrastructure.git",
            "default_branch": "main",
        },
    } | changes


SAMPLES = {"github": github, "gitlab": gitlab, "gitea": gitea}


def body(payload: Any) -> bytes:
    return json.dumps(payload).encode()


def headers(
    forge: str, content: bytes, *, delivery: str = "d-1", event: str = "", secret: str = HOOK_SECRET
) -> dict[str, str]:
    """Make the headers that a forge sends with a body."""
    digest = hmac.digest(secret.encode(), content, "sha256").hex()
    kind = {"Content-Type": "application/json"}
    if forge == "github":
        return kind | {
            "X-GitHub-Event": event or "push",
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": f"sha256={digest}",
        }
    if forge == "gitea":
        return kind | {
            "X-Gitea-Event": event or "push",
            "X-GitHub-Event": event or "push",
            "X-Gitea-Delivery": delivery,
            "X-Gitea-Signature": digest,
        }
    return kind | {
        "X-Gitlab-Event": event or "Push Hook",
        "Idempotency-Key": delivery,
        "X-Gitlab-Token": secret,
    }
