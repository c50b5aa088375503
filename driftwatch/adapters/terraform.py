"""Plans with terraform or tofu: init where needed, plan, show; nothing is ever changed."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from driftwatch.adapters.aws_session import assume
from driftwatch.adapters.locks import locked
from driftwatch.adapters.mirrors import write_cli_config
from driftwatch.adapters.releases import Releases
from driftwatch.adapters.scratch import make_private, place_for_sockets, scratch, sweep
from driftwatch.adapters.terraform_data import DataDirectory
from driftwatch.adapters.terraform_environment import credentials_of, environment_of
from driftwatch.adapters.terraform_errors import needs_init
from driftwatch.adapters.terraform_init import initialise
from driftwatch.adapters.terraform_workplace import Ran, Workplace, furnish
from driftwatch.domain.environment import Environment
from driftwatch.errors import Cause, CouldNotLook
from driftwatch.ports import Checkout, PlanDocument, Progress

_LARGEST_DOCUMENT = 512 << 20  # bytes; 20,000 resources make about 180 MB
_LONGEST_MESSAGE = 1 << 16
_MESSAGES = 64

_NO_LOGIN = re.compile(r"REGION|CA_BUNDLE|METADATA_DISABLED|ENDPOINT_URL")


@dataclass(frozen=True, slots=True)
class TerraformCli:
    """Plan environments with the real program; `inherited` is the environment of driftwatch itself.

    `release_mirror` replaces the site that releases are fetched from.
    """

    data_dir: Path
    inherited: Mapping[str, str] = field(repr=False)
    release_mirror: str | None = None

    def __post_init__(self) -> None:
        sweep(self.data_dir / "runs")

    @property
    def releases(self) -> Releases:
        """Where programs come from: the PATH, or a release that is kept here."""
        return Releases(self.data_dir / "releases", self.inherited, self.release_mirror)

    def plan(
        self, environment: Environment, checkout: Checkout, progress: Progress
    ) -> PlanDocument:
        """Plan in the checkout and return the plan document. Failures are `CouldNotLook`."""
        directory = _directory(environment, checkout.path)
        program = self.releases.find(environment, directory, checkout.path.resolve())
        with scratch(self.data_dir / "runs") as folder, place_for_sockets(folder) as temporary:
            deadline = time.monotonic() + environment.timeout.total_seconds()
            data = DataDirectory.of(self.data_dir / "terraform", environment, directory)
            make_private(data.data)
            place = Workplace(
                environment=environment,
                directory=directory,
                folder=folder,
                data=data,
                program=program,
                env={
                    **self._variables(environment, folder, data),
                    "TMPDIR": str(temporary),
                },
                timeout=environment.timeout.total_seconds(),
                deadline=deadline,
            )
            content = self._look(place, progress)
        _refuse_empty_workspace(environment, content)
        return PlanDocument(content, f"{program.name} {program.version}")

    def credentials(self, environment: Environment) -> str:
        """Say in a few words where an environment's cloud credentials come from.

        A role is assumed to see whether that works; raises `CouldNotLook` where it does not.
        """
        if environment.aws is not None:
            self._session(environment)
            return f"from {environment.aws.role_arn}"
        if any(name.startswith(("AWS_", "ARM_", "GOOGLE_")) for name in environment.env):
            return "from its configuration"
        found = [name for name in credentials_of(self.inherited) if not _NO_LOGIN.search(name)]
        return f"from {', '.join(sorted(found))}" if found else "from the machine, if there are any"

    def _session(self, environment: Environment) -> dict[str, str]:
        if environment.aws is None:
            return {}
        return assume(environment.aws, environment_of(environment, self.inherited, {}))

    def _variables(
        self, environment: Environment, folder: Path, data: DataDirectory
    ) -> dict[str, str]:
        session = self._session(environment)
        return {
            **environment_of(environment, self.inherited, session),
            **furnish(folder, self.inherited, cloud_logins=not session),
            "TF_DATA_DIR": str(data.data),
            "TF_CLI_CONFIG_FILE": str(write_cli_config(self.data_dir, self.inherited)),
            **({"TF_WORKSPACE": environment.workspace} if environment.workspace else {}),
        }

    def _look(self, place: Workplace, progress: Progress) -> bytes:
        ran, content = self._attempt(place, progress, force=False)
        if not ran.succeeded and needs_init(ran.outcome):
            ran, content = self._attempt(place, progress, force=True)
        if not ran.succeeded:
            raise ran.failure()
        return content

    def _attempt(self, place: Workplace, progress: Progress, *, force: bool) -> tuple[Ran, bytes]:
        """Plan, after an init where one is due, or forced; returns the document if that went well.

        Others may plan with the same data at the same time, but not initialise it.
        """
        initialise(place, self.data_dir, self.inherited, progress, force=force)
        with locked(place.data.lock, shared=True):
            place.data.lend_lock_file()
            ran = _plan(place, progress)
            return ran, _show(place, progress) if ran.succeeded else b""


def _plan(place: Workplace, progress: Progress) -> Ran:
    environment = place.environment
    arguments = ["plan", "-input=false", "-lock=false", "-no-color", "-json"]
    arguments += [f"-parallelism={environment.parallelism}", f"-out={place.plan_file}"]
    arguments += [f"-var-file={name}" for name in environment.var_files]
    commentary = _Commentary(progress)
    ran = place.terraform(arguments, limit=0, on_line=commentary)
    return replace(ran, outcome=replace(ran.outcome, stdout=b"\n".join(commentary.errors)))


def _show(place: Workplace, progress: Progress) -> bytes:
    progress("reading the plan")
    ran = place.terraform(
        ["show", "-json", "-no-color", str(place.plan_file)], limit=_LARGEST_DOCUMENT
    )
    place.plan_file.unlink(missing_ok=True)
    if ran.outcome.truncated:
        raise CouldNotLook(
            f"The plan document is larger than {_LARGEST_DOCUMENT >> 20} MB.", cause=Cause.PLAN
        )
    if not ran.succeeded:
        raise ran.failure()
    return ran.outcome.stdout


@dataclass(slots=True)
class _Commentary:
    """Listens to a plan: tells what it does now, and keeps what it says of errors."""

    progress: Progress
    errors: list[bytes] = field(default_factory=list)

    def __call__(self, line: bytes) -> None:
        if b'"refresh_start"' in line:
            self._tell(line)
        elif len(self.errors) < _MESSAGES and _complains(line):
            self.errors.append(line[:_LONGEST_MESSAGE])

    def _tell(self, line: bytes) -> None:
        try:
            address = json.loads(line)["hook"]["resource"]["addr"]
        except (ValueError, KeyError, TypeError):
            return
        self.progress(f"refreshing {address}")


def _complains(line: bytes) -> bool:
    return b'"@level":"error"' in line or not line.startswith(b"{")


def _directory(environment: Environment, root: Path) -> Path:
    """Find the root module; it and every file that is named must be there, in the checkout."""
    directory = _inside(root, root, environment.directory, "directory")
    if not directory.is_dir():
        raise _misconfigured(f"There is no directory {environment.directory} in the repository.")
    backend_files = [name for name in environment.backend_config if "=" not in name]
    for what, names in (("var-file", environment.var_files), ("backend-config", backend_files)):
        for name in names:
            if not _inside(root, directory, name, what).is_file():
                raise _misconfigured(f"There is no {what} {name} in {environment.directory}.")
    return directory


def _inside(root: Path, base: Path, name: str, what: str) -> Path:
    try:
        path = (base / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a NUL byte
        raise _misconfigured(f"The {what} {name!r} is not a path: {error}.") from error
    if not path.is_relative_to(root.resolve()):
        raise _misconfigured(f"The {what} {name} leads out of the repository.")
    return path


def _misconfigured(message: str) -> CouldNotLook:
    return CouldNotLook(message, cause=Cause.CONFIGURATION)


class _Change(msgspec.Struct):
    actions: list[str] = []


class _Existence(msgspec.Struct):
    """The few parts of a plan document that tell whether there was a state."""

    prior_state: msgspec.Raw = msgspec.Raw(b"")
    resource_drift: list[msgspec.Raw] = []
    output_changes: dict[str, _Change] = {}


def _refuse_empty_workspace(environment: Environment, content: bytes) -> None:
    """Tell a workspace that is not there from one in which everything waits to be created.

    Terraform makes no difference: it plans a workspace that does not exist as an empty one, with
    what data sources say as its prior state.
    """
    if environment.workspace in (None, "", "default"):
        return
    try:
        seen = msgspec.json.decode(content, type=_Existence)
    except msgspec.DecodeError:
        return  # whoever reads the document says what is wrong with it
    there = seen.resource_drift or b'"mode":"managed"' in bytes(seen.prior_state)
    if not there and all(change.actions == ["create"] for change in seen.output_changes.values()):
        raise _misconfigured(
            f"The workspace {environment.workspace} holds no state: it does not exist, or nothing "
            "was ever applied in it."
        )
