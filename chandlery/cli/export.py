"""`chandlery export`: candles into files, in the layouts of the tools that read them."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
import polars as pl

from chandlery import files, store
from chandlery.cli.console import print_json
from chandlery.cli.options import (
    END,
    JSON,
    MAX_COINS,
    NOW,
    START,
    START_YEAR,
    SYMBOLS,
    at,
    names,
    options,
    since,
)
from chandlery.engine.chosen import choose
from chandlery.engine.spec import chosen, few
from chandlery.errors import Misuse
from chandlery.files import LAYOUTS, Asked, Exported, Series
from chandlery.files.target import Layout, Place
from chandlery.model import Coin, Window, utc_text, window
from chandlery.settings import settings
from chandlery.store import Adjustment
from chandlery.store.frames.read import SCHEMA, TIMEFRAMES
from chandlery.words import did_you_mean

ALL, OUT = "all", "-"
SOME = 5  # named in a line, and the others counted


@click.command()
@options(SYMBOLS, MAX_COINS, START, START_YEAR, END, NOW)
@click.option(
    "--timeframe",
    callback=names,
    default="1h",
    show_default=True,
    metavar="1h,4h",
    help=f"Of {', '.join(TIMEFRAMES)}; or {ALL}.",
)
@click.option("--adjusted", is_flag=True, help="Prices across redenominations in today's unit.")
@click.option("--to", required=True, metavar="TARGET", help="A file, a folder, or - for stdout.")
@click.option(
    "--layout",
    type=click.Choice([*LAYOUTS]),
    help="How candles lie in a folder, or on stdout. [default: by the file's name; csv on stdout]",
)
@click.option(
    "--columns", callback=names, metavar="A,B", help="Columns of market_data, in this order."
)
@click.option("--newer", is_flag=True, help="Only what is newer than what the folder has.")
@options(JSON)
def export(  # noqa: PLR0913  a verb's options
    *,
    symbols: list[str] | None,
    max_coins: int | None,
    start: str | None,
    start_year: int | None,
    end: str | None,
    now: str | None,
    timeframe: list[str],
    adjusted: bool,
    to: str,
    layout: str | None,
    columns: list[str] | None,
    newer: bool,
    as_json: bool,
) -> int:
    """Write candles to TARGET, by symbol and time (UTC): a file, a folder, or standard output.

    FILE.parquet, FILE.csv and FILE.arrow hold all coins. A folder holds a file or more a coin, in
    the layout of whoever reads it: parquet, freqtrade, nautilus. docs/reading.md has them all.
    """
    path = None if to == OUT else Path(to)
    form, opening = files.for_target(path, layout)
    _refuse_odd(form, path, as_json=as_json, newer=newer, columns=columns)
    within = window(since(start, start_year), end)
    most = few(max_coins)
    moment = None if now is None else at(now)
    with store.connect(settings()) as connection:

        def read(series: Series, part: Window | None) -> pl.DataFrame:
            given = ([series.coin], series.timeframe, part, moment)
            return store.read(connection, *given, adjusted=adjusted)

        store.migrate(connection)
        coins = choose(connection, chosen(symbols), most)
        moments = store.adjustments(connection, coins)
        asked = Asked(
            _series(coins, _timeframes(timeframe), moments, adjusted=adjusted), within, newer
        )
        place = Place(path, columns or SCHEMA.names(), store.ids(connection))
        try:
            with opening(place) as target:
                done = files.export(asked, read, target)
        except BrokenPipeError:
            return _nobody_reads()
    if not (done.candles or done.refused or done.held):
        raise Misuse("there are no such candles: `chandlery status` shows what is there")
    _tell(done, form, to, _within(moments, done, adjusted=adjusted), as_json=as_json)
    return 1 if done.refused else 0


def _refuse_odd(
    layout: Layout, path: Path | None, *, as_json: bool, newer: bool, columns: Sequence[str] | None
) -> None:
    if path is None and as_json:
        raise Misuse("--json and the candles would both be on stdout: leave one out")
    if path is None and layout.name != "csv" and sys.stdout.isatty():
        raise Misuse(f"{layout.name} is not for a terminal: pipe it into a program or a file")
    if newer and (path is None or layout.folder is None or path.suffix in layout.suffixes):
        raise Misuse("--newer adds to a folder: write --to FOLDER and --layout")
    if columns is None:
        return
    if layout.own_columns:
        raise Misuse(f"the layout {layout.name} has columns of its own: leave out --columns")
    known = ",".join(SCHEMA.names())
    if unknown := [name for name in columns if name not in SCHEMA.names()]:
        near = did_you_mean(unknown[0], SCHEMA.names())
        raise Misuse(f"--columns: {unknown[0][:40]!r} is none of them: {near}write some of {known}")
    if not columns or len(set(columns)) < len(columns):
        raise Misuse(f"--columns: write some of {known}, each once")


def _timeframes(named: Sequence[str]) -> Sequence[str]:
    """Those that are named, shortest first."""
    unknown = [each for each in named if each not in {*TIMEFRAMES, ALL}]
    if unknown or not named:
        odd = repr("".join(unknown[:1])[:40])
        raise Misuse(f"timeframe {odd} is not kept: write {', '.join(TIMEFRAMES)} or {ALL}")
    return [each for each in TIMEFRAMES if each in named or ALL in named]


def _series(
    coins: Sequence[Coin],
    timeframes: Sequence[str],
    moments: Sequence[Adjustment],
    *,
    adjusted: bool,
) -> list[Series]:
    """Each coin's, by symbol, with the factors that its prices are adjusted by."""
    return [
        Series(coin, timeframe, _factors(coin, moments) if adjusted else None)
        for coin in sorted(coins, key=lambda each: (each.symbol, each.id))
        for timeframe in timeframes
    ]


