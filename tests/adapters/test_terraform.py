"""The real terraform plans, and nothing is changed by that."""

import json
import os
import shutil
import subprocess  # noqa: TID251 - here the world is made that driftwatch looks at
import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from driftwatch.adapters.terraform import TerraformCli
from driftwatch.domain.environment import AwsRole, Environment
from driftwatch.errors import Cause, CouldNotLook
from driftwatch.ports import Checkout

TERRAFORM = shutil.which("terraform") or "terraform"
PATH = {"PATH": os.pathsep.join([str(Path(TERRAFORM).parent), os.defpath])}
LIVE = Environment("live", "repo", "live", timeout=timedelta(minutes=5))
BACKEND = 'terraform {\n  backend "%s" {}\n}\n'
EMPTY_STATE = '{"version":4,"terraform_version":"1.0.0","serial":1,"lineage":"l","outputs":{%s}}'
PROVIDER = """
    terraform {
      required_providers {
        canary = { source = "driftwatch/canary" }
      }
    }
    provider "canary" {}
"""
SYSTEMS = ("linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64")
MAIN = """
    variable "size" { default = "small" }
    resource "terraform_data" "server" { input = var.size }
    output "size" { value = terraform_data.server.output }
"""


class World:
    """A repository, a home and a data directory, all in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.repo, self.data = folder, folder / "repo", folder / "data"
        self.home = folder / "home"
        self.home.mkdir()
        self.progress: list[str] = []
        self.inherited = {**PATH, "HOME": str(self.home)}
        self.write("live/main.tf", MAIN)

    def write(self, name: str, text: str) -> Path:
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def apply(self, *arguments: str, directory: str = "live") -> None:
        for command in (["init"], ["apply", "-auto-approve", *arguments]):
            argv = [TERRAFORM, *command, "-input=false", "-no-color"]
            folder = self.repo / directory
            subprocess.run(argv, cwd=folder, env=self.inherited, check=True, capture_output=True)
        shutil.rmtree(self.repo / directory / ".terraform", ignore_errors=True)

    def plan(self, environment: Environment = LIVE, **inherited: str) -> dict[str, Any]:
        self.progress.clear()
        cli = TerraformCli(self.data, {**self.inherited, **inherited})
        checkout = Checkout(self.repo, "0" * 40)
        document = cli.plan(environment, checkout, self.progress.append)
        self.tool = document.tool
        found: dict[str, Any] = json.loads(document.content)
        return found

    def refusal(self, environment: Environment = LIVE, **inherited: str) -> CouldNotLook:
        with pytest.raises(CouldNotLook) as caught:
            self.plan(environment, **inherited)
        return caught.value

    def files(self) -> Mapping[str, bytes]:
        found = (path for path in self.repo.rglob("*") if path.is_file())
        return {path.relative_to(self.repo).as_posix(): path.read_bytes() for path in found}

    def stand_in(self, script: str) -> Environment:
        """Make a program that answers `version` like terraform, and otherwise does as told."""
        path = self.folder / "stand-in"
        answer = """if [ "$1" = version ]; then echo '{"terraform_version":"1.11.4"}'; exit; fi"""
        path.write_text(f"#!/bin/sh\n{answer}\nif [ $1 = init ]; then exit; fi\n{script}\n")
        path.chmod(0o755)
        return replace(LIVE, binary=str(path))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def values(document: dict[str, Any]) -> dict[str, Any]:
    outputs: dict[str, Any] = document["planned_values"]["outputs"]
    return {name: output.get("value") for name, output in outputs.items()}


def test_a_plan_comes_back_as_a_document_with_the_tool_that_made_it(world: World) -> None:
    world.apply()
    document = world.plan()
    assert document["errored"] is False
    assert document["resource_changes"][0]["change"]["actions"] == ["no-op"]
    assert world.tool == f"terraform {document['terraform_version']}"


def test_looking_changes_no_file_and_leaves_no_plan_behind(world: World) -> None:
    world.apply()
    before = world.files()
    world.plan(replace(LIVE, variables={"size": "large"}))
    assert world.files() == before
    assert list((world.data / "runs").iterdir()) == []
    assert not list(world.data.rglob("*.tfstate"))
    assert not list(world.data.rglob("plan.bin"))


def test_progress_tells_what_is_done_now(world: World) -> None:
    world.apply()
    world.plan()
    assert world.progress[0] == "terraform init"
    assert "refreshing terraform_data.server" in world.progress


def test_everything_in_the_data_directory_is_private(world: World) -> None:
    world.plan()
    folders = [path for path in world.data.rglob("*") if path.is_dir()]
    assert folders
    for path in (*folders, world.data / "terraform.tfrc"):
        assert path.stat().st_mode & 0o077 == 0


def test_only_named_var_files_and_variables_count(world: World) -> None:
    world.write("live/large.tfvars", 'size = "large"')
    world.write("live/other.tfvars", 'size = "wrong"')
    large = replace(LIVE, var_files=("large.tfvars",))
    assert world.plan(large)["variables"]["size"]["value"] == "large"
    assert world.plan()["variables"]["size"]["value"] == "small"
    given = replace(LIVE, variables={"size": "huge"})
    assert world.plan(given)["variables"]["size"]["value"] == "huge"


def test_names_that_look_like_options_are_only_names(world: World) -> None:
    world.write("live/-destroy", 'size = "large"')
    document = world.plan(replace(LIVE, var_files=("-destroy",)))
    assert document["variables"]["size"]["value"] == "large"


def test_init_is_skipped_until_something_that_it_depends_on_changes(world: World) -> None:
    def initialised(environment: Environment = LIVE) -> bool:
        world.plan(environment)
        return "terraform init" in world.progress

    world.write("modules/one/main.tf", 'output "x" { value = 1 }')
    world.write("live/module.tf", 'module "one" { source = "../modules/one" }')
    assert initialised()
    assert not initialised()
    world.write("modules/one/main.tf", 'output "x" { value = 2 }')
    assert initialised()
    world.write("live/main.tf", MAIN + "# changed\n")
    assert initialised()
    assert initialised(replace(LIVE, name="other"))
    assert not initialised()
    assert not initialised(replace(LIVE, name="other"))


def test_data_that_was_lost_is_made_again(world: World) -> None:
    world.write("modules/one/main.tf", 'output "x" { value = 1 }')
    world.write("live/module.tf", 'module "one" { source = "../modules/one" }')
    world.plan()
    for folder in (world.data / "terraform").glob("*/data/modules"):
        shutil.rmtree(folder)
    assert world.plan()["errored"] is False
    assert world.progress.count("terraform init") == 1


def test_the_backend_is_the_configured_one_each_time(world: World) -> None:
    world.write("live/backend.tf", BACKEND % "local")
    world.write("live/b.hcl", 'path = "b.tfstate"')
    for name in "ab":
        output = f'"size":{{"value":"{name}","type":"string"}}'
        world.write(f"live/{name}.tfstate", EMPTY_STATE % output)

    def recorded(*backend: str) -> Any:
        environment = replace(LIVE, backend_config=backend)
        return world.plan(environment)["output_changes"]["size"]["before"]

    assert recorded("path=a.tfstate") == "a"
    assert recorded("b.hcl") == "b"
    world.write("live/b.hcl", 'path = "a.tfstate"')
    assert recorded("b.hcl") == "a"


def test_a_workspace_is_the_named_one(world: World) -> None:
    subprocess.run(
        [TERRAFORM, "workspace", "new", "blue"],
        cwd=world.repo / "live",
        env=world.inherited,
        check=True,
        capture_output=True,
    )
    world.apply("-var=size=blue")
    document = world.plan(replace(LIVE, workspace="blue"))
    assert document["prior_state"]["values"]["outputs"]["size"]["value"] == "blue"


@pytest.mark.parametrize("extra", ["", 'data "terraform_remote_state" "x" {\n%s\n}'])
def test_a_workspace_that_does_not_exist_is_an_error_and_is_not_made(
    world: World, extra: str
) -> None:
    settings = 'backend = "local"\nconfig = { path = "other.tfstate" }'
    world.write("live/other.tfstate", EMPTY_STATE % "")
    world.write("live/data.tf", extra.replace("%s", settings))
    world.apply()
    before = world.files()
    error = world.refusal(replace(LIVE, workspace="nosuch"))
    assert error.cause is Cause.CONFIGURATION
    assert "The workspace nosuch holds no state" in error.message
    assert world.files() == before


def test_the_environment_is_built_from_nothing(world: World) -> None:
    world.write("live/main.tf", 'output "env" { value = file("/proc/self/environ") }')
    environment = replace(
        LIVE,
        env={"OWN": "own", "TF_CLI_ARGS_plan": "-destroy", "TF_LOG": "trace"},
        inherit_env=("WANTED", "ABSENT", "TF_WORKSPACE"),
        variables={"size": "large"},
    )
    document = world.plan(
        environment,
        WANTED="wanted",
        UNWANTED="unwanted",
        AWS_ACCESS_KEY_ID="AKIA",
        AWS_ENDPOINT_URL_S3="http://127.0.0.1:9",
        TF_CLI_ARGS="-lock=true",
        TF_WORKSPACE="other",
        TF_VAR_size="wrong",
        TF_PLUGIN_CACHE_DIR="/nowhere",
        LD_PRELOAD="/nowhere.so",
        HTTPS_PROXY="http://127.0.0.1:9",
    )
    pairs = (pair.partition("=") for pair in values(document)["env"].split("\0") if pair)
    found = {name: value for name, _, value in pairs}
    kept = ("OWN", "WANTED", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_S3", "TF_VAR_size")
    assert [found[name] for name in kept] == [
        "own",
        "wanted",
        "AKIA",
        "http://127.0.0.1:9",
        "large",
    ]
    assert found["HTTPS_PROXY"] == "http://127.0.0.1:9"
    assert found["TF_IN_AUTOMATION"] == found["CHECKPOINT_DISABLE"] == "1"
    assert found["HOME"].startswith(str(world.data / "runs"))
    unwanted = ("UNWANTED", "ABSENT", "TF_LOG", "TF_WORKSPACE", "TF_PLUGIN_CACHE_DIR", "LD_PRELOAD")
    assert not set(unwanted) & set(found)
    assert not any(name.startswith("TF_CLI_ARGS") for name in found)


def test_the_operators_cloud_logins_stay_usable_from_a_home_of_its_own(world: World) -> None:
    (world.home / ".aws").mkdir()
    (world.home / ".aws/config").write_text("[default]\n")
    world.write("live/main.tf", 'output "x" { value = fileexists(pathexpand("~/.aws/config")) }')
    assert values(world.plan()) == {"x": True}
    assert (world.home / ".aws/config").exists()


def install_provider(world: World, version: str = "1.0.0") -> None:
    """Put a provider into the operator's own mirror; it can be installed, but not used."""
    world.write("live/main.tf", PROVIDER)
    for system in SYSTEMS:
        mirror = world.home / ".terraform.d/plugins/registry.terraform.io/driftwatch/canary"
        path = mirror / version / system / f"terraform-provider-canary_v{version}"
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\nexit 1\n")
        path.chmod(0o755)


