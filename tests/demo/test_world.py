"""A part of the world, built with real terraform, real git and moto, and then tampered with."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import git
import pytest

from driftwatch.config.load import load_config, process_environment
from driftwatch.demo.failure import WorldError
from driftwatch.demo.hands import security_group
from driftwatch.demo.world import World, WorldSettings, build_world

ENVIRONMENTS = ("base-networking", "prod")


@dataclass(frozen=True, slots=True)
class Before:
    """What could be seen before anybody tampered."""

    ports: list[int]
    threshold: float


@dataclass(frozen=True, slots=True)
class Told:
    """A world that was tampered with, how it was before, and what was said on the way."""

    world: World
    before: Before
    said: tuple[str, ...]


def ports(world: World) -> list[int]:
    rules = security_group(world.cloud, "prod-api")["IpPermissions"]
    return sorted(rule["FromPort"] for rule in rules)


def threshold(world: World) -> float:
    cloudwatch = world.cloud.client("cloudwatch")
    (found,) = cloudwatch.describe_alarms(AlarmNames=["prod-api-latency"])["MetricAlarms"]
    return float(found["Threshold"])


def main_branch(world: World, path: str) -> str:
    return str(git.Git(world.repository).show(f"main:{path}"))


def binary() -> str:
    found = shutil.which("terraform") or shutil.which("tofu")
    assert found, "this test needs terraform or tofu on PATH"
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    settings = WorldSettings(
        binary=binary(), environments=ENVIRONMENTS, environ=process_environment()
    )
    said: list[str] = []
    with build_world(tmp_path_factory.mktemp("world"), settings, said.append) as world:
        before = Before(ports(world), threshold(world))
        world.tamper(said.append)
        yield Told(world, before, tuple(said))


def test_reality_was_as_code_says_before(told: Told) -> None:
    assert told.before == Before(ports=[443, 9090], threshold=500)


def test_ssh_is_open_to_the_internet(told: Told) -> None:
    assert ports(told.world) == [22, 443, 9090]
    rules = security_group(told.world.cloud, "prod-api")["IpPermissions"]
    (opened,) = (rule for rule in rules if rule["FromPort"] == 22)
    assert [entry["CidrIp"] for entry in opened["IpRanges"]] == ["0.0.0.0/0"]


def test_a_role_may_do_what_code_does_not_know(told: Told) -> None:
    iam = told.world.cloud.client("iam")
    assert iam.list_role_policies(RoleName="prod-checkout-task")["PolicyNames"] == ["debugging"]


def test_a_tag_says_something_else(told: Told) -> None:
    sns = told.world.cloud.client("sns")
    (topic,) = sns.list_topics()["Topics"]
    tags = sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]
    assert {"Key": "Owner", "Value": "jane"} in tags


def test_reality_and_code_moved_apart_in_the_conflict(told: Told) -> None:
    assert threshold(told.world) == 2000
    assert "threshold           = 300" in main_branch(told.world, "environments/prod/main.tf")


def test_a_merged_change_is_not_applied(told: Told) -> None:
    assert "log_retention_days = 180" in main_branch(told.world, "environments/prod/main.tf")
    logs = told.world.cloud.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/acme/prod-checkout")["logGroups"]
    assert [group["retentionInDays"] for group in groups] == [90]


def test_states_lie_in_the_embedded_cloud(told: Told) -> None:
    s3 = told.world.cloud.client("s3")
    key = "environments/prod/terraform.tfstate"
    body = s3.get_object(Bucket="acme-terraform-state", Key=key)["Body"].read()
    managed = [r for r in json.loads(body)["resources"] if r["mode"] == "managed"]
    assert sum(len(resource["instances"]) for resource in managed) == 13


def test_the_providers_are_locked_on_main_and_nothing_else_came_along(told: Told) -> None:
    lock = main_branch(told.world, "environments/prod/.terraform.lock.hcl")
    assert "hashicorp/aws" in lock
    files = str(git.Git(told.world.repository).ls_tree("-r", "--name-only", "main")).splitlines()
    assert not [file for file in files if "tfstate" in file or ".terraform/" in file]


def test_the_configuration_is_one_that_driftwatch_reads(told: Told) -> None:
    config = load_config(told.world.config, {})
    names = [spec.template.name for spec in config.environments]
    assert sorted(names) == sorted(ENVIRONMENTS)
    (repository,) = config.repositories
    assert Path(repository.url) == told.world.repository
    for spec in config.environments:
        assert spec.template.env == dict(told.world.variables)
    assert config.data_dir.is_relative_to(told.world.config.parent)
    assert config.reports_dir.is_relative_to(told.world.config.parent)


def test_only_the_cases_of_what_was_built_are_planted(told: Told) -> None:
    assert {case.environment for case in told.world.cases} == {*ENVIRONMENTS}
    for case in told.world.cases:
        assert bool(case.kind) == (f"{case.environment}: {case.story}" in told.said)


def test_a_world_needs_a_directory_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with (
        pytest.raises(WorldError, match="not empty"),
        build_world(tmp_path, WorldSettings(), lambda _: None),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize("names", [("production",), ()])
def test_an_environment_that_the_demo_lacks_is_refused(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    with (
        pytest.raises(WorldError, match="no environment"),
        build_world(tmp_path, WorldSettings(environments=names), lambda _: None),
    ):
        pass
