"""Writes a first driftwatch.yaml for root modules that were found."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*")
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_FOREIGN = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 63

_HEAD = """\
# yaml-language-server: $schema={schema}
# What driftwatch watches. `driftwatch config validate` checks this file, and
# `driftwatch config schema > driftwatch.schema.json` lets your editor complete it.
repositories:
  main:
    url: {url}
    # branch: main
    # username: x-access-token
    # password: "${{env:GIT_TOKEN}}" # read from the environment, so that no secret stands here

defaults:
  timeout: 30m
  stale_after: 24h
  # terraform: {{binary: terraform, version: 1.9.8}}
  # aws: {{role_arn: "arn:aws:iam::123456789012:role/driftwatch-read"}}
  # owners: [platform]

# One environment per root module. A glob can say many at once:
#   "apps-{{name}}": {{path: applications/*}}
"""


@dataclass(frozen=True, slots=True)
class DraftModule:
    """A root module that was found; `backend` is the type of its backend, "" for none."""

    directory: str
    var_files: tuple[str, ...] = ()
    backend: str = ""


def draft_config(
    url: str, modules: Sequence[DraftModule], schema: str = "driftwatch.schema.json"
) -> str:
    """Write the text of a driftwatch.yaml that loads, for a repository and its root modules.

    Var-files are written as comments where there are several: which to use is a person's to say.
    """
    head = _HEAD.format(schema=schema, url=_quoted(url))
    if not modules:
        return f"{head}environments: {{}} # no root module was found\n"
    names = _names(modules)
    entries = (line for module in modules for line in _entry(names[module.directory], module))
    return "\n".join([f"{head}environments:", *entries, ""])


def _entry(name: str, module: DraftModule) -> Iterator[str]:
    kept = "local state" if module.backend in ("", "local") else f"state in {module.backend}"
    yield f"  {_quoted(name)}: # {kept}"
    yield f"    path: {_quoted(module.directory)}"
    files = ", ".join(map(_quoted, module.var_files))
    if files:
        choice = "# choose: " if len(module.var_files) > 1 else ""
        yield f"    {choice}var_files: [{files}]"


def _names(modules: Sequence[DraftModule]) -> dict[str, str]:
    """Name modules by their last step where that is enough, else by all their steps."""
    names: dict[str, str] = {}
    for module in sorted(modules, key=lambda module: module.directory):
        steps = [step for step in module.directory.split("/") if step not in ("", ".")] or ["root"]
        taken = {name.lower() for name in names.values()}
        candidates = [steps[-1], "-".join(steps), *(f"{steps[-1]}-{n}" for n in range(2, 9999))]
        free = (name for name in map(_name, candidates) if name.lower() not in taken)
        names[module.directory] = next(free)
    return names


def _name(text: str) -> str:
    plain = _FOREIGN.sub("-", text).lstrip("._-")
    return plain[-_LONGEST:].lstrip("._-") or "module"


def _quoted(text: str) -> str:
    """Write text so that YAML reads the same text, whatever is in it."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _RESERVED
    return text if plain else json.dumps(text.replace("${env:", "$${env:"), ensure_ascii=False)
