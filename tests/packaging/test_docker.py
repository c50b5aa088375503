"""The image, as far as a machine without a container engine can judge it: parsed, and acted out."""

import http.server
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from driftwatch.config.load import load_config, process_environment
from driftwatch.config.service_model import DaemonSettings
from tests.adapters.test_releases import Mirror
from tests.packaging.tools import PACKAGING, ROOT, call, said, tool

DOCKER = PACKAGING / "docker"
GIVEN = {"GIT_TOKEN": "a-token-for-git", "SMTP_HOST": "127.0.0.1"}

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """Read the Dockerfile: comments dropped, continued lines joined."""
    lines = (DOCKER / "Dockerfile").read_text("utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", text)
    found = []
    for line in filter(None, joined.splitlines()):
        name, _, rest = line.partition(" ")
        found.append((name, rest.strip()))
    return found


def all_of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def last_stage() -> list[Instruction]:
    found = instructions()
    begin = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return found[begin:]


def copied() -> list[tuple[list[str], str]]:
    """List what the image is built of: sources in the repository, and where they go."""
    pairs = [rest.split() for rest in all_of("COPY") if not rest.startswith("--from")]
    return [(words[:-1], words[-1]) for words in pairs]


def test_the_base_is_pinned_and_can_be_pinned_harder() -> None:
    defaults = dict(rest.split("=", 1) for rest in all_of("ARG"))
    assert all(line.startswith("${BASE_IMAGE}") for line in all_of("FROM"))
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", defaults["BASE_IMAGE"])
    assert defaults["TERRAFORM_VERSION"] == '""'


