"""The GitHub Action: its script run for real, on a repository whose state terraform applied."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from git.cmd import Git
from ruamel.yaml import YAML

from driftwatch.adapters.process import Outcome
from driftwatch.config.load import process_environment
from tests.packaging.tools import PACKAGING, ROOT, call, said, tool

ACTION = PACKAGING / "action"
TAMPERED = ROOT / "tests/data/plans/tampered.json"
INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")
IDENTITY = ("-c", "user.name=t", "-c", "user.email=t@example.com")


def load(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        return YAML(typ="safe").load(file)


class Runner:
    """What a GitHub runner gives an action: a checkout, and files to write to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkout = root / "checkout"
        self.temp = root / "runner temp"
        self.temp.mkdir()
        self.summary, self.output = root / "summary.md", root / "output"
        program = root / "bin/driftwatch"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m driftwatch "$@"\n')
        program.chmod(0o755)
        self.program = program

    def write(self, name: str, size: str) -> None:
        folder = self.checkout / name
        folder.mkdir(parents=True, exist_ok=True)
        state = self.root / f"{name}.tfstate"
        (folder / "main.tf").write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{state}"\n  }}\n}}\n\n'
            f'resource "terraform_data" "x" {{\n  input = "{size}"\n}}\n',
            encoding="utf-8",
        )

    def apply(self, name: str) -> None:
        env = {"CHECKPOINT_DISABLE": "1", "TF_DATA_DIR": str(self.root / f"applied-{name}")}
        terraform = tool("terraform", "terraform")
        for command in (["init"], ["apply", "-auto-approve"]):
            outcome = call(terraform, *command, "-input=false", cwd=self.checkout / name, env=env)
            assert outcome.exit_code == 0, said(outcome)

    def commit(self) -> None:
        git = Git(str(self.checkout))
        git.execute(["git", "add", "."])
        git.execute(["git", *IDENTITY, "commit", "-q", "-m", "Change"])

    def run(self, also: Mapping[str, str] | None = None, **given: str) -> Outcome:
        """Run the step as the runner does: `${{ }}` filled in, by environment alone."""
        for path in (self.summary, self.output):
            path.write_text("", encoding="utf-8")
        inputs = {name.replace("_", "-"): value for name, value in given.items()}
        content = load(ACTION / "action.yml")
        (step,) = content["runs"]["steps"]
        filled = {name: one["default"] for name, one in content["inputs"].items()}
        filled |= {"program": str(self.program), **inputs}
        env = {
            "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_ACTION_PATH": str(ACTION),
            "XDG_STATE_HOME": str(self.root / "state"),
            **{name: filled[INPUT.findall(value)[0]] for name, value in step["env"].items()},
            **(also or {}),
        }
        return call("bash", "-e", "-c", step["run"], cwd=self.checkout, env=env, timeout=300)

    def outputs(self) -> dict[str, str]:
        lines = self.output.read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def told(self) -> str:
        return self.summary.read_text("utf-8")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path)
    for name in ("dev", "prod"):
        runner.write(name, "small")
    (runner.checkout / "driftwatch.yaml").write_text(
        'repositories: {live: {url: .}}\nenvironments: {"{name}": {path: "*"}}\n',
        encoding="utf-8",
    )
    (runner.checkout / ".gitignore").write_text("reports/\n", encoding="utf-8")
    Git(str(runner.checkout)).execute(["git", "init", "-q", "-b", "main"])
    runner.commit()
    for name in ("dev", "prod"):
        runner.apply(name)
    return runner


def let_drift(runner: Runner) -> None:
    """Plan with the real terraform, but read a plan that was made after somebody changed reality.

    terraform_data lives in the state alone: nobody can change it behind terraform's back.
    """
    program = runner.root / "bin/terraform"
    real = tool("terraform", "terraform")
    program.write_text(f'#!/bin/sh\n[ "$1" != show ] || exec cat {TAMPERED}\nexec {real} "$@"\n')
    program.chmod(0o755)
    with (runner.checkout / "driftwatch.yaml").open("a", encoding="utf-8") as file:
        file.write(f"defaults: {{terraform: {{binary: {program}}}}}\n")


