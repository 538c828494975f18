"""The verbs that ask venues: coins, backfill, hourly, fill-gaps."""

from dataclasses import replace
from typing import Unpack

import click

from chandlery import engine, store
from chandlery.cli.console import (
    counted,
    move,
    output,
    print_json,
    print_left_out,
    print_result,
    progress,
)
from chandlery.cli.options import (
    END,
    JSON,
    MAX_COINS,
    NOW,
    SOURCES,
    START,
    START_YEAR,
    SYMBOLS,
    Given,
    at,
    choices,
    ordered,
)
from chandlery.engine import (
    FILL_HOURS,
    RECHECK_HOURS,
    RunSpec,
    gather,
    open_context,
    refuse_if_offline,
)
from chandlery.engine.run import Run
from chandlery.engine.spec import few
from chandlery.settings import Settings, settings
from chandlery.symbology import Universe, learn, learn_if_due
from chandlery.symbology.left_out import left_out


@click.command()
@click.option(
    "--relearn",
    is_flag=True,
    help="Have the next backfill ask again when listings began, as if it were not known.",
)
@click.option(
    "--left-out",
    "show_left_out",
    is_flag=True,
    help="Learn nothing: list the coins that are known and not collected, and why.",
)
@choices(MAX_COINS, NOW, JSON)
def coins(
    *, relearn: bool, show_left_out: bool, max_coins: int | None, now: str | None, as_json: bool
) -> int:
    """Learn coins by market cap, and where they are listed."""
    if show_left_out:
        with store.connect(settings()) as connection:
            store.migrate(connection)
            print_left_out(left_out(connection)[: few(max_coins)], as_json=as_json)
        return 0
    current = settings()
    with open_context(current) as context, progress("coins", shown=not as_json):
        refuse_if_offline(current, current.priority)
        universe = learn(context, at(now), few(max_coins))
        if relearn:
            universe.doubted = context.database.do(store.doubt_starts)
    if as_json:
        print_json(universe.statistics())
    else:
        _print_universe(universe)
    return 1 if universe.failures else 0


@click.command()
@click.option("--archive", is_flag=True, help="Ask for bulk files first, where there are some.")
@click.option(
    "--delisted", is_flag=True, help="Also what was delisted before it was ever asked for."
)
@click.option("--shard", metavar="K/N", help="Only the K-th of N parts of the coins, as 2/4.")
@choices(START, START_YEAR, END, SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def backfill(*, as_json: bool, **given: Unpack[Given]) -> int:
    """Fetch the hours that are missing, best market cap first; since 2020, if no start is given."""
    return _collect("backfill", *ordered(**given), as_json=as_json)


@click.command()
@click.option("--hours", default=24, show_default=True, help="How far back an hour is looked for.")
@choices(SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def hourly(*, as_json: bool, **given: Unpack[Given]) -> int:
    """Fetch the newest closed hours that are missing."""
    return _collect("hourly", *ordered(**given), as_json=as_json)


@click.command("fill-gaps")
@click.option(
    "--recheck-hours",
    default=RECHECK_HOURS,
    show_default=True,
    help="The newest hours are asked for again: a venue may have restated them.",
)
@click.option(
    "--again",
    "patient",
    flag_value=False,
    default=True,
    type=bool,
    help="Ask for hours found empty too, before their time.",
)
@choices(START, START_YEAR, END, SYMBOLS, MAX_COINS, SOURCES, NOW, JSON)
def fill_gaps(*, as_json: bool, **given: Unpack[Given]) -> int:
    """Ask for what is missing and due, and for what may be better by now; the last 30 days."""
    if given.get("start") is None and given.get("start_year") is None:
        given["hours"] = FILL_HOURS
    return _collect("fill-gaps", *ordered(**given), as_json=as_json, run=engine.fill_gaps)


def _collect(
    title: str, current: Settings, wanted: RunSpec, *, as_json: bool, run: Run = engine.run
) -> int:
    wanted = replace(wanted, name=f"chandlery {title}")
    with open_context(current) as context, progress(title, shown=not as_json) as bar:
        refuse_if_offline(current, wanted.sources)
        learn_if_due(context, wanted)
        result = run(context, wanted, lambda step: move(bar, step), gather)
    if as_json:
        print_json(result.statistics())
    else:
        print_result(result)
    return 1 if result.failed or result.is_listed_nowhere else 0


def _print_universe(universe: Universe) -> None:
    output.print(f"{universe.coins:,} coins", highlight=False)
    for source, listed in universe.listings.items():
        output.print(f"  {source}: lists {listed:,} of them", highlight=False)
    for old, new in universe.renamed.items():
        output.print(f"  {old} is called {new} now", highlight=False, markup=False)
    for source, what in (*universe.odd.items(), *universe.failures.items()):
        words = what.removeprefix(f"{source}: ")
        output.print(f"  {source}: {words}", highlight=False, markup=False)
    if universe.delisted:
        over, unmapped = counted(universe.delisted, "listing"), universe.delisted_unmapped
        output.print(
            f"  {over} over, {unmapped:,} of coins that nobody tells:"
            " `backfill --delisted` takes them in",
            highlight=False,
        )
    if universe.doubted:
        words = f"  the next backfill asks again when {universe.doubted:,} listings began"
        output.print(words, highlight=False)
