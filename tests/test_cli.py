"""The commands as people type them, with real git and real terraform."""

import json
import os
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from git.cmd import Git

from driftwatch.adapters.process import run as run_program
from driftwatch.bootstrap import write_file
from driftwatch.cli.exits import exit_code
from driftwatch.cli.main import run
from driftwatch.config.load import process_environment
from driftwatch.errors import StoreError
from tests.builders import NOW, make_decision, make_report

PLANS = Path(__file__).parent / "data" / "plans"


class Home:
    """A repository with two environments whose state is applied, and a configuration for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = root / "live"
        self.config = root / "driftwatch.yaml"
        for name in ("dev", "prod"):
            self.write(name, "a")
        self.git("init", "-q", "-b", "main")
        self.commit()
        for name in ("dev", "prod"):
            self.apply(name)
        self.configure("{url: ./live}")

    def write(self, name: str, value: str) -> None:
        folder = self.repository / "environments" / name
        folder.mkdir(parents=True, exist_ok=True)
        state = self.root / f"{name}.tfstate"
        (folder / "main.tf").write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{state}"\n  }}\n}}\n\n'
            f'resource "terraform_data" "x" {{\n  input = "{value}"\n}}\n',
            encoding="utf-8",
        )

    def git(self, *arguments: str) -> None:
        self.repository.mkdir(exist_ok=True)
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        Git(str(self.repository)).execute(["git", *identity, *arguments])

    def commit(self) -> None:
        self.git("add", "environments")
        self.git("commit", "-q", "-m", "Change")

    def apply(self, name: str) -> None:
        folder = self.repository / "environments" / name
        env = {"PATH": process_environment()["PATH"], "CHECKPOINT_DISABLE": "1"}
        for command in (["init"], ["apply", "-auto-approve"]):
            argv = ["terraform", *command, "-input=false"]
            env["TF_DATA_DIR"] = str(self.root / f"applied-{name}")
            assert run_program(argv, cwd=folder, env=env, timeout=120).exit_code == 0

    def configure(
        self, repository: str, environments: str = '"{name}": {path: environments/*}'
    ) -> None:
        self.config.write_text(
            f"repositories: {{live: {repository}}}\ndata_dir: {self.root / 'data'}\n"
            f"environments:\n  {environments}\n",
            encoding="utf-8",
        )

    def __call__(self, *arguments: str) -> int:
        return run(["-c", str(self.config), *arguments])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_check_says_what_waits_and_writes_its_reports(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home("check", "--format", "json") == 0
    first = json.loads(capsys.readouterr().out)
    assert [e["status"] for e in first["environments"]] == ["in sync", "in sync"]
    home.write("dev", "b")
    home.commit()

    assert home("check", "-q", "-f", "json") == 0
    said = capsys.readouterr()
    assert said.err == ""
    dev = next(e for e in json.loads(said.out)["environments"] if e["environment"] == "dev")
    assert dev["status"] == "pending"
    assert dev["findings"][0]["location"]["file"] == "environments/dev/main.tf"
    assert "Drift report" in (home.root / "reports" / "drift.html").read_text("utf-8")
    assert "dev" in (home.root / "reports" / "drift.md").read_text("utf-8")


def test_status_history_and_report_tell_what_is_on_record(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home("check", "-q") == 0
    capsys.readouterr()
    assert home("status") == 0
    assert "All 2 environments are in sync." in capsys.readouterr().out
    assert home("history", "dev", "--format", "json") == 0
    assert [e["status"] for e in json.loads(capsys.readouterr().out)] == ["in sync"]
    assert home("history", "dev") == 0
    assert "in sync" in capsys.readouterr().out
    assert home("report", "dev", "--format", "markdown", "-o", str(home.root / "x.md")) == 0
    assert "dev" in (home.root / "x.md").read_text("utf-8")
    assert home("history", "nowhere") == 64
    assert home("status", "nowhere") == 64


def test_an_environment_that_nobody_knows_is_a_wrong_command_line(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert home("check", "staging") == 64
    assert "There are: dev, prod." in capsys.readouterr().err


def test_one_environment_that_cannot_be_planned_does_not_stop_the_other(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.repository / "environments/dev/main.tf").write_text('resource "x" {', encoding="utf-8")
    home.commit()
    assert home("check", "-q", "-f", "json") == 1
    told = {
        e["environment"]: e["status"] for e in json.loads(capsys.readouterr().out)["environments"]
    }
    assert told == {"dev": "could not look", "prod": "in sync"}


def test_a_repository_that_is_gone_is_could_not_look_and_keeps_what_was_known(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write("dev", "b")
    home.commit()
    home.configure("{url: ./live}", "dev: {path: environments/dev}")
    assert home("check", "-q") == 0
    home.repository.rename(home.root / "gone")
    capsys.readouterr()
    assert home("check", "-q", "-f", "json") == 1
    (dev,) = json.loads(capsys.readouterr().out)["environments"]
    assert dev["status"] == "could not look"
    assert len(dev["findings"]) == 1
    assert home("status") == 1


def test_init_writes_a_configuration_that_doctor_and_check_accept(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(home.root / "state"))
    home.config.unlink()
    assert home("init", str(home.repository)) == 0
    assert "environments/dev: backend local" in capsys.readouterr().out
    assert home("init", str(home.repository)) == 64
    assert home("config", "validate") == 0
    assert home("doctor") == 0
    assert "dev: terraform" in capsys.readouterr().out
    assert home("check", "-q") == 0


def test_doctor_names_what_nobody_watches_and_what_is_missing(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.configure("{url: ./live}", "dev: {path: environments/dev, var_files: [x.tfvars]}")
    assert home("doctor") == 1
    said = capsys.readouterr().out
    assert "FAIL dev: no var-file x.tfvars" in said
    assert "FAIL environments/prod (backend local) is a root module that nobody watches" in said


def test_explain_needs_neither_git_nor_a_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["explain", str(PLANS / "tampered.json")]) == 2
    said = capsys.readouterr().out
    assert "aws_security_group.web" in said
    assert "hunter2" not in said
    assert run(["explain", str(PLANS / "fresh.json"), "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["environments"][0]["findings"] == []
    (tmp_path / "cut.json").write_bytes((PLANS / "tampered.json").read_bytes()[:2000])
    assert run(["explain", str(tmp_path / "cut.json")]) == 1


@pytest.mark.parametrize("format_", ["table", "json", "markdown", "html", "sarif", "junit"])
def test_no_secret_leaves_through_any_format(
    format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["explain", str(PLANS / "tampered.json"), "-f", format_]) == 2
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "sensitive" in said.out


def test_two_passes_at_once_on_one_data_directory_lose_nothing(home: Home) -> None:
    command = f"{sys.executable} -m driftwatch -c {home.config} check -q"
    script = f"{command} & {command}; wait"
    outcome = run_program(
        ["sh", "-c", script], cwd=home.root, env=process_environment(), timeout=120
    )
    assert outcome.exit_code == 0, outcome.stderr
    database = sqlite3.connect(home.root / "data/driftwatch.db")
    (count,) = database.execute("SELECT count(*) FROM report").fetchone()
    database.close()
    assert count == 4
    assert list((home.root / "data/runs").iterdir()) == []
    assert list((home.root / "data/worktrees").iterdir()) == []


def test_a_broken_configuration_names_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "driftwatch.yaml"
    path.write_text("repositories: {live: {ulr: x}}\nenvironments: {dev: {}}\n", encoding="utf-8")
    assert run(["-c", str(path), "check"]) == 1
    said = capsys.readouterr().err
    assert f"{path}:1:" in said
    assert f"{path}:2:" in said


def test_policies_are_listed_and_tested(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = str(tmp_path / "none.yaml")
    assert run(["-c", config, "policy", "test"]) == 0
    assert "0 failed" in capsys.readouterr().out
    assert run(["-c", config, "policy", "list"]) == 0
    assert "critical" in capsys.readouterr().out


def test_config_schema_and_completion_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "schema"]) == 0
    assert "environments" in json.loads(capsys.readouterr().out)["properties"]
    for shell in ("bash", "zsh", "fish"):
        assert run(["completion", shell]) == 0
        assert "driftwatch" in capsys.readouterr().out


def test_a_stale_environment_is_never_green() -> None:
    fresh = make_report()
    assert exit_code([fresh], NOW) == 0
    assert exit_code([fresh], NOW + timedelta(days=2)) == 1
    assert exit_code([make_report(make_decision())], NOW) == 2
    assert exit_code([make_report(make_decision()), make_report(failure=None)], NOW) == 2


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(pipe, "text")
        assert os.read(reader, 10) == b"text"
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="Cannot write"):
        write_file(tmp_path / "file" / "below", "text")
