"""Hides secrets by Terraform's flags and by value, so that nothing downstream can see one."""

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, quote_plus

from driftwatch.domain.equality import is_empty

MASK = re.compile(r"\(sensitive #[0-9a-f]{8}\)")

# Shorter secrets are masked where a value equals them; searched for inside other text, "dev" or
# "1" would blank half of a report and hide nothing.
_SHORTEST_CONTAINED = 4
_SHORTEST_ENCODED = 8
_URL_ALPHABET = str.maketrans("+/", "-_")

_TOKENS = re.compile(
    r"""
      -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{20,}\b
    | \bgithub_pat_[A-Za-z0-9_]{20,}\b
    | \bglpat-[A-Za-z0-9_-]{16,}
    | \bxox[abposr]-[A-Za-z0-9-]{10,}
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)
    """,
    re.VERBOSE,
)


class Masker:
    """Replace secrets by `(sensitive #digest)`.

    `key` makes digests comparable within one installation and useless outside it; equal secrets
    have equal digests, so that a masked value still shows when it moves.
    """

    def __init__(self, key: bytes, secrets: Iterable[str] = ()) -> None:
        self._key = key
        self._secrets: set[str] = set()
        self._search: re.Pattern[str] | None = None
        self._fresh = False
        self.count = 0
        for secret in secrets:
            self.learn(secret)

    def learn(self, value: Any) -> None:
        """Take every string and longer number in `value` as a secret."""
        for leaf in _leaves(value):
            number = not isinstance(leaf, str)
            text = str(leaf)
            if (
                text
                and not (number and len(text) < _SHORTEST_CONTAINED)
                and not MASK.fullmatch(text)
            ):
                self._secrets.add(text)
                self._fresh = False

    def learn_flagged(self, value: Any, flags: Any) -> None:
        """Take as secret what Terraform's `*_sensitive` structure marks in `value`."""
        match flags:
            case True:
                self.learn(value)
            case Mapping() if isinstance(value, Mapping):
                for name, flag in flags.items():
                    self.learn_flagged(value.get(name), flag)
            case list() if isinstance(value, list):
                for item, flag in zip(value, flags, strict=False):
                    self.learn_flagged(item, flag)
            case _:
                pass

    def mask(self, value: Any, flags: Any = False) -> Any:
        """Copy `value` with every flagged part, and every string that holds a secret, replaced.

        What is empty stays: it is no secret, and null must stay comparable with "".
        """
        if flags is True and not is_empty(value):
            return self._replace(value)
        if isinstance(value, Mapping):
            marks = flags if isinstance(flags, Mapping) else {}
            return {self._text(k): self.mask(v, marks.get(k, False)) for k, v in value.items()}
        if isinstance(value, list):
            flagged = flags if isinstance(flags, list) else []
            return [self.mask(v, f) for v, f in zip_longest(value, flagged[: len(value)])]
        if isinstance(value, str):
            return self._text(value)
        return self._replace(value) if self._is_secret_number(value) else value

    def mask_attributes(self, values: Any, flags: Any = False) -> Any:
        """Mask a resource's values but keep its attributes' names, which the provider chose."""
        if flags is True or not isinstance(values, Mapping):
            return self.mask(values, flags)
        marks = flags if isinstance(flags, Mapping) else {}
        return {name: self.mask(item, marks.get(name, False)) for name, item in values.items()}

    def scrub(self, text: str) -> str:
        """Cut every known secret, and whatever looks like a well-known token, out of prose."""
        self._prepare()
        if self._search is not None:
            text = self._search.sub(lambda found: self._replace(found.group()), text)
        return _TOKENS.sub(lambda found: self._replace(found.group()), text)

    def _is_secret_number(self, value: Any) -> bool:
        """Compare longer numbers alone: a secret "30" is no reason to blank every port and size."""
        text = str(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and len(text) >= _SHORTEST_CONTAINED and text in self._secrets

    def _text(self, text: str) -> str:
        return self._replace(text) if self._holds_secret(text) else text

    def _holds_secret(self, text: str) -> bool:
        self._prepare()
        if text in self._secrets or _TOKENS.search(text):
            return True
        return self._search is not None and self._search.search(text) is not None

    def _replace(self, value: Any) -> str:
        self.count += 1
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        digest = hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"(sensitive #{digest.hexdigest()[:8]})"

    def _prepare(self) -> None:
        if self._fresh:
            return
        contained = {form for secret in self._secrets for form in _forms(secret)}
        if contained:
            longest_first = sorted(contained, key=lambda form: (-len(form), form))
            self._search = re.compile("|".join(map(re.escape, longest_first)))
        self._fresh = True


def _leaves(value: Any) -> Iterator[str | int | float]:
    """List the strings and numbers in a value; true and false tell nobody a secret."""
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(item)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield value


def _forms(secret: str) -> set[str]:
    """List the spellings of a secret that other text may hold: as it is, JSON, URL, base64."""
    if len(secret) < _SHORTEST_CONTAINED:
        return set()
    written = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    forms = {secret, *written, _terraform_json(secret)}
    if len(secret) >= _SHORTEST_ENCODED:
        raw = secret.encode("utf-8", "surrogatepass")
        forms |= {quote(raw, safe=""), quote_plus(raw), *_base64_forms(raw)}
    return forms


def _terraform_json(text: str) -> str:
    """Write text as `jsonencode` does: other letters stay, what is special in HTML does not."""
    written = json.dumps(text, ensure_ascii=False)[1:-1]
    for letter in "<>&\u2028\u2029":
        written = written.replace(letter, f"\\u{ord(letter):04x}")
    return written


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Encode at each of the three alignments that text around a secret can give it."""
    for shift, blurred in ((0, 0), (1, 2), (2, 3)):
        text = b64encode(bytes(shift) + raw).decode().rstrip("=")
        shared_with_next = (shift + len(raw)) % 3 != 0
        core = text[blurred : -1 if shared_with_next else None]
        yield from (core, core.translate(_URL_ALPHABET))
