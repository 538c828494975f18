"""`chandlery chart`: a coin's candles as a picture or a page."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from chandlery import store
from chandlery.cli.gaps import refresh
from chandlery.cli.options import END, NOW, START_YEAR, at, options, since
from chandlery.engine.chosen import choose
from chandlery.errors import Misuse
from chandlery.files.names import file_name
from chandlery.files.whole import whole
from chandlery.model import window
from chandlery.reports.chart_page import of_coin
from chandlery.reports.coin_chart import png, svg
from chandlery.reports.coin_facts import BARS, Asked, Facts, facts
from chandlery.settings import settings
from chandlery.store.frames.read import TIMEFRAMES
from chandlery.words import counted

DRAWN: Mapping[str, Callable[[Facts], bytes]] = {
    ".png": png,
    ".svg": lambda given: svg(given).encode(),
    ".html": lambda given: of_coin(given).encode(),
}


@click.command()
@click.argument("coin")
@click.option(
    "--timeframe",
    default="4h",
    show_default=True,
    metavar="4h",
    help=f"One of {', '.join(TIMEFRAMES)}.",
)
@click.option("--adjusted", is_flag=True, help="Prices across redenominations in today's unit.")
@click.option(
    "--to", metavar="FILE", help="FILE.png, FILE.svg or FILE.html. [default: as BTC-4h.png, here]"
)
@click.option(
    "--start",
    metavar="TIME",
    help=f"First hour, ISO 8601; a bare date is UTC. [default: {BARS} bars before the end]",
)
@options(START_YEAR, END, NOW)
def chart(  # noqa: PLR0913  a verb's options
    *,
    coin: str,
    timeframe: str,
    adjusted: bool,
    to: str | None,
    start: str | None,
    start_year: int | None,
    end: str | None,
    now: str | None,
) -> None:
    """Draw COIN's candles, what is missing of them and why, and whose they are, into a file.

    COIN is a ticker or CoinGecko's id. A PNG is on white. SVG and HTML follow the reader's light or
    dark, and tell each bar and gap under the pointer.
    """
    if timeframe not in TIMEFRAMES:
        raise Misuse(f"timeframe {timeframe[:40]!r} is not kept: write {', '.join(TIMEFRAMES)}")
    path, moment = None if to is None else target(to, DRAWN), at(now)
    first = since(start, start_year)
    within = window(first, end, moment)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        refresh(connection)
        best, *_ = choose(connection, [coin])  # where two have the name, the better-ranked has it
        path = path or Path(f"{file_name(best)}-{timeframe}.png")
        found = facts(connection, Asked(best, timeframe, within, moment, first is None, adjusted))
    with whole(path) as part:
        part.write_bytes(DRAWN[path.suffix.lower()](found))
    click.echo(f"{counted(found.bars.height, 'bar')} in {path}")


def target(to: str, suffixes: Iterable[str]) -> Path:
    """The file that is to be written; Misuse if it is of no such kind, or has no folder."""
    path = Path(to)
    if path.suffix.lower() not in suffixes:
        raise Misuse(
            f"{to} is of no kind known here: write {', '.join(map('FILE{}'.format, suffixes))}"
        )
    if not path.parent.is_dir():
        raise Misuse(f"cannot write {to}: there is no folder {path.parent}")
    return path
