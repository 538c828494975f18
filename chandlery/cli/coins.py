"""`chandlery coins`: learn which coins there are, and where they are listed."""

import click

from chandlery import store
from chandlery.cli.console import counted, output, print_json, print_left_out, progress
from chandlery.cli.options import JSON, MAX_COINS, NOW, at, options
from chandlery.engine.context import open_context, refuse_if_offline
from chandlery.engine.spec import few
from chandlery.settings import settings
from chandlery.symbology.learn import Universe, learn
from chandlery.symbology.left_out import left_out
from chandlery.venues import in_order


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
@options(MAX_COINS, NOW, JSON)
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
        refuse_if_offline(current, in_order(current.priority))
        universe = learn(context, at(now), few(max_coins))
        if relearn:
            universe.doubted = context.database.do(store.doubt_starts)
    if as_json:
        print_json(universe.statistics())
    else:
        _print_universe(universe)
    return 1 if universe.failures else 0


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
