"""The verbs that look at the database: migrate, roles, status, export."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

import click
import polars as pl
from rich.markup import escape
from rich.table import Table

import store
from candles import Coin, Window
from candles.settings import settings
from chandlery.export import write
from chandlery.options import END, JSON, MAX_COINS, NOW, START, SYMBOLS, at, choices, listed, window
from chandlery.people import counted as numbered
from chandlery.people import output, print_json, print_universe
from collect import choose
from collect.known import known as known_coins
from collect.left_out import counted, left_out
from collect.order import few
from store.read import TIMEFRAMES


@click.command()
@choices(JSON)
def migrate(*, as_json: bool) -> None:
    """Bring the database's tables up to date."""
    with store.connect(settings()) as connection:
        names = store.migrate(connection)
        store.share(connection)
    if as_json:
        print_json({"applied": names})
    else:
        click.echo("\n".join(f"applied {name}" for name in names) or "already up to date")


@click.command()
@choices(JSON)
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


@click.command()
@choices(START, END, MAX_COINS, NOW, JSON)
def status(
    *,
    start: str | None,
    end: str | None,
    max_coins: int | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Show what is there: coins, candles, coverage.

    What is missing is counted from a coin's listing to now, or within --start and --end.
    """
    moment = at(now)
    within, most = window(start, end, moment), few(max_coins)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        held = store.held(connection, moment)
        if within is not None:
            held = _missing_within(connection, held, within)
        gaps, health = store.gaps_by_reason(connection, moment, within), store.health(connection)
        known, passed_over = known_coins(connection), counted(left_out(connection))
    if as_json:
        sources = [each._asdict() for each in health]
        coins = held.drop("key").to_dicts()
        universe = {"universe": known._asdict(), "left_out": passed_over}
        told = {"open_gaps": gaps, "sources": sources, "coins": coins}
        print_json(_totals(held) | universe | told)
    else:
        _print_held(held, most)
        _print_gaps(gaps)
        _print_health(health)
        print_universe(known, passed_over)


def _missing_within(
    connection: store.Connection, held: pl.DataFrame, window: Window
) -> pl.DataFrame:
    """The same table, its candles and what is missing counted in the window only."""
    lives = [Window(*row) for row in held.select("starts_at", "ends_at").iter_rows()]
    parts = [life.clip(window) for life in lives]
    asks = [(key, part) for key, part in zip(held["key"], parts, strict=True) if part is not None]
    runs = store.missing(connection, asks)
    hours = pl.DataFrame(
        {
            "key": [key for key, _ in asks],
            "within": [part.hours for _, part in asks],
            "missing": [sum(run.hours for run in each) for each in runs],
        },
        schema={"key": pl.Int64, "within": pl.Int64, "missing": pl.Int64},
    )
    counted = held.drop("missing", "hours").join(hours, on="key", maintain_order="left")
    return counted.with_columns(hours=pl.col("within") - pl.col("missing")).drop("within")


@click.command()
@choices(SYMBOLS, START, END, NOW)
@click.option("--timeframe", type=click.Choice(TIMEFRAMES), default="1h", show_default=True)
@click.option("--to", "to", type=click.Path(path_type=Path), required=True, metavar="FILE")
def export(  # noqa: PLR0913  a verb's options
    *,
    symbols: str | None,
    start: str | None,
    end: str | None,
    now: str | None,
    timeframe: str,
    to: Path,
) -> None:
    """Write candles to FILE.parquet or FILE.csv, by symbol and time (UTC)."""
    within, moment = window(start, end), None if now is None else at(now)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        coins = choose(connection, listed(symbols))
        read = partial(_read, connection, timeframe, within, moment)
        rows = write(coins, read, to)
    click.echo(f"{rows:,} candles in {to}")


def _read(
    connection: store.Connection,
    timeframe: str,
    window: Window | None,
    now: datetime | None,
    coin: Coin,
) -> pl.DataFrame:
    return store.read(connection, [coin], timeframe, window, now)


def _totals(held: pl.DataFrame) -> dict[str, object]:
    hours, missing = int(held["hours"].sum()), int(held["missing"].sum())
    newest = held["latest"].max()
    return {
        "total_symbols": held.height,
        "total_records": hours,
        "missing_records": missing,
        "completeness_percentage": round(100 * hours / max(hours + missing, 1), 4),
        "newest": newest.isoformat() if isinstance(newest, datetime) else None,
        "bars_4h": int(held["bars_4h"].sum()),
        "bars_1d": int(held["bars_1d"].sum()),
    }


def _print_held(held: pl.DataFrame, most: int | None) -> None:
    if held.is_empty():
        output.print("no candles yet: `chandlery backfill --max-coins 20` fetches some")
        return
    columns = ("coin", "from", "to", "1h", "4h", "1d", "missing", "coverage", "sources")
    table = Table(*columns, box=None, header_style="bold")
    for column in table.columns[3:8]:
        column.justify = "right"
    for row in held.head(most or held.height).iter_rows(named=True):
        table.add_row(*_cells(row))
    totals = _totals(held)
    output.print(table)
    output.print(
        f"{held.height:,} coins, {totals['total_records']:,} candles of 1h,"
        f" {totals['bars_4h']:,} of 4h, {totals['bars_1d']:,} of 1d;"
        f" {totals['completeness_percentage']} % complete;"
        f" newest hour {totals['newest']}",
        highlight=False,
    )


def _print_gaps(gaps: Mapping[str, Mapping[str, int]]) -> None:
    for reason, each in gaps.items():
        output.print(
            f"  {reason}: {numbered(each['hours'], 'hour')} in {numbered(each['gaps'], 'gap')}",
            highlight=False,
        )


def _print_health(health: Iterable[store.Health]) -> None:
    for each in health:
        answered = f"answered {each.answered_at:%Y-%m-%d %H:%M}" if each.answered_at else "silent"
        failed = f"; failed {each.failed_at:%Y-%m-%d %H:%M}: {each.words}" if each.failed_at else ""
        mark = "ok" if each.is_well else "ill"
        output.print(f"  {each.source}: {mark}, {answered}{failed}", highlight=False, markup=False)


def _cells(row: dict[str, object]) -> list[str]:
    hours, missing = int(str(row["hours"])), int(str(row["missing"]))
    return [
        escape(str(row["symbol"])),
        f"{row['earliest']:%Y-%m-%d %H:%M}",
        f"{row['latest']:%Y-%m-%d %H:%M}",
        f"{hours:,}",
        f"{row['bars_4h']:,}",
        f"{row['bars_1d']:,}",
        f"{missing:,}",
        f"{100 * hours / max(hours + missing, 1):.2f} %",
        str(row["sources"]),
    ]
