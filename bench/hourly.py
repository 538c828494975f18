"""An hourly run by the command line: seconds, processor time and memory, and how they grow.

Each round collects one hour of each coin, from a sandbox, into a database that has the 24 before
it. CoinGecko is not asked: for the coins that nobody else has, its budget has a run wait. All coins
are learnt before, on a clock that does not wait for that budget; a base build is told of them.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from psycopg import sql

from bench import measure
from bench.builds import OURS, Build, Spent, Taken, compared
from bench.simulated_clock import SimulatedClock
from bench.venue_to_database import rows
from chandlery import store
from chandlery.symbology.learn import learn
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TRADED = "binance_futures,binance_spot,okx,bybit"
GOALS = {1_000: 3.5, 10_000: 35.0}
"""The seconds of processor time that an hour of so many coins may take."""


KNOWN = ("source", "coin", "listing", "coin_rank", "learnt")
"""Tables of what is known before a candle is; those before have what later ones refer to."""
BOTH = """
select array_agg(column_name::text) from information_schema.columns
where table_schema = 'public' and table_name = %s
"""


def tell(ours: store.Connection, other: store.Connection) -> None:
    """Have another build's database know the same coins, as far as its tables have the columns."""
    other.execute("truncate source, coin cascade")
    for table in KNOWN:
        there = [connection.execute(BOTH, [table]).fetchone() for connection in (ours, other)]
        shared = set.intersection(*(set(row[0] or ()) for row in there if row))
        names = sql.SQL(", ").join(map(sql.Identifier, sorted(shared)))
        out = sql.SQL("copy {} ({}) to stdout").format(sql.Identifier(table), names)
        into = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), names)
        with ours.cursor().copy(out) as rows_out, other.cursor().copy(into) as rows_in:
            for data in rows_out:
                rows_in.write(data)
    for table in ("source", "coin"):
        last = "select setval(pg_get_serial_sequence({0}, 'key'), max(key)) from {1}"
        statement = sql.SQL(last).format(sql.Literal(table), sql.Identifier(table))
        other.execute(statement)


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
        asked = databases[OURS].model_copy(update={"venues_url": sandbox.url})
        with SimulatedClock().context(asked) as context:
            learn(context, begin)
        for build, connection in connections.items():
            print(f"{build.name}: {measure.about(connection)}", flush=True)
            if build != OURS:
                tell(connections[OURS], connection)
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
