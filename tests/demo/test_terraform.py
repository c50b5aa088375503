"""What the demo's terraform may see, and what it refuses."""

from pathlib import Path

import pytest

from driftwatch.demo.cloud import Cloud
from driftwatch.demo.failure import WorldError
from driftwatch.demo.terraform import DemoTerraform
from driftwatch.demo.world import scrubbed

USERS = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/jane",
    "HTTPS_PROXY": "http://proxy.example:3128",
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL_S3": "https://s3.example",
    "TF_CLI_ARGS_apply": "-destroy",
    "TF_WORKSPACE": "production",
}


def make_terraform(root: Path, binary: str, inherited: dict[str, str]) -> DemoTerraform:
    (root / "empty").touch()
    return DemoTerraform(
        binary=binary,
        cloud=Cloud("http://127.0.0.1:9", root / "empty"),
        root=root,
        cli_config=root / "terraform.tfrc",
        inherited=inherited,
        variables={"key": "value"},
    )


def make_program(root: Path, script: str) -> str:
    program = root / "terraform"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


def test_terraform_sees_the_embedded_cloud_and_nothing_of_the_users_aws(tmp_path: Path) -> None:
    terraform = make_terraform(tmp_path, "terraform", dict(scrubbed(USERS)))
    found = terraform.environment(tmp_path / "environments" / "dev")
    of_aws = {name: value for name, value in found.items() if name.startswith("AWS_")}
    assert of_aws == dict(terraform.cloud.variables)
    assert found["PATH"] == USERS["PATH"]
    assert found["HTTPS_PROXY"] == USERS["HTTPS_PROXY"]
    assert found["HOME"] == str(tmp_path)
    assert found["TF_VAR_key"] == "value"
    assert found["TF_DATA_DIR"] == str(tmp_path / "terraform" / "environments-dev")
    assert not {"TF_CLI_ARGS_apply", "TF_WORKSPACE"} & found.keys()


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_PROFILE", "TF_CLI_ARGS"])
def test_what_could_lead_terraform_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "applied"
    program = make_program(tmp_path, f"touch {marker}")
    terraform = make_terraform(tmp_path, program, {name: "x"})
    with pytest.raises(WorldError, match=name):
        terraform.apply(tmp_path)
    assert not marker.exists()


def test_a_failing_apply_ends_the_demo_with_terraforms_own_words(tmp_path: Path) -> None:
    program = make_program(tmp_path, "echo 'Error: no such thing' >&2; exit 3")
    terraform = make_terraform(tmp_path, program, {"PATH": USERS["PATH"]})
    with pytest.raises(WorldError, match=r"(?s)apply failed in .*exit code 3.*no such thing"):
        terraform.apply(tmp_path)
