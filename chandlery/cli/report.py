"""`chandlery report`: the page of a check of quality, as one HTML file."""

import click

from chandlery.cli.chart import target
from chandlery.cli.console import progress
from chandlery.cli.options import MAX_COINS, NOW, SYMBOLS, at, options
from chandlery.files.whole import whole
from chandlery.model import utc_text
from chandlery.quality.check import check
from chandlery.reports import of_quality
from chandlery.reports.html import document, rendered
from chandlery.settings import settings


@click.command()
@click.option(
    "--to", default="quality.html", show_default=True, metavar="FILE.html", help="The file."
)
@options(SYMBOLS, MAX_COINS, NOW)
def report(*, to: str, symbols: list[str] | None, max_coins: int | None, now: str | None) -> None:
    """Check what is stored, and write the page about it into one HTML file. Asks no venue.

    It is the page that the deployment `quality` shows in Prefect's UI, pictures included.
    """
    # The check takes its time: what is wrong with the place is told before it.
    path, moment = target(to, [".html"]), at(now)
    with progress("report") as bar:

        def say(what: str) -> None:
            bar.update(bar.tasks[0].id, detail=what)

        checked = check(settings(), moment, symbols, max_coins, say)
    title = f"Quality of the candles, {utc_text(moment)}"
    with whole(path) as part:
        part.write_text(document(title, [rendered(of_quality(checked))]), "utf-8")
    click.echo(f"{checked.summary()}, in {path}")
