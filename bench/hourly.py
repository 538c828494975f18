"""An hourly run by the command line: seconds, processor time and memory, and how they grow.

Each round collects one hour of each coin, from a sandbox, into a database that has the 24 before
it. CoinGecko is not asked: for the coins that nobody else has, its budget has a run wait. All coins
are learnt before, by the budget of its paid plan.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from bench import measure
from bench.builds import Build, Spent, Taken, compared
from bench.venue_to_database import rows
from chandlery import store
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TRADED = "binance_futures,binance_spot,okx,bybit"
GOALS = {1_000: 3.5, 10_000: 35.0}
"""The seconds of processor time that an hour of so many coins may take."""


def measured(builds: Sequence[Build], coins: int, rounds: int) -> tuple[Taken, Mapping[Build, int]]:
    """What each run of each build took, in turn, and how many candles they stored."""
    begin = NOW - timedelta(hours=rounds + 1)
    spent: dict[Build, list[Spent]] = defaultdict(list)
    stored = dict.fromkeys(builds, 0)
    with (
        serving(process=True, coins=coins, now=NOW, limits=False) as sandbox,
        measure.databases(builds) as databases,
        ExitStack() as stack,
    ):
        connections = {
            build: stack.enter_context(store.connect(current))
            for build, current in databases.items()
        }
        print(f"{coins:,} coins; {rounds} rounds after one to warm up", flush=True)
        where = {"CHANDLERY_VENUES_URL": sandbox.url, "CHANDLERY_SOURCES": TRADED}
        paid = {"COINGECKO_PRO_API_KEY": "bench"}
        for build, current in databases.items():
            print(f"{build.name}: {measure.about(connections[build])}", flush=True)
            words = ["coins", "--json", f"--now={begin.isoformat()}"]
            build.spend(words, build.environment(current, **where, **paid))
        for hour in range(rounds + 1):
            now = begin + timedelta(hours=hour)
            for build, current in databases.items():
                connection = connections[build]
                connection.execute("delete from account")  # in the world an hour lies between them
                before = rows(connection, "candle_1h")
                words = ["hourly", "--json", f"--now={now.isoformat()}"]
                took = build.spend(words, build.environment(current, **where))
                if hour:
                    spent[build].append(took)
                    stored[build] += rows(connection, "candle_1h") - before
    return spent, stored


def figures(coins: int, spent: Taken) -> Iterator[measure.Figure]:
    """Its lines of the table."""
    what, most = f"an hour of {coins:,} coins", GOALS.get(coins)
    yield measure.spent(what, spent, "seconds", form=".1f")
    yield measure.spent(what, spent, "cpu", most=most, form=".1f")
    yield measure.spent(what, spent, "megabytes", most=300.0, form=".0f")


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", default="1000,10000", help="sizes, one after the other")
    parser.add_argument("--rounds", type=int, default=2, help="after one to warm up")
    measure.add_base(parser)
    options = parser.parse_args(arguments)
    found: list[measure.Figure] = []
    with compared(options.base) as builds:
        for coins in map(int, options.coins.split(",")):
            spent, stored = measured(builds, coins, options.rounds)
            for build, candles in stored.items():
                print(f"  {build.name}: {candles / options.rounds:,.0f} candles a run", flush=True)
            found += figures(coins, spent)
    return found


if __name__ == "__main__":
    measure.run(main)
