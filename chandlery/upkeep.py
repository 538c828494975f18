"""`chandlery maintain`: old candles compressed, and 4h and 1d brought up to date."""

import click

from candles.settings import settings
from chandlery.options import JSON, NOW, at, choices
from chandlery.people import output, print_json, progress
from collect import AFTER_DAYS
from collect import maintain as keep_up


@click.command()
@click.option(
    "--after-days",
    default=AFTER_DAYS,
    show_default=True,
    metavar="N",
    help="Candles older than that are compressed; they can be read and written as before.",
)
@choices(NOW, JSON)
def maintain(*, after_days: int, now: str | None, as_json: bool) -> int:
    """Compress old candles, refresh 4h and 1d, tidy up. Asks no venue."""
    moment = at(now)
    with progress("maintain", shown=not as_json) as bar:

        def say(what: str) -> None:
            bar.update(bar.tasks[0].id, detail=what)

        done = keep_up(settings(), moment, after_days, say)
    if as_json:
        print_json(done.statistics())
    else:
        output.print(done.line(), highlight=False)
    return 0
