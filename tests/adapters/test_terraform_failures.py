"""A plan that cannot be made says why, and is never taken for a document."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from driftwatch.domain.masking import Masker
from driftwatch.domain.plan import parse_plan
from driftwatch.errors import Cause, CouldNotLook
from driftwatch.ports import Checkout
from tests.adapters.terraform_world import MODULE, World, program_path, soon

UNREACHABLE = "http://127.0.0.1:1"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def refusal(world: World, **changes: object) -> CouldNotLook:
    with pytest.raises(CouldNotLook) as caught:
        world.plan(**changes)
    runs = world.data_dir / "runs"
    assert not runs.exists() or world.leftovers() == []
    return caught.value


def configuration(world: World, **changes: object) -> str:
    error = refusal(world, **changes)
    assert error.cause is Cause.CONFIGURATION
    return error.message


def test_a_missing_directory(world: World) -> None:
    message = configuration(world, directory="live/gone")
    assert message == "There is no directory live/gone in the repository."


def test_a_missing_var_file(world: World) -> None:
    message = configuration(world, var_files=("gone.tfvars",))
    assert message == "There is no var-file gone.tfvars in live/prod."


def test_a_missing_backend_config_file(world: World) -> None:
    message = configuration(world, backend_config=("gone.hcl",))
    assert message == "There is no backend-config gone.hcl in live/prod."


@pytest.mark.parametrize("path", ["..", "../outside", "/", "/etc", "live/../../outside", "way-out"])
def test_a_directory_that_leads_out_of_the_checkout(world: World, path: str) -> None:
    (world.root / "outside").mkdir()
    (world.checkout.path / "way-out").symlink_to(world.root / "outside")
    assert configuration(world, directory=path) == (
        f"The directory {path} leads out of the repository."
    )


@pytest.mark.parametrize("path", ["../../../secret.tfvars", "way-out", "{root}/secret.tfvars"])
def test_a_var_file_that_leads_out_of_the_checkout(world: World, path: str) -> None:
    (world.root / "secret.tfvars").write_text('size = "stolen"\n')
    (world.directory / "way-out").symlink_to(world.root / "secret.tfvars")
    path = path.format(root=world.root)
    # With an absolute path, a namesake in the checkout must not stand in for it.
    world.write("./" + path.lstrip("./"), 'size = "decoy"\n') if path.startswith("/") else None
    message = configuration(world, var_files=(path,))
    assert message == f"The var-file {path} leads out of the repository."


def test_a_path_that_is_none(world: World) -> None:
    assert "is not a path" in configuration(world, directory="live\0prod")
    (world.checkout.path / "round").symlink_to("round")
    assert "round" in configuration(world, directory="round")


def test_a_missing_program(world: World) -> None:
    message = configuration(world, binary="no-such-terraform")
    assert message == "There is no program no-such-terraform on the PATH."


def test_a_program_that_is_not_terraform(world: World) -> None:
    error = refusal(world, binary="true")
    assert error.cause is Cause.MACHINE
    assert error.message.endswith("does not answer like terraform or tofu.")


def test_a_workspace_that_does_not_exist(world: World) -> None:
    world.apply()
    assert "The workspace nowhere " in configuration(world, workspace="nowhere")


def test_a_program_of_another_version_than_the_code_requires(world: World) -> None:
    world.write("versions.tf", 'terraform {\n  required_version = "~> 0.12.0"\n}\n')
    message = configuration(world, binary=program_path())
    assert message.endswith("is not the version that the environment asks for: ~> 0.12.0.")


def test_a_module_that_requires_another_version(world: World) -> None:
    world.write("main.tf", MODULE + 'module "old" {\n  source = "./old"\n}\n')
    world.write("old/main.tf", 'terraform {\n  required_version = "~> 0.12.0"\n}\n')
    error = refusal(world)
    assert error.cause is Cause.TERRAFORM
    assert error.message == "The code requires another version of Terraform."
    assert "old/main.tf" in error.detail


@pytest.mark.parametrize(
    "code",
    [
        'resource "terraform_data" "open" {\n',
        'resource "terraform_data" "bad" {\n  nonsense = 1\n}\n',
        'output "bad" {\n  value = var.undeclared\n}\n',
        'resource "terraform_data" "thing" {\n}\n',
        'variable "required" {}\n',
        "\0\0\0",
        "resource \xff\n",
    ],
)
def test_code_that_makes_no_plan(world: World, code: str) -> None:
    world.write("bad.tf", code)
    error = refusal(world)
    assert (error.cause, error.message) == (
        Cause.CONFIGURATION,
        "The code does not make a valid plan.",
    )
    assert "bad.tf" in error.detail
    assert error.exit_code == 1
    assert error.command[1] in ("init", "plan")


def test_a_module_that_is_not_there(world: World) -> None:
    world.write("main.tf", MODULE + 'module "gone" {\n  source = "./gone"\n}\n')
    assert refusal(world).cause is Cause.CONFIGURATION


def test_a_state_that_cannot_be_read(world: World) -> None:
    world.state.parent.mkdir()
    world.state.write_text("{ not a state")
    assert refusal(world).cause is Cause.STATE


def test_a_state_of_the_future(world: World) -> None:
    world.apply()
    state = json.loads(world.state.read_text())
    world.state.write_text(json.dumps(state | {"version": 99}))
    error = refusal(world)
    assert error.cause is Cause.STATE
    assert "newer Terraform" in error.message


def test_a_plan_that_never_ends(world: World) -> None:
    program = world.program('[ "$1" = plan ] && exec sleep 300')
    started = time.monotonic()
    error = refusal(world, binary=program, timeout=soon(3))
    assert (error.cause, error.retryable) == (Cause.TIMEOUT, True)
    assert error.message == "Terraform was not done after 3 seconds."
    assert time.monotonic() - started < 100


def test_a_plan_that_crashes_without_a_word(world: World) -> None:
    error = refusal(world, binary=world.program('[ "$1" = plan ] && exit 2'))
    assert (error.cause, error.message) == (Cause.TERRAFORM, "Terraform failed.")
    assert error.exit_code == 2


def test_a_plan_that_panics(world: World) -> None:
    script = '[ "$1" = plan ] && { echo "panic: runtime error: index out of range" >&2; exit 11; }'
    error = refusal(world, binary=world.program(script))
    assert (error.cause, error.message) == (Cause.TERRAFORM, "Terraform crashed.")
    assert "index out of range" in error.detail


def test_a_plan_that_succeeds_without_a_plan_file(world: World) -> None:
    script = f'case "$1" in plan) ;; *) exec {program_path()} "$@" ;; esac'
    error = refusal(world, binary=world.program(script))
    assert (error.cause, error.retryable) == (Cause.PLAN, True)
    assert error.command[1] == "show"


def test_a_plan_that_is_killed(world: World) -> None:
    error = refusal(world, binary=world.program('[ "$1" = plan ] && kill -9 $$'))
    assert (error.cause, error.retryable) == (Cause.MACHINE, True)
    assert error.message == "Terraform was killed; the machine may be short of memory."


def test_an_init_that_is_killed_is_run_again(world: World) -> None:
    program = world.program('[ "$1" = init ] && kill -9 $$')
    assert refusal(world, binary=program).cause is Cause.MACHINE
    world.program(f'exec {program_path()} "$@"')
    assert world.planned(binary=program) == "small"


@pytest.mark.parametrize("garbage", ["", "Success!", "{", "[]", '{"format_version":"1.2"', "null"])
def test_a_show_that_shows_no_plan(world: World, garbage: str) -> None:
    program = world.program(f"[ \"$1\" = show ] && printf '%s' '{garbage}'; exit 0")
    environment = replace(world.environment, binary=program)
    answer = world.cli().plan(environment, world.checkout, lambda _: None)
    with pytest.raises(CouldNotLook) as caught:
        parse_plan(answer.content, Masker(b"key"))
    assert caught.value.cause is Cause.PLAN


def test_the_reason_of_a_failure_is_found_behind_megabytes_of_progress(world: World) -> None:
    reason = '{"@level":"error","diagnostic":{"summary":"Unsupported argument","detail":"Here."}}'
    script = f"""
        [ "$1" = plan ] || exit 0
        yes '{{"@level":"info","@message":"refreshing"}}' | head -n 300000
        echo '{reason}'
        exit 1
    """
    error = refusal(world, binary=world.program(script))
    assert (error.cause, error.detail) == (
        Cause.CONFIGURATION,
        "Error: Unsupported argument\n\nHere.",
    )


def test_a_version_that_nobody_releases(world: World) -> None:
    world.write("versions.tf", 'terraform {\n  required_version = "~> 0.12.0"\n}\n')
    cli = type(world.cli())(world.data_dir, world.inherited, UNREACHABLE)
    with pytest.raises(
        CouldNotLook, match=r"Cannot fetch http://127\.0\.0\.1:1/terraform/index"
    ) as e:
        cli.plan(world.environment, world.checkout, lambda _: None)
    assert e.value.retryable


def test_a_checkout_that_is_gone(world: World) -> None:
    with pytest.raises(CouldNotLook, match="There is no directory"):
        world.cli().plan(world.environment, Checkout(world.root / "gone", "4f0"), lambda _: None)
