"""What code declares and ignores, and where, is answered for realistic and for hostile code."""

from collections.abc import Callable

import pytest

from driftwatch.domain.model import Location, Path
from driftwatch.hcl.configuration import Configuration, read_configuration
from tests.hcl.trees import FakeRepository, load_tree

MAIN = "environments/prod/main.tf"
EXTRA = "environments/prod/extra.tf.json"
BUCKET = "aws_s3_bucket.logs"
GROUP = "aws_security_group.web"
APP = "aws_instance.app[1]"
JOBS = "aws_sqs_queue.jobs"


@pytest.fixture
def prod() -> Configuration:
    return read_configuration("environments/prod/", FakeRepository(load_tree()).read)


def line_of(file: str, text: str, nth: int = 1) -> int:
    directory, _, name = file.rpartition("/")
    lines = load_tree()[directory][name].decode().splitlines()
    return [n for n, line in enumerate(lines, 1) if text in line][nth - 1]


@pytest.mark.parametrize(
    ("address", "path", "expected"),
    [
        (BUCKET, (), True),
        (BUCKET, ("bucket",), True),
        (BUCKET, ("acl",), False),
        (BUCKET, ("policy", "Statement", 0), True),
        (BUCKET, ("tags",), True),
        (BUCKET, ("tags", "Name"), True),
        (BUCKET, ("tags", "kubernetes.io/own"), True),
        (BUCKET, ("tags", "Count"), True),
        (BUCKET, ("tags", "Owner"), False),
        (BUCKET, ("tags", "Gone"), False),
        (BUCKET, ("versioning_configuration", 0, "status"), True),
        (BUCKET, ("versioning_configuration", 0, "mfa_delete"), False),
        (GROUP, ("ingress", 0, "from_port"), True),
        (GROUP, ("ingress", 0, "to_port"), False),
        (GROUP, ("ingress", 0, "description"), None),
        (GROUP, ("ingress", 7), True),
        (GROUP, ("tags", "Anything"), True),
        (APP, ("tags", "Name"), True),
        (APP, ("tags", "Computed"), True),
        (APP, ("ports", 5), True),
        (APP, ("rules", 0, "port"), True),
        (APP, ("rules", 0, "label"), None),
        (APP, ("none",), False),
        ("data.aws_ami.base", ("owners",), True),
        ("data.http.ping", ("url",), True),
        ("output.endpoint", ("host",), True),
        ("output.endpoint", ("value", "scheme"), False),
        (JOBS, ("tags", "dotted.key"), True),
        (JOBS, ("tags", "Owner"), False),
        (JOBS, ("redrive", 0, "limit"), True),
        (JOBS, ("rule", 0, "port"), True),
        (JOBS, ("rule", 0, "host"), False),
        ('module.service["green.v2"].aws_ecs_service.this', ("desired_count",), True),
        ('module.service["x"].module.queue[0].aws_sqs_queue.this["a"]', ("name",), True),
        ('module.service["x"].module.queue[0].aws_sqs_queue.this["a"]', ("tags",), False),
        ("aws_s3_bucket.absent", ("bucket",), None),
        ("module.absent.aws_s3_bucket.logs", ("bucket",), None),
        ("module.vpc.aws_vpc.this[0]", ("cidr_block",), None),
        ("not an address", ("bucket",), None),
    ],
)
def test_code_declares_what_it_sets(
    prod: Configuration, address: str, path: Path, expected: bool | None
) -> None:
    assert prod.declared(address, path) is expected


@pytest.mark.parametrize(
    ("address", "path", "expected"),
    [
        (BUCKET, ("acl",), True),
        (BUCKET, ("bucket",), False),
        (BUCKET, ("tags",), False),
        (BUCKET, ("tags", "Name"), False),
        (BUCKET, ("tags", "Team"), True),
        (BUCKET, ("tags", "CostCenter"), True),
        (BUCKET, ("tags_all", "Team"), True),
        (BUCKET, ("tags_all", "Name"), False),
        (BUCKET, ("lifecycle_rule", 0, "enabled"), True),
        (BUCKET, ("grant", 0, "permissions", 1), True),
        (BUCKET, ("grant", 1, "permissions"), False),
        (BUCKET, ("website", 0, "error_document"), True),
        (BUCKET, ("prevent_destroy",), False),
        (GROUP, ("description",), True),
        (GROUP, ("name",), False),
        (APP, ("ami",), True),
        (APP, (), True),
        (JOBS, ("name",), True),
        (JOBS, ("tags", "Team"), True),
        (JOBS, ("tags", "Name"), False),
        ("module.service[0].aws_ecs_service.this", ("desired_count",), True),
        ("module.vpc.aws_vpc.this", ("tags",), False),
        ("aws_s3_bucket.absent", ("tags",), False),
    ],
)
def test_ignore_changes_covers_what_it_names(
    prod: Configuration, address: str, path: Path, expected: bool
) -> None:
    assert prod.ignored(address, path) is expected