def test_in_sync_drift_and_failure_are_told_apart(runner: Runner) -> None:
    outcome = runner.run()
    assert outcome.exit_code == 0, said(outcome)
    assert runner.outputs()["status"] == "in-sync"
    assert "in sync" in runner.told()

    (runner.checkout / "dev/main.tf").write_text('resource "x" {', encoding="utf-8")
    runner.commit()
    outcome = runner.run()
    assert outcome.exit_code == 1
    assert runner.outputs()["status"] == "failed"
    assert "could not" in runner.told()
    report = Path(runner.outputs()["report"])
    assert report.is_relative_to(runner.temp)
    assert report.read_text("utf-8") == runner.told()

    runner.write("dev", "small")
    runner.commit()
    let_drift(runner)
    outcome = runner.run()
    assert outcome.exit_code == 1
    assert "::error title=driftwatch::drift; see the summary" in said(outcome)
    assert runner.outputs()["status"] == "drift"
    assert "drifted" in runner.told()
    assert runner.run(fail_on="failure").exit_code == 0
    assert runner.outputs()["status"] == "drift"


def test_what_fails_the_step_is_for_the_workflow_to_say(runner: Runner) -> None:
    (runner.checkout / "dev/main.tf").write_text('resource "x" {', encoding="utf-8")
    runner.commit()
    assert runner.run(fail_on="failure").exit_code == 1
    assert runner.run(fail_on="never").exit_code == 0
    assert runner.outputs()["status"] == "failed"
    assert runner.run(environments="prod", fail_on="failure").exit_code == 0
    assert runner.outputs()["status"] == "in-sync"


@pytest.mark.parametrize("separated", ["dev prod", "dev,prod", "dev\nprod\n", " dev , prod "])
def test_names_of_environments_may_be_separated_as_people_do(
    tmp_path: Path, separated: str
) -> None:
    runner = Runner(tmp_path)
    runner.checkout.mkdir()
    runner.program.write_text('#!/bin/sh\nprintf "<%s>" "$@" >"$RUNNER_TEMP/asked"\n')
    assert runner.run(environments=separated).exit_code == 0
    asked = (runner.temp / "asked").read_text()
    assert asked.endswith(f"<--output><{runner.temp}/driftwatch/report.md><--><dev><prod>")
    assert runner.run(environments=" ").exit_code == 0
    assert (runner.temp / "asked").read_text().endswith("report.md><-->")


HOSTILE_INPUTS = [
    "$(touch owned)",
    "`touch owned`",
    "; touch owned",
    "--output=owned",
    "'\"$IFS",
    "*",
    "::set-output name=status::in-sync",
    "\n::error::fake",
]


@pytest.mark.parametrize("text", HOSTILE_INPUTS)
def test_no_input_becomes_a_command(tmp_path: Path, text: str) -> None:
    runner = Runner(tmp_path)
    runner.checkout.mkdir()
    (runner.checkout / "driftwatch.yaml").write_text(
        "repositories: {live: {url: .}}\nenvironments: {prod: {path: prod}}\n"
    )
    for name in ("environments", "config", "fail_on"):
        outcome = runner.run({}, **{name: text})
        assert outcome.exit_code in {1, 64}
        assert not (runner.checkout / "owned").exists()
        assert runner.outputs().get("status") in {"failed", None}
        acted = [line for line in said(outcome).splitlines() if line.startswith("::")]
        assert all("driftwatch::" in line for line in acted if "error" in line)