def test_a_provider_comes_from_the_operators_mirror_and_stays_installed(world: World) -> None:
    install_provider(world)
    for told in (["terraform init"], []):
        world.inherited["HTTPS_PROXY"] = "http://127.0.0.1:9"
        error = world.refusal()
        assert error.cause is Cause.PROVIDER
        assert error.command[1] == "plan"  # so it was installed, only to be found useless
        assert world.progress == told
        # As in a fresh checkout; the next check keeps to what the last one chose.
        (world.repo / "live/.terraform.lock.hcl").unlink()


def test_a_committed_lock_file_is_obeyed_and_left_as_it_is(world: World) -> None:
    install_provider(world)
    world.refusal()
    lock_file = world.repo / "live/.terraform.lock.hcl"
    committed = lock_file.read_text()
    assert "1.0.0" in committed
    install_provider(world, "1.1.0")
    world.refusal(replace(LIVE, name="again"))
    assert lock_file.read_text() == committed
    installed = (world.data / "terraform").glob("*/data/providers/*/*/*/*")
    assert {path.name for path in installed} == {"1.0.0"}


def test_a_lock_file_that_does_not_fit_the_code_is_an_error(world: World) -> None:
    install_provider(world)
    world.write("live/.terraform.lock.hcl", "# nothing is locked\n")
    error = world.refusal()
    assert error.command[1] == "init"
    assert "lock file does not fit" in error.message
    assert (world.repo / "live/.terraform.lock.hcl").read_text() == "# nothing is locked\n"


