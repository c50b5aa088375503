"""Neither a repository nor the surroundings can make terraform run or read something else."""

import json
import platform
from pathlib import Path

import pytest

from driftwatch.adapters.process import run
from driftwatch.errors import Cause, CouldNotLook
from tests.adapters.terraform_world import MODULE, World, program_path, snapshot

# A registry that nobody serves, so that only what lies around here could be installed.
SOURCE = "localhost:1/evil/canary"
NEEDS_PROVIDER = f"""
terraform {{
  required_providers {{
    canary = {{
      source = "{SOURCE}"
    }}
  }}
}}

resource "canary_bird" "it" {{}}
"""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
PLATFORM = f"{platform.system().lower()}_{_MACHINES.get(platform.machine(), platform.machine())}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def canary(world: World) -> Path:
    return world.root / "canary"


def plant_provider(world: World, folder: str) -> None:
    """Write a program that looks like a provider, and tells when somebody runs it."""
    name = f"{folder}/{SOURCE}/1.0.0/{PLATFORM}/terraform-provider-canary_v1.0.0"
    world.write(name, f"#!/bin/sh\ntouch {canary(world)}\n").chmod(0o755)


def refused_provider(world: World, **changes: object) -> None:
    with pytest.raises(CouldNotLook) as caught:
        world.plan(backend_config=(), **changes)
    assert caught.value.cause is Cause.PROVIDER
    assert not canary(world).exists()


def test_a_provider_that_the_repository_ships_is_never_run(world: World) -> None:
    world.write("main.tf", NEEDS_PROVIDER)
    plant_provider(world, "terraform.d/plugins")
    refused_provider(world)
    bare(world, "init")  # terraform by itself would install it, and run it:
    bare(world, "plan")
    assert canary(world).exists()


def bare(world: World, *arguments: str) -> int:
    env = {"PATH": world.inherited["PATH"], "HOME": str(world.root)}
    return run([program_path(), *arguments], cwd=world.directory, env=env, timeout=120).exit_code


def test_a_data_directory_that_the_repository_ships_is_never_used(world: World) -> None:
    world.write("main.tf", NEEDS_PROVIDER)
    plant_provider(world, ".terraform/providers")
    refused_provider(world)


def test_a_backend_and_a_workspace_that_the_repository_ships_are_never_used(world: World) -> None:
    world.apply()
    backend = {"type": "local", "config": {"path": "decoy.tfstate"}, "hash": 1}
    pointer = {"version": 3, "terraform_version": "1.11.4", "backend": backend}
    world.write(".terraform/terraform.tfstate", json.dumps(pointer))
    world.write(".terraform/environment", "decoy")
    assert world.plan()["resource_changes"][0]["change"]["actions"] == ["no-op"]


@pytest.mark.parametrize("old", ["{ no state", "small", "huge"])
def test_a_state_that_the_repository_ships_is_not_taken_for_the_backends(
    world: World, old: str
) -> None:
    world.apply()
    real = snapshot(world.state.parent)
    decoy = world.state.read_text().replace("small", old) if "{" not in old else old
    world.write("terraform.tfstate", decoy)
    for _ in range(2):
        assert world.plan()["resource_changes"][0]["change"]["actions"] == ["no-op"]
    assert snapshot(world.state.parent) == real
    world.state.unlink()
    assert world.plan()["resource_changes"][0]["change"]["actions"] == ["create"]
    assert not world.state.exists()


@pytest.mark.parametrize("name", [".terraformrc", "terraform.rc", "../../.terraformrc"])
def test_settings_that_the_repository_ships_are_never_read(world: World, name: str) -> None:
    world.write("main.tf", NEEDS_PROVIDER)
    plant_provider(world, "mirror")
    mirror = world.directory / "mirror"
    world.write(
        name, f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    )
    refused_provider(world)


@pytest.mark.parametrize(
    "name", ["TF_CLI_ARGS", "TF_CLI_ARGS_init", "TF_CLI_ARGS_plan", "TF_CLI_ARGS_show"]
)
def test_arguments_in_the_surroundings_have_no_effect(world: World, name: str) -> None:
    assert world.given(**{name: "-no-such-flag"}).planned() == "small"
    assert world.planned(env={name: "-no-such-flag"}) == "small"
    assert world.given(**{name: "-no-such-flag"}).planned(inherit_env=(name,)) == "small"


def test_a_log_of_everything_is_never_written(world: World) -> None:
    log = world.root / "trace.log"
    surroundings = {"TF_LOG": "trace", "TF_LOG_PATH": str(log), "TF_LOG_CORE": "trace"}
    assert world.given(**surroundings).planned() == "small"
    assert world.planned(env=surroundings) == "small"
    assert not log.exists()


def test_a_workspace_in_the_surroundings_has_no_effect(world: World) -> None:
    world.apply()
    for plan in (
        world.given(TF_WORKSPACE="elsewhere").plan(),
        world.plan(env={"TF_WORKSPACE": "elsewhere"}),
    ):
        assert plan["resource_changes"][0]["change"]["actions"] == ["no-op"]


def test_a_data_directory_in_the_surroundings_is_not_touched(world: World) -> None:
    theirs = world.root / "theirs"
    world.given(TF_DATA_DIR=str(theirs)).plan(env={"TF_DATA_DIR": str(theirs)})
    assert not theirs.exists()


def test_a_plan_does_not_run_what_only_an_apply_would(world: World) -> None:
    provisioner = (
        'resource "terraform_data" "run" {\n  provisioner "local-exec" {\n'
        f'    command = "touch {canary(world)}"\n  }}\n}}\n'
    )
    world.write("main.tf", MODULE + provisioner)
    world.plan()
    assert not canary(world).exists()


def test_names_in_the_configuration_never_reach_a_shell_or_another_flag(world: World) -> None:
    hostile = f"-destroy $(touch {canary(world)}) `touch {canary(world)}`;.tfvars"
    name = hostile.replace("/", "_")
    world.write(name, 'size = "quoted"\n')
    assert world.planned(var_files=(name,)) == "quoted"
    assert world.planned(variables={"size": f"$(touch {canary(world)})"}).startswith("$(")
    assert not canary(world).exists()
