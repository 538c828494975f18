"""`chandlery roles`: a writer and a reader for a server's database."""

import click

from chandlery import store
from chandlery.cli.console import print_json
from chandlery.cli.options import JSON, options
from chandlery.settings import settings


@click.command()
@options(JSON)
def roles(*, as_json: bool) -> None:
    """Make the database's writer and reader, as the owner of its tables.

    Neither can log in: make users members of them. Again is safe.
    """
    with store.connect(settings()) as connection:
        store.migrate(connection)
        writer, reader = store.make_roles(connection)
        store.share(connection)
    if as_json:
        print_json({"writer": writer, "reader": reader})
    else:
        click.echo(f"flows and verbs run as a member of {writer}: grant {writer} to somebody")
        click.echo(f"who only looks is a member of {reader}: grant {reader} to somebody")
