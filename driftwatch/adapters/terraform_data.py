"""Keeps what `terraform init` makes from check to check, and knows when it must be made anew."""

import json
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from driftwatch.adapters.scratch import make_private
from driftwatch.domain.environment import Environment

LOCK_FILE = ".terraform.lock.hcl"
_MUTABLE_MODULES = 86400.0  # seconds after which a branch that a module names is fetched again
_HASHES = re.compile(rb"\n\s*hashes\s*=\s*\[[^\]]*\]")
_CODE = ("*.tf", "*.tf.json", "*.tofu", "*.tofu.json")


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Terraform's data of one environment's root module, outside of any checkout.

    A `.terraform` that a repository ships is never used; the backend that a check reads is the one
    that its own configuration names. `committed` says whether the code comes with a lock file.
    """

    root: Path
    directory: Path
    committed: bool

    @classmethod
    def of(cls, parent: Path, environment: Environment, directory: Path) -> "DataDirectory":
        """Name the data of an environment by a hash, never by what somebody typed.

        Environments share none: OpenTofu lets variables choose the backend, so that even with the
        same code one would read the other's state.
        """
        identity = json.dumps(
            [
                environment.name,
                environment.repository,
                environment.directory,
                environment.workspace,
                environment.backend_config,
            ]
        )
        name = sha256(identity.encode()).hexdigest()[:20]
        return cls(parent / name, directory, (directory / LOCK_FILE).exists())

    @property
    def data(self) -> Path:
        """The folder for TF_DATA_DIR."""
        return self.root / "data"

    @property
    def lock(self) -> Path:
        """The file to lock: exclusively to init, shared to plan."""
        return self.root / "lock"

    def is_ready(self, fingerprint: str) -> bool:
        """Say whether the last init is still good for code with this fingerprint."""
        try:
            kept: dict[str, Any] = json.loads((self.root / "init.json").read_text("utf-8"))
            if kept["fingerprint"] != fingerprint or kept["providers"] != self._providers():
                return False
            young = 0 <= time.time() - kept["made"] < _MUTABLE_MODULES
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return young or not self._has_remote_modules()

    def begin_init(self) -> None:
        """Forget the last init, and with it modules that may have moved."""
        (self.root / "init.json").unlink(missing_ok=True)
        shutil.rmtree(self.data / "modules", ignore_errors=True)
        make_private(self.data)
        self.take_back_lock_file()

    def end_init(self, fingerprint: str) -> None:
        """Keep the lock file that init made, and remember what this init is good for."""
        if (self.directory / LOCK_FILE).exists():
            shutil.copyfile(self.directory / LOCK_FILE, self.root / LOCK_FILE)
        kept = {"fingerprint": fingerprint, "made": time.time(), "providers": self._providers()}
        draft = self.root / "init.draft"
        draft.write_text(json.dumps(kept), encoding="utf-8")
        draft.replace(self.root / "init.json")

    def lend_lock_file(self) -> None:
        """Lay the lock file of the last init into the checkout, without its hashes.

        Init has verified them, and the providers are still the files that it verified (see
        `is_ready`); terraform would hash them again for every plan and show, 700 MB each.
        """
        kept = self._kept_lock_file()
        if kept is not None:
            (self.directory / LOCK_FILE).write_bytes(_without_hashes(kept))

    def take_back_lock_file(self) -> None:
        """Put the checkout's lock file back as it was before one was lent."""
        lent, kept = self.directory / LOCK_FILE, self._kept_lock_file()
        if not self.committed:
            lent.unlink(missing_ok=True)
        elif kept is not None and lent.read_bytes() == _without_hashes(kept):
            lent.write_bytes(kept)

    def _kept_lock_file(self) -> bytes | None:
        path = self.root / LOCK_FILE
        return path.read_bytes() if path.exists() else None

    def fingerprint(self, environment: Environment, facts: Mapping[str, str]) -> str:
        """Hash all that init depends on: code, backend settings, variables, tool, CLI settings."""
        digest = sha256()
        for path in self._inputs(environment):
            content = path.read_bytes()
            digest.update(f"{path.name}\0{len(content)}\0".encode())
            digest.update(content)
        settings = [environment.backend_config, sorted(environment.variables.items())]
        digest.update(json.dumps([*settings, sorted(facts.items())]).encode())
        return digest.hexdigest()

    def _inputs(self, environment: Environment) -> Iterator[Path]:
        for folder in (self.directory, *self._local_modules()):
            for pattern in _CODE:
                yield from sorted(p for p in folder.glob(pattern) if p.is_file())
        lock_file = (LOCK_FILE,) if self.committed else ()
        named = (*lock_file, *environment.backend_config, *environment.var_files)
        yield from (path for name in named if (path := self.directory / name).is_file())

    def _modules(self) -> list[dict[str, str]]:
        try:
            text = (self.data / "modules/modules.json").read_text("utf-8")
            modules: list[dict[str, str]] = json.loads(text)["Modules"]
        except (OSError, ValueError, KeyError):
            return []
        return modules

    def _local_modules(self) -> Iterator[Path]:
        for module in self._modules():
            if module.get("Source", "").startswith("."):
                yield self.directory / module.get("Dir", "")

    def _has_remote_modules(self) -> bool:
        sources = [module.get("Source", "") for module in self._modules()]
        return any(source and not source.startswith(".") for source in sources)

    def _providers(self) -> list[list[str | int]]:
        """Identify the installed provider binaries by file, so that a changed one is noticed."""
        found: list[list[str | int]] = []
        for path in sorted(self.data.glob("providers/*/*/*/*/*/*")):
            status = path.stat()
            found.append([str(path), status.st_ino, status.st_size, status.st_mtime_ns])
        return found


def _without_hashes(lock_file: bytes) -> bytes:
    return _HASHES.sub(b"", lock_file)
