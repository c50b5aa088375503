"""Programs are found on the PATH or fetched once, verified, from a release mirror on loopback."""

import http.server
import json
import platform
import shutil
import threading
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from driftwatch.adapters.release_site import ReleaseSite
from driftwatch.adapters.releases import PINNED, Program, Releases
from driftwatch.domain.environment import Environment
from driftwatch.errors import Cause, CouldNotLook

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
SYSTEM = platform.system().lower()


def program(version: str) -> str:
    """A stand-in that answers `version -json` as both tools do."""
    return f"#!/bin/sh\necho '{json.dumps({'terraform_version': version})}'\n"


def archive(entries: Mapping[str, str]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in entries.items():
            opened.writestr(name, text)
    return content.getvalue()


class Mirror:
    """A release mirror in a folder, served on loopback; `asked` lists what was fetched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                asked.append(self.path.rpartition("/")[2])

        handler = partial(Handler, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def publish(
        self, version: str, *, tool: str = "terraform", content: bytes = b"", digest: str = ""
    ) -> None:
        content = content or archive({"LICENSE.txt": "free", tool: program(version)})
        name = f"{tool}_{version}_{SYSTEM}_{MACHINE}.zip"
        folder = self.folder / tool / version
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
        sums = f"{'0' * 64}  {tool}_{version}_plan9_mips.zip\n"
        sums += f"{digest or sha256(content).hexdigest()}  {name}\n"
        (folder / f"{tool}_{version}_SHA256SUMS").write_text(sums)
        listed: dict[str, Any] = {
            "versions": {path.name: {} for path in (self.folder / tool).iterdir()}
        }
        (self.folder / tool / "index.json").write_text(json.dumps(listed))


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    (tmp_path / "mirror").mkdir()
    served = Mirror(tmp_path / "mirror")
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()


class Machine:
    """A machine with its own PATH, data folder and root module."""

    def __init__(self, folder: Path, mirror: str) -> None:
        self.bin, self.kept, self.code = folder / "bin", folder / "kept", folder / "code"
        for made in (self.bin, self.code):
            made.mkdir()
        shell = str(Path(shutil.which("sh") or "/bin/sh").parent)
        self.releases = Releases(self.kept, {"PATH": f"{self.bin}:{shell}"}, mirror)

    def install(self, name: str, version: str) -> str:
        path = self.bin / name
        path.write_text(program(version))
        path.chmod(0o755)
        return str(path)

    def find(self, binary: str | None = None, version: str | None = None) -> Program:
        environment = Environment("e", "r", ".", binary=binary, version=version)
        return self.releases.find(environment, self.code)

    def leftovers(self) -> list[str]:
        return sorted(p.name for p in self.kept.rglob("*") if p.is_file() and p.name != ".lock")


@pytest.fixture
def machine(tmp_path: Path, mirror: Mirror) -> Machine:
    return Machine(tmp_path, mirror.url)


def test_terraform_on_the_path_is_used_and_tofu_where_there_is_no_terraform(
    machine: Machine,
) -> None:
    tofu = machine.install("tofu", "1.9.0")
    assert machine.find() == Program(tofu, "tofu", "1.9.0")
    terraform = machine.install("terraform", "1.11.4")
    assert machine.find() == Program(terraform, "terraform", "1.11.4")
    assert machine.find(binary="tofu").name == "tofu"
    assert machine.find(binary=tofu).path == tofu


def test_a_program_that_was_replaced_is_asked_again(machine: Machine) -> None:
    machine.install("terraform", "1.11.4")
    assert machine.find().version == "1.11.4"
    machine.install("terraform", "1.12.10")
    assert machine.find().version == "1.12.10"


def test_a_program_on_the_path_that_fits_is_not_fetched(machine: Machine, mirror: Mirror) -> None:
    machine.install("terraform", "1.9.8")
    mirror.publish("1.9.8")
    (machine.code / "main.tf").write_text('terraform { required_version = "~> 1.9.0" }')
    assert machine.find().path == str(machine.bin / "terraform")
    assert machine.find(version="1.9.8").path == str(machine.bin / "terraform")
    assert mirror.asked == []


def test_of_two_programs_the_one_that_fits_is_used(machine: Machine) -> None:
    machine.install("terraform", "1.11.4")
    machine.install("tofu", "1.8.3")
    (machine.code / "main.tf").write_text('terraform { required_version = "< 1.9" }')
    assert machine.find().name == "tofu"


def test_a_release_that_is_not_there_is_fetched_once(machine: Machine, mirror: Mirror) -> None:
    machine.install("terraform", "1.11.4")
    mirror.publish("1.9.8")
    found = machine.find(version="1.9.8")
    assert found == Program(str(machine.kept / "terraform/1.9.8/terraform"), "terraform", "1.9.8")
    assert machine.releases.identify(found.path) == found
    assert Path(found.path).stat().st_mode & 0o777 == 0o700
    fetched = list(mirror.asked)
    assert machine.find(version="1.9.8") == found
    assert machine.find(binary="terraform", version="1.9.8") == found
    assert mirror.asked == fetched
    assert machine.leftovers() == ["terraform"]


def test_many_checks_at_once_fetch_a_release_once(machine: Machine, mirror: Mirror) -> None:
    mirror.publish("1.9.8")
    threads = [threading.Thread(target=machine.find, args=(None, "1.9.8")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mirror.asked) == sorted(set(mirror.asked))


def test_the_version_file_of_the_repository_counts(machine: Machine, mirror: Mirror) -> None:
    machine.install("terraform", "1.11.4")
    mirror.publish("1.9.8")
    live = machine.code / "live/prod"
    live.mkdir(parents=True)
    (machine.code / ".terraform-version").write_text("1.9.8\n")
    environment = Environment("e", "r", "live/prod")
    assert machine.releases.find(environment, live, machine.code).version == "1.9.8"


def test_for_a_constraint_a_kept_release_comes_before_a_newer_one(
    machine: Machine, mirror: Mirror
) -> None:
    machine.install("terraform", "1.11.4")
    (machine.code / "main.tf").write_text('terraform {\n  required_version = "~> 1.9.0"\n}\n')
    for version in ("1.9.2", "1.9.10", "1.9.11-rc1", "1.10.0"):
        mirror.publish(version)
    assert machine.find().version == "1.9.10"
    mirror.publish("1.9.12")
    assert machine.find().version == "1.9.10"


def test_where_there_is_no_program_at_all_the_pinned_release_is_fetched(
    machine: Machine, mirror: Mirror
) -> None:
    mirror.publish(PINNED)
    assert machine.find().version == PINNED


def test_tofu_is_fetched_from_its_own_place(machine: Machine, mirror: Mirror) -> None:
    mirror.publish("1.9.1", tool="tofu")
    found = machine.find(binary="tofu", version="1.9.1")
    assert (found.name, Path(found.path).name) == ("tofu", "tofu")


def test_release_sites_are_the_tools_own_unless_there_is_a_mirror() -> None:
    assert ReleaseSite.of("terraform").folder.startswith(
        "https://releases.hashicorp.com/terraform/"
    )
    assert ReleaseSite.of("tofu").folder.startswith("https://github.com/opentofu/opentofu/")
    assert ReleaseSite.of("tofu", "https://m/").index == "https://m/tofu/index.json"


def test_both_kinds_of_release_lists_are_read(mirror: Mirror) -> None:
    (mirror.folder / "tofu").mkdir()
    listed: dict[str, Any] = {"versions": [{"id": "1.9.1", "files": []}, {"id": "1.8.0"}]}
    (mirror.folder / "tofu/index.json").write_text(json.dumps(listed))
    assert list(ReleaseSite.of("tofu", mirror.url).versions()) == ["1.9.1", "1.8.0"]
    (mirror.folder / "tofu/index.json").write_text("<html>not found</html>")
    with pytest.raises(CouldNotLook, match="does not list releases"):
        ReleaseSite.of("tofu", mirror.url).versions()


@pytest.mark.parametrize(
    ("content", "digest", "says"),
    [
        (b"", "0" * 64, "checksum"),
        (b"not a zip", "", "cannot be unpacked"),
        (archive({"README": "x"}), "", "holds no program terraform"),
        (archive({"terraform": "x", "../evil": "x"}), "", "leads out"),
        (archive({"terraform": "x", "/evil": "x"}), "", "leads out"),
        (archive({"terraform": "x", "a\\..\\..\\evil": "x"}), "", "leads out"),
        (archive({"terraform": "x" * 5000})[:-40], "", "cannot be unpacked"),
    ],
    ids=["checksum", "no zip", "no program", "parent", "absolute", "backslash", "cut"],
)
def test_a_release_that_is_not_what_it_should_be_is_refused_and_not_kept(
    machine: Machine, mirror: Mirror, content: bytes, digest: str, says: str
) -> None:
    mirror.publish("1.9.8", content=content, digest=digest)
    with pytest.raises(CouldNotLook, match=says) as caught:
        machine.find(version="1.9.8")
    assert caught.value.cause is Cause.MACHINE
    assert machine.leftovers() == []
    assert not (machine.kept.parent / "evil").exists()


def test_a_release_that_does_not_exist_is_an_error_with_the_place(machine: Machine) -> None:
    with pytest.raises(CouldNotLook, match=r"Cannot fetch http://127.0.0.1.*404") as caught:
        machine.find(version="1.9.8")
    assert (caught.value.cause, caught.value.retryable) == (Cause.MACHINE, True)


def test_a_release_for_other_machines_only_is_an_error(machine: Machine, mirror: Mirror) -> None:
    mirror.publish("1.9.8")
    (mirror.folder / "terraform/1.9.8/terraform_1.9.8_SHA256SUMS").write_text("abc  other.zip\n")
    with pytest.raises(CouldNotLook, match="not released for this machine"):
        machine.find(version="1.9.8")


def test_an_unreachable_site_is_an_error_that_a_later_check_may_not_see(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(CouldNotLook, match=r"Cannot fetch http://127\.0\.0\.1:9") as caught:
        machine.find(version="1.9.8")
    assert (caught.value.cause, caught.value.retryable) == (Cause.MACHINE, True)


def test_a_constraint_that_no_release_satisfies_is_an_error(
    machine: Machine, mirror: Mirror
) -> None:
    mirror.publish("1.9.8")
    (machine.code / "main.tf").write_text('terraform { required_version = "> 9, < 8" }')
    with pytest.raises(CouldNotLook, match="No release of terraform satisfies > 9, < 8"):
        machine.find()


def test_a_named_program_of_another_version_is_an_error(machine: Machine) -> None:
    path = machine.install("my-terraform", "1.11.4")
    with pytest.raises(CouldNotLook, match=r"1\.11\.4.*1\.9\.8") as caught:
        machine.find(binary=path, version="1.9.8")
    assert caught.value.cause is Cause.CONFIGURATION


@pytest.mark.parametrize("binary", ["tofu", "no-such-program", "/no/such/program"])
def test_a_named_program_that_is_missing_is_an_error(machine: Machine, binary: str) -> None:
    machine.install("terraform", "1.11.4")
    with pytest.raises(CouldNotLook, match=f"no program {binary}") as caught:
        machine.find(binary=binary)
    assert caught.value.cause is Cause.CONFIGURATION


def test_a_program_that_is_something_else_is_an_error(machine: Machine) -> None:
    path = machine.bin / "terraform"
    path.write_text("#!/bin/sh\necho hello; echo strange >&2; exit 3\n")
    path.chmod(0o755)
    with pytest.raises(CouldNotLook, match="does not answer like terraform") as caught:
        machine.find()
    assert (caught.value.exit_code, caught.value.detail) == (3, "strange\n")