def test_what_the_mirrors_lack_is_asked_from_the_registry(world: World) -> None:
    install_provider(world)
    newer = PROVIDER.replace('driftwatch/canary" }', 'driftwatch/canary", version = "2.0.0" }')
    world.write("live/main.tf", newer)
    error = world.refusal(HTTPS_PROXY="http://127.0.0.1:9")
    assert error.cause is Cause.PROVIDER
    assert "127.0.0.1:9" in error.detail


CANARY = "terraform.d/plugins/registry.terraform.io/driftwatch/canary/9.9.9"


def test_a_provider_that_a_repository_ships_is_never_run(world: World) -> None:
    canary = world.folder / "canary-was-run"
    script = f"#!/bin/sh\ntouch {canary}\n"
    world.write("live/main.tf", PROVIDER)
    for system in SYSTEMS:
        path = world.write(f"live/{CANARY}/{system}/terraform-provider-canary_v9.9.9", script)
        path.chmod(0o755)
    with_own_way = world.inherited | {"HTTPS_PROXY": "http://127.0.0.1:9"}
    init = [TERRAFORM, "init", "-input=false"]
    honest = subprocess.run(
        init, cwd=world.repo / "live", env=with_own_way, check=False, capture_output=True
    )
    assert honest.returncode == 0  # left to itself, terraform takes it
    shutil.rmtree(world.repo / "live/.terraform")
    (world.repo / "live/.terraform.lock.hcl").unlink()
    error = world.refusal(HTTPS_PROXY="http://127.0.0.1:9")
    assert error.cause is Cause.PROVIDER
    assert not canary.exists()


