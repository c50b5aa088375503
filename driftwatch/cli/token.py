"""`driftwatch token`: who may use the API and the dashboard, and as what."""

import json
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.config.service_model import Role
from driftwatch.config.values import NAME
from driftwatch.desk import login_name
from driftwatch.domain.schedule import parse_length
from driftwatch.errors import UsageError
from driftwatch.render.text import visible


@click.group()
def command() -> None:
    """Make, list and revoke tokens for the API and the dashboard."""


@command.command()
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.VIEWER.value,
    show_default=True,
    help="What its bearer may do: look, act, or rule.",
)
@click.option("--expires", metavar="LENGTH", help="For how long it is good, such as 90d.")
@click.pass_obj
def create(config: Path, name: str, role: str, expires: str | None) -> int:
    """Make a token called NAME and print it, for the only time."""
    if not re.fullmatch(NAME, name, re.ASCII):
        raise UsageError("A name has up to 63 letters, digits, dots, dashes and underscores.")
    installation = open_installation(config)
    now, store = installation.now(), installation.store
    try:
        ends = now + parse_length(expires) if expires else None
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--expires: {error}.") from error
    if any(token.name == name and not token.revoked_at for token in store.tokens.all()):
        raise UsageError(f"There is a token {name!r} already: revoke it, or take another name.")
    text = store.tokens.create(name, Role(role), now, ends)
    detail = {"role": role, "expires_at": ends.isoformat() if ends else None}
    store.audit.append(login_name(), "token.create", name, detail, now)
    click.echo(text)
    until = f"until {ends:%Y-%m-%d %H:%M} UTC" if ends else "until it is revoked"
    click.echo(f"Keep it: it is shown this once. It is good {until}, as {role}.", err=True)
    return 0


@command.command("list")
@click.option("-f", "--format", "format_", type=click.Choice(["table", "json"]), default="table")
@click.pass_obj
def list_tokens(config: Path, format_: str) -> int:
    """List tokens, revoked ones included; the tokens themselves are not kept."""
    installation = open_installation(config)
    tokens, now = installation.store.tokens.all(), installation.now()
    if format_ == "json":
        entries = [asdict(token) | {"role": token.role.value} for token in tokens]
        click.echo(json.dumps(entries, indent=2, default=datetime.isoformat))
        return 0
    for token in tokens:
        if token.revoked_at:
            state = f"revoked {token.revoked_at:%Y-%m-%d}"
        elif token.expires_at:
            over = "expired" if token.expires_at <= now else "expires"
            state = f"{over} {token.expires_at:%Y-%m-%d}"
        else:
            state = "no end"
        used = f"used {token.used_at:%Y-%m-%d %H:%M}" if token.used_at else "never used"
        line = f"{token.number:>5}  {token.name:<24}  {token.role:<8}  {state:<18}  {used}"
        click.echo(visible(line))
    if not tokens:
        click.echo("There is no token.")
    return 0


@command.command()
@click.argument("number", type=click.IntRange(1, 1 << 62))
@click.pass_obj
def revoke(config: Path, number: int) -> int:
    """End token NUMBER, and with it every session that began with it."""
    installation = open_installation(config)
    now, store = installation.now(), installation.store
    names = {token.number: token.name for token in store.tokens.all()}
    if number not in names:
        raise UsageError(f"There is no token {number}; `driftwatch token list` lists them.")
    if not store.tokens.revoke(number, now):
        raise UsageError(f"Token {number} is revoked already.")
    store.audit.append(login_name(), "token.revoke", names[number], {"number": number}, now)
    click.echo(f"Token {number} ({visible(names[number])}) is revoked.")
    return 0
