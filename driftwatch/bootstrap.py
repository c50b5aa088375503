"""Builds everything: alone knows the adapters, and alone owns the clock."""

import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from driftwatch.adapters.git import GitMirrors
from driftwatch.adapters.releases import Program, Releases
from driftwatch.adapters.sources import SourceDirectory
from driftwatch.adapters.sqlite import SqliteHistory
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
from driftwatch.errors import CouldNotLook, StoreError, UsageError
from driftwatch.hcl.configuration import Configuration, read_configuration
from driftwatch.hcl.discovery import RootModule, find_root_modules
from driftwatch.pipeline import Judgement, Pipeline, blank_report, examine
from driftwatch.ports import Checkout, History, PlanDocument


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
    history: History
    now: Callable[[], datetime] = now

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
        return Fleet(_select(expansion.environments, names), repositories, commits, expansion.notes)

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

    def forget_old_reports(self) -> None:
        """Drop what is older than the configured retention."""
        self.history.forget_before(self.now() - self.config.retention)


def open_installation(path: Path, environ: Mapping[str, str] | None = None) -> Installation:
    """Load a configuration and build what it describes."""
    environ = process_environment() if environ is None else environ
    return build_installation(load_config(path, environ), environ)


def build_installation(config: Config, environ: Mapping[str, str]) -> Installation:
    """Wire adapters to the pipeline; the data directory is made where it is missing."""
    data_dir = prepare_data_dir(config.data_dir)
    git = GitMirrors(data_dir, environ)
    history = SqliteHistory(data_dir / "driftwatch.db")
    judgement = Judgement(load_policies(config.policies), config.secrets, _key(data_dir))
    terraform = TerraformCli(data_dir, environ, config.release_mirror)
    pipeline = Pipeline(
        git=git,
        terraform=terraform,
        sources=SourceDirectory(),
        history=history,
        judgement=judgement,
        now=now,
    )
    return Installation(config, pipeline, git, terraform, history)


def prepare_data_dir(path: Path) -> Path:
    """Make the data directory, readable for its owner alone. Raises `StoreError`."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.chmod(0o700)
    except OSError as error:
        raise StoreError(f"Cannot use the data directory {path}: {error.strerror}.") from error
    return path.resolve()


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


def _select(environments: Sequence[Environment], names: Sequence[str]) -> tuple[Environment, ...]:
    if not names:
        return tuple(environments)
    known = {environment.name: environment for environment in environments}
    unknown = [name for name in names if name not in known]
    if unknown:
        there = ", ".join(sorted(known)) or "none"
        raise UsageError(f"No environment is called {', '.join(unknown)}. There are: {there}.")
    return tuple(known[name] for name in dict.fromkeys(names))


def _key(data_dir: Path) -> bytes:
    """Read this installation's key for digests of secrets, made once."""
    path = data_dir / "masking.key"
    try:
        with path.open("xb") as file:
            path.chmod(0o600)
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    key = path.read_bytes()
    if len(key) != 32:  # noqa: PLR2004 - as written above
        raise StoreError(f"{path} is damaged. Remove it: masked values will look changed once.")
    return key
