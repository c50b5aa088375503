"""Builds everything: alone knows the adapters, and alone owns the clock."""

import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from driftwatch.adapters.channels.building import build_channel
from driftwatch.adapters.files import write_whole
from driftwatch.adapters.git import GitMirrors
from driftwatch.adapters.logs import configure_logging
from driftwatch.adapters.process import interrupt
from driftwatch.adapters.releases import Program, Releases
from driftwatch.adapters.service_manager import Systemd
from driftwatch.adapters.sources import SourceDirectory
from driftwatch.adapters.store.presence import Seat
from driftwatch.adapters.store.store import Store, open_store, read_key
from driftwatch.adapters.terraform import TerraformCli
from driftwatch.config.draft import DraftModule, draft_config
from driftwatch.config.expansion import expand
from driftwatch.config.load import load_config, process_environment
from driftwatch.config.model import Config
from driftwatch.config.places import builtin_policies
from driftwatch.config.policy_files import load_policies
from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.masking import Masker
from driftwatch.domain.model import Report
from driftwatch.domain.policy import Rule
from driftwatch.domain.routing import Telling
from driftwatch.errors import ConfigError, CouldNotLook, StoreError, UsageError
from driftwatch.hcl.configuration import Configuration, read_configuration
from driftwatch.hcl.discovery import RootModule, find_root_modules
from driftwatch.pipeline import Judgement, Pipeline, blank_report, examine
from driftwatch.ports import Channel, Checkout, History, PlanDocument, ServiceManager
from driftwatch.render.formats import Format, render

_SEARCHED = "searched"


def now() -> datetime:
    """Tell the time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a pass will check: environments, where they are, and at which commits."""

    environments: tuple[Environment, ...]
    repositories: Mapping[str, Repository]
    commits: Mapping[str, str | CouldNotLook]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """driftwatch as configured: one configuration, one data directory, one pipeline."""

    config: Config
    pipeline: Pipeline
    git: GitMirrors
    terraform: TerraformCli
    store: Store
    seat: Seat
    channels: Mapping[str, Channel]
    now: Callable[[], datetime] = now

    @property
    def history(self) -> History:
        """Return what remembers reports."""
        return self.store.reports

    @property
    def telling(self) -> Telling:
        """Say who is told of what is found."""
        notifications = self.config.notifications
        targets = {name: channel.targets for name, channel in self.channels.items()}
        return Telling(notifications.routes, targets, notifications.patience)

    def discover(self, names: Sequence[str] = ()) -> Fleet:
        """Fetch every repository once and expand globs; `names` narrows it to some environments.

        Raises `UsageError` for a name that no environment has.
        """
        repositories = {repository.name: repository for repository in self.config.repositories}
        with ThreadPoolExecutor(max_workers=4) as executor:
            commits = self.pipeline.fetch(repositories.values(), executor)
        directories = {
            name: self.git.directories(repositories[name], commit)
            for name, commit in commits.items()
            if isinstance(commit, str)
        }
        expansion = expand(self.config.environments, directories)
        chosen = select_environments(expansion.environments, names)
        return Fleet(chosen, repositories, commits, expansion.notes)

    def check(
        self, fleet: Fleet, progress: Callable[[str, str], None], parallel: int | None = None
    ) -> Iterator[Report]:
        """Check a fleet and give each report, already saved, as soon as it is there."""
        workers = parallel or self.config.parallelism
        with ThreadPoolExecutor(max_workers=workers) as executor:
            yield from self.pipeline.check_all(
                fleet.environments, fleet.repositories, fleet.commits, executor, progress
            )

    def latest(self, names: Sequence[str] = ()) -> Sequence[Report]:
        """Return newest reports by name. Raises `UsageError` for a name without any."""
        reports = self.history.latest(names or None)
        missing = set(names) - {report.environment for report in reports}
        if missing:
            raise UsageError(f"No check is on record for {', '.join(sorted(missing))}.")
        return reports

    def write_reports(self, environments: Iterable[str] | None = None) -> list[Path]:
        """Write the newest reports in every configured format. Raises `StoreError`."""
        reports, now = self.history.latest(environments), self.now()
        written = []
        for name in self.config.formats:
            path = self.config.reports_dir / f"drift{Format(name).extension}"
            write_file(path, render(Format(name), reports, now, width=100, color=False))
            written.append(path)
        return written

    def quiet_repositories(self, names: Iterable[str]) -> set[str]:
        """Say of which repositories what is found now is no news: they were never searched."""
        if not self.config.notifications.quiet_first_pass:
            return set()
        return {name for name in names if not self.store.fact(f"{_SEARCHED} {name}")}

    def settle_in(self, names: Iterable[str]) -> None:
        """Remember that repositories were searched: what is found from now on is news."""
        for name in names:
            if not self.store.fact(f"{_SEARCHED} {name}"):
                self.store.remember(f"{_SEARCHED} {name}", self.now().isoformat())

    def forget_old_reports(self) -> None:
        """Drop what is older than the configured retention."""
        self.store.forget_before(self.now() - self.config.retention)


def open_installation(path: Path, environ: Mapping[str, str] | None = None) -> Installation:
    """Load a configuration and build what it describes."""
    environ = process_environment() if environ is None else environ
    return build_installation(load_config(path, environ), environ)


