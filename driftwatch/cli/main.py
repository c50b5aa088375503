"""The `driftwatch` command: finds a command, runs it, and turns errors into exit codes."""

import importlib
import sys
from importlib.metadata import version
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from driftwatch.cli.exits import COULD_NOT_LOOK, IN_SYNC, INTERRUPTED, USAGE
from driftwatch.cli.failing import error_lines
from driftwatch.errors import DriftwatchError, UsageError

# Each command's module is imported when it is asked for: `--help` must not wait for boto3.
_COMMANDS = {
    "audit": "List who did what, or verify that nobody changed that list.",
    "backup": "Copy the database while it is in use.",
    "check": "Look at environments now and say what drifted.",
    "completion": "Print a script that completes commands in your shell.",
    "config": "Validate driftwatch.yaml, or print its JSON Schema.",
    "daemon": "Watch on schedule, tell people, serve the dashboard.",
    "demo": "Build a small real world, break it, and watch driftwatch find out.",
    "doctor": "Say what is missing before a check can be believed.",
    "explain": "Compare, judge and render a plan document that you already have.",
    "history": "List the checks of one environment.",
    "init": "Discover root modules and write driftwatch.yaml.",
    "notify": "Send a sample through every route, or list them.",
    "messages": "List what people were told, and send again what could not be sent.",
    "policy": "List the rules, or test them with their own examples.",
    "report": "Render the last known reports again.",
    "snooze": "Not to hear of a known drift for a while, as long as its value stays.",
    "snoozes": "List what is snoozed, until when and why.",
    "status": "Show every environment's status and freshness.",
    "token": "Make, list and revoke what the API and the dashboard are used with.",
    "unsnooze": "Hear of a snoozed drift again.",
}


class _Commands(click.Group):
    """Lists commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"driftwatch.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names without importing a command."""
        names = [name for name in sorted(_COMMANDS) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=_COMMANDS[name]) for name in names), *options]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest a near command for an unknown one."""
        name = args[0] if args else ""
        if name and name not in _COMMANDS:
            ctx.fail(f"No such command {name!r}.{_suggestion(name)}")
        return super().resolve_command(ctx, args)


def _suggestion(name: str) -> str:
    import difflib  # noqa: PLC0415 - only needed after a typo

    near = difflib.get_close_matches(name, _COMMANDS, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 in sync, 2 drift, 1 could not look, 64 wrong command line.",
)
@click.option(
    "-c",
    "--config",
    type=click.Path(path_type=Path),
    default="driftwatch.yaml",
    envvar="DRIFTWATCH_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.version_option(version("driftwatch"), prog_name="driftwatch")
@click.pass_context
def command(context: click.Context, config: Path) -> None:
    """Watch Terraform environments for drift, explain it, and propose the fix.

    driftwatch only ever looks: there is no way from here to `terraform apply`.
    """
    context.obj = config


def run(arguments: list[str] | None = None) -> int:
    """Run a command line and return its exit code: the one boundary where errors end."""
    try:
        result = command.main(arguments, prog_name="driftwatch", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return IN_SYNC
    except (click.UsageError, click.FileError, UsageError) as error:
        _tell(error)
        return USAGE
    except DriftwatchError as error:
        _tell(error)
        return COULD_NOT_LOOK
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    return result if isinstance(result, int) else IN_SYNC


def _tell(error: DriftwatchError | click.ClickException) -> None:
    if isinstance(error, click.ClickException):
        error.show()
        return
    for line in error_lines(error):
        click.echo(line, err=True)


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run())
