"""The truth table, proved with the real terraform and the real AWS provider on moto's server.

Recorded, actual and desired are made to differ in every way that has a name: a small world is
applied, somebody tampers with it, and a change is merged that nobody applies.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from driftwatch.adapters.mirrors import write_cli_config
from driftwatch.adapters.process import run
from driftwatch.adapters.sources import SourceDirectory
from driftwatch.adapters.terraform import TerraformCli
from driftwatch.config.load import process_environment
from driftwatch.domain.comparison import compare
from driftwatch.domain.environment import Environment
from driftwatch.domain.masking import MASK, Masker
from driftwatch.domain.model import Action, Drift, Kind, Reason, Subject
from driftwatch.domain.plan import Plan, parse_plan
from driftwatch.hcl.configuration import read_configuration
from driftwatch.ports import Checkout

SECRETS = ("hunter2-original", "hunter2-changed", "token-of-the-truth-table")
REGION = "eu-central-1"


@dataclass(frozen=True, slots=True)
class World:
    """A checkout whose code was applied once to an embedded cloud."""

    root: Path
    endpoint: str

    @property
    def checkout(self) -> Checkout:
        return Checkout(self.root / "checkout", "c0ffee")

    @property
    def inherited(self) -> Mapping[str, str]:
        ours = {n: v for n, v in process_environment().items() if not n.startswith(("AWS_", "TF_"))}
        return ours | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def environment(self) -> Environment:
        backend = (f"path={self.root / 'terraform.tfstate'}",)
        return Environment("truth", "live", "live", backend_config=backend)

    @property
    def cli(self) -> TerraformCli:
        return TerraformCli(self.root / "data", self.inherited)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name=REGION,
        )

    def apply(self) -> None:
        folder = self.checkout.path / "live"
        program = self.cli.releases.find(self.environment, folder)
        cache = self.root / "data" / "providers"
        cache.mkdir(parents=True)
        env = {
            **self.inherited,
            "HOME": str(self.root),
            "TF_CLI_CONFIG_FILE": str(write_cli_config(self.root, process_environment())),
            "TF_DATA_DIR": str(self.root / "applied"),
            "TF_PLUGIN_CACHE_DIR": str(cache),
        }
        (backend,) = self.environment.backend_config
        for arguments in (("init", f"-backend-config={backend}"), ("apply", "-auto-approve")):
            argv = [program.path, *arguments, "-input=false", "-no-color"]
            outcome = run(argv, cwd=folder, env=env, timeout=600)
            assert outcome.exit_code == 0, outcome.stderr.decode()
        # A repository need not commit it, and what init wrote here must not help the check.
        (folder / ".terraform.lock.hcl").unlink()

    def merge(self) -> None:
        """Change the code as a merged pull request would, and apply nothing."""
        file = self.checkout.path / "live" / "main.tf"
        text = file.read_text("utf-8")
        for before, after in (
            ("retention = 30\n}", "retention = 60\n}"),
            ('"aws_cloudwatch_log_group" "old"', '"aws_cloudwatch_log_group" "renamed"'),
        ):
            assert before in text
            text = text.replace(before, after)
        move = "from = aws_cloudwatch_log_group.old\n  to = aws_cloudwatch_log_group.renamed"
        file.write_text(f"{text}\nmoved {{\n  {move}\n}}\n", encoding="utf-8")

    def look(self) -> "Look":
        document = self.cli.plan(self.environment, self.checkout, lambda _: None)
        plan = parse_plan(document.content, Masker(b"key of a test"))
        code = read_configuration("live", partial(SourceDirectory().read, self.checkout))
        found = compare(plan, code)
        assert code.notes == ()
        return Look(document.content, plan, {f"{d.subject}:{d.address}": d for d in found})


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the world found, by subject and address."""

    content: bytes
    plan: Plan
    found: Mapping[str, Drift]

    def at(self, address: str) -> Drift:
        return self.found[f"resource:{address}"]

    def __contains__(self, address: str) -> bool:
        return f"resource:{address}" in self.found


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Look, Look]]:
    """Look at a world that was just applied, and again after everything happened to it."""
    root = tmp_path_factory.mktemp("truth")
    shutil.copytree(Path(__file__).parent / "data" / "truth", root / "checkout")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        world = World(root, f"http://{host}:{port}")
        empty(host, port)
        world.apply()
        fresh = world.look()
        tamper(world)
        world.merge()
        yield fresh, world.look()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def fresh(looks: tuple[Look, Look]) -> Look:
    return looks[0]


