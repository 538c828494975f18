"""`chandlery restore`: a backup into an empty database."""

from functools import partial
from pathlib import Path

import click

from chandlery import moving
from chandlery.cli.backup import FILE
from chandlery.cli.console import move_hours, output, print_json, progress, say
from chandlery.cli.options import JSON, options
from chandlery.settings import settings


@click.command()
@click.argument("file", type=FILE)
@options(JSON)
def restore(*, file: Path, as_json: bool) -> None:
    """Restore a backup into an empty database.

    All of it, or nothing: it is one transaction, compared by count and checksum before it ends.
    """
    with progress("restore", shown=not as_json) as bar:
        made = moving.restore(settings(), file, partial(say, bar), partial(move_hours, bar))
    if as_json:
        print_json(made.statistics())
    else:
        output.print(f"{made.summary()} restored", highlight=False, soft_wrap=True)
