"""`driftwatch backup`: a copy of the database, whole, while everything runs."""

from pathlib import Path

import click

from driftwatch.bootstrap import open_installation
from driftwatch.desk import login_name
from driftwatch.errors import UsageError
from driftwatch.render.text import visible


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def command(config: Path, file: Path | None) -> int:
    """Copy the database to FILE, or into the data directory, where the newest are kept.

    The daemon may go on meanwhile. The copy is checked before it takes its name.
    """
    installation = open_installation(config)
    now, store = installation.now(), installation.store
    if file is None:
        path = store.backup(now, installation.config.daemon.backups)
    else:
        target = file.resolve()
        if target == store.database.path.resolve():
            raise UsageError("A backup cannot take the place of the database itself.")
        path = store.database.backup(target)
    store.audit.append(login_name(), "backup", str(path), {}, now)
    click.echo(visible(str(path)))
    return 0
