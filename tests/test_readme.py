import re
from pathlib import Path

from click.testing import CliRunner

from driftwatch.cli.main import command, run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tree_in_the_readme_is_the_tree() -> None:
    block = README.split("## The house")[1].split("```")[1]
    inside = {name.rstrip("/") for name in re.findall(r"[├└]── (\S+)", block)}
    there = {
        path.name
        for path in (ROOT / "driftwatch").iterdir()
        if path.name not in {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    }
    assert inside == there
    beside = re.findall(r"^(\w+)/", block, flags=re.MULTILINE)
    assert all((ROOT / name).is_dir() for name in beside)


def test_every_command_in_the_readme_exists() -> None:
    listed = set(CliRunner().invoke(command, ["--help"]).output.split())
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    named = set(re.findall(r"driftwatch ([a-z]+)", blocks))
    named |= set(re.findall(r"`driftwatch ([a-z]+)", README))
    assert {"check", "demo", "explain", "init"} <= named <= listed


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_every_command_has_help_and_examples_of_exit_codes() -> None:
    assert "0 in sync, 2 drift, 1 could not look, 64 wrong command line" in " ".join(
        CliRunner().invoke(command, ["--help"]).output.split()
    )


def test_a_wrong_command_line_exits_64_and_not_with_drift() -> None:
    assert run(["chekc"]) == 64
    assert run(["check", "--nonsense"]) == 64
    assert run(["explain", "no-such-file.json"]) == 64
