"""Finds the program for an environment: on the PATH, or as a verified release that is kept here."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from driftwatch.adapters.locks import locked
from driftwatch.adapters.process import run
from driftwatch.adapters.release_site import ReleaseSite
from driftwatch.adapters.scratch import make_private
from driftwatch.adapters.terraform_argv import guarded
from driftwatch.adapters.terraform_environment import base_environment
from driftwatch.adapters.versions import is_exact, newest_allowed, satisfies, wanted_version
from driftwatch.domain.environment import Environment
from driftwatch.errors import Cause, CouldNotLook

PINNED = "1.11.4"  # what is fetched where there is neither terraform nor tofu
_TOOLS = ("terraform", "tofu")
_SECONDS = 60.0
_DETAIL = 2000


@dataclass(frozen=True, slots=True)
class Program:
    """A program that plans: its path, "terraform" or "tofu", and its version."""

    path: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Releases:
    """Programs of this machine, and releases that are fetched once and kept in `folder`.

    `mirror` replaces the release sites; it is laid out like Terraform's: `terraform/index.json`,
    `terraform/VERSION/terraform_VERSION_OS_ARCH.zip` with its SHA256SUMS, and the same for tofu.
    """

    folder: Path
    inherited: Mapping[str, str] = field(repr=False)
    mirror: str | None = None

    def find(self, environment: Environment, directory: Path, root: Path | None = None) -> Program:
        """Find the program that an environment asks for, fetching a release once if it must be.

        What counts, in this order: the configured version, `.terraform-version` in the directory or
        above it up to `root`, `required_version`. Raises `CouldNotLook`.
        """
        wanted = environment.version or wanted_version(directory, root or directory)
        here = self._on_path(environment.binary)
        for program in here:
            if wanted is None or satisfies(program.version, wanted):
                return program
        if environment.binary not in (None, *_TOOLS) and here:
            raise CouldNotLook(
                f"{here[0].name} {here[0].version} at {here[0].path} is not the version that the "
                f"environment asks for: {wanted}.",
                cause=Cause.CONFIGURATION,
            )
        if not here and environment.binary is not None and not environment.version:
            raise CouldNotLook(
                f"There is no program {environment.binary} on the PATH.", cause=Cause.CONFIGURATION
            )
        tool = environment.binary if environment.binary in _TOOLS else _TOOLS[0]
        return self.kept(tool, self._exact(tool, wanted or PINNED))

    def _on_path(self, binary: str | None) -> list[Program]:
        path = self.inherited.get("PATH", os.defpath)
        found = [shutil.which(name, path=path) for name in ([binary] if binary else _TOOLS)]
        return [self.identify(program) for program in found if program]

    def identify(self, path: str) -> Program:
        """Ask a program for its name and version. Raises `CouldNotLook`."""
        status = Path(path).stat()
        env = {**base_environment(self.inherited), "CHECKPOINT_DISABLE": "1"}
        stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        return _ask(path, stamp, tuple(sorted(env.items())))

    def kept(self, tool: str, version: str) -> Program:
        """Return a release from the folder, fetched and verified first where it is not there."""
        binary = self.folder / tool / version / tool
        with locked(self.folder / ".lock"):
            if not binary.exists():
                self._install(ReleaseSite.of(tool, self.mirror), version, binary)
        return Program(str(binary), tool, version)

    def _exact(self, tool: str, wanted: str) -> str:
        if is_exact(wanted):
            return wanted.strip().removeprefix("v")
        folder = self.folder / tool
        kept = [p.name for p in folder.iterdir() if (p / tool).exists()] if folder.is_dir() else []
        found = newest_allowed(kept, wanted) or newest_allowed(
            ReleaseSite.of(tool, self.mirror).versions(), wanted
        )
        if found is None:
            raise CouldNotLook(
                f"No release of {tool} satisfies {wanted}.", cause=Cause.CONFIGURATION
            )
        return found

    def _install(self, site: ReleaseSite, version: str, binary: Path) -> None:
        content = site.program(version)
        try:
            make_private(binary.parent.parent)
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                draft = Path(folder) / version
                draft.mkdir(mode=0o700)
                (draft / site.tool).write_bytes(content)
                (draft / site.tool).chmod(0o700)
                draft.replace(binary.parent)
        except OSError as error:
            raise CouldNotLook(
                f"Cannot keep {site.tool} {version} in {self.folder}: {error}.", cause=Cause.MACHINE
            ) from error


@lru_cache(maxsize=64)
def _ask(path: str, stamp: tuple[int, ...], env: tuple[tuple[str, str], ...]) -> Program:  # noqa: ARG001 - a program that changed is asked again
    argv = guarded(path, ["version", "-json"])
    outcome = run(argv, cwd=Path("/"), env=dict(env), timeout=_SECONDS)
    try:
        version = str(json.loads(outcome.stdout)["terraform_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise CouldNotLook(
            f"{path} does not answer like terraform or tofu.",
            cause=Cause.MACHINE,
            command=argv,
            exit_code=outcome.exit_code,
            detail=outcome.stderr.decode(errors="replace")[-_DETAIL:],
        ) from error
    return Program(path, "tofu" if "tofu" in Path(path).resolve().name else "terraform", version)
