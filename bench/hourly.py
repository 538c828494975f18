"""An hourly run by the command line: seconds, processor time and memory, and how they grow.

Each round collects one hour of each coin, from a sandbox, into a database that has the 24 before
it. CoinGecko is not asked: for the coins that nobody else has, its budget has a run wait. All coins
are learnt before, on a clock that does not wait for that budget.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from bench import measure
from bench.simulated_clock import SimulatedClock
from bench.venue_to_database import Spent, rows, spend
from chandlery import store
from chandlery.symbology.learn import learn
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TRADED = "binance_futures,binance_spot,okx,bybit"
GOAL = 1000, 10.0
"""Coins, and the seconds of processor time that an hour of them may take."""


def measured(coins: int, rounds: int) -> tuple[list[Spent], int]:
    """What each run took, and how many candles they stored."""
    begin = NOW - timedelta(hours=rounds + 1)
    with (
        serving(process=True, coins=coins, now=NOW, limits=False) as sandbox,
        measure.database() as current,
        store.connect(current) as connection,
    ):
        store.migrate(connection)
        print(f"{coins:,} coins: {measure.about(connection)}; {rounds} rounds", flush=True)
        environment = {
            **os.environ,
            "DATABASE_URL": current.database_url or "",
            "CHANDLERY_HOME": str(current.home),
            "CHANDLERY_VENUES_URL": sandbox.url,
            "CHANDLERY_SOURCES": TRADED,
        }
        with SimulatedClock().context(
            current.model_copy(update={"venues_url": sandbox.url})
        ) as context:
            learn(context, begin)
        spent, before = [], 0
        for hour in range(rounds + 1):
            connection.execute("delete from account")  # in the world an hour lies between them
            now = begin + timedelta(hours=hour)
            words = ["hourly", "--json", f"--now={now.isoformat()}"]
            took = spend([sys.executable, "-m", "chandlery", *words], environment)
            if hour:
                spent.append(took)
            else:
                before = rows(connection, "candle_1h")
        return spent, rows(connection, "candle_1h") - before


def figures(coins: int, spent: Sequence[Spent]) -> Iterator[measure.Figure]:
    """Its lines of the table."""
    most = GOAL[1] if coins == GOAL[0] else None
    what = f"an hour of {coins:,} coins"
    yield measure.Figure(what, [one.seconds for one in spent], "s", form=".1f")
    yield measure.Figure(what, [one.cpu for one in spent], "s of CPU", most=most, form=".1f")
    memory = [one.megabytes for one in spent]
    yield measure.Figure(what, memory, "MB", most=300.0, form=".0f")


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", default="1000,10000", help="sizes, one after the other")
    parser.add_argument("--rounds", type=int, default=2, help="after one to warm up")
    options = parser.parse_args(arguments)
    found: list[measure.Figure] = []
    for coins in map(int, options.coins.split(",")):
        spent, stored = measured(coins, options.rounds)
        print(f"  {stored / options.rounds:,.0f} candles a run", flush=True)
        found += figures(coins, spent)
    return found


if __name__ == "__main__":
    measure.run(main)
