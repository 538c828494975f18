"""`chandlery coins`: learn which coins there are, and where they are listed."""

from datetime import date, datetime, timedelta

import click
import polars as pl
from rich.table import Table
from rich.text import Text

from chandlery import store
from chandlery.cli.console import output, print_json, print_left_out, progress
from chandlery.cli.options import JSON, MAX_COINS, NOW, at, options
from chandlery.engine.context import open_context, refuse_if_offline
from chandlery.engine.spec import few
from chandlery.errors import Misuse
from chandlery.model import instant
from chandlery.settings import settings
from chandlery.symbology.learn import Universe, learn
from chandlery.symbology.left_out import left_out
from chandlery.symbology.market_caps import learn_market_caps
from chandlery.venues import in_order
from chandlery.words import counted

RANKING = ("basis", "ranked_on", "without_market_cap")
BASES = {
    "market_cap": "ranked by market cap, as CoinGecko told it on {ranked_on}",
    "market_cap_later": "ranked by market caps of {ranked_on} that were told later, so without"
    " coins that were gone by then",
    "volume_30d": "ranked by dollars traded in the 30 days before {ranked_on}, by the candles held",
}


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
@click.option(
    "--at",
    "day",
    metavar="DAY",
    help="Learn nothing: list the coins by their rank on that day (UTC), and say what ranks them.",
)
@click.option(
    "--ranked-by",
    type=click.Choice(store.RANKED_BY),
    metavar="BASIS",
    help="With --at: by market_cap or volume_30d only. [default: market cap, where it is known]",
)
@click.option(
    "--market-caps",
    type=int,
    metavar="N",
    help="Also ask for the past year's market caps of N coins, best first: a request each.",
)
@options(MAX_COINS, NOW, JSON)
def coins(  # noqa: PLR0913  a verb's options
    *,
    market_caps: int | None,
    relearn: bool,
    show_left_out: bool,
    day: str | None,
    ranked_by: str | None,
    max_coins: int | None,
    now: str | None,
    as_json: bool,
) -> int:
    """Learn coins by market cap, and where they are listed."""
    _refuse_both(day, ranked_by, others=relearn or show_left_out or market_caps is not None)
    if day is not None:
        ranked = _begun(day, at(now))
        with store.connect(settings()) as connection:
            store.migrate(connection)
            found = store.universe(connection, ranked, few(max_coins), ranked_by)
        (_print_ranked_as_json if as_json else _print_ranked)(ranked, found)
        return 0
    if show_left_out:
        with store.connect(settings()) as connection:
            store.migrate(connection)
            print_left_out(left_out(connection)[: few(max_coins)], as_json=as_json)
        return 0
    current, charts = settings(), few(market_caps, "market caps") or 0
    with open_context(current) as context, progress("coins", shown=not as_json):
        refuse_if_offline(current, in_order(current.priority))
        universe = learn(context, at(now), few(max_coins))
        learn_market_caps(context, at(now), charts, universe)
        if relearn:
            universe.doubted = context.database.do(store.doubt_starts)
    if as_json:
        print_json(universe.statistics())
    else:
        _print_universe(universe)
    return 1 if universe.failures else 0


def _begun(day: str, now: datetime) -> date:
    """The day that is asked for, which is not yet to come."""
    asked = instant(day, name="at")
    if asked > now:
        raise Misuse(f"at {day} is to come: write a day up to {now.date()}")
    return asked.date()


def _refuse_both(day: str | None, ranked_by: str | None, *, others: bool) -> None:
    if day is None and ranked_by is not None:
        raise Misuse("ranked by is for a day's coins: write --at DAY with it")
    if day is not None and others:
        words = "--relearn, --left-out and --market-caps"
        raise Misuse(f"at lists a day's coins and learns none: write it without {words}")


def _print_ranked_as_json(day: date, found: pl.DataFrame) -> None:
    row = found.row(0, named=True) if found.height else dict.fromkeys(found.columns)
    ranking = {name: row[name] for name in RANKING}
    print_json({"day": day, **ranking, "coins": found.drop(RANKING).to_dicts()})


def _print_ranked(day: date, found: pl.DataFrame) -> None:
    if found.is_empty():
        output.print(f"no rank of {day} is known: ranks begin with `chandlery coins`, and volumes")
        output.print(f"with `chandlery backfill --start {day - timedelta(days=30)}`")
        return
    table = Table("rank", "coin", "id", "market cap", "volume 30d", box=None, header_style="bold")
    for column in (0, 3, 4):
        table.columns[column].justify = "right"
    for row in found.iter_rows(named=True):
        amounts = [
            "" if row[name] is None else f"{row[name]:,.0f}"
            for name in ("market_cap", "volume_30d")
        ]
        table.add_row(f"{row['rank']:,}", Text(row["symbol"]), Text(row["id"]), *amounts)
    output.print(table)
    first = found.row(0, named=True)
    output.print(BASES[first["basis"]].format(**first), highlight=False)
    if first["without_market_cap"]:
        lacking = counted(first["without_market_cap"], "coin")
        output.print(
            f"of the best by volume {lacking} have no market cap on that day", highlight=False
        )


def _print_universe(universe: Universe) -> None:
    output.print(f"{universe.coins:,} coins", highlight=False)
    for source, listed in universe.listings.items():
        output.print(f"  {source}: lists {listed:,} of them", highlight=False)
    for old, new in universe.renamed.items():
        output.print(f"  {old} is called {new} now", highlight=False, markup=False)
    for contract, told in universe.shared_contracts.items():
        words = f"  one contract, taken for several coins: {told} ({contract})"
        output.print(words, highlight=False, markup=False)
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
    if universe.market_caps:
        learnt = counted(universe.market_caps, "coin")
        output.print(f"  market caps of the past year: {learnt}", highlight=False)
    if universe.doubted:
        words = f"  the next backfill asks again when {universe.doubted:,} listings began"
        output.print(words, highlight=False)
