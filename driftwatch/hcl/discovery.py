"""Which directories of a repository are root modules: what `init` offers and `doctor` checks."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from driftwatch.hcl.module import ModuleFacts, read_module, terraform_files

_STATES = ("terraform.tfstate", "terraform.tfstate.d", ".terraform.lock.hcl", ".terraform")
_AUTOMATIC = ("terraform.tfvars", "terraform.tfvars.json")


@dataclass(frozen=True, slots=True)
class RootModule:
    """A directory that Terraform is run in, and why we think so.

    `var_files` are relative to it and leave out those that Terraform loads by itself.
    `called_modules` are the directories of the repository that it calls, not those that they call.
    """

    directory: str
    backend: str
    reasons: tuple[str, ...]
    var_files: tuple[str, ...] = ()
    called_modules: tuple[str, ...] = ()


def find_root_modules(files: Mapping[str, Mapping[str, bytes]]) -> tuple[RootModule, ...]:
    """Find the root modules among a repository's directories, sorted.

    A root has a backend, a provider or a state, and no other directory calls it. Only the names
    matter of files that are not Terraform's: their content may be b"".
    """
    tree = {posixpath.normpath(d): named for d, named in files.items() if not _is_cache(d)}
    facts = {d: read_module(named) for d, named in tree.items() if terraform_files(named)}
    calls = {d: tuple(_called(d, module)) for d, module in facts.items()}
    called = {target for d, targets in calls.items() for target in targets if target != d}
    roots = (
        RootModule(d, module.backend, _reasons(module, tree[d]), _var_files(d, tree), calls[d])
        for d, module in sorted(facts.items())
        if d not in called
    )
    return tuple(root for root in roots if root.reasons)


def _is_cache(directory: str) -> bool:
    return ".terraform" in directory.split("/")


def _called(directory: str, module: ModuleFacts) -> Iterator[str]:
    targets = (
        posixpath.normpath(posixpath.join(directory, str(call.source)))
        for call in module.calls
        if call.is_local
    )
    yield from dict.fromkeys(targets)


def _reasons(module: ModuleFacts, names: Mapping[str, bytes]) -> tuple[str, ...]:
    backend = [f"backend {module.backend}"] if module.backend else []
    provider = [f"provider {name}" for name in module.providers]
    return (*backend, *provider, *(name for name in _STATES if name in names))


def _var_files(directory: str, tree: Mapping[str, Mapping[str, bytes]]) -> tuple[str, ...]:
    """Name the var-files of a directory and of its subdirectories that hold no code."""
    found = (
        posixpath.relpath(posixpath.join(d, name), directory)
        for d, names in tree.items()
        if d == directory or (posixpath.dirname(d) or ".") == directory
        if d == directory or not terraform_files(names)
        for name in names
        if name.endswith((".tfvars", ".tfvars.json")) and not _is_automatic(name)
    )
    return tuple(sorted(found))


def _is_automatic(name: str) -> bool:
    return name in _AUTOMATIC or name.endswith((".auto.tfvars", ".auto.tfvars.json"))
