"""Whether a push really comes from the forge that shares our secret. Pure."""

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256

from driftwatch.config.service_model import Hook

Headers = Callable[[str], list[str]]
"""Gives all values that a request has for a header."""

_SIGNING = "whsec_"  # https://www.standardwebhooks.com
_APART = 300  # seconds that two clocks may be apart
_LONGEST_ID = 200


def is_genuine(hook: Hook, headers: Headers, body: bytes, now: datetime) -> bool:
    """Say whether a body was signed with a hook's secret; a signature sent twice counts as none."""
    match hook.forge:
        case "github":
            given = _single(headers, "X-Hub-Signature-256")
            return _same(given, f"sha256={_digest(hook.secret.encode(), body)}")
        case "gitea":
            given = _single(headers, "X-Gitea-Signature")
            return _same(given, _digest(hook.secret.encode(), body))
        case _:
            if hook.secret.startswith(_SIGNING):
                return _is_signed(hook.secret, headers, body, now)
            return _same(_single(headers, "X-Gitlab-Token"), hook.secret)


def _is_signed(secret: str, headers: Headers, body: bytes, now: datetime) -> bool:
    """Check a signature as Standard Webhooks describe it, which GitLab's signing tokens follow."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    number, at, signatures = (_single(headers, name) for name in names)
    try:
        key = b64decode(secret.removeprefix(_SIGNING), validate=True)
        apart = abs(now.timestamp() - int(at))
    except (Base64Error, ValueError):
        return False
    content = f"{number}.{at}.".encode() + body
    right = f"v1,{b64encode(hmac.digest(key, content, 'sha256')).decode()}"
    return apart <= _APART and any(_same(given, right) for given in signatures.split(" "))


def delivery_ids(hook: Hook, headers: Headers, body: bytes) -> tuple[str, ...]:
    """Name a delivery: as the forge does, and by its content, for a header is not signed."""
    names: Mapping[str, tuple[str, ...]] = {
        "github": ("X-GitHub-Delivery",),
        "gitea": ("X-Gitea-Delivery",),
        "gitlab": ("Idempotency-Key", "webhook-id", "X-Gitlab-Event-UUID"),
    }
    told = [value for name in names[hook.forge] if (value := _single(headers, name))]
    content = f"sha256:{sha256(body).hexdigest()}"
    return (*(value for value in told[:1] if len(value) <= _LONGEST_ID), content)


def event_of(hook: Hook, headers: Headers) -> str:
    """Name what a forge tells of: push, ping, or what is none of our business."""
    name = {"github": "X-GitHub-Event", "gitea": "X-Gitea-Event"}.get(hook.forge, "X-Gitlab-Event")
    event = _single(headers, name).lower()
    return "push" if event == "push hook" else event


def _digest(key: bytes, body: bytes) -> str:
    return hmac.digest(key, body, "sha256").hex()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _single(headers: Headers, name: str) -> str:
    values = headers(name)
    return values[0] if len(values) == 1 else ""