def test_a_committed_terraform_directory_is_not_used(world: World) -> None:
    world.apply()
    outside = world.folder / "outside"
    outside.mkdir()
    (world.repo / "live/.terraform").symlink_to(outside)
    world.write("live/.terraform/terraform.tfstate", '{"version":3,"backend":{"type":"s3"}}')
    world.write("live/.terraform/environment", "other")
    before = sorted(outside.iterdir())
    assert world.plan()["resource_changes"][0]["change"]["actions"] == ["no-op"]
    assert sorted(outside.iterdir()) == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"directory": "nosuch"}, "no directory nosuch"),
        ({"directory": "live/main.tf"}, "no directory live/main.tf"),
        ({"directory": "../home"}, "leads out of the repository"),
        ({"directory": "way-out"}, "leads out of the repository"),
        ({"directory": "loop"}, "loop"),
        ({"directory": "a\0b"}, "is not a path"),
        ({"var_files": ("nosuch.tfvars",)}, "no var-file nosuch.tfvars in live"),
        ({"var_files": ("../../home/x.tfvars",)}, "leads out of the repository"),
        ({"backend_config": ("nosuch.hcl",)}, "no backend-config nosuch.hcl in live"),
        ({"binary": "no-such-terraform"}, "no program no-such-terraform"),
    ],
)
def test_what_is_not_there_is_named(world: World, change: dict[str, Any], says: str) -> None:
    (world.repo / "way-out").symlink_to(world.home)
    (world.repo / "loop").symlink_to(world.repo / "loop")
    (world.home / "x.tfvars").write_text("")
    error = world.refusal(replace(LIVE, **change))
    assert error.cause is Cause.CONFIGURATION
    assert says in error.message


@pytest.mark.parametrize(
    ("code", "cause", "says"),
    [
        ("resource {", Cause.CONFIGURATION, "Error:"),
        ('variable "must" {}', Cause.CONFIGURATION, '"must"'),
        ('output "x" { value = nosuch.thing }', Cause.CONFIGURATION, "main.tf:1"),
        ('module "x" { source = "./nosuch" }', Cause.CONFIGURATION, "nosuch"),
        (BACKEND % "nosuch", Cause.CONFIGURATION, "nosuch"),
    ],
)
def test_code_that_cannot_be_planned_is_an_error_with_terraforms_own_words(
    world: World, code: str, cause: Cause, says: str
) -> None:
    world.write("live/main.tf", code)
    error = world.refusal()
    assert error.cause is cause
    assert says in error.detail
    assert error.exit_code == 1
    assert error.command[0] == TERRAFORM
    assert not error.retryable or cause is not Cause.CONFIGURATION or "odule" in error.message


