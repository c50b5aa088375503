"""Only what a question needs is read, never outside the repository; what is not read is told."""

import pytest

from driftwatch.domain.model import Location
from driftwatch.hcl.configuration import Configuration, read_configuration
from tests.hcl.trees import FakeRepository, load_tree, make_configuration, make_repository

EXTRA = "environments/prod/extra.tf.json"
UNREAD = "its code was not read."


@pytest.fixture
def prod() -> Configuration:
    return read_configuration("environments/prod/", FakeRepository(load_tree()).read)


def test_only_the_directories_on_the_way_are_read_and_each_once() -> None:
    repository = FakeRepository(load_tree())
    prod = read_configuration("environments/prod", repository.read)
    assert repository.asked == []
    for _ in range(2):
        prod.locate("module.service.aws_ecs_service.this")
        prod.declared("module.service.aws_ecs_service.this", ("name",))
    assert repository.asked == ["environments/prod", "modules/service"]


def test_a_module_that_calls_itself_ends() -> None:
    prod = read_configuration("environments/prod", FakeRepository(load_tree()).read)
    loops = "module.loop." * 200
    address = f"module.service[0].module.queue[0].{loops}aws_sqs_queue.this"
    assert prod.declared(address, ("name",)) is True


@pytest.mark.parametrize(
    ("address", "note"),
    [
        (
            "module.vpc.aws_vpc.this",
            f"module.vpc comes from terraform-aws-modules/vpc/aws: {UNREAD}",
        ),
        (
            "module.private.aws_vpc.this",
            f"module.private comes from git::https://git.example.com/modules.git//vpc: {UNREAD}",
        ),
        (
            "module.escape.aws_vpc.this",
            "../elsewhere lies outside the repository: it was not read.",
        ),
        (
            "module.missing.aws_vpc.this",
            "environments/prod/not-there holds no Terraform files.",
        ),
        (
            "aws_sqs_queue.twice",
            f"aws_sqs_queue.twice is declared in {EXTRA} and again in {EXTRA}.",
        ),
    ],
)
def test_what_cannot_be_read_is_told_once(prod: Configuration, address: str, note: str) -> None:
    for _ in range(2):
        prod.locate(address)
        prod.declared(address, ("x",))
    assert prod.notes == (note,)


def test_nothing_outside_the_repository_is_asked_for() -> None:
    for outside in ("..", "../x", "a/../../x", "/etc"):
        repository = make_repository(main_tf='resource "a" "b" {}')
        configuration = read_configuration(outside, repository.read)
        assert configuration.locate("a.b") is None
        assert repository.asked == []
        assert "outside the repository" in configuration.notes[0]


def test_the_root_of_a_repository_is_a_directory_too() -> None:
    for root in (".", "", "./"):
        repository = make_repository(main_tf='module "m" {\n source = "./m"\n}\n')
        repository.tree = {**repository.tree, "m": {"x.tf": b'resource "a" "b" {}'}}
        configuration = read_configuration(root, repository.read)
        assert configuration.locate("module.m.a.b") == Location("m/x.tf", 1)
        assert configuration.locate("module.m") is None


def test_a_computed_module_source_is_told() -> None:
    configuration = make_configuration('module "m" {\n  source = "./${var.x}"\n}\n')
    assert configuration.declared("module.m.a.b", ("c",)) is None
    assert configuration.notes == ("module.m comes from a computed source: its code was not read.",)


def test_an_override_file_may_move_a_module() -> None:
    repository = make_repository(
        main_tf='module "m" {\n source = "./old"\n}\n',
        override_tf='module "m" {\n source = "./new"\n}\n',
    )
    repository.tree = {**repository.tree, "new": {"x.tf": b'resource "a" "b" {}'}}
    found = read_configuration(".", repository.read).locate("module.m.a.b")
    assert found == Location("new/x.tf", 1)


def test_of_two_declarations_the_first_by_file_name_counts() -> None:
    repository = make_repository(
        b_tf='resource "a" "b" {\n x = 1\n}\n', a_tf='\nresource "a" "b" {\n y = 1\n}\n'
    )
    configuration = read_configuration(".", repository.read)
    assert configuration.locate("a.b") == Location("a.tf", 2)
    assert configuration.declared("a.b", ("x",)) is False
    assert configuration.notes == ("a.b is declared in a.tf and again in b.tf.",)


def test_a_broken_file_costs_only_what_is_broken_in_it() -> None:
    code = 'resource "a" "good" {\n x = 1\n}\n\nresource "a" "bad" {\n y = [1,\n z = {\n}\n'
    configuration = make_configuration(code)
    assert configuration.declared("a.good", ("x",)) is True
    assert configuration.locate("a.good", ("x",)) == Location("main.tf", 2)
    assert configuration.declared("a.bad", ("y",)) is None
    assert not configuration.ignored("a.bad", ("y",))
    assert configuration.notes[0].startswith("main.tf does not parse (line ")


def test_bytes_that_are_no_text_are_told() -> None:
    configuration = make_configuration(b'resource "a" "b" {\n x = "\xff\xfe"\n}\n')
    assert configuration.declared("a.b", ("x",)) is True
    assert configuration.notes[0].startswith("main.tf is not UTF-8 (line 2)")


def test_the_directories_that_code_comes_from_are_those_of_local_modules_too(
    prod: Configuration,
) -> None:
    assert prod.directories == ("environments/prod", "modules/service", "modules/service/queue")
    assert any("../elsewhere lies outside" in note for note in prod.notes)


def test_a_root_module_that_is_not_there_comes_from_nowhere() -> None:
    assert read_configuration("nowhere", FakeRepository(load_tree()).read).directories == ()
