"""`chandlery backup`: everything into one file."""

from functools import partial
from importlib.metadata import version
from pathlib import Path

import click

from chandlery import moving
from chandlery.cli.console import move_hours, output, print_json, progress, say
from chandlery.cli.options import JSON, NOW, at, options
from chandlery.files.whole import whole
from chandlery.settings import settings

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--without-candles",
    is_flag=True,
    help="Only what no venue gives again: ranks, market caps, evidence, what was replaced.",
)
@options(NOW, JSON)
def backup(*, file: Path, without_candles: bool, now: str | None, as_json: bool) -> None:
    """Write everything into FILE, a zip of Parquet and CSV.

    It is whole or not there, and for its user alone. Runs may go on meanwhile: it holds what there
    was when it began.
    """
    with progress("backup", shown=not as_json) as bar, whole(file, private=True) as part:
        made = moving.backup(
            settings(),
            part,
            at(now),
            made_by=version("chandlery"),
            with_candles=not without_candles,
            say=partial(say, bar),
            move=partial(move_hours, bar),
        )
    size = file.stat().st_size
    if as_json:
        print_json(made.statistics() | {"bytes": size})
    else:
        output.print(
            f"{made.summary()} in {file}, {size / 1e6:,.1f} MB", highlight=False, soft_wrap=True
        )
