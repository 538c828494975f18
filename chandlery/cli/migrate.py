"""`chandlery migrate`: bring the tables up to date."""

import click

from chandlery import store
from chandlery.cli.console import print_json
from chandlery.cli.options import JSON, options
from chandlery.settings import settings


@click.command()
@options(JSON)
def migrate(*, as_json: bool) -> None:
    """Bring the database's tables up to date."""
    with store.connect(settings()) as connection:
        names = store.migrate(connection)
        store.share(connection)
    if as_json:
        print_json({"applied": names})
    else:
        click.echo("\n".join(f"applied {name}" for name in names) or "already up to date")
