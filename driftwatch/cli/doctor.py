"""`driftwatch doctor`: what is missing before a check can be believed."""

import platform
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from driftwatch.bootstrap import Fleet, Installation, open_installation, root_modules
from driftwatch.cli.exits import COULD_NOT_LOOK, IN_SYNC
from driftwatch.config.load import process_environment
from driftwatch.domain.environment import Environment
from driftwatch.errors import CouldNotLook
from driftwatch.render.text import visible

_MARKS = {True: "ok  ", False: "FAIL", None: "note"}
# https://sqlite.org/wal.html#walresetbug: commits of two writers can be lost before these versions.
_SQLITE_SOUND = (3, 51, 3)


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that was looked at; `well` is None where it is only worth knowing."""

    well: bool | None
    text: str


@click.command()
@click.pass_obj
def command(config: Path) -> int:
    """Say what is missing before a check can be believed; exit code 1 where something is.

    Looks at the data directory, git, terraform or tofu, the repositories, every environment's files
    and credentials, and names each root module that no environment covers.
    """
    installation = open_installation(config)
    click.echo(f"{_MARKS[True]} {config} is valid")
    failed = False
    for symptom in examine(installation):
        click.echo(visible(f"{_MARKS[symptom.well]} {symptom.text}"))
        failed |= symptom.well is False
    return COULD_NOT_LOOK if failed else IN_SYNC


def examine(installation: Installation) -> Iterator[Symptom]:
    """Look at everything that a check needs, the cheap things first."""
    yield from _machine(installation)
    fleet = installation.discover()
    for note in fleet.notes:
        yield Symptom(None, note)
    for name, commit in fleet.commits.items():
        if isinstance(commit, CouldNotLook):
            yield Symptom(False, f"repository {name}: {commit} {commit.detail}".strip())
        else:
            yield Symptom(True, f"repository {name}: at {commit[:12]}")
            yield from _repository(installation, fleet, name, commit)


def _machine(installation: Installation) -> Iterator[Symptom]:
    data = installation.config.data_dir
    free = shutil.disk_usage(data).free >> 20
    yield Symptom(free > 1024, f"data directory {data}: {free} MB free")  # noqa: PLR2004 - a provider
    if sqlite3.sqlite_version_info < _SQLITE_SOUND:
        known = "driftwatch lets one connection write at a time, which avoids it"
        yield Symptom(None, f"SQLite {sqlite3.sqlite_version} has the WAL-reset bug; {known}")
    git = shutil.which("git", path=process_environment().get("PATH"))
    yield Symptom(git is not None, f"git: {git or 'not on the PATH'}")
    yield Symptom(None, f"Python {platform.python_version()} on {platform.system()}")


def _repository(
    installation: Installation, fleet: Fleet, name: str, commit: str
) -> Iterator[Symptom]:
    repository = fleet.repositories[name]
    environments = [e for e in fleet.environments if e.repository == name]
    with installation.git.checkout(repository, commit) as checkout:
        for environment in environments:
            yield _environment(installation, environment, checkout.path)
    covered = {environment.directory for environment in environments}
    for module in root_modules(installation.git, repository, commit):
        if module.directory not in covered:
            why = ", ".join(module.reasons)
            yield Symptom(False, f"{module.directory} ({why}) is a root module that nobody watches")


def _environment(installation: Installation, environment: Environment, root: Path) -> Symptom:
    """Look for an environment's folder, files, program and credentials, and stop at what fails."""
    folder = root / environment.directory
    missing = [name for name in environment.var_files if not (folder / name).is_file()]
    if not folder.is_dir():
        return Symptom(False, f"{environment.name}: no directory {environment.directory}")
    if missing:
        return Symptom(False, f"{environment.name}: no var-file {', '.join(missing)}")
    try:
        program = installation.terraform.releases.find(environment, folder)
        credentials = installation.terraform.credentials(environment)
    except CouldNotLook as error:
        return Symptom(False, f"{environment.name}: {error} {error.detail}".strip())
    return Symptom(
        True, f"{environment.name}: {program.name} {program.version}, credentials {credentials}"
    )
