"""The shape of driftwatch.yaml as people write it; every description reaches their editor."""

from typing import Literal

from pydantic import Field

from driftwatch.config.raw_model import Raw
from driftwatch.config.raw_service import RawDaemon, RawNotifications, RawWeb, RawWindow
from driftwatch.config.values import (
    Binary,
    Branch,
    Count,
    Duration,
    EnvironmentVariable,
    InnerPath,
    InnerPaths,
    Line,
    Lines,
    Name,
    NamePattern,
    Region,
    RoleArn,
    ScheduleText,
    SessionPolicy,
    TerraformValue,
    Url,
    Variable,
    Variables,
    Version,
    WebUrl,
    Workspace,
    Zone,
)

Format = Literal["html", "markdown", "json", "sarif", "junit"]


class RawRepository(Raw):
    """A Git repository that holds environments."""

    url: Url = Field(description="Where to clone it from: https, ssh, user@host:path, or a path.")
    branch: Branch | None = Field(
        default=None, description="Branch to watch; the remote's HEAD if absent."
    )
    username: Line | None = Field(
        default=None, description="User name for https; tokens often want one."
    )
    password: Line | None = Field(
        default=None, description="Password or token for https: ${env:NAME}."
    )
    ssh_key: Line | None = Field(default=None, description="Path of the private key for ssh.")
    submodules: bool = Field(default=False, description="Whether to check out submodules.")
    web_url: WebUrl | None = Field(
        default=None, description="Where people browse it, if not where it is cloned from."
    )


class RawTerraform(Raw):
    """Which program plans, and how."""

    binary: Binary | None = Field(
        default=None, description="terraform, tofu, or the path of either; terraform if absent."
    )
    version: Version | None = Field(
        default=None, description="Exact release to use, fetched once if it is not there."
    )
    parallelism: Count | None = Field(
        default=None, description="How many resources to refresh at once; 10 if absent."
    )


class RawAws(Raw):
    """The role that a check assumes."""

    role_arn: RoleArn | None = Field(default=None, description="Role to assume for the check.")
    external_id: Line | None = Field(
        default=None, description="External ID that the role asks for."
    )
    region: Region | None = Field(
        default=None, description="Region of the STS endpoint and the provider."
    )
    session_policy: SessionPolicy | None = Field(
        default=None, description="IAM policy that narrows the session, as a map or JSON text."
    )
    duration: Duration | None = Field(
        default=None, description="How long the session lasts: 15m to 12h; 1h if absent."
    )


class RawSettings(Raw):
    """What an environment can say, and `defaults` can say for all."""

    repository: Name | None = Field(
        default=None, description="Which repository; needed only where there are several."
    )
    workspace: Workspace | None = Field(default=None, description="Terraform workspace.")
    var_files: Lines | None = Field(
        default=None,
        description="Files for -var-file, relative to the directory; only these are used.",
    )
    backend_config: Lines | None = Field(
        default=None, description="Each a key=value, or a file relative to the directory."
    )
    variables: dict[Variable, TerraformValue] | None = Field(
        default=None, description="Terraform variables; lists and maps are fine."
    )
    env: dict[EnvironmentVariable, TerraformValue] | None = Field(
        default=None, description="Environment variables that terraform gets."
    )
    inherit_env: Variables | None = Field(
        default=None,
        description="Environment variables that terraform may see of driftwatch's own.",
    )
    terraform: RawTerraform | None = Field(
        default=None, description="Which program plans, and how."
    )
    aws: RawAws | None = Field(default=None, description="The AWS role to assume.")
    owners: Lines | None = Field(default=None, description="Whom a finding concerns.")
    labels: Lines | None = Field(default=None, description="Words that policies can match.")
    timeout: Duration | None = Field(
        default=None, description="When to give a check up; 30m if absent."
    )
    stale_after: Duration | None = Field(
        default=None, description="When a result is too old to be believed; 24h if absent."
    )
    schedule: ScheduleText | None = Field(
        default=None,
        description="When it is checked: five cron fields, @daily, every 6h, or never; every 1h"
        " if absent.",
    )
    timezone: Zone | None = Field(default=None, description="Time zone of schedule; UTC if absent.")
    spread: Duration | None = Field(
        default=None,
        description="How far the starts of one fleet lie apart; a tenth of the interval and 10m at"
        " most, if absent.",
    )
    account: Line | None = Field(
        default=None,
        description="Cloud account whose API checks share; that of aws.role_arn if absent.",
    )
    exclude: InnerPaths | None = Field(
        default=None, description="Directories that a glob in path does not mean."
    )


class RawEnvironment(RawSettings):
    """One root module in one workspace, or with a glob all that it finds."""

    path: InnerPath = Field(
        description="Directory of the root module in the repository; * and ** make it a glob."
    )


class RawPolicies(Raw):
    """Which rules judge what is found."""

    builtin: bool = Field(default=True, description="Whether the rules that come along apply.")
    paths: Lines = Field(
        default=[], description="Files, or directories of files, relative to this file."
    )


class RawReports(Raw):
    """Which reports are written, and where."""

    directory: Line = Field(default="reports", description="Directory, relative to this file.")
    formats: list[Format] = Field(default=["html", "markdown"], description="Formats to write.")


class RawConfig(Raw):
    """driftwatch.yaml: what driftwatch watches, and how."""

    repositories: dict[Name, RawRepository] = Field(
        description="Git repositories by name.", json_schema_extra={"minProperties": 1}
    )
    defaults: RawSettings = Field(
        default=RawSettings(),
        description="What holds for every environment that does not say otherwise.",
    )
    environments: dict[NamePattern, RawEnvironment] = Field(
        default={}, description="Environments by name; a glob's name holds {name} or {path}."
    )
    policies: RawPolicies = Field(
        default=RawPolicies(), description="Which rules judge what is found."
    )
    reports: RawReports = Field(
        default=RawReports(), description="Which reports are written, and where."
    )
    windows: dict[Name, RawWindow] = Field(
        default={}, description="When checks, notices and proposals are allowed or denied, by name."
    )
    notifications: RawNotifications = Field(
        default=RawNotifications(), description="Who is told of what, and how."
    )
    daemon: RawDaemon = Field(
        default=RawDaemon(), description="How the daemon goes about its work."
    )
    web: RawWeb = Field(
        default=RawWeb(), description="The dashboard, the API, metrics and webhooks."
    )
    data_dir: Line | None = Field(
        default=None,
        description="Where history and caches live; ~/.local/state/driftwatch if absent.",
    )
    parallelism: Count | None = Field(
        default=None, description="How many checks run at once; the number of cores if absent."
    )
    retention: Duration | None = Field(
        default=None, description="How long history is kept; 90d if absent."
    )
    release_mirror: WebUrl | None = Field(
        default=None, description="Where terraform releases come from instead of the release site."
    )
