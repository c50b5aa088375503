"""The embedded world: a cloud, a Git repository and states that agree, until tampered with."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ruamel.yaml import YAML

from driftwatch.adapters.mirrors import write_cli_config
from driftwatch.adapters.terraform_environment import base_environment
from driftwatch.demo.cases import PlantedCase
from driftwatch.demo.cloud import REGION, Cloud, embedded_cloud
from driftwatch.demo.failure import WorldError
from driftwatch.demo.mail import MailServer, mail_server
from driftwatch.demo.repository import BRANCH, LiveRepository, create_repository
from driftwatch.demo.tampering import PLANTED, Planted
from driftwatch.demo.terraform import DemoTerraform

Say = Callable[[str], None]

_LOCK_FILE = ".terraform.lock.hcl"
_HOMES = ("HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS")
_STATE_BUCKET = "acme-terraform-state"
_VARIABLES = {"payment_api_key": "pk_live_as_code_has_it_7Tz4"}


@dataclass(frozen=True, slots=True)
class RootModule:
    """One environment of the world; `variables` names those that its code declares."""

    name: str
    directory: str
    owner: str
    variables: tuple[str, ...] = ()


ROOT_MODULES = (
    RootModule("base-networking", "base/networking", "platform"),  # the others look its VPC up
    RootModule("base-security", "base/security", "security"),
    RootModule("base-storage", "base/storage", "platform"),
    RootModule("dev", "environments/dev", "platform"),
    RootModule("staging", "environments/staging", "platform"),
    RootModule("prod", "environments/prod", "platform"),
    RootModule("storefront", "applications/storefront", "storefront", ("payment_api_key",)),
)


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """How to build the world: with which terraform or tofu, which part of it, how much at once.

    `environ` is the user's environment; of it only what `scrubbed` leaves is used.
    """

    binary: str = "terraform"
    environments: tuple[str, ...] = tuple(root.name for root in ROOT_MODULES)
    at_once: int = 2
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class World:
    """A world that stands: `config` is the driftwatch.yaml that watches it.

    `environ` is the environment to check it in: the user's, without anything of AWS's or
    Terraform's, which could lead a check out of this world.
    """

    cloud: Cloud
    live: LiveRepository
    config: Path
    environ: Mapping[str, str]
    planted: tuple[Planted, ...]

    @property
    def repository(self) -> Path:
        """Say where the bare repository is."""
        return self.live.bare

    @property
    def endpoint(self) -> str:
        """Say where the embedded cloud listens."""
        return self.cloud.endpoint

    @property
    def variables(self) -> Mapping[str, str]:
        """Give the environment that points an AWS client at the embedded cloud."""
        return self.cloud.variables

    @property
    def cases(self) -> tuple[PlantedCase, ...]:
        """List what must be found once the world is tampered with."""
        return tuple(planted.case for planted in self.planted)

    def tamper(self, say: Say) -> None:
        """Do every deed behind Terraform's back, and merge the code that nobody applies."""
        for planted in self.planted:
            if planted.deed is not None:
                planted.deed(self.cloud)
            if planted.change is not None:
                self.live.merge(planted.change)
            if planted.deed or planted.change:
                say(f"{planted.case.environment}: {planted.case.story}")


@contextmanager
def build_world(root: Path, settings: WorldSettings, say: Say) -> Iterator[World]:
    """Build the world below `root`, an empty directory, and keep it for as long as the context.

    Raises `WorldError`, and `CouldNotLook` where the binary cannot be started.
    """
    roots = _selected(settings.environments)
    root = root.resolve()
    if any(root.iterdir()):
        raise WorldError(f"{root} is not empty; the demo needs a directory of its own")
    with embedded_cloud(root) as cloud, mail_server(root) as mail:
        say(f"An embedded AWS listens on {cloud.endpoint}")
        say(f"A mail server puts mail into {mail.folder}")
        live = create_repository(root)
        say(f"A Git repository is at {live.bare}")
        _create_state_bucket(cloud)
        environ = scrubbed(settings.environ)
        terraform = DemoTerraform(
            binary=settings.binary,
            cloud=cloud,
            root=root,
            cli_config=write_cli_config(root, environ),
            inherited=environ,
            variables=_VARIABLES,
        )
        _apply_all(terraform, live, roots, (settings.at_once, say))
        names = {module.name for module in roots}
        planted = tuple(p for p in PLANTED if p.case.environment in names)
        config = _write_config(root, (cloud, mail), roots, settings.binary)
        yield World(cloud, live, config, environ, planted)


def scrubbed(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Keep of the user's environment what programs need to run and mirrors need to be found."""
    kept = {name: environ[name] for name in _HOMES if name in environ}
    return {**base_environment(environ), **kept}


def _selected(names: Sequence[str]) -> tuple[RootModule, ...]:
    unknown = set(names) - {module.name for module in ROOT_MODULES}
    if unknown or not names:
        raise WorldError(f"The demo has no environment called {', '.join(sorted(unknown)) or '?'}")
    return tuple(module for module in ROOT_MODULES if module.name in names)


def _create_state_bucket(cloud: Cloud) -> None:
    location = {"LocationConstraint": REGION}
    cloud.client("s3").create_bucket(Bucket=_STATE_BUCKET, CreateBucketConfiguration=location)


def _apply_all(
    terraform: DemoTerraform,
    live: LiveRepository,
    roots: Sequence[RootModule],
    how: tuple[int, Say],
) -> None:
    """Apply the first alone, since the others read what it makes, and lock all alike."""
    at_once, say = how
    first, *others = (live.work / module.directory for module in roots)
    names = {live.work / module.directory: module.name for module in roots}
    terraform.init(first)
    for directory in others:
        shutil.copyfile(first / _LOCK_FILE, directory / _LOCK_FILE)

    def apply(directory: Path) -> None:
        terraform.apply(directory)
        say(f"{names[directory]} is applied")

    jobs = [(apply, first), *((terraform.init, directory) for directory in others)]
    _do_all(jobs, at_once)
    live.publish("Lock the providers")
    _do_all([(apply, directory) for directory in others], at_once)


def _do_all(jobs: Sequence[tuple[Callable[[Path], None], Path]], at_once: int) -> None:
    with ThreadPoolExecutor(max_workers=at_once) as executor:
        futures = [executor.submit(job, directory) for job, directory in jobs]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _write_config(
    root: Path, servers: tuple[Cloud, MailServer], roots: Sequence[RootModule], binary: str
) -> Path:
    cloud, mail = servers
    smtp = {
        "host": "127.0.0.1",
        "port": mail.port,
        "security": "none",
        "sender": "driftwatch@example.org",
    }
    document = {
        "repositories": {"live": {"url": str(root / "live.git"), "branch": BRANCH}},
        "environments": {module.name: _environment(module) for module in roots},
        "defaults": {
            "terraform": {"binary": binary},
            "env": dict(cloud.variables),
            "schedule": "every 1m",
        },
        "notifications": {
            "channels": {"mail": {"smtp": smtp}},
            "routes": {"everybody": {"channel": "mail", "to": ["you@example.org"]}},
        },
        "web": {"public_url": "http://127.0.0.1:8420"},
        "reports": {"directory": str(root / "reports")},
        "data_dir": str(root / "data"),
    }
    path = root / "driftwatch.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(document, file)
    return path


def _environment(module: RootModule) -> dict[str, object]:
    settings: dict[str, object] = {"path": module.directory, "owners": [module.owner]}
    if module.variables:
        settings["variables"] = {name: _VARIABLES[name] for name in module.variables}
    return settings