def build_installation(
    config: Config, environ: Mapping[str, str], store: Store | None = None
) -> Installation:
    """Wire adapters to the pipeline; the data directory is made where it is missing.

    A `store` that is open already is used again: a process has only one.
    """
    data_dir = prepare_data_dir(config.data_dir)
    git = GitMirrors(data_dir, environ)
    store = store or open_store(data_dir)
    key = read_key(data_dir / "masking.key")
    judgement = Judgement(load_policies(config.policies), config.secrets, key)
    terraform = TerraformCli(data_dir, environ, config.release_mirror)
    pipeline = Pipeline(
        git=git,
        terraform=terraform,
        sources=SourceDirectory(),
        history=store.reports,
        snoozes=store.snoozes,
        judgement=judgement,
        now=now,
    )
    channels = {
        name: build_channel(settings) for name, settings in config.notifications.channels.items()
    }
    seat = Seat(data_dir / "daemon.lock")
    return Installation(config, pipeline, git, terraform, store, seat, channels)


def reopen_installation(old: Installation, path: Path, environ: Mapping[str, str]) -> Installation:
    """Load the configuration anew and build what it describes on the store that is open.

    Raises `ConfigError`, and leaves the old installation as it is.
    """
    config = load_config(path, environ)
    if config.data_dir.resolve() != old.store.folder:
        raise ConfigError(f"{path}: data_dir cannot change while the daemon runs; restart it.")
    return build_installation(config, environ, old.store)


def interrupt_programs() -> None:
    """End every program that this process runs, and let none start any more."""
    interrupt()


def build_service_manager(environ: Mapping[str, str]) -> ServiceManager:
    """Find whoever supervises this process, such as systemd; nobody is fine too."""
    return Systemd(environ)


def start_logging(config: Config, *, level: str = "info") -> None:
    """Write logs to standard error, with every secret of the configuration masked."""
    configure_logging(level=level, secrets=config.secrets)


def prepare_data_dir(path: Path) -> Path:
    """Make the data directory, readable for its owner alone. Raises `StoreError`."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
    except OSError as error:
        raise StoreError(f"Cannot use the data directory {path}: {error.strerror}.") from error
    return path.resolve()


def write_file(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all. Raises `StoreError`."""
    write_whole(path, text)


def explain_document(
    content: bytes, name: str, policies: Iterable[Path], source: Path | None
) -> tuple[Report, datetime]:
    """Examine a plan document on its own; digests of secrets are good for this one report."""
    moment = now()
    rules = load_policies((*policies, builtin_policies()))
    environment = Environment(name=name, repository="", directory=str(source or ""))
    code = _read_local(source) if source else None
    blank = blank_report(environment, moment)
    masker = Masker(secrets.token_bytes(32))
    document = PlanDocument(content, tool="")
    return examine(document, code, blank, (rules, None, masker)), moment


def policy_rules(config: Path, paths: Sequence[Path]) -> tuple[Rule, ...]:
    """Load the rules in `paths`, or those of the configuration, or the built-in ones."""
    if paths:
        return load_policies(paths)
    named = load_config(config).policies if config.exists() else (builtin_policies(),)
    return load_policies(named)


def draft_configuration(url: str, branch: str | None) -> tuple[str, tuple[RootModule, ...]]:
    """Look through a repository and write a configuration for the root modules in it."""
    if Path(url).is_dir():
        url = str(Path(url).resolve())
    with tempfile.TemporaryDirectory() as folder:
        git = GitMirrors(Path(folder), process_environment())
        found = survey(git, Repository("live", url, branch=branch))
    modules = [DraftModule(m.directory, m.var_files, m.backend) for m in found]
    return draft_config(url, modules), found


def find_program(folder: Path, environ: Mapping[str, str]) -> Program:
    """Find terraform or tofu; where there is neither, fetch the pinned release into `folder`."""
    return Releases(folder.parent / f"{folder.name}-releases", environ).find(
        Environment("demo", "", "."), folder
    )


def survey(git: GitMirrors, repository: Repository) -> tuple[RootModule, ...]:
    """Find the root modules of a repository. Raises `CouldNotLook`."""
    return root_modules(git, repository, git.fetch(repository))


def root_modules(git: GitMirrors, repository: Repository, commit: str) -> tuple[RootModule, ...]:
    """Find the root modules of a repository at a commit. Raises `CouldNotLook`."""
    with git.checkout(repository, commit) as checkout:
        return find_root_modules(SourceDirectory().survey(checkout))


def _read_local(source: Path) -> Configuration:
    folder = source.resolve()
    root = next((p for p in (folder, *folder.parents) if (p / ".git").exists()), folder)
    checkout = Checkout(root, commit="")
    reader = SourceDirectory()
    return read_configuration(
        folder.relative_to(root).as_posix(), lambda directory: reader.read(checkout, directory)
    )


def select_environments(
    environments: Sequence[Environment], names: Sequence[str]
) -> tuple[Environment, ...]:
    """Pick environments by name, all where none is named. Raises `UsageError`."""
    if not names:
        return tuple(environments)
    known = {environment.name: environment for environment in environments}
    unknown = [name for name in names if name not in known]
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        raise UsageError(f"No environment is called {', '.join(unknown)}. There are: {there}.")
    return tuple(known[name] for name in dict.fromkeys(names))