def test_code_for_another_version_is_an_error_that_names_it(world: World) -> None:
    world.write("live/main.tf", MAIN)
    world.write("modules/x/main.tf", 'terraform { required_version = "< 0.13" }')
    world.write("live/module.tf", 'module "x" { source = "../modules/x" }')
    error = world.refusal()
    assert error.cause is Cause.TERRAFORM
    assert "another version" in error.message
    assert "< 0.13" in error.detail


def test_a_state_of_a_newer_terraform_is_an_error_that_says_so(world: World) -> None:
    state = {"version": 4, "terraform_version": "99.0.0", "serial": 1, "lineage": "l"}
    world.write("live/terraform.tfstate", json.dumps({**state, "version": 5}))
    error = world.refusal()
    assert (error.cause, error.retryable) == (Cause.STATE, False)
    assert "newer" in error.message


def test_a_plan_with_an_error_in_it_is_no_document(world: World) -> None:
    world.write("live/main.tf", MAIN + 'output "x" { value = file("nosuch") }')
    assert world.refusal().exit_code == 1


@pytest.mark.parametrize(
    ("script", "cause", "says"),
    [
        ("kill -KILL $$", Cause.MACHINE, "memory"),
        ("kill -SEGV $$", Cause.TERRAFORM, "crashed"),
        ("echo 'fatal error: stack overflow' >&2; exit 2", Cause.TERRAFORM, "crashed"),
        ("exit 2", Cause.TERRAFORM, "failed"),
        ("exec sleep 300", Cause.TIMEOUT, "2 seconds"),
        ("echo ExpiredToken: no >&2; exit 1", Cause.CREDENTIALS, "expired"),
        ("echo 'Error: Plugin did not respond' >&2; exit 1", Cause.PROVIDER, "crashed"),
    ],
)
def test_a_program_that_fails_is_no_drift(
    world: World, script: str, cause: Cause, says: str
) -> None:
    error = world.refusal(replace(world.stand_in(script), timeout=timedelta(seconds=2)))
    assert error.cause is cause
    assert says in error.message
    assert list((world.data / "runs").iterdir()) == []


def test_a_plan_that_exits_well_without_a_plan_is_no_document(world: World) -> None:
    error = world.refusal(world.stand_in("if [ $1 = show ]; then echo none >&2; exit 1; fi"))
    assert error.detail == "none"


def test_of_a_flood_of_messages_the_end_is_kept(world: World) -> None:
    flood = "head -c 100000000 /dev/zero; seq 1000000 >&2; echo 'Error: the reason' >&2; exit 1"
    error = world.refusal(world.stand_in(flood))
    assert error.detail.endswith("Error: the reason")
    assert len(error.detail) <= 4000


def test_all_commands_together_keep_to_the_time_limit(world: World) -> None:
    slow = world.stand_in("if [ $1 = plan ]; then sleep 2; else exec sleep 300; fi")
    error = world.refusal(replace(slow, timeout=timedelta(seconds=4)))
    assert error.cause is Cause.TIMEOUT


def test_environments_can_be_planned_at_once_even_the_same_one(world: World) -> None:
    world.apply()
    cli = TerraformCli(world.data, world.inherited)
    checkout, found = Checkout(world.repo, "0" * 40), []

    def plan(environment: Environment) -> None:
        found.append(cli.plan(environment, checkout, lambda _: None))

    names = ["live", "live", "live", "two", "three"]
    threads = [threading.Thread(target=plan, args=(replace(LIVE, name=n),)) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(names)


def test_what_a_crash_left_is_swept_at_the_next_start(world: World) -> None:
    left = world.data / "runs/left"
    left.mkdir(parents=True)
    (left / ".alive").touch()
    (left / "plan.bin").write_text("secret")
    TerraformCli(world.data, world.inherited)
    assert not left.exists()


def test_credentials_are_described_by_where_they_come_from(world: World) -> None:
    def told(environment: Environment = LIVE, **inherited: str) -> str:
        return TerraformCli(world.data, {**world.inherited, **inherited}).credentials(environment)

    assert told() == "from the machine, if there are any"
    assert told(AWS_PROFILE="fleet", AWS_REGION="x") == "from AWS_PROFILE"
    assert told(replace(LIVE, env={"AWS_PROFILE": "x"})) == "from its configuration"
    role = replace(LIVE, aws=AwsRole("no-arn"))
    with pytest.raises(CouldNotLook, match="could not be assumed"):
        told(role, AWS_ENDPOINT_URL="http://127.0.0.1:9")
