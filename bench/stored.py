"""What is asked of a database that is full: how long it takes, what memory, and how both grow.

Coins of one venue with 22 holes of their own each and 8 outages that all share, each hole an
absence; made in the database itself, as loading is measured elsewhere. Gaps are compared with what
a user would write, `lag(open_time)` over every hour; one coin's daily candles with `time_bucket`
over its hours; memory is a command's own, without the database's.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from psycopg import sql

from bench import measure
from bench.venue_to_database import Spent, spend
from chandlery import store
from chandlery.model import Window
from chandlery.quality.check import assess
from chandlery.settings import Settings

START = datetime(2023, 6, 1, tzinfo=UTC)
Taken = dict[str, list[float]]
LAG = "lag(open_time) by hand"
BUCKET = "time_bucket by hand"
READS = 15
SLICE = 2_500  # hours that are made in one statement
BY_HAND = b"""
select count(*)
from (
    select open_time - lag(open_time) over (partition by coin order by open_time) as step
    from candle_1h
) hour
where step > interval '1 hour'
"""

DAYS_BY_HAND = b"""
select
    time_bucket('1 day', open_time) as day, first(open, open_time), max(high), min(low),
    last(close, open_time), sum(volume)
from candle_1h
where coin = %(coin)s
group by day
order by day
"""
DAYS = {
    "a coin's 1d from candle_1d": b"""
select open_time, open, high, low, close, volume from candle_1d
where coin = %(coin)s
order by open_time
""",
    "a coin's 1d from market_data": b"""
select "timestamp", open_price, high_price, low_price, close_price, volume from market_data
where symbol = 'C' || %(coin)s and timeframe = '1d'
order by "timestamp"
""",
}
YEAR_BY_HAND = b"""
select sum(close), sum(volume)
from (
    select
        coin, time_bucket('1 day', open_time) as day, first(open, open_time), max(high), min(low),
        last(close, open_time) as close, sum(volume) as volume
    from candle_1h
    where open_time >= %(year)s
    group by coin, day
) bar
"""
YEAR = {
    "all coins' 1d of a year from candle_1d": b"""
select sum(close), sum(volume) from candle_1d where open_time >= %(year)s
""",
    "all coins' 1d of a year from market_data": b"""
select sum(close_price), sum(volume) from market_data
where timeframe = '1d' and "timestamp" >= %(year)s
""",
}
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
    made.price, made.price * 1.01, made.price * 0.99, made.price * (1 + 0.001 * sin(at)),
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
        connection.execute(sql.SQL(statement).format(**literals))

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


def gap_times(connection: store.Connection, now: datetime, rounds: int) -> Taken:
    """Seconds each way to what is missing took, round by round."""
    whole = Window(START, now)
    runs = "select count(*) from missing_run"
    store.find_outages(connection, whole)
    return _rounds(
        {
            LAG: lambda: connection.execute(BY_HAND),
            "all gaps": lambda: connection.execute(runs),
            "all gaps and why": lambda: store.gaps_by_reason(connection, now),
            "all gaps, why, and the evidence": lambda: store.gaps(connection, None, None, now),
            "outages told anew": lambda: store.find_outages(connection, whole),
            "quality": lambda: assess(connection, now),
        },
        rounds,
    )


def coin_times(connection: store.Connection, rounds: int) -> Taken:
    """Seconds that one coin's daily candles took: its hours were read before."""
    coins = [coin for coin in range(1, rounds + 1) for _ in range(2)]
    ways = {BUCKET: DAYS_BY_HAND, **DAYS}
    taken: Taken = {way: [] for way in ways}
    for again, coin in enumerate(coins):
        for way, statement in ways.items():
            ask = partial(connection.execute, statement, {"coin": coin})
            took = measure.seconds(lambda ask=ask: ask().fetchall())  # type: ignore[misc]
            if again % 2:
                taken[way].append(took)
    return taken


def year_times(connection: store.Connection, now: datetime, rounds: int) -> Taken:
    """Seconds that all coins' daily candles of the last year took."""
    since = {"year": now - timedelta(days=365)}
    ways = {BUCKET: YEAR_BY_HAND, **YEAR}
    return _rounds(
        {way: partial(connection.execute, statement, since) for way, statement in ways.items()},
        rounds,
    )


def _rounds(ways: Mapping[str, measure.Work], rounds: int) -> Taken:
    taken: Taken = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            taken[way].append(measure.seconds(work))
    return taken


def memory(current: Settings, now: datetime, folder: Path) -> dict[str, Spent]:
    """What each command takes, as a process of its own."""
    file = str(folder / "candles.parquet")
    verbs = {
        "status": ["status", "--json"],
        "gaps": ["gaps", "--json"],
        "quality": ["quality", "--json"],
        "export of a coin's hours": ["export", "--symbols=C7", f"--to={file}"],
        "export of all days": ["export", "--timeframe=1d", f"--to={file}"],
    }
    environment = {
        **os.environ,
        "DATABASE_URL": current.database_url or "",
        "CHANDLERY_HOME": str(current.home),
    }
    python = [sys.executable, "-m", "chandlery"]
    moment = f"--now={now.isoformat()}"
    return {name: spend([*python, *words, moment], environment) for name, words in verbs.items()}


def print_times(taken: Taken) -> None:
    """A line a way: seconds, and the ratio to the way by hand of the same round."""
    by_hand, *_ = taken.values()
    for way, mine in taken.items():
        ratio = measure.spread(measure.ratios(by_hand, mine), ".2f")
        print(f"  {way:40}  {measure.spread(mine, '.4f'):>26} s  {ratio:>26} times as fast")


def figures(
    gaps: Taken, reads: Sequence[Taken], used: Mapping[str, Spent], size: str
) -> Iterator[measure.Figure]:
    """What the table has of one size."""
    for way, mine in gaps.items():
        ratio = measure.ratios(gaps[LAG], mine)
        yield measure.Figure(f"{way}, {size}", mine, "s")
        if way == "all gaps":
            yield measure.Figure(f"{way} against {LAG}, {size}", ratio, "times as fast")
    for by_hand, way, mine in ((each[BUCKET], way, each[way]) for each in reads for way in each):
        if way != BUCKET:
            ratio = measure.ratios(by_hand, mine)
            what = f"{way} against {BUCKET}, {size}"
            yield measure.Figure(what, ratio, "times as fast", least=20.0, form=".1f")
    for verb, spent in used.items():
        most = [spent.megabytes]
        yield measure.Figure(f"memory, {verb}, {size}", most, "MB", most=300.0, form=".0f")


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", default="40,200,1000", help="sizes, one after the other")
    parser.add_argument("--hours", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    found: list[measure.Figure] = []
    for coins in map(int, given.coins.split(",")):
        with (
            measure.database() as current,
            store.connect(current) as connection,
            tempfile.TemporaryDirectory() as folder,
        ):
            store.migrate(connection)
            now = make(connection, coins, given.hours)
            size = f"{rows(connection) / 1e6:.1f} million candles"
            print(f"{size} of {coins:,} coins: {measure.about(connection)}", flush=True)
            gaps = gap_times(connection, now, given.rounds)
            reads = (
                coin_times(connection, min(READS, coins)),
                year_times(connection, now, given.rounds),
            )
            for taken in (gaps, *reads):
                print_times(taken)
            used = memory(current, now, Path(folder))
            for verb, spent in used.items():
                print(f"  {verb:32}  {spent.megabytes:,.0f} MB, {spent.seconds:.1f} s", flush=True)
            found += figures(gaps, reads, used, size)
    return found


if __name__ == "__main__":
    measure.run(main)
