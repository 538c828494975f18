"""`chandlery status`: what is there, what is missing, and how the sources fare."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import click
from rich.markup import escape
from rich.table import Table

from chandlery import store
from chandlery.cli.console import NO_CANDLES, output, print_json, print_universe
from chandlery.cli.gaps import span_of_lost, tell_lost
from chandlery.cli.options import (
    END,
    JSON,
    MAX_COINS,
    NOW,
    START,
    START_YEAR,
    SYMBOLS,
    at,
    options,
    since,
)
from chandlery.engine.chosen import choose
from chandlery.engine.coins_known import coins_known
from chandlery.engine.spec import FIRST_YEAR, chosen, few
from chandlery.model import HOUR, utc_text, window
from chandlery.quality.wording import cut
from chandlery.settings import settings
from chandlery.symbology.left_out import by_why, left_out
from chandlery.words import counted


@click.command()
@options(SYMBOLS, MAX_COINS, START, START_YEAR, END, NOW, JSON)
def status(  # noqa: PLR0913  a verb's options
    *,
    symbols: list[str] | None,
    max_coins: int | None,
    start: str | None,
    start_year: int | None,
    end: str | None,
    now: str | None,
    as_json: bool,
) -> int:
    """Show what is there: coins, candles, coverage.

    What is missing is counted from a coin's listing, or the oldest start that was asked for, to
    now; or within --start and --end. Exit code 1: hours that were stored are gone.
    """
    moment = at(now)
    within, most = window(since(start, start_year), end, moment), few(max_coins)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        if now is None:  # a moment of the past that is named may be looked at
            store.refuse_clock_behind(connection, moment)
        coins = _chosen(connection, symbols, most)
        held = _of(coins, store.held(connection, moment, within))
        gaps = store.gaps_by_reason(connection, moment, within, coins)
        health = store.health(connection)
        known, passed_over = coins_known(connection), by_why(left_out(connection))
        lost = store.lost_days(connection, coins)
    if as_json:
        sources = [each._asdict() for each in health]
        rows = [
            {name: value for name, value in each._asdict().items() if name != "key"}
            for each in held
        ]
        universe = {"universe": known._asdict(), "left_out": passed_over}
        told = {"open_gaps": gaps, "sources": sources, "coins": rows, "lost": span_of_lost(lost)}
        print_json(_totals(held) | universe | told)
    else:
        _print_held(held)
        _print_gaps(gaps)
        _print_health(health)
        print_universe(known, passed_over)
    return tell_lost(lost)


def _chosen(
    connection: store.Connection, symbols: list[str] | None, most: int | None
) -> list[int] | None:
    """The keys of the coins that are asked for; None for all."""
    if symbols is None and most is None:
        return None
    return [coin.key for coin in choose(connection, chosen(symbols), most)]


def _of(coins: Iterable[int] | None, held: list[store.Held]) -> list[store.Held]:
    wanted = None if coins is None else set(coins)
    return [each for each in held if wanted is None or each.key in wanted]


def _totals(held: Sequence[store.Held]) -> dict[str, object]:
    hours, missing = sum(each.hours for each in held), sum(each.missing for each in held)
    newest = _newest(held)
    return {
        "total_symbols": len(held),
        "total_records": hours,
        "missing_records": missing,
        "completeness_percentage": round(100 * hours / max(hours + missing, 1), 4),
        "unwanted_hours": sum(each.unwanted for each in held),
        "unasked_symbols": sum(each.unasked for each in held),
        "newest": None if newest is None else newest.isoformat(),
        "bars_4h": sum(each.bars_4h for each in held),
        "bars_1d": sum(each.bars_1d for each in held),
    }


def _newest(held: Iterable[store.Held]) -> datetime | None:
    return max((each.latest for each in held if each.latest is not None), default=None)


def _print_held(held: Sequence[store.Held]) -> None:
    if not held:
        output.print(NO_CANDLES)
        return
    columns = ("coin", "from", "to", "1h", "4h", "1d", "missing", "coverage", "sources")
    table = Table(*columns, box=None, header_style="bold")
    for column in table.columns[3:8]:
        column.justify = "right"
    for each in held:
        table.add_row(*_cells(each))
    totals = _totals(held)
    output.print(table)
    output.print(
        f"{len(held):,} coins, {totals['total_records']:,} candles of 1h,"
        f" {totals['bars_4h']:,} of 4h, {totals['bars_1d']:,} of 1d;"
        f" {cut(totals['completeness_percentage'])} complete;"
        f" newest hour {utc_text(_newest(held))}",
        highlight=False,
    )
    _print_unwanted(held)


def _print_unwanted(held: Sequence[store.Held]) -> None:
    """What venues list before the oldest start that was asked for, and how it is had."""
    if unasked := sum(each.unasked for each in held):
        output.print(
            f"since when {counted(unasked, 'coin')} can be had, nobody asked yet;"
            f" `chandlery backfill --start-year {FIRST_YEAR}` does",
            highlight=False,
        )
    before = [each for each in held if each.unwanted]
    if not before:
        return
    first = min(each.starts_at - each.unwanted * HOUR for each in before)
    hours = counted(sum(each.unwanted for each in before), "hour")
    output.print(
        f"listed before what was wanted: {hours} of {counted(len(before), 'coin')};"
        f" `chandlery backfill --start {first:%Y-%m-%d}` fetches them",
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
        answered = f"answered {utc_text(each.answered_at)}" if each.answered_at else "silent"
        failed = f"; failed {utc_text(each.failed_at)}: {each.words}" if each.failed_at else ""
        mark = "ok" if each.is_well else "ill"
        output.print(f"  {each.source}: {mark}, {answered}{failed}", highlight=False, markup=False)


def _cells(coin: store.Held) -> list[str]:
    return [
        escape(coin.symbol),
        utc_text(coin.earliest),
        utc_text(coin.latest),
        f"{coin.hours:,}",
        f"{coin.bars_4h:,}",
        f"{coin.bars_1d:,}",
        f"{coin.missing:,}",
        cut(100 * coin.hours / max(coin.hours + coin.missing, 1)),
        coin.sources,
    ]
