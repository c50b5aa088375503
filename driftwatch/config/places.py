"""Turns the paths of a configuration into places on this machine."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Where relative paths begin (`base`, absolute) and what `~` means."""

    base: Path
    environ: Mapping[str, str]

    def resolve(self, text: str) -> Path:
        """Make a path absolute."""
        return Path(self.expand(text)) if text.startswith("~/") else self.base / text

    def expand(self, text: str) -> str:
        """Replace a leading `~/` by the home directory."""
        return f"{self.home}/{text[2:]}" if text.startswith("~/") else text

    @property
    def home(self) -> Path:
        """Name the home directory; the file's own where the environment names none."""
        return Path(self.environ.get("HOME") or self.base)

    def program(self, text: str) -> str:
        """Make a program's path absolute; a bare name is left to PATH."""
        return str(self.resolve(text)) if "/" in text else text

    def url(self, text: str) -> str:
        """Make a repository's path absolute; a URL stays as it is."""
        local = text.startswith(("/", "./", "../", "~/")) or text in (".", "..")
        return str(self.resolve(text).resolve()) if local else text

    @property
    def state(self) -> Path:
        """Name the data directory of the XDG base directory specification."""
        state = self.environ.get("XDG_STATE_HOME", "")
        root = Path(state) if state.startswith("/") else self.home / ".local/state"
        return root / "driftwatch"


def builtin_policies() -> Path:
    """Find the rules that come along: in the wheel, or beside the package in a checkout."""
    package = Path(str(resources.files("driftwatch")))
    return next(
        place for place in (package / "policies", package.parent / "policies") if place.is_dir()
    )
