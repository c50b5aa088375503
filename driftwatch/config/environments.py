"""Cascades defaults into environments and checks what they refer to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel

from driftwatch.config.directories import is_glob
from driftwatch.config.expansion import PLACEHOLDER
from driftwatch.config.model import EnvironmentSpec
from driftwatch.config.places import Places
from driftwatch.config.raw import RawAws, RawConfig, RawEnvironment, RawTerraform
from driftwatch.domain.environment import HOURLY, AwsRole, Environment
from driftwatch.domain.model import Path
from driftwatch.domain.schedule import Schedule, parse_schedule

Model = TypeVar("Model", bound=BaseModel)
Complaint = tuple[Path, str]

_HOUR = timedelta(hours=1)
_SESSION = (timedelta(minutes=15), timedelta(hours=12))


@dataclass(frozen=True, slots=True)
class Cascade:
    """Build environments from what each says and what `defaults` says for it.

    Where something is `broken`, `raw` holds only the rest: then nothing is called missing, and
    `written` lists the repositories that the file names.
    """

    raw: RawConfig
    places: Places
    broken: bool = False
    written: tuple[str, ...] = ()

    def environments(self) -> Iterator[EnvironmentSpec]:
        """Build every environment; sound only where there are no complaints."""
        for name, own in self.raw.environments.items():
            yield self._spec(name, layered(self.raw.defaults, own))

    def complaints(self) -> Iterator[Complaint]:
        """List what does not fit together, with the place that says it."""
        if not self._known:
            yield ("repositories",), "must not be empty"
        seen: dict[str, str] = {}
        for name, own in self.raw.environments.items():
            here = ("environments", name)
            whole = layered(self.raw.defaults, own)
            for path, message in _complaints(name, whole):
                yield (*here, *path), message
            for path, message in () if self.broken else _role_complaints(whole.aws):
                yield (*here, *path), message
            for message in self._homeless(own):
                yield (*here, "repository"), message
            if name.lower() in seen:
                yield here, f"differs from {seen[name.lower()]!r} in the case of letters only"
            seen[name.lower()] = name
        default = self.raw.defaults.repository
        if default is not None and default not in self._known:
            yield ("defaults", "repository"), self._unknown(default)

    def _homeless(self, own: RawEnvironment) -> Iterator[str]:
        known = self._known
        if own.repository is not None and own.repository not in known:
            yield self._unknown(own.repository)
        elif not own.repository and not self.raw.defaults.repository and len(known) > 1:
            yield f"is required, as there are several: {', '.join(known)}"

    @property
    def _known(self) -> tuple[str, ...]:
        return self.written or tuple(self.raw.repositories)

    def _unknown(self, name: str) -> str:
        return f"there is no repository {name!r}; known: {', '.join(self._known)}"

    def _spec(self, name: str, raw: RawEnvironment) -> EnvironmentSpec:
        terraform = raw.terraform or RawTerraform()
        environment = Environment(
            name=name,
            repository=raw.repository or next(iter(self.raw.repositories)),
            directory=raw.path,
            workspace=raw.workspace,
            var_files=tuple(raw.var_files or ()),
            backend_config=tuple(raw.backend_config or ()),
            variables=raw.variables or {},
            env=raw.env or {},
            inherit_env=tuple(raw.inherit_env or ()),
            binary=self.places.program(terraform.binary) if terraform.binary else None,
            version=terraform.version,
            aws=_role(raw.aws),
            owners=tuple(raw.owners or ()),
            labels=tuple(raw.labels or ()),
            account=raw.account or _account(raw.aws),
        )
        limits: dict[str, Any] = {
            "parallelism": terraform.parallelism,
            "timeout": raw.timeout,
            "stale_after": raw.stale_after,
            "schedule": _schedule(raw),
        }
        given = {name: limit for name, limit in limits.items() if limit is not None}
        return EnvironmentSpec(replace(environment, **given), tuple(raw.exclude or ()))


def layered(base: BaseModel, own: Model) -> Model:
    """Lay what an environment says over the defaults.

    Single values and lists replace, maps merge, and null takes a default away.
    """
    values = {name: getattr(base, name) for name in base.model_fields_set}
    for name in own.model_fields_set:
        mine, theirs = getattr(own, name), values.get(name)
        if isinstance(mine, BaseModel) and isinstance(theirs, BaseModel):
            mine = layered(theirs, mine)
        elif isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            mine = {**theirs, **mine}
        values[name] = mine
    return own.model_copy(update=values)


def _complaints(name: str, raw: RawEnvironment) -> Iterator[Complaint]:
    if is_glob(raw.path) and not PLACEHOLDER.search(name):
        yield (), "a glob finds several directories, so the name must hold {name} or {path}"
    if set("{}") & set(PLACEHOLDER.sub("", name)):
        yield (), "only {name} and {path} can stand in braces"
    for key, files in (("var_files", raw.var_files), ("backend_config", raw.backend_config)):
        for at, file in enumerate(files or ()):
            if "=" not in file and _leaves(raw.path, file):
                yield (key, at), f"{file} leaves the repository"


def _leaves(directory: str, file: str) -> bool:
    """Tell whether a relative path climbs out; `**` may stand for no directory at all."""
    depth = len([part for part in directory.split("/") if part not in (".", "**")])
    for part in file.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            return True
    return file.startswith(("/", "~"))


def _role_complaints(raw: RawAws | None) -> Iterator[Complaint]:
    if raw is not None and raw.role_arn is None:
        yield ("aws",), "role_arn is required"
    if raw is not None and raw.duration and not _SESSION[0] <= raw.duration <= _SESSION[1]:
        yield ("aws", "duration"), "AWS gives sessions of 15m to 12h"


def _schedule(raw: RawEnvironment) -> Schedule | None:
    """Read when an environment is due; what else it says of time holds for the default too."""
    if raw.schedule is None and raw.timezone is None and raw.spread is None:
        return None
    return parse_schedule(raw.schedule or str(HOURLY), raw.timezone or "UTC", raw.spread)


def _account(raw: RawAws | None) -> str:
    """Name the account of a role: the fifth part of its ARN."""
    return raw.role_arn.split(":")[4] if raw is not None and raw.role_arn else ""


def _role(raw: RawAws | None) -> AwsRole | None:
    if raw is None or raw.role_arn is None:
        return None
    return AwsRole(
        raw.role_arn, raw.external_id, raw.region, raw.session_policy, raw.duration or _HOUR
    )
