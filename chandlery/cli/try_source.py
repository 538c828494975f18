"""`chandlery try SOURCE SYMBOL`: what a venue says now, and how fresh it is. No database."""

from collections.abc import Mapping
from datetime import datetime
from time import monotonic

import click
import polars as pl
from rich.table import Table
from rich.text import Text

from chandlery import venues
from chandlery.cli.console import output, print_json
from chandlery.cli.options import JSON, NOW, at, options
from chandlery.engine.context import open_client
from chandlery.errors import Misuse
from chandlery.model import HOUR, Listing, Window, empty, utc_text, whole_hour
from chandlery.settings import settings
from chandlery.venues import Source
from chandlery.words import did_you_mean

HOURS = 24
SHOWN = 3


@click.command(name="try")
@click.argument("source")
@click.argument("symbol")
@click.option("--hours", default=HOURS, show_default=True, type=click.IntRange(1, 10_000))
@options(NOW, JSON)
def try_source(source: str, symbol: str, *, hours: int, now: str | None, as_json: bool) -> None:
    """Ask SOURCE for SYMBOL's newest hours; SYMBOL as the venue writes it (coingecko: bitcoin).

    Nothing is stored. A venue that refuses is told in its own words, with exit 1.
    """
    known = venues.load()
    if source not in known:
        hint = did_you_mean(source, known)
        raise Misuse(f"no source {source}: {hint}there are {', '.join(known)}")
    if not symbol.isprintable():
        raise Misuse(f"no venue has a symbol like {symbol[:40]!r}")
    moment = at(now)
    began = monotonic()
    frame = _asked(known[source], symbol, hours, moment)
    told = _statistics(frame, moment, monotonic() - began)
    if as_json:
        print_json({"source": source, "symbol": symbol, **told, "candles": frame.to_dicts()})
    else:
        _print(f"{source} {symbol}", told, frame)


def _asked(source: Source, symbol: str, hours: int, now: datetime) -> pl.DataFrame:
    """The newest page, or several where a page is shorter than what is asked for."""
    end = whole_hour(now)
    window, listing = Window(end - hours * HOUR, end), Listing(0, source.listings, symbol)
    with open_client(settings()) as client:
        pages = list(venues.pages(source, window, now))
        frames = [venues.fetch(client, source, listing, page, now).frame for page in pages]
    return pl.concat(frames) if frames else empty()


def _statistics(frame: pl.DataFrame, now: datetime, seconds: float) -> dict[str, object]:
    newest = frame["open_time"].max()
    behind = whole_hour(now) - newest - HOUR if isinstance(newest, datetime) else None
    return {
        "hours": frame.height,
        "seconds": round(seconds, 3),
        "newest": newest,
        "hours_behind": None if behind is None else behind // HOUR,
    }


def _print(title: str, told: Mapping[str, object], frame: pl.DataFrame) -> None:
    caption = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items())
    table = Table(title=Text(title), caption=caption, title_justify="left", caption_justify="left")
    for name in frame.columns:
        table.add_column(name, justify="right")
    for row in frame.tail(SHOWN).iter_rows():
        table.add_row(*map(_cell, row))
    output.print(table)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return utc_text(value)
    return "" if value is None else str(value)
