"""`chandlery copy`: everything into another database."""

from functools import partial
from pathlib import Path

import click

from chandlery import moving
from chandlery.cli.console import move_hours, output, print_json, progress, say
from chandlery.cli.options import JSON, options
from chandlery.settings import Settings, settings


@click.command()
@click.option(
    "--to",
    "to",
    required=True,
    metavar="DSN|FOLDER",
    help="postgresql://user@host/database, or a folder: the embedded database of that"
    " CHANDLERY_HOME.",
)
@options(JSON)
def copy(*, to: str, as_json: bool) -> None:
    """Copy everything into another database, or go on where that was cut short.

    It is empty, or an earlier copy. What is equal there is not sent again. In the end both sides
    are compared by count and checksum of each coin and year, and of each table.
    """
    source = settings()
    with progress("copy", shown=not as_json) as bar:
        done = moving.copy_database(
            source, _target(source, to), partial(say, bar), partial(move_hours, bar)
        )
    if as_json:
        print_json(done.statistics())
    else:
        output.print(done.summary(), highlight=False, soft_wrap=True)


def _target(source: Settings, to: str) -> Settings:
    """An address has a scheme, or words as `host=here dbname=candles`; else it is a folder."""
    if "://" in to or "=" in to:
        return source.model_copy(update={"database_url": to})
    home = Path(to).expanduser().absolute()
    return source.model_copy(update={"database_url": None, "home": home})
