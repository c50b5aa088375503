"""What is watched: repositories, and the environments in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from driftwatch.domain.schedule import Schedule

HOURLY = Schedule(every=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Repository:
    """A Git repository that holds environments.

    `username` and `password` reach git through its environment only; `ssh_key` is a file's path.
    """

    name: str
    url: str
    branch: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ssh_key: str | None = None
    submodules: bool = False
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class AwsRole:
    """The role that a check assumes, and what narrows it."""

    role_arn: str
    external_id: str | None = None
    region: str | None = None
    session_policy: str | None = None
    duration: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Environment:
    """One root module in one workspace: the unit that is checked.

    `directory` and `var_files` are relative: to the repository, and to the directory. `account` is
    what environments share whose checks must not crowd one cloud account's API; "" is no such.
    """

    name: str
    repository: str
    directory: str
    workspace: str | None = None
    var_files: tuple[str, ...] = ()
    backend_config: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    inherit_env: tuple[str, ...] = ()
    binary: str | None = None
    version: str | None = None
    parallelism: int = 10
    timeout: timedelta = timedelta(minutes=30)
    aws: AwsRole | None = None
    owners: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    stale_after: timedelta = timedelta(hours=24)
    schedule: Schedule = HOURLY
    account: str = ""
