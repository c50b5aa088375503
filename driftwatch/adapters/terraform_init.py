"""Runs `terraform init`, but only where something that it depends on has changed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from driftwatch.adapters.locks import locked
from driftwatch.adapters.mirrors import write_fallback_config
from driftwatch.adapters.scratch import make_private
from driftwatch.adapters.terraform_errors import lacks_provider, meets_old_state
from driftwatch.adapters.terraform_workplace import Ran, Workplace
from driftwatch.ports import Progress

_OLD_STATES = ("terraform.tfstate", "terraform.tfstate.d")


def initialise(
    place: Workplace,
    data_dir: Path,
    inherited: Mapping[str, str],
    progress: Progress,
    *,
    force: bool,
) -> None:
    """Make a root module ready to be planned. Raises `CouldNotLook`."""
    data, environment = place.data, place.environment
    with locked(data.lock):
        if not force and data.is_ready(data.fingerprint(environment, place.facts)):
            return
        progress("terraform init")
        # A shared cache must not be filled by two at once: a provider that runs cannot be written,
        # and one that is half written cannot run.
        with locked(data_dir / "providers.lock"):
            for attempt in _places(place, data_dir, inherited):
                data.begin_init()
                ran = _init(attempt)
                if ran.succeeded or not _worth_another(ran):
                    break
        if not ran.succeeded:
            raise ran.failure()
        # Only now are local modules known, and their code is a part of the fingerprint.
        data.end_init(data.fingerprint(environment, place.facts))


def _init(place: Workplace) -> Ran:
    ran = place.terraform(_arguments(place))
    if not meets_old_state(ran.outcome):
        return ran
    # Left from a time before the backend, and not what it holds now; the checkout is thrown away.
    for number, name in enumerate(_OLD_STATES):
        if (place.directory / name).exists():
            (place.directory / name).rename(place.folder / f"old-state-{number}")
    return place.terraform(_arguments(place))


def _arguments(place: Workplace) -> list[str]:
    arguments = ["init", "-input=false", "-no-color", "-reconfigure"]
    arguments += ["-lockfile=readonly"] if place.data.committed else []
    return arguments + [f"-backend-config={e}" for e in place.environment.backend_config]


def _places(place: Workplace, data_dir: Path, inherited: Mapping[str, str]) -> Iterator[Workplace]:
    """Give the ways to get providers: the cache and mirrors, then whatever the registry has."""
    cache = data_dir / "providers"
    make_private(cache)
    yield place.with_env(
        TF_PLUGIN_CACHE_DIR=str(cache),
        # Without it, an environment without lock file installs into the cache again.
        TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE="true",
    )
    yield place.with_env(TF_CLI_CONFIG_FILE=str(write_fallback_config(data_dir, inherited)))


def _worth_another(ran: Ran) -> bool:
    return not ran.outcome.timed_out and lacks_provider(ran.outcome)
