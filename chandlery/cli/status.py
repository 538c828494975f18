"""`chandlery status`: what is there, what is missing, and how the sources fare."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import click
import polars as pl
from rich.markup import escape
from rich.table import Table

from chandlery import store
from chandlery.cli.console import NO_CANDLES, counted, output, print_json, print_universe
from chandlery.cli.options import END, JSON, MAX_COINS, NOW, START, at, options
from chandlery.engine.coins_known import coins_known
from chandlery.engine.spec import FIRST_YEAR, few
from chandlery.model import window
from chandlery.quality.wording import cut
from chandlery.settings import settings
from chandlery.symbology.left_out import by_why, left_out


@click.command()
@options(START, END, MAX_COINS, NOW, JSON)
def status(
    *,
    start: str | None,
    end: str | None,
    max_coins: int | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Show what is there: coins, candles, coverage.

    What is missing is counted from a coin's listing, or the oldest start that was asked for, to
    now; or within --start and --end.
    """
    moment = at(now)
    within, most = window(start, end, moment), few(max_coins)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        held = store.held(connection, moment, within)
        gaps, health = store.gaps_by_reason(connection, moment, within), store.health(connection)
        known, passed_over = coins_known(connection), by_why(left_out(connection))
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


def _totals(held: pl.DataFrame) -> dict[str, object]:
    hours, missing = int(held["hours"].sum()), int(held["missing"].sum())
    newest = held["latest"].max()
    return {
        "total_symbols": held.height,
        "total_records": hours,
        "missing_records": missing,
        "completeness_percentage": round(100 * hours / max(hours + missing, 1), 4),
        "unwanted_hours": int(held["unwanted"].sum()),
        "unasked_symbols": int(held["unasked"].sum()),
        "newest": newest.isoformat() if isinstance(newest, datetime) else None,
        "bars_4h": int(held["bars_4h"].sum()),
        "bars_1d": int(held["bars_1d"].sum()),
    }


def _print_held(held: pl.DataFrame, most: int | None) -> None:
    if held.is_empty():
        output.print(NO_CANDLES)
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
        f" {cut(totals['completeness_percentage'])} complete;"
        f" newest hour {totals['newest']}",
        highlight=False,
    )
    _print_unwanted(held)


def _print_unwanted(held: pl.DataFrame) -> None:
    """What venues list before the oldest start that was asked for, and how it is had."""
    if unasked := int(held["unasked"].sum()):
        output.print(
            f"since when {counted(unasked, 'coin')} can be had, nobody asked yet;"
            f" `chandlery backfill --start-year {FIRST_YEAR}` does",
            highlight=False,
        )
    before = held.filter(pl.col("unwanted") > 0)
    if before.is_empty():
        return
    listed = pl.col("starts_at") - pl.duration(hours="unwanted")
    first = before.select(listed.dt.strftime("%Y-%m-%d").min()).item()
    hours, coins = counted(int(before["unwanted"].sum()), "hour"), counted(before.height, "coin")
    output.print(
        f"listed before what was wanted: {hours} of {coins};"
        f" `chandlery backfill --start {first}` fetches them",
        highlight=False,
    )


def _print_gaps(gaps: Mapping[str, Mapping[str, int]]) -> None:
    for reason, each in gaps.items():
        output.print(
            f"  {reason}: {counted(each['hours'], 'hour')} in {counted(each['gaps'], 'gap')}",
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
        _minute(row["earliest"]),
        _minute(row["latest"]),
        f"{hours:,}",
        f"{row['bars_4h']:,}",
        f"{row['bars_1d']:,}",
        f"{missing:,}",
        cut(100 * hours / max(hours + missing, 1)),
        str(row["sources"]),
    ]


def _minute(at: object) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if isinstance(at, datetime) else "-"