@pytest.fixture(scope="module")
def look(looks: tuple[Look, Look]) -> Look:
    return looks[1]


def empty(host: str, port: int) -> None:
    """Forget what other tests of this process left in the cloud: moto keeps one for all servers."""
    connection = HTTPConnection(host, port, timeout=60)
    connection.request("POST", "/moto-api/reset")
    assert connection.getresponse().status == 200
    connection.close()


def tamper(world: World) -> None:
    """Do by hand, through the cloud's own API, what people do at night."""
    logs, ec2, ssm, iam = (world.client(name) for name in ("logs", "ec2", "ssm", "iam"))
    for group, days in (("drift", 7), ("codified", 60), ("conflict", 7), ("ignored", 7)):
        logs.put_retention_policy(logGroupName=group, retentionInDays=days)
    logs.delete_log_group(logGroupName="gone")
    logs.tag_log_group(logGroupName="tagged", tags={"token": "token-of-an-intruder"})
    ssm.put_parameter(Name="/secret", Value="hunter2-changed", Type="SecureString", Overwrite=True)
    (vpc,) = (v for v in ec2.describe_vpcs()["Vpcs"] if v["CidrBlock"] == "10.0.0.0/16")
    extra = [{"Key": "Owner", "Value": "mallory"}, {"Key": "Extra", "Value": "by hand"}]
    ec2.create_tags(Resources=[vpc["VpcId"]], Tags=extra)
    ec2.delete_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "env"}])
    groups = ec2.describe_security_groups()["SecurityGroups"]
    (web,) = (group["GroupId"] for group in groups if group["GroupName"] == "web")
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[tcp(443, "0.0.0.0/0")])
    ec2.revoke_security_group_ingress(GroupId=web, IpPermissions=[tcp(80, "10.0.0.0/8")])
    same = {
        "Statement": {
            "Resource": "*",
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:GetObject"],
        },
        "Version": "2012-10-17",
    }
    for name, policy in (("widened", allow("s3:*")), ("evil", allow("*")), ("reformatted", same)):
        iam.put_role_policy(RoleName="app", PolicyName=name, PolicyDocument=json.dumps(policy))


def tcp(port: int, cidr: str) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}