def _factors(coin: Coin, moments: Sequence[Adjustment]) -> list[tuple[datetime, float]]:
    return [
        (each.open_time, each.factor)
        for each in moments
        if each.coin == coin and each.confirmed_at is not None and each.factor is not None
    ]


def _within(moments: Sequence[Adjustment], done: Exported, *, adjusted: bool) -> list[Adjustment]:
    """The redenominations between candles of one coin that are in different units."""
    return [
        each
        for each in moments
        if not (adjusted and each.confirmed_at)
        and (reach := done.reach.get(each.coin.key)) is not None
        and reach.spans(each.open_time)
    ]


def _tell(
    done: Exported, layout: Layout, to: str, moments: Sequence[Adjustment], *, as_json: bool
) -> None:
    """What was written, on stdout; what to know of it, a line each, on stderr."""
    for series, why in done.refused.items():
        click.echo(f"left out: {series}: {why}", err=True)
    if moments:
        click.echo(_redenominated(moments), err=True)
    if done.without_volume and layout.without_volume is not None:
        click.echo(
            f"{done.without_volume:,} candles have no known volume: {layout.name} takes it for"
            f" {layout.without_volume}",
            err=True,
        )
    if as_json:
        print_json(_statistics(done, layout, to, moments))
    else:
        click.echo(
            f"{done.candles:,} candles {'written' if to == OUT else f'in {to}'}", err=to == OUT
        )


def _redenominated(moments: Sequence[Adjustment]) -> str:
    told = [f"{each.coin.symbol} {utc_text(each.open_time)}" for each in moments[:SOME]]
    more = f" and {len(moments) - SOME} more" if len(moments) > SOME else ""
    return (
        f"redenominated: {', '.join(told)}{more}: prices before are in another unit"
        " (`chandlery adjust`, then --adjusted)"
    )


def _statistics(
    done: Exported, layout: Layout, to: str, moments: Sequence[Adjustment]
) -> dict[str, object]:
    return {
        "to": to,
        "layout": layout.name,
        "candles": done.candles,
        "coins": len(done.reach),
        "without_volume": done.without_volume,
        "left_out": done.refused,
        "redenominations": [
            {"symbol": each.coin.symbol, "open_time": each.open_time.isoformat()}
            for each in moments
        ],
    }


def _nobody_reads() -> int:
    """Whoever read stdout has enough, as `head` has: Python is not to try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
