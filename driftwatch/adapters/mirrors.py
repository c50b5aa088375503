"""Finds provider mirrors and writes the CLI configuration that every run gets.

With a configuration of our own, terraform looks nowhere else: not into `terraform.d/plugins` of a
checkout, where a repository could ship a "provider". What the operator's own CLI configuration says
about where providers come from, and how to log in to hosts, is kept.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from driftwatch.hcl.document import parse_document

_ADD_ONS = Path("/opt")  # the FHS root for add-on software
_REGISTRIES = ("registry.terraform.io", "registry.opentofu.org")
_RELEASE = re.compile(r"\d+\.\d+\.\d+|.*\.zip$")
_SETTINGS = (".terraformrc", ".tofurc")
_LOGINS = ("host", "credentials", "credentials_helper")


def find_mirrors(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """List the local mirrors of this machine: terraform's standard folders, then add-ons.

    Source: https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
    """
    home = Path(environ.get("HOME", "/"))
    data_home = environ.get("XDG_DATA_HOME") or str(home / ".local/share")
    data_dirs = environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    standard = [
        home / ".terraform.d/plugins",
        *(Path(folder) / "terraform/plugins" for folder in (data_home, *data_dirs.split(":"))),
    ]
    add_ons = sorted(_ADD_ONS.iterdir()) if _ADD_ONS.is_dir() else []
    folders = [folder for folder in standard if folder.is_dir()]
    folders += [folder for folder in add_ons if any((folder / r).is_dir() for r in _REGISTRIES)]
    return tuple(dict.fromkeys(folders))


def mirrored_providers(mirror: Path) -> tuple[str, ...]:
    """List the providers that a mirror holds, as `host/namespace/name`."""
    return tuple(
        provider.relative_to(mirror).as_posix()
        for provider in sorted(mirror.glob("*.*/*/*"))
        if provider.is_dir() and any(_RELEASE.match(entry.name) for entry in provider.iterdir())
    )


def cli_config(mirrors: Iterable[Path], *, registry_too: bool = False) -> str:
    """Write where providers come from: mirrored ones from their mirrors, others from the registry.

    With `registry_too` the registry is also asked for what a mirror holds, for other versions.
    Format: https://developer.hashicorp.com/terraform/cli/config/config-file
    """
    held = {mirror: mirrored_providers(mirror) for mirror in mirrors}
    blocks = [
        _method("filesystem_mirror", path=str(mirror), include=providers)
        for mirror, providers in held.items()
        if providers
    ]
    everything = sorted({provider for providers in held.values() for provider in providers})
    blocks.append(_method("direct", exclude=[] if registry_too else everything))
    return "\n".join(["provider_installation {", *blocks, "}"])


def write_cli_config(folder: Path, environ: Mapping[str, str]) -> Path:
    """Write the CLI configuration into a folder and return its path."""
    return _write(folder / "terraform.tfrc", environ, cli_config(find_mirrors(environ)))


def write_fallback_config(folder: Path, environ: Mapping[str, str]) -> Path:
    """Write the CLI configuration for providers of which mirrors lack the version."""
    text = cli_config(find_mirrors(environ), registry_too=True)
    return _write(folder / "fallback.tfrc", environ, text)


def _write(path: Path, environ: Mapping[str, str], installation: str) -> Path:
    kept = list(_operators_own(environ))
    if any(block.startswith("provider_installation") for block in kept):
        installation = ""
    text = "\n\n".join(["disable_checkpoint = true", *kept, installation]).rstrip() + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    # It may hold logins, so only its owner may read it; other threads may write it as well.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
        file.write(text)
    Path(file.name).replace(path)
    return path


def _operators_own(environ: Mapping[str, str]) -> Iterator[str]:
    """Give the blocks of the operator's CLI configuration that say where to fetch and log in."""
    home = Path(environ.get("HOME", "/"))
    named = environ.get("TF_CLI_CONFIG_FILE") or environ.get("TERRAFORM_CONFIG")
    places = [Path(named)] if named else [home / name for name in _SETTINGS]
    for place in places:
        if place.is_file():
            document = parse_document(place.read_bytes())
            for block_type in ("provider_installation", *_LOGINS):
                yield from (document.text(block.span) for block in document.find(block_type))
            return


def _method(name: str, **arguments: object) -> str:
    shown = (f"    {key} = {json.dumps(value)}" for key, value in arguments.items() if value)
    return "\n".join([f"  {name} {{", *shown, "  }"])
