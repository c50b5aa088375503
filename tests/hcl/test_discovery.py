"""Root modules are told apart from the modules that they call."""

from driftwatch.hcl.discovery import RootModule, find_root_modules
from tests.hcl.trees import load_tree

PROVIDER = b'provider "aws" {}\n'


def test_environments_are_roots_and_the_modules_that_they_call_are_not() -> None:
    (root,) = find_root_modules(load_tree())
    assert root == RootModule(
        "environments/prod",
        backend="s3",
        reasons=("backend s3", "provider aws"),
        var_files=("prod.tfvars",),
        called_modules=(
            "modules/service",
            "../elsewhere",
            "environments/prod/not-there",
        ),
    )


def test_a_called_module_is_no_root_even_with_a_provider() -> None:
    files = {
        "env": {"main.tf": b'module "m" {\n source = "../m"\n}\n', "terraform.tfstate": b""},
        "m": {"main.tf": PROVIDER},
        "n": {"main.tf": PROVIDER + b'module "self" {\n source = "./"\n}\n'},
    }
    assert [root.directory for root in find_root_modules(files)] == ["env", "n"]


def test_a_neighbouring_state_makes_a_root() -> None:
    files = {
        "locked": {"main.tf": b"", ".terraform.lock.hcl": b""},
        "plain": {"main.tf": b""},
        "empty": {"README.md": b"", ".terraform.lock.hcl": b""},
        "cloud": {"main.tf": b"terraform {\n cloud {}\n}\n"},
    }
    found = {root.directory: root.reasons for root in find_root_modules(files)}
    assert found == {"cloud": ("backend cloud",), "locked": (".terraform.lock.hcl",)}


def test_copies_of_modules_that_init_made_are_no_roots() -> None:
    files = {"a/.terraform/modules/x": {"main.tf": PROVIDER}, "./a/": {"main.tf": PROVIDER}}
    assert [root.directory for root in find_root_modules(files)] == ["a"]


def test_var_files_are_named_unless_terraform_loads_them_itself() -> None:
    files = {
        ".": {
            "main.tf": PROVIDER,
            "prod.tfvars": b"",
            "dev.tfvars.json": b"",
            "terraform.tfvars": b"",
            "terraform.tfvars.json": b"",
            "x.auto.tfvars": b"",
            "x.auto.tfvars.json": b"",
        },
        "vars": {"eu.tfvars": b"", "notes.md": b""},
        "vars/deep": {"too.tfvars": b""},
        "other": {"main.tf": b"", "theirs.tfvars": b""},
    }
    (root,) = find_root_modules(files)
    assert root.var_files == ("dev.tfvars.json", "prod.tfvars", "vars/eu.tfvars")


def test_a_broken_file_does_not_hide_a_root() -> None:
    files = {"a": {"broken.tf": b"resource {{{ \xff\0", "main.tf": PROVIDER}}
    assert [root.directory for root in find_root_modules(files)] == ["a"]