def allow(action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_what_was_freshly_applied_and_never_refreshed_shows_nothing(fresh: Look) -> None:
    assert fresh.plan.drift, "terraform itself reports noise here"
    assert fresh.found == {}


def test_what_nobody_touched_is_in_sync(look: Look) -> None:
    for address in (
        "aws_s3_bucket.still",
        "aws_s3_bucket_versioning.still",
        "aws_vpc_security_group_ingress_rule.https",
    ):
        assert address not in look


def test_a_policy_that_was_merely_written_anew_is_in_sync(look: Look) -> None:
    assert "aws_iam_role_policy.reformatted" not in look


GROUP = "aws_cloudwatch_log_group"


@pytest.mark.parametrize(
    ("address", "values", "kind", "reason"),
    [
        (f"module.logs.{GROUP}.this", (30, 7, 30), Kind.DRIFT, None),
        (f"{GROUP}.pending", (30, 30, 60), Kind.PENDING, None),
        (f"{GROUP}.conflict", (30, 7, 60), Kind.CONFLICT, None),
        (f"{GROUP}.codified", (30, 60, 60), Kind.UNOPPOSED, Reason.CODIFIED),
        (f"{GROUP}.ignored", (30, 7, 7), Kind.UNOPPOSED, Reason.IGNORED),
    ],
)
def test_each_row_of_the_table_has_its_name(
    look: Look, address: str, values: tuple[int, int, int], kind: Kind, reason: Reason | None
) -> None:
    drift = look.at(address)
    (retention,) = drift.attributes
    assert (drift.kind, drift.reason) == (retention.kind, retention.reason) == (kind, reason)
    assert retention.path == ("retention_in_days",)
    assert (retention.recorded, retention.actual, retention.desired) == values


def test_a_drift_stands_where_its_value_is_written(look: Look) -> None:
    location = look.at(f"module.logs.{GROUP}.this").attributes[0].location
    assert location is not None
    assert (location.file, location.line) == ("modules/logs/main.tf", 7)


def test_a_deleted_resource_is_drift(look: Look) -> None:
    drift = look.at(f"{GROUP}.gone")
    assert (drift.kind, drift.deleted, drift.action) == (Kind.DRIFT, True, Action.CREATE)


def test_a_rule_added_beside_separate_rules_is_found_where_a_full_plan_says_no_changes(
    look: Look,
) -> None:
    drift = look.at("aws_security_group.web")
    assert drift.action is Action.NO_OP
    assert (drift.kind, drift.reason) == (Kind.UNOPPOSED, Reason.UNDECLARED)
    (ingress,) = drift.attributes
    assert ingress.path == ("ingress",)
    assert [(rule["from_port"], rule["cidr_blocks"]) for rule in ingress.actual] == [
        (443, ["0.0.0.0/0"])
    ]


def test_a_rule_that_was_removed_is_a_deleted_rule(look: Look) -> None:
    drift = look.at("aws_vpc_security_group_ingress_rule.http")
    assert (drift.kind, drift.deleted) == (Kind.DRIFT, True)


def test_an_inline_policy_added_by_hand_is_found(look: Look) -> None:
    drift = look.at("aws_iam_role.app")
    assert (drift.kind, drift.reason, drift.action) == (
        Kind.UNOPPOSED,
        Reason.UNDECLARED,
        Action.NO_OP,
    )
    (policies,) = drift.attributes
    assert [policy["name"] for policy in policies.actual] == ["evil"]


def test_a_widened_policy_is_drift(look: Look) -> None:
    (policy,) = look.at("aws_iam_role_policy.widened").attributes
    assert (policy.path, policy.kind) == (("policy",), Kind.DRIFT)
    assert "s3:*" in policy.actual


def test_tags_are_told_one_by_one_and_once(look: Look) -> None:
    tags = {a.path: (a.recorded, a.actual, a.desired) for a in look.at("aws_vpc.main").attributes}
    assert tags == {
        ("tags", "Owner"): ("platform", "mallory", "platform"),
        ("tags", "Extra"): (None, "by hand", None),
        ("tags_all", "env"): ("prod", None, "prod"),
    }
    assert look.at("aws_vpc.main").kind is Kind.DRIFT


def test_a_secret_moves_without_being_seen(look: Look) -> None:
    told = {a.path: a for a in look.at("aws_ssm_parameter.secret").attributes}
    value = told[("value",)]
    assert (value.kind, value.sensitive) == (Kind.DRIFT, True)
    assert all(MASK.fullmatch(v) for v in (value.recorded, value.actual, value.desired))
    assert value.recorded == value.desired != value.actual


def test_what_only_an_apply_knows_is_unknown(look: Look) -> None:
    drift = look.at("aws_ssm_parameter.unknown")
    (description,) = (a for a in drift.attributes if a.path == ("description",))
    assert drift.kind is description.kind is Kind.UNKNOWN
    assert description.recorded == description.actual == "Follows version 1."


def test_a_tag_that_is_a_secret_is_masked_in_its_copies_too(look: Look) -> None:
    drift = look.at(f"{GROUP}.tagged")
    assert drift.kind is Kind.DRIFT
    assert [attribute.path for attribute in drift.attributes] == [("tags", "token")]
    assert drift.attributes[0].sensitive


def test_no_secret_of_the_world_is_in_anything_that_was_found(look: Look) -> None:
    assert all(secret in look.content.decode() for secret in SECRETS)
    seen = repr((look.plan.drift, look.plan.changes, look.plan.outputs, look.found))
    assert not [secret for secret in (*SECRETS, "token-of-an-intruder") if secret in seen]


def test_a_moved_block_waits_and_is_no_drift(look: Look) -> None:
    drift = look.at(f"{GROUP}.renamed")
    assert (drift.kind, drift.action, drift.moved) == (Kind.PENDING, Action.NO_OP, False)
    assert f"Moved from {GROUP}.old" in drift.message
    assert f"{GROUP}.old" not in look


def test_an_output_follows_reality_or_code(look: Look) -> None:
    assert look.found["output:output.follows_reality"].kind is Kind.DRIFT
    assert look.found["output:output.follows_code"].kind is Kind.PENDING


def test_a_check_that_no_longer_holds_is_found(look: Look) -> None:
    check = look.found["check:check.retention"]
    assert (check.subject, check.message) == (Subject.CHECK, "Logs must be kept for 30 days.")
    assert check.location is not None


def test_nothing_else_is_found(look: Look) -> None:
    kinds = dict.fromkeys(Kind, 0)
    for drift in look.found.values():
        kinds[drift.kind] += 1
    assert kinds == {
        Kind.DRIFT: 9,
        Kind.PENDING: 3,
        Kind.UNOPPOSED: 4,
        Kind.CONFLICT: 1,
        Kind.UNKNOWN: 1,
    }
