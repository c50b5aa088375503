"""The only place that applies: Terraform, pointed at the embedded cloud on loopback."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from driftwatch.adapters.process import run
from driftwatch.adapters.terraform_environment import environment_of
from driftwatch.demo.cloud import Cloud, require_loopback
from driftwatch.demo.failure import WorldError
from driftwatch.domain.environment import Environment

_SECONDS = 900.0  # the first init may have to fetch a provider of 150 MB


@dataclass(frozen=True, slots=True)
class DemoTerraform:
    """A terraform or tofu binary that reaches the embedded cloud and nothing else of AWS.

    `root` holds its data. `inherited` is what it may see of the user's environment: it must hold
    nothing of AWS's. `variables` are Terraform's input variables.
    """

    binary: str
    cloud: Cloud
    root: Path
    cli_config: Path
    inherited: Mapping[str, str]
    variables: Mapping[str, str]

    def init(self, directory: Path) -> None:
        """Initialise a root module; its data stays out of the work tree."""
        self._run(directory, "init", "-input=false", "-no-color")

    def apply(self, directory: Path) -> None:
        """Apply a root module to the embedded cloud. Refuses any endpoint but loopback."""
        require_loopback(self.environment(directory)["AWS_ENDPOINT_URL"])
        self._run(directory, "apply", "-input=false", "-no-color", "-auto-approve")

    def environment(self, directory: Path) -> dict[str, str]:
        """Build the whole environment that terraform gets."""
        foreign = [name for name in self.inherited if name.startswith(("AWS_", "TF_"))]
        if foreign:
            raise WorldError(f"The demo does not take {', '.join(foreign)} from its user")
        checked = Environment(
            name=directory.name,
            repository="live",
            directory=".",
            variables=self.variables,
            env=self.cloud.variables,
        )
        return {
            **environment_of(checked, self.inherited, {}),
            **self.cloud.variables,  # the user's own AWS files are found through HOME otherwise
            "HOME": str(self.root),
            "TF_CLI_CONFIG_FILE": str(self.cli_config),
            "TF_DATA_DIR": str(self.root / "terraform" / "-".join(directory.parts[-2:])),
        }

    def _run(self, directory: Path, command: str, *arguments: str) -> None:
        outcome = run(
            (self.binary, command, *arguments),
            cwd=directory,
            env=self.environment(directory),
            timeout=_SECONDS,
        )
        if outcome.exit_code != 0 or outcome.timed_out:
            how = "took too long" if outcome.timed_out else f"exit code {outcome.exit_code}"
            end = outcome.stderr[-2000:].decode(errors="replace")
            raise WorldError(f"{self.binary} {command} failed in {directory} ({how}):\n{end}")
