"""Terraform's environment is built from nothing; what steers it never gets in."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftwatch.adapters.terraform_environment import (
    base_environment,
    credentials_of,
    environment_of,
)
from tests.builders import make_environment

STEERING = (
    *("TF_CLI_ARGS", "TF_CLI_ARGS_plan", "TF_CLI_ARGS_init", "TF_CLI_CONFIG_FILE", "TF_DATA_DIR"),
    *("TF_LOG_PATH", "TF_LOG", "TF_LOG_CORE", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS"),
    *("TF_PLUGIN_CACHE_DIR", "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE"),
    *("TERRAFORM_CONFIG", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"),
)
UNASKED = (
    *("TF_VAR_region", "TF_TOKEN_app_terraform_io", "GIT_DIR", "GIT_CONFIG_COUNT", "GIT_SSH"),
    *("GIT_EXEC_PATH", "PYTHONPATH", "BASH_ENV", "ENV", "IFS", "SSH_AUTH_SOCK", "GODEBUG"),
    *("DRIFTWATCH_TOKEN", "GITHUB_TOKEN", "HOME", "USER", "TMPDIR", "EDITOR", "PAGER"),
)
NAMES = st.sampled_from(STEERING + UNASKED) | st.text("ABCDEFGILNORT_", min_size=1, max_size=12)
SOURCES = st.dictionaries(NAMES, st.just("from outside"), max_size=12)
OURS = {"TF_IN_AUTOMATION", "TF_INPUT", "CHECKPOINT_DISABLE", "GOGC"}
QUIET = "TF_LOG_"


def steers(name: str) -> bool:
    """Say whether a variable makes terraform or its loader do something else."""
    return name in STEERING or name.startswith(("TF_CLI_ARGS", "LD_", "DYLD_"))


@given(inherited=SOURCES, env=SOURCES, session=st.just({"AWS_ACCESS_KEY_ID": "session"}))
def test_nothing_that_steers_terraform_gets_in_from_anywhere(
    inherited: dict[str, str], env: dict[str, str], session: dict[str, str]
) -> None:
    asked = make_environment(env=env, inherit_env=tuple(inherited))
    for given_session in ({}, session):
        built = environment_of(asked, inherited, given_session)
        assert not {name for name in built if steers(name)}
        assert all(v == "off" for name, v in built.items() if name.startswith(QUIET))


@given(inherited=SOURCES)
def test_nothing_is_inherited_that_nobody_asked_for(inherited: dict[str, str]) -> None:
    built = environment_of(make_environment(), inherited, {})
    added = {name for name in built if name not in OURS and not name.startswith(QUIET)}
    assert added <= set(credentials_of(inherited)) | set(base_environment(inherited))
    assert not added & (set(STEERING) | set(UNASKED))


@pytest.mark.parametrize("name", ["PATH", "LANG", "TZ", "SSL_CERT_FILE", "HTTPS_PROXY", "no_proxy"])
def test_what_every_program_needs_is_inherited(name: str) -> None:
    assert environment_of(make_environment(), {name: "theirs"}, {})[name] == "theirs"


@pytest.mark.parametrize(
    "name",
    ["AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_S3", "GOOGLE_CREDENTIALS", "ARM_CLIENT_ID"],
)
def test_credentials_of_clouds_are_inherited(name: str) -> None:
    assert environment_of(make_environment(), {name: "theirs"}, {})[name] == "theirs"


def test_files_with_credentials_are_named_because_terraform_gets_another_home(
    tmp_path: Path,
) -> None:
    assert credentials_of({"HOME": str(tmp_path)}) == {}
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        (tmp_path / ".aws" / name).touch()
    assert credentials_of({"HOME": str(tmp_path)}) == {
        "AWS_CONFIG_FILE": str(tmp_path / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / ".aws/credentials"),
    }
    named = credentials_of({"HOME": str(tmp_path), "AWS_CONFIG_FILE": "elsewhere"})
    assert named["AWS_CONFIG_FILE"] == "elsewhere"


def test_what_the_configuration_says_counts_more_than_what_is_inherited() -> None:
    asked = make_environment(env={"AWS_REGION": "eu-west-1", "OWN": "1"}, inherit_env=("EXTRA",))
    built = environment_of(asked, {"AWS_REGION": "us-east-1", "EXTRA": "2", "OTHER": "3"}, {})
    assert (built["AWS_REGION"], built["OWN"], built["EXTRA"]) == ("eu-west-1", "1", "2")
    assert "OTHER" not in built


def test_a_session_counts_more_than_any_other_credential() -> None:
    theirs = {
        "AWS_ACCESS_KEY_ID": "theirs",
        "AWS_PROFILE": "theirs",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "theirs",
        "AWS_ROLE_ARN": "theirs",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "theirs",
    }
    session = {"AWS_ACCESS_KEY_ID": "session", "AWS_SESSION_TOKEN": "session"}
    built = environment_of(make_environment(env=theirs), theirs, session)
    found = {name: value for name, value in built.items() if name.startswith("AWS_")}
    assert found == session


def test_variables_are_given_as_terraform_wants_them_and_count_most() -> None:
    asked = make_environment(variables={"size": "3"}, env={"TF_VAR_size": "2"})
    assert environment_of(asked, {}, {})["TF_VAR_size"] == "3"


def test_terraform_is_told_that_nobody_is_there_to_answer() -> None:
    asked = make_environment(env={"TF_INPUT": "1", "CHECKPOINT_DISABLE": ""})
    built = environment_of(asked, {"TF_INPUT": "1"}, {})
    assert (built["TF_INPUT"], built["TF_IN_AUTOMATION"], built["CHECKPOINT_DISABLE"]) == (
        ("0", "1", "1")
    )
