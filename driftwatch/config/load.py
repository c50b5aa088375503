"""driftwatch.yaml → Config; the one place that reads the environment of the process."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from driftwatch.config.environments import Cascade, Complaint
from driftwatch.config.model import Config, TerraformDefaults
from driftwatch.config.places import Places, builtin_policies
from driftwatch.config.problems import Problem, refuse
from driftwatch.config.raw import RawConfig, RawTerraform
from driftwatch.config.references import Resolution
from driftwatch.config.repositories import build_repositories, repository_complaints
from driftwatch.config.service import (
    build_daemon,
    build_notifications,
    build_web,
    build_windows,
    notification_complaints,
    secrets_of_service,
    web_complaints,
    window_complaints,
)
from driftwatch.config.validation import validate
from driftwatch.config.yaml_source import read_document

MASK = "***"
_RETENTION = timedelta(days=90)


def process_environment() -> dict[str, str]:
    """Read the environment variables of this process."""
    return dict(os.environ)  # noqa: TID251 - the one place that may


def load_config(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Load a configuration; raise `ConfigError` with every problem in it, one a line."""
    environ = process_environment() if environ is None else environ
    places = Places(path.absolute().parent, environ)
    document = read_document(path)
    resolution = Resolution(document, environ)
    data = resolution.value({} if document.data is None else document.data)
    sound, problems = validate(RawConfig, data, document, resolution.origins)
    complaints = _complaints(sound, data, places, broken=bool(problems)) if sound else ()
    found = [
        document.problem(place, message, at_key=place[:-1] == ("environments",))
        for place, message in complaints
    ]
    refuse(_masked([*document.problems, *problems, *found], resolution.secrets))
    config = _config(path.absolute(), RawConfig.model_validate(data), places)
    return replace(config, secrets=_secrets(config, resolution.secrets))


def _complaints(
    raw: RawConfig, data: Mapping[str, Any], places: Places, *, broken: bool
) -> Iterator[Complaint]:
    yield from repository_complaints(raw.repositories)
    yield from Cascade(raw, places, broken, tuple(data["repositories"])).complaints()
    yield from window_complaints(raw.windows, broken=broken)
    yield from notification_complaints(raw.notifications, places, broken=broken)
    yield from web_complaints(raw.web, raw.repositories)
    for at, path in enumerate(raw.policies.paths):
        if not places.resolve(path).exists():
            yield ("policies", "paths", at), f"there is no {path}"


def _masked(problems: Iterable[Problem], secrets: Iterable[str]) -> Iterator[Problem]:
    longest_first = sorted(secrets, key=len, reverse=True)
    for problem in problems:
        message = problem.message
        for secret in longest_first:
            message = message.replace(secret, MASK)
        yield replace(problem, message=message)


def _config(path: Path, raw: RawConfig, places: Places) -> Config:
    own = tuple(places.resolve(text) for text in raw.policies.paths)
    terraform = raw.defaults.terraform or RawTerraform()
    return Config(
        path=path,
        data_dir=places.resolve(raw.data_dir) if raw.data_dir else places.state,
        reports_dir=places.resolve(raw.reports.directory),
        repositories=tuple(build_repositories(raw.repositories, places)),
        environments=tuple(Cascade(raw, places).environments()),
        policies=(*own, builtin_policies()) if raw.policies.builtin else own,
        parallelism=raw.parallelism or os.cpu_count() or 1,
        retention=raw.retention or _RETENTION,
        release_mirror=raw.release_mirror,
        terraform=TerraformDefaults(
            places.program(terraform.binary) if terraform.binary else None, terraform.version
        ),
        formats=tuple(dict.fromkeys(raw.reports.formats)),
        windows=tuple(build_windows(raw.windows)),
        notifications=build_notifications(raw.notifications, places),
        daemon=build_daemon(raw.daemon),
        web=build_web(raw.web),
    )


def _secrets(config: Config, referenced: set[str]) -> tuple[str, ...]:
    """Add what is secret wherever it was written."""
    passwords = {repository.password for repository in config.repositories}
    roles = {spec.template.aws for spec in config.environments}
    external = {role.external_id for role in roles if role is not None}
    service = secrets_of_service(config.notifications, config.daemon, config.web)
    return tuple(sorted(referenced | service | {text for text in passwords | external if text}))
