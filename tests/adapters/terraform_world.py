"""A checkout, a data directory and a real terraform to test the terraform adapter with."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import md5
from pathlib import Path
from typing import Any

from driftwatch.adapters.process import Outcome, run
from driftwatch.adapters.terraform import TerraformCli
from driftwatch.domain.environment import Environment
from driftwatch.ports import Checkout

DIRECTORY = "live/prod"
# An "uploads by others" trap: everything that must never reach terraform.
MODULE = """
terraform {
  backend "local" {}
}

variable "size" {
  default = "small"
}

resource "terraform_data" "thing" {
  input = var.size
}
"""


def program_path() -> str:
    found = shutil.which("terraform")
    assert found is not None, "these tests need a real terraform on the PATH"
    return found


@dataclass(frozen=True)
class World:
    """One repository with one root module, whose state lies outside of it."""

    root: Path
    inherited: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})  # noqa: TID251 - where terraform is
    told: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, root: Path, code: str = MODULE) -> "World":
        world = cls(root)
        world.write("main.tf", code)
        return world

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.root / "checkout", "4f0c2d9")

    @property
    def directory(self) -> Path:
        return self.checkout.path / DIRECTORY

    @property
    def data_dir(self) -> Path:
        return self.root / "data"

    @property
    def state(self) -> Path:
        return self.root / "outside/terraform.tfstate"

    @property
    def environment(self) -> Environment:
        return Environment(
            "prod", "live", DIRECTORY, backend_config=(f"path={self.state}",), binary="terraform"
        )

    def given(self, **variables: str) -> "World":
        return replace(self, inherited={**self.inherited, **variables})

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def program(self, script: str) -> str:
        """Write a program that answers like terraform, but for what the script makes of it."""
        path = self.root / "bin/terraform"
        path.parent.mkdir(exist_ok=True)
        answer = 'if [ "$1" = version ]; then echo \'{"terraform_version": "1.11.4"}\'; exit; fi'
        path.write_text(f"#!/bin/sh\n{answer}\n{script}\nexit 0\n")
        path.chmod(0o755)
        return str(path)

    def cli(self) -> TerraformCli:
        return TerraformCli(self.data_dir, self.inherited)

    def plan(self, **changes: Any) -> dict[str, Any]:
        """Plan as driftwatch does and return the document."""
        self.told.clear()
        environment = replace(self.environment, **changes)
        answer = self.cli().plan(environment, self.checkout, self.told.append)
        document: dict[str, Any] = json.loads(answer.content)
        return document

    def planned(self, **changes: Any) -> Any:
        """Plan, and return what the one resource would be made of."""
        return self.plan(**changes)["resource_changes"][0]["change"]["after"]["input"]

    def apply(self, *arguments: str, workspace: str = "default") -> Outcome:
        """Do by hand what driftwatch never does, and leave no trace in the checkout."""
        copy = self.root / "elsewhere"
        shutil.copytree(self.checkout.path, copy)
        self.state.parent.mkdir(exist_ok=True)
        (self.root / "terraform.tfrc").touch()
        env = {
            "PATH": self.inherited["PATH"],
            "HOME": str(self.root),
            "TF_WORKSPACE": workspace,
            "TF_CLI_CONFIG_FILE": str(self.root / "terraform.tfrc"),
        }
        backend = [f"-backend-config={entry}" for entry in self.environment.backend_config]
        try:
            for command in (
                ["init", *backend],
                ["apply", "-auto-approve", "-no-color", *arguments],
            ):
                outcome = run(
                    [program_path(), *command], cwd=copy / DIRECTORY, env=env, timeout=120
                )
                assert outcome.exit_code == 0, outcome.stderr.decode()
        finally:
            shutil.rmtree(copy)
        return outcome

    def initialised(self) -> bool:
        """Say whether the last plan ran `terraform init`."""
        return "terraform init" in self.told

    def leftovers(self) -> list[Path]:
        """List what runs left behind."""
        return list((self.data_dir / "runs").iterdir())


def snapshot(folder: Path) -> dict[str, str]:
    """Map each file below a folder to the checksum of its content."""
    return {
        str(path.relative_to(folder)): md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def soon(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
