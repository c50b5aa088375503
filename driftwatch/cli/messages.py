"""`driftwatch messages`: what people were told, and what could not be sent."""

import json
from pathlib import Path

import click

from driftwatch.bootstrap import Installation, open_installation
from driftwatch.desk import login_name
from driftwatch.domain.notice import Message
from driftwatch.errors import UsageError
from driftwatch.render.text import visible

_STATES = ("held", "pending", "sending", "sent", "parked", "dropped")


@click.group()
def command() -> None:
    """List what people were told, and send again or give up what could not be sent."""


@command.command("list")
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("-s", "--state", type=click.Choice(_STATES), help="Only messages in this state.")
@click.option("-f", "--format", "format_", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
def list_(config: Path, limit: int, state: str | None, format_: str) -> int:
    """List the newest messages: what became of each, and why."""
    messages = open_installation(config).store.outbox.newest(limit, state)
    if format_ == "json":
        click.echo(json.dumps([_entry(message) for message in messages], indent=2))
    else:
        for message in messages:
            click.echo(_line(message))
    return 0


@command.command()
@click.argument("number", type=int)
@click.pass_obj
def retry(config: Path, number: int) -> int:
    """Send message NUMBER again, which is parked, or at once, if it waits."""
    installation = open_installation(config)
    if not installation.store.outbox.try_again(number, installation.now()):
        raise UsageError(f"No message {number} waits or is parked.")
    _note(installation, "message.retry", number)
    return 0


@command.command()
@click.argument("number", type=int)
@click.pass_obj
def drop(config: Path, number: int) -> int:
    """Give message NUMBER up, which is parked or waits."""
    installation = open_installation(config)
    if not installation.store.outbox.drop(number):
        raise UsageError(f"No message {number} waits or is parked.")
    _note(installation, "message.drop", number)
    return 0


def _note(installation: Installation, action: str, number: int) -> None:
    now = installation.now()
    installation.store.audit.append(login_name(), action, f"message {number}", {}, now)


def _entry(message: Message) -> dict[str, object]:
    return {
        "number": message.number,
        "state": message.state,
        "route": message.route,
        "channel": message.channel,
        "environment": message.environment,
        "digest": message.digest,
        "recipients": list(message.recipients),
        "attempts": message.attempts,
        "created_at": message.created_at.isoformat(),
        "next_attempt_at": message.next_attempt_at.isoformat(),
        "sent_at": message.sent_at.isoformat() if message.sent_at else None,
        "error": message.error,
    }


def _line(message: Message) -> str:
    about = message.environment or f"{message.digest} digest"
    to = ", ".join(message.recipients) or message.channel
    text = (
        f"{message.number:>5}  {message.created_at:%Y-%m-%d %H:%M:%S}  {message.state:<8}"
        f"{about:<20}  {message.route} -> {to}"
    )
    return visible(f"{text}  {message.error}" if message.error else text)
