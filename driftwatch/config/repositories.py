"""Builds repositories and checks that their credentials fit their URL."""

from collections.abc import Iterator, Mapping

from driftwatch.config.places import Places
from driftwatch.config.raw import RawRepository
from driftwatch.domain.environment import Repository
from driftwatch.domain.model import Path


def build_repositories(raw: Mapping[str, RawRepository], places: Places) -> Iterator[Repository]:
    """Build every repository, local paths made absolute."""
    for name, given in raw.items():
        yield Repository(
            name=name,
            url=places.url(given.url),
            branch=given.branch,
            username=given.username,
            password=given.password,
            ssh_key=str(places.resolve(given.ssh_key)) if given.ssh_key else None,
            submodules=given.submodules,
            web_url=given.web_url,
        )


def repository_complaints(raw: Mapping[str, RawRepository]) -> Iterator[tuple[Path, str]]:
    """List credentials that their URL has no use for, with the place that says them."""
    for name, given in raw.items():
        over_http = given.url.startswith(("http://", "https://"))
        over_ssh = given.url.startswith("ssh://") or ("@" in given.url and not over_http)
        for key in ("username", "password"):
            if getattr(given, key) and not over_http:
                yield ("repositories", name, key), "is only of use with an https URL"
        if given.ssh_key and not over_ssh:
            yield ("repositories", name, "ssh_key"), "is only of use with an ssh URL"
