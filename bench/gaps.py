"""What is missing, why, and how good the rest is: how long it takes, and how that grows.

Coins of one venue with 22 holes of their own each and 8 outages that all share, each hole in the
ledger. Compared with what a user would write: `lag(open_time)` over every hour. Made in the
database itself, as loading is measured elsewhere.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from psycopg import sql

import store
from bench import measure
from candles import Window
from collect import assess

START = datetime(2023, 6, 1, tzinfo=UTC)
SLICE = 2_500  # hours that are made in one statement
BY_HAND = b"""
select count(*)
from (
    select open_time - lag(open_time) over (partition by coin order by open_time) as step
    from candle_1h
) hour
where step > interval '1 hour'
"""

COINS = """
insert into coin (id, ticker, symbol, name, rank, seen_at)
select 'coin-' || n, 'C' || n, 'C' || n, 'Coin ' || n, n, {start} from generate_series(1, {coins}) n
"""
LISTINGS = """
insert into listing (coin, source, symbol, starts_at)
select key, {source}, ticker || 'USDT', {start} from coin
"""
HOLES = """
create table hole as
select distinct coin.key as coin, hour
from coin
cross join generate_series(1, 22) as n
cross join lateral (
    select
        (hashint4(coin.key * 31 + n) & 2147483647) % {hours} as first,
        (hashint4(coin.key * 17 + n) & 2147483647) % 6 as more
) own
cross join generate_series(first, first + more) as hour
union
select coin.key, hour
from coin
cross join generate_series(1, 8) as n
cross join lateral (select (hashint4(n * 7) & 2147483647) % {hours} as first) shared
cross join generate_series(first, first + 3) as hour
"""
CANDLES = """
insert into candle_1h (
    open_time, open, high, low, close, volume, quote_volume, trades, coin, source
)
select
    {start} + at * interval '1 hour',
    price, price * 1.01, price * 0.99, price * (1 + 0.001 * sin(at)),
    10 + at % 7, 100, 5, coin.key, {source}
from coin
cross join generate_series({first}, {last}) as at
cross join lateral (select 100 * exp(0.2 * sin(at / 500.0 + coin.key)) as price) made
where not exists (select from hole where hole.coin = coin.key and hole.hour = at)
"""
ABSENCES = """
insert into absence (
    coin, source, starts_at, ends_at, outcome, first_at, last_at, attempts, retry_at
)
select coin, {source}, starts_at, ends_at, 'hole', {now}, {now}, 1, {now} + interval '1 hour'
from missing_run
"""


def make(connection: store.Connection, coins: int, hours: int) -> datetime:
    """Fill the database; return the moment at which its last hour has closed."""
    now = START + timedelta(hours=hours)
    source = store.source_key(connection, "binance_spot")
    values = {"start": START, "coins": coins, "hours": hours, "source": source, "now": now}

    def do(statement: str, **more: int) -> None:
        literals = {name: sql.Literal(value) for name, value in (values | more).items()}
        connection.execute(sql.SQL(statement).format(**literals))  # type: ignore[arg-type]  # our own text

    for statement in (COINS, LISTINGS, HOLES, "create index on hole (coin, hour)", "analyze hole"):
        do(statement)
    for first in range(0, hours, SLICE):
        do(CANDLES, first=first, last=min(first + SLICE, hours) - 1)
    days = (START, START + timedelta(days=hours // 24 + 1))
    connection.execute("insert into stale (starts_at, ends_at) values (%s, %s)", days)
    store.refresh(connection)
    connection.execute("select set_config('chandlery.now', %s, false)", (now.isoformat(),))
    do(ABSENCES)
    connection.execute("vacuum analyze")
    return now


def rows(connection: store.Connection) -> int:
    """How many candles there are."""
    found = connection.execute("select sum(hours)::bigint from candle_1d").fetchone()
    return int(found[0]) if found else 0


def times(connection: store.Connection, now: datetime, rounds: int) -> dict[str, list[float]]:
    """Seconds each way took, round by round."""
    whole = Window(START, now)
    runs = "select count(*) from missing_run"
    ways = {
        "by hand: lag over every hour": lambda: connection.execute(BY_HAND),
        "all gaps": lambda: connection.execute(runs),
        "all gaps and why": lambda: store.gaps_by_reason(connection, now),
        "all gaps, why, and the evidence": lambda: store.gaps(connection, None, None, now),
        "outages told anew": lambda: store.find_outages(connection, whole),
        "quality": lambda: assess(connection, now),
    }
    store.find_outages(connection, whole)
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            taken[way].append(measure.seconds(work))
    return taken


def print_times(taken: dict[str, list[float]]) -> None:
    """A line a way: seconds, and the ratio to the way by hand of the same round."""
    by_hand, *_ = taken.values()
    for way, mine in taken.items():
        ratio = measure.spread(measure.ratios(by_hand, mine), ".2f")
        print(f"  {way:32}  {measure.spread(mine, '.2f'):>22} s  {ratio:>22} times as fast")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coins", default="40,200,1000", help="sizes, one after the other")
    parser.add_argument("--hours", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    for coins in map(int, given.coins.split(",")):
        with measure.database() as current, store.connect(current) as connection:
            store.migrate(connection)
            now = make(connection, coins, given.hours)
            print(f"{rows(connection):,} candles of {coins:,} coins: {measure.about(connection)}")
            print_times(times(connection, now, given.rounds))
    return 0


if __name__ == "__main__":
    measure.run(main)