def test_everything_that_is_copied_is_there_and_not_kept_out() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*"
    sources = {source for group, _ in copied() for source in group}
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in rules, source
    assert {f"!{source}" for source in sources} == {rule for rule in rules if rule[0] == "!"}


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    stage = dict(last_stage())
    user, _, group = stage["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    (setup,) = [rest for name, rest in last_stage() if name == "RUN"]
    assert f"--uid {user}" in setup
    assert f"--owner {user} --group {group} {stage['VOLUME']}" in setup


def test_the_last_stage_brings_no_compiler_and_no_leftovers() -> None:
    (setup,) = [rest for name, rest in last_stage() if name == "RUN"]
    packages = setup.split("--no-install-recommends ")[1].split(" &&")[0].split()
    assert packages == ["ca-certificates", "git", "openssh-client"]
    assert "rm -rf /var/lib/apt/lists/*" in setup


def test_commands_in_the_image_are_ones_that_a_shell_can_read() -> None:
    for line in all_of("RUN"):
        outcome = call(tool("sh", "dash"), "-n", "-c", line)
        assert outcome.exit_code == 0, said(outcome)


def test_no_secret_has_a_place_in_the_image() -> None:
    for line in (*all_of("ARG"), *all_of("ENV")):
        assert not re.search(r"token|password|secret|credential|_key", line, re.IGNORECASE), line


def test_the_container_starts_the_daemon_and_stops_it_politely() -> None:
    stage = dict(last_stage())
    assert json.loads(stage["ENTRYPOINT"]) == ["driftwatch"]
    assert json.loads(stage["CMD"]) == ["daemon"]
    assert stage["STOPSIGNAL"] == "SIGTERM"


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers /healthz with the status that the server holds."""

    def do_GET(self) -> None:
        assert self.path == "/healthz"
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_the_daemon(status: int, code: int) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    server.status = status  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert health_check(server.server_port) == code
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert health_check(server.server_port) != 0


def health_check(port: int) -> int:
    given = dict(last_stage())["HEALTHCHECK"].split("CMD ")[1]
    python, option, code = json.loads(given)
    assert (python, option) == ("python", "-c")
    # what a proxy is for is not to be asked for what is here
    env = {"http_proxy": "http://127.0.0.1:9"}
    return call(sys.executable, "-c", code.replace("8420", str(port)), env=env).exit_code


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    (tmp_path / "mirror").mkdir()
    served = Mirror(tmp_path / "mirror")
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def fetch_terraform(folder: Path, *arguments: str) -> int:
    script = str(DOCKER / "fetch_terraform.py")
    env = {"PYTHONPATH": str(ROOT)}
    return call(sys.executable, script, str(folder), *arguments, env=env).exit_code


def test_terraform_is_baked_in_only_when_asked_for_and_only_when_verified(
    tmp_path: Path, mirror: Mirror
) -> None:
    mirror.publish("1.11.4")
    mirror.publish("1.11.5", digest="0" * 64)
    folder = tmp_path / "bin"
    folder.mkdir()
    assert fetch_terraform(folder, "", "") == 0
    assert fetch_terraform(folder, "1.11.5", mirror.url) == 1
    assert list(folder.iterdir()) == []
    assert fetch_terraform(folder, "1.11.4", mirror.url) == 0
    assert (folder / "terraform").stat().st_mode & 0o777 == 0o755
    assert "1.11.4" in said(call(str(folder / "terraform"), "version", "-json"))


def lay_out(source: Path) -> None:
    """Copy what the build stage copies, and nothing else."""
    for group, target in copied():
        for name in group:
            place = source / (Path(name).name if target == "./" else target)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, place, ignore=ignored)
            else:
                shutil.copy(ROOT / name, place)


def succeed(*argv: str) -> None:
    outcome = call(*argv, env=process_environment(), timeout=300)
    assert outcome.exit_code == 0, said(outcome)


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """Act the build stage out: build a wheel, and install it into a new environment.

    What it depends on is borrowed from this environment; driftwatch itself is the wheel's.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)  # for a user that is not us
        lay_out(base / "src")
        pip, venv = (sys.executable, "-m", "pip"), base / "venv"
        options = ("--quiet", "--no-deps")
        succeed(*pip, "wheel", *options, "--wheel-dir", str(base / "wheels"), str(base / "src"))
        succeed(sys.executable, "-m", "venv", "--without-pip", str(venv))
        (wheel,) = (base / "wheels").iterdir()
        succeed(*pip, "--python", str(venv / "bin/python"), "install", *options, str(wheel))
        (packages,) = venv.glob("lib/python*/site-packages")
        borrowed = Path(pytest.__file__).parents[1]
        (packages / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
        yield venv


def as_nobody(*argv: str, **env: str) -> tuple[int, str]:
    """Run a command as the image does: under a number that is not root and can write nothing."""
    outcome = call(*_dropping(), *argv, cwd=Path("/"), env={"HOME": "/nonexistent", **env})
    return outcome.exit_code, said(outcome)


def _dropping() -> tuple[str, ...]:
    if os.geteuid() != 0:
        return ()
    numbers = ("--reuid=10001", "--regid=10001", "--clear-groups")
    kept = "-all,+dac_read_search" if _may_read_all() else "-all"
    sets = (f"--{name}={kept}" for name in ("inh-caps", "ambient-caps", "bounding-set"))
    return (tool("setpriv", "util-linux"), *numbers, *sets)


def _may_read_all() -> bool:
    """Say whether reading can be kept, so that an interpreter in root's home can be found."""
    status = Path("/proc/self/status").read_text("ascii")
    bounding = re.search(r"^CapBnd:\s*([0-9a-f]+)$", status, re.MULTILINE)
    assert bounding is not None
    return bool(int(bounding[1], 16) >> 2 & 1)  # CAP_DAC_READ_SEARCH


def test_what_is_installed_runs_as_a_user_that_is_not_root(installed: Path) -> None:
    program = str(installed / "bin/driftwatch")
    code, text = as_nobody(program, "--version")
    assert (code, text.split()[0]) == (0, "driftwatch,"), text
    where = "import driftwatch; print(driftwatch.__file__)"
    code, text = as_nobody(str(installed / "bin/python"), "-c", where)
    assert text.startswith(str(installed)), "the checkout was found instead of the wheel"


def test_the_example_configuration_is_valid_for_what_is_installed(installed: Path) -> None:
    program, config = str(installed / "bin/driftwatch"), str(PACKAGING / "driftwatch.yaml")
    code, text = as_nobody(program, "-c", config, "config", "validate", **GIVEN)
    assert code == 0, text
    assert "1 repositories, 2 environments" in text
    code, text = as_nobody(program, "-c", config, "config", "validate")
    assert code != 0
    assert "GIT_TOKEN is not set" in text


def test_the_rules_that_come_along_are_in_the_wheel(installed: Path) -> None:
    code, text = as_nobody(str(installed / "bin/driftwatch"), "policy", "test")
    assert code == 0, text


def compose() -> dict[str, Any]:
    with (DOCKER / "compose.yaml").open(encoding="utf-8") as file:
        content: dict[str, Any] = YAML(typ="safe").load(file)
    return content


def test_the_services_of_the_example_are_pinned_and_reachable_from_this_machine_alone() -> None:
    for name, service in compose()["services"].items():
        assert re.search(r":v\d+\.\d+\.\d+$", service["image"]) or "build" in service, name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            made = source == "state" or source.endswith("prometheus.token")
            assert made or (DOCKER / source).resolve().is_file(), source


def test_the_example_gives_checks_the_time_to_end_and_the_container_little_else() -> None:
    service = compose()["services"]["driftwatch"]
    assert service["stop_grace_period"] == "2m"
    assert DaemonSettings().shutdown.total_seconds() < 120
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert (DOCKER / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_the_example_configuration_fits_the_container() -> None:
    given = compose()["services"]["driftwatch"]["environment"]
    config = load_config(PACKAGING / "driftwatch.yaml", {**given, **GIVEN})
    assert (config.web.host, config.web.port) == ("0.0.0.0", 8420)
    assert config.web.anonymous is None
    assert str(config.data_dir) == dict(last_stage())["VOLUME"]
    assert config.reports_dir.is_relative_to(config.data_dir)