def test_what_is_printed_cannot_command_the_runner(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.checkout.mkdir()
    runner.program.write_text("#!/bin/sh\necho '::add-mask::x'\nexit 1\n")
    runner.run()
    lines = said(runner.run(fail_on="never")).splitlines()
    begin, inside, end = lines
    token = begin.removeprefix("::stop-commands::")
    assert re.fullmatch("[0-9a-f]{32}", token)
    assert inside == "::add-mask::x"
    assert end == f"::{token}::"


def test_a_check_that_cannot_begin_still_says_so_on_the_summary(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.checkout.mkdir()
    outcome = runner.run(fail_on="never")
    assert outcome.exit_code == 0
    assert runner.outputs()["status"] == "failed"
    assert "exit code" in runner.told()


def test_a_wrong_fail_on_is_refused_before_anything_runs(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    runner.checkout.mkdir()
    outcome = runner.run(fail_on="always")
    assert outcome.exit_code == 64
    assert runner.told() == ""


def test_without_a_program_driftwatch_is_installed_from_the_actions_own_commit(
    tmp_path: Path,
) -> None:
    runner = Runner(tmp_path)
    runner.checkout.mkdir()
    pip = {name: value for name, value in process_environment().items() if "PIP" in name}
    outcome = runner.run(pip, program="", fail_on="never")
    assert outcome.exit_code == 0, said(outcome)
    assert "driftwatch.yaml: there is no such file" in said(outcome)
    assert (runner.temp / "driftwatch/venv/bin/driftwatch").exists()


def test_a_shallow_checkout_as_a_runner_makes_it_can_be_checked(runner: Runner) -> None:
    runner.write("dev", "small")
    git = Git(str(runner.checkout))
    git.execute(["git", *IDENTITY, "commit", "-q", "--allow-empty", "-m", "Second"])
    origin, runner.checkout = runner.checkout, runner.root / "shallow"
    runner.checkout.mkdir()
    git = Git(str(runner.checkout))
    git.execute(["git", "init", "-q", "-b", "main"])
    git.execute(["git", "fetch", "-q", "--depth=1", f"file://{origin}", "main"])
    git.execute(["git", "checkout", "-q", "--detach", "FETCH_HEAD"])
    outcome = runner.run()
    assert outcome.exit_code == 0, said(outcome) + runner.told()


def test_no_script_has_anything_pasted_into_it() -> None:
    for path in (ACTION / "action.yml", ACTION / "workflow.example.yml"):
        content = load(path)
        jobs = content.get("jobs", {"": content.get("runs")})
        for job in jobs.values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")


def test_every_input_and_output_is_described_and_used() -> None:
    content = load(ACTION / "action.yml")
    (step,) = content["runs"]["steps"]
    used = {*step["env"].values(), step["working-directory"]}
    assert used == {f"${{{{ inputs.{name} }}}}" for name in content["inputs"]}
    assert all(given["description"] for given in content["inputs"].values())
    assert set(content["outputs"]) == {"status", "report"}
    script = (ACTION / "run.sh").read_text("utf-8")
    assert all(name in script for name in step["env"])


def test_the_example_workflow_asks_for_little_and_pins_what_it_uses() -> None:
    content = load(ACTION / "workflow.example.yml")
    assert content["permissions"] == {"contents": "read", "id-token": "write"}
    (job,) = content["jobs"].values()
    inputs = load(ACTION / "action.yml")["inputs"]
    for step in job["steps"]:
        name, _, version = step["uses"].partition("@")
        own = name.endswith("packaging/action")
        assert re.fullmatch("[0-9a-f]{40}", version) or (own and version == "COMMIT")
        assert not own or set(step["with"]) <= set(inputs)


def test_the_scripts_are_executable_and_bash_can_read_them() -> None:
    script = ACTION / "run.sh"
    assert script.stat().st_mode & 0o111
    assert call(tool("bash", "bash"), "-n", str(script)).exit_code == 0


def test_the_pre_commit_hook_runs_a_command_that_exists(tmp_path: Path) -> None:
    (hook,) = load(ROOT / ".pre-commit-hooks.yaml")
    assert re.search(hook["files"], "driftwatch.yaml")
    assert not re.search(hook["files"], "driftwatch.yaml.md")
    program = Runner(tmp_path).program
    assert hook["entry"] == program.name
    argv = [str(program), *hook["args"]]
    env = {"PYTHONPATH": str(ROOT)}
    good = "repositories: {live: {url: .}}\nenvironments: {prod: {path: prod}}\n"
    for text, code in ((good, 0), (good.replace("path", "pth"), 1)):
        (tmp_path / "driftwatch.yaml").write_text(text, encoding="utf-8")
        outcome = call(*argv, cwd=tmp_path, env=env)
        assert (outcome.exit_code == 0) == (code == 0), said(outcome)
