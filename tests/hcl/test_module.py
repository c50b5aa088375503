"""A directory's files are chosen as Terraform chooses them, and say what the module is."""

from driftwatch.hcl.module import (
    ModuleCall,
    ModuleFacts,
    RequiredProvider,
    is_override,
    read_module,
    terraform_files,
)
from tests.hcl.trees import load_tree


def test_a_module_says_what_it_needs_and_calls() -> None:
    facts = read_module(load_tree()["environments/prod"])
    assert facts == ModuleFacts(
        calls=(
            ModuleCall("service", "../../modules/service"),
            ModuleCall("vpc", "terraform-aws-modules/vpc/aws", "5.1.0"),
            ModuleCall(
                "private", "git::https://robot:s3cret@git.example.com/modules.git//vpc?ref=v1"
            ),
            ModuleCall("escape", "../../../elsewhere"),
            ModuleCall("missing", "./not-there"),
        ),
        required_versions=("< 3", ">= 1.5"),
        required_providers=(
            RequiredProvider("aws", "hashicorp/aws", "~> 5.0"),
            RequiredProvider("null", version="3.2.0"),
        ),
        backend="s3",
        providers=("aws",),
        variables=("region",),
    )


def test_only_the_files_that_terraform_loads_are_chosen_overrides_last() -> None:
    names = [
        "z.tf",
        "override.tf",
        "b.tf.json",
        "a_override.tf.json",
        "both.tf",
        "both.tofu",
        "only.tofu",
        ".hidden.tf",
        "#autosave.tf",
        "backup.tf~",
        "prod.tfvars",
        "README.md",
    ]
    chosen = list(terraform_files(dict.fromkeys(names, b"")))
    assert chosen == [
        "b.tf.json",
        "both.tf",
        "only.tofu",
        "z.tf",
        "a_override.tf.json",
        "override.tf",
    ]
    assert [name for name in chosen if is_override(name)] == ["a_override.tf.json", "override.tf"]


def test_a_backend_of_an_override_file_or_of_json_counts() -> None:
    local = b'terraform {\n backend "local" {}\n}\n'
    assert read_module({"a.tf": local}).backend == "local"
    cloud = b"terraform {\n cloud {}\n}\n"
    assert read_module({"a.tf": local, "override.tf": cloud}).backend == "cloud"
    in_json = b'{"terraform": {"backend": {"gcs": {"bucket": "x"}}}}'
    assert read_module({"a.tf.json": in_json}).backend == "gcs"
    assert read_module({"a.tf": b""}) == ModuleFacts()


def test_a_broken_file_is_told_and_the_others_are_read() -> None:
    facts = read_module({"a.tf": b"module {{{", "b.tf": b'variable "x" {}\nmodule "m" {}\n'})
    assert facts.variables == ("x",)
    assert facts.calls[-1:] == (ModuleCall("m", None),)
    assert not facts.calls[-1].is_local
    assert facts.notes == ("a.tf does not parse (line 1)",)