@pytest.mark.parametrize(
    ("address", "path", "file", "text", "nth"),
    [
        (BUCKET, (), MAIN, 'resource "aws_s3_bucket" "logs"', 1),
        (BUCKET, ("bucket",), MAIN, "bucket = ", 2),
        (BUCKET, ("acl",), MAIN, 'resource "aws_s3_bucket" "logs"', 1),
        (BUCKET, ("policy", "Statement"), MAIN, "policy = <<-JSON", 1),
        (BUCKET, ("tags", "Name"), MAIN, '"logs"', 2),
        (BUCKET, ("tags_all", "Name"), MAIN, '"logs"', 2),
        (BUCKET, ("tags", "kubernetes.io/own"), MAIN, "kubernetes.io/own", 1),
        (BUCKET, ("tags", "Count"), MAIN, "Count : 3", 1),
        (BUCKET, ("tags", "Owner"), MAIN, "tags = {", 1),
        (BUCKET, ("versioning_configuration", 0, "status"), MAIN, "Enabled", 1),
        (BUCKET, ("versioning_configuration", 0, "x"), MAIN, "versioning_configuration {", 1),
        (BUCKET, ("versioning_configuration",), MAIN, "versioning_configuration {", 1),
        (BUCKET, ("versioning_configuration", 4), MAIN, 'resource "aws_s3_bucket" "logs"', 1),
        (GROUP, ("ingress", 0, "from_port"), MAIN, "from_port   = 80", 1),
        (GROUP, ("ingress", 1, "from_port"), MAIN, "from_port = 443", 1),
        (GROUP, ("ingress",), MAIN, "ingress {", 1),
        (GROUP, ("egress", 3, "from_port"), MAIN, "egress.value", 1),
        (GROUP, ("egress", 0, "deep", 0, "name"), MAIN, 'name = "x"', 1),
        (GROUP, ("egress",), "environments/prod/main_override.tf", "dynamic", 1),
        (GROUP, ("tags", "Name"), MAIN, 'Name = "web"', 1),
        (GROUP, ("tags", "Other"), MAIN, "merge(", 1),
        (GROUP, ("name",), "environments/prod/main_override.tf", "web-overridden", 1),
        (GROUP, ("vpc_id",), MAIN, 'resource "aws_security_group"', 1),
        (APP, ("tags", "Name"), MAIN, "app-${count.index}", 1),
        (APP, ("ports", 1), MAIN, "443,", 1),
        (APP, ("ports", 2), MAIN, "ports = [", 1),
        (APP, ("rules", 1, "port"), MAIN, "port = 2", 1),
        (APP, ("rules", "port"), MAIN, "rules = [", 1),
        ("data.http.ping", ("url",), MAIN, "url = ", 1),
        ("check.health", (), MAIN, "check ", 1),
        ("var.region", (), MAIN, "variable ", 1),
        ("output.endpoint", (), MAIN, "output ", 1),
        ("output.endpoint", ("port",), MAIN, "port = 443", 2),
        (JOBS, (), EXTRA, '"jobs": {', 1),
        (JOBS, ("redrive", 0, "limit"), EXTRA, "limit", 1),
        ("output.queue", ("value",), EXTRA, "jobs.arn", 1),
        (
            'module.service["green.v2"].module.queue[0].aws_sqs_queue.this["a.b"]',
            ("name",),
            "modules/service/queue/main.tf",
            "name     =",
            1,
        ),
        ("module.vpc.aws_vpc.this[0]", ("tags", "Name"), MAIN, 'module "vpc"', 1),
    ],
)
def test_a_value_is_found_at_its_line(
    prod: Configuration, address: str, path: Path, file: str, text: str, nth: int
) -> None:
    assert prod.locate(address, path) == Location(file, line_of(file, text, nth))


@pytest.mark.parametrize("address", ["aws_s3_bucket.decoy", "aws_s3_bucket.inside", "?", "a.b.c"])
def test_what_code_does_not_hold_has_no_place(prod: Configuration, address: str) -> None:
    assert prod.locate(address) is None


def test_a_location_links_into_the_forge() -> None:
    repository = FakeRepository(load_tree())
    prod = read_configuration(
        "environments/prod", repository.read, lambda file, line: f"https://forge/{file}#L{line}"
    )
    found = prod.locate("var.region")
    assert found is not None
    assert found.url == f"https://forge/{found.file}#L{found.line}"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda text: text.replace(b"\n", b"\r\n"), "CRLF"),
        (lambda text: b"\xef\xbb\xbf" + text, "byte order mark"),
        (lambda text: text.replace(b"acme", "äcme 😀".encode()), "UTF-8"),
    ],
)
def test_the_encoding_of_a_file_changes_no_answer(
    change: Callable[[bytes], bytes], name: str
) -> None:
    tree = {d: {n: change(t) for n, t in named.items()} for d, named in load_tree().items()}
    plain = read_configuration("environments/prod", FakeRepository(load_tree()).read)
    changed = read_configuration("environments/prod", FakeRepository(tree).read)
    for address, path in ((GROUP, ("tags", "Name")), (APP, ("ports", 1)), (JOBS, ("tags", "Name"))):
        assert changed.locate(address, path) == plain.locate(address, path), name
        assert changed.declared(address, path) is plain.declared(address, path) is True, name
    assert changed.ignored(BUCKET, ("tags", "Team"))
    assert changed.notes == ()
