"""`driftwatch completion`: a script that completes commands in your shell."""

import click
from click.shell_completion import get_completion_class

from driftwatch.cli import main


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script for SHELL.

    For bash: `driftwatch completion bash > ~/.local/share/bash-completion/completions/driftwatch`.
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.BadParameter(f"no completion for {shell}")
    click.echo(found(main.command, {}, "driftwatch", "_DRIFTWATCH_COMPLETE").source())
    return 0
