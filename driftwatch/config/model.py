"""The configuration once it is valid: what the rest of driftwatch sees."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from driftwatch.config.directories import is_glob
from driftwatch.config.service_model import DaemonSettings, Notifications, WebSettings
from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.windows import Window


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """An environment, or with a glob a pattern of some.

    The template's `directory` is a path or a glob, and its `name` may hold {name} and {path}.
    """

    template: Environment
    exclude: tuple[str, ...] = ()

    @property
    def is_glob(self) -> bool:
        """Say whether directories decide how many environments this is."""
        return is_glob(self.template.directory)


@dataclass(frozen=True, slots=True)
class TerraformDefaults:
    """The program that plans where an environment names none."""

    binary: str | None = None
    version: str | None = None


_UNNAMED = TerraformDefaults()


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that driftwatch.yaml says, checked, with paths made absolute.

    `policies` are directories or files, those that decide first standing first. `secrets` are the
    values that must appear in no text.
    """

    path: Path
    data_dir: Path
    reports_dir: Path
    repositories: tuple[Repository, ...]
    environments: tuple[EnvironmentSpec, ...]
    policies: tuple[Path, ...]
    parallelism: int
    retention: timedelta
    release_mirror: str | None = None
    terraform: TerraformDefaults = _UNNAMED
    formats: tuple[str, ...] = ("html", "markdown")
    secrets: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    notifications: Notifications = field(default_factory=Notifications)
    daemon: DaemonSettings = field(default_factory=DaemonSettings)
    web: WebSettings = field(default_factory=WebSettings)
