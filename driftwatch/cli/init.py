"""`driftwatch init`: discover root modules and write driftwatch.yaml."""

from pathlib import Path

import click

from driftwatch.bootstrap import draft_configuration, write_file
from driftwatch.errors import UsageError


@click.command()
@click.argument("repository", default=".")
@click.option("--branch", help="The branch to look at; the repository's own default without it.")
@click.option("--force", is_flag=True, help="Overwrite a configuration that is there.")
@click.pass_obj
def command(config: Path, repository: str, branch: str | None, force: bool) -> int:
    """Discover the root modules of REPOSITORY, a URL or a folder, and write a configuration.

    A root module is a folder with a backend, a provider or a state that no other folder calls.
    """
    if config.exists() and not force:
        raise UsageError(f"{config} is there already; --force overwrites it.")
    text, found = draft_configuration(repository, branch)
    if not found:
        raise UsageError(f"No root module in {repository}: no backend, provider or state.")
    write_file(config, text)
    for module in found:
        click.echo(f"{module.directory}: {', '.join(module.reasons)}")
    click.echo(f"wrote {config} with {len(found)} environments; next: driftwatch doctor", err=True)
    return 0
