"""Reads which version of Terraform code asks for, and which versions satisfy that.

Constraints: https://developer.hashicorp.com/terraform/language/expressions/version-constraints
"""

import re
from collections.abc import Iterable
from pathlib import Path

_REQUIRED = re.compile(
    r'(?:^|\{)[ \t]*required_version[ \t]*=[ \t]*"([^"]+)"|"required_version"\s*:\s*"([^"]+)"',
    re.MULTILINE,
)
_EXACT = re.compile(r"v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?")
_TERM = re.compile(r"(>=|<=|!=|~>|=|>|<|)\s*v?(\d+(?:\.\d+){0,2})(-[0-9A-Za-z.-]+|)")
_CODE = ("*.tf", "*.tf.json", "*.tofu", "*.tofu.json")
_PINS = (".terraform-version", ".opentofu-version")

Numbers = tuple[int, ...]


def wanted_version(directory: Path, root: Path) -> str | None:
    """Find what a root module asks for: a version file up to `root`, or its `required_version`s.

    A version file that names no exact version (`latest:^1.9`, `min-required`) says nothing here.
    """
    folders = [f for f in (directory, *directory.parents) if f.is_relative_to(root)]
    for pinned in (folder / name for folder in folders for name in _PINS):
        if pinned.is_file():
            text = pinned.read_text(encoding="utf-8", errors="replace").strip()
            if is_exact(text):
                return text.removeprefix("v")
    code = (path for pattern in _CODE for path in sorted(directory.glob(pattern)))
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in code if path.is_file())
    found = [hcl or json for text in texts for hcl, json in _REQUIRED.findall(text)]
    return ", ".join(found) or None


def is_exact(text: str) -> bool:
    """Tell a version from a constraint."""
    return _EXACT.fullmatch(text.strip()) is not None


def satisfies(version: str, constraint: str) -> bool:
    """Tell whether a version fits all terms of a constraint; one that cannot be read never fits."""
    if not is_exact(version):
        return False
    numbers, prerelease = _parse(version)
    terms = [_TERM.fullmatch(term.strip()) for term in constraint.split(",")]
    return all(term and _fits(numbers, prerelease, term) for term in terms)


def newest_allowed(versions: Iterable[str], constraint: str) -> str | None:
    """Choose the newest of some versions that satisfies a constraint; never a prerelease."""
    allowed = [v for v in versions if "-" not in v and satisfies(v, constraint)]
    return max(allowed, key=lambda version: _parse(version)[0], default=None)


def _parse(version: str) -> tuple[Numbers, str]:
    numbers, dash, suffix = version.strip().removeprefix("v").partition("-")
    return _padded(numbers), dash + suffix


def _padded(numbers: str) -> Numbers:
    parts = [int(part) for part in numbers.split(".")]
    return tuple(parts + [0] * (3 - len(parts)))


def _fits(version: Numbers, prerelease: str, term: re.Match[str]) -> bool:
    operator, text, suffix = term.groups()
    base = _padded(text)
    if prerelease:  # only who names a prerelease gets one
        return operator in ("", "=") and (version, prerelease) == (base, suffix)
    if operator == "~>":
        kept = max(1, text.count("."))  # all but the last part that is written must stay
        return not suffix and version >= base and version[:kept] == base[:kept]
    # A prerelease comes before its release, so the release is greater than the term's version.
    same, before = version == base and not suffix, version < base
    answers = {
        "": same,
        "=": same,
        "!=": not same,
        ">": not before and not same,
        "<": before,
        ">=": not before,
        "<=": before or same,
    }
    return answers[operator]
