"""Gives one check its place: private folders, an environment of its own, one limit of time."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from driftwatch.adapters.process import Outcome, run
from driftwatch.adapters.releases import Program
from driftwatch.adapters.scratch import make_private
from driftwatch.adapters.terraform_argv import guarded
from driftwatch.adapters.terraform_data import DataDirectory
from driftwatch.adapters.terraform_errors import explain_failure
from driftwatch.domain.environment import Environment
from driftwatch.errors import CouldNotLook

# A home of its own keeps a run from writing into the operator's; these logins it may still use.
_CLOUD_LOGINS = (".aws", ".azure", ".config/gcloud")
_REGISTRY_LOGINS = (".terraform.d/credentials.tfrc.json",)


@dataclass(frozen=True, slots=True)
class Ran:
    """One command of terraform that came to an end."""

    argv: Sequence[str]
    outcome: Outcome
    timeout: float

    @property
    def succeeded(self) -> bool:
        """Say whether it did what it was told."""
        return self.outcome.exit_code == 0 and not self.outcome.timed_out

    def failure(self) -> CouldNotLook:
        """Explain why it did not."""
        return explain_failure(self.argv, self.outcome, self.timeout)


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where one check runs: the code, a private folder, kept data, environment and program.

    `timeout` is in seconds for all commands together, `deadline` on the monotonic clock.
    """

    environment: Environment
    directory: Path
    folder: Path
    data: DataDirectory
    program: Program
    env: Mapping[str, str] = field(repr=False)
    timeout: float
    deadline: float

    @property
    def plan_file(self) -> Path:
        """The plan as terraform writes it; it holds secrets."""
        return self.folder / "plan.bin"

    @property
    def facts(self) -> dict[str, str]:
        """What init depends on besides the code."""
        cli = Path(self.env["TF_CLI_CONFIG_FILE"]).read_text(encoding="utf-8")
        return {"tool": self.program.name, "version": self.program.version, "cli": cli}

    def with_env(self, **variables: str) -> "Workplace":
        """Return the same place with some variables set."""
        return replace(self, env={**self.env, **variables})

    def terraform(
        self,
        arguments: Sequence[str],
        *,
        limit: int = 8 << 20,
        on_line: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Run terraform in the time that is left; `limit` is in bytes of output."""
        argv = guarded(self.program.path, arguments)
        outcome = run(
            argv,
            cwd=self.directory,
            env=self.env,
            timeout=max(0.0, self.deadline - time.monotonic()),
            max_output=limit,
            on_line=on_line,
        )
        return Ran(argv, outcome, self.timeout)


def furnish(folder: Path, inherited: Mapping[str, str], *, cloud_logins: bool) -> dict[str, str]:
    """Lay out a home; returns the variable that names it."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    theirs = Path(inherited.get("HOME", "/"))
    for name in (*_REGISTRY_LOGINS, *(_CLOUD_LOGINS if cloud_logins else ())):
        if (theirs / name).exists():
            make_private((home / name).parent)
            (home / name).symlink_to(theirs / name)
    return {"HOME": str(home)}
