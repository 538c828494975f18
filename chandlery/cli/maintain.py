"""`chandlery maintain`: lost hours found, old candles compressed, 4h and 1d up to date."""

import click

from chandlery.cli.console import errors, output, print_json, progress
from chandlery.cli.options import JSON, NOW, at, options
from chandlery.engine.maintenance import AFTER_DAYS
from chandlery.engine.maintenance import maintain as maintain_database
from chandlery.settings import settings


@click.command()
@click.option(
    "--after-days",
    default=AFTER_DAYS,
    show_default=True,
    metavar="N",
    help="Candles older than that are compressed; they can be read and written as before.",
)
@click.option(
    "--bars",
    is_flag=True,
    help="Also recompute 4h and 1d bars of which a value is not what their hours make.",
)
@click.option(
    "--reindex",
    is_flag=True,
    help="Also make indexes anew that do not fit their tables, as after a disk's fault.",
)
@click.option(
    "--remove-future",
    is_flag=True,
    help="First remove candles that open after now: a clock was ahead when they were stored.",
)
@options(NOW, JSON)
def maintain(  # noqa: PLR0913  a verb's options
    *,
    after_days: int,
    bars: bool,
    reindex: bool,
    remove_future: bool,
    now: str | None,
    as_json: bool,
) -> int:
    """Find lost hours, compress old candles, refresh 4h and 1d, tidy up. Asks no venue.

    Exit code 1: hours that were stored are gone.
    """
    moment = at(now)
    with progress("maintain", shown=not as_json) as bar:

        def say(what: str) -> None:
            bar.update(bar.tasks[0].id, detail=what)

        done = maintain_database(
            settings(),
            moment,
            after_days,
            say,
            bars=bars,
            reindex=reindex,
            remove_future=remove_future,
        )
    for sentence in done.lost.sentences():
        errors.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if as_json:
        print_json(done.statistics())
    else:
        output.print(done.summary(), highlight=False, soft_wrap=True)
    return 1 if done.lost.hours else 0
