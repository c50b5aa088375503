"""`driftwatch notify`: send a sample through every route, or list where routes lead."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from driftwatch.bootstrap import Installation, open_installation
from driftwatch.cli.exits import COULD_NOT_LOOK, IN_SYNC
from driftwatch.domain.notice import Delivery, Notice
from driftwatch.domain.routing import Route
from driftwatch.errors import CouldNotSend, UsageError
from driftwatch.ports import Channel
from driftwatch.render.notice_sample import make_sample
from driftwatch.render.text import visible


@click.group()
def command() -> None:
    """Send a sample through every route, or list where routes lead."""


@command.command("test")
@click.option("--route", "names", multiple=True, help="Only this route; may be repeated.")
@click.pass_obj
def send_samples(config: Path, names: tuple[str, ...]) -> int:
    """Send a sample through every route and say who got it; exit code 1 where somebody did not.

    A sample says that it is one in the first word of its subject. It is sent at once: digests do
    not wait for their time, and nothing is kept in the outbox.
    """
    installation = open_installation(config)
    failed = False
    for route in _chosen(installation, names):
        channel = installation.channels[route.channel]
        for well, line in try_route(route, channel, _sample(installation, route)):
            click.echo(visible(f"{'ok  ' if well else 'FAIL'} {line}"))
            failed |= not well
    return COULD_NOT_LOOK if failed else IN_SYNC


@command.command("routes")
@click.pass_obj
def list_routes(config: Path) -> int:
    """List routes, what each carries, and whom it reaches."""
    installation = open_installation(config)
    for route in _chosen(installation, ()):
        for line in describe_route(route, installation.channels):
            click.echo(visible(line))
    return IN_SYNC


def try_route(route: Route, channel: Channel, sample: Notice) -> Iterator[tuple[bool, str]]:
    """Send a sample along a route, and say for every recipient whether it went well, and how."""
    recipients = route.recipients or channel.targets
    start = f"{route.name} ({route.channel})"
    try:
        delivery = channel.send(sample, recipients)
    except CouldNotSend as error:
        yield False, f"{start}: {_outlook(error.message, permanent=error.permanent)}"
        return
    for recipient in recipients:
        yield _fate(delivery, recipient, start)


def describe_route(route: Route, channels: Mapping[str, Channel]) -> Iterator[str]:
    """Say in a few lines what a route carries and whom it reaches."""
    recipients = route.recipients or channels[route.channel].targets
    yield f"{route.name}: {', '.join(recipients) or 'nobody'}, through {route.channel}"
    narrowed = {
        "environments": route.environments,
        "owners": route.owners,
        "labels": route.labels,
    }
    for what, globs in narrowed.items():
        if globs.patterns:
            yield f"    {what}: {', '.join(globs.patterns)}"
    kinds = ", ".join(sorted(route.kinds))
    yield f"    {route.severity} and worse; {kinds}"
    if route.digest is not None:
        zone = f" ({route.digest.zone})" if route.digest.zone != "UTC" else ""
        yield f"    as a digest, at {route.digest.cron}{zone}"


def _fate(delivery: Delivery, recipient: str, start: str) -> tuple[bool, str]:
    if recipient in delivery.accepted:
        return True, f"{start}: {recipient}"
    refusal = delivery.refused.get(recipient)
    if refusal is None:
        return False, f"{start}: {recipient}: nobody knows what became of it"
    return False, f"{start}: {recipient}: {_outlook(refusal.reason, permanent=refusal.permanent)}"


def _outlook(reason: str, *, permanent: bool) -> str:
    """Say whether a message that is no sample would be tried again."""
    again = "It would not be tried again." if permanent else "It would be tried again."
    return f"{reason.rstrip('.')}. {again}"


def _sample(installation: Installation, route: Route) -> Notice:
    return make_sample(
        f"{secrets.token_hex(12)}.sample@driftwatch",
        installation.now(),
        route=route.name,
        base_url=installation.config.web.public_url,
        digest=route.digest.name if route.digest else "",
    )


def _chosen(installation: Installation, names: Sequence[str]) -> Sequence[Route]:
    routes = installation.config.notifications.routes
    if not routes:
        raise UsageError("There are no routes: notifications.routes in driftwatch.yaml is empty.")
    known = {route.name: route for route in routes}
    unknown = [name for name in names if name not in known]
    if unknown:
        there = ", ".join(known)
        raise UsageError(f"No route is called {', '.join(unknown)}. There are: {there}.")
    return [known[name] for name in dict.fromkeys(names)] if names else routes
