"""What is asked of a database that is full: how long it takes, what memory, and how both grow.

Coins of one venue with 22 holes of their own each and 8 outages that all share, each hole an
absence; made in the database itself, as loading is measured elsewhere. Gaps are compared with what
a user would write, `lag(open_time)` over every hour; one coin's daily candles with `time_bucket`
over its hours; what a view is asked with the same asked of its table, or of all of the view; memory
is a command's own, without the database's.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from psycopg import sql

from bench import measure
from bench.builds import OURS, Spent
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


@dataclass(frozen=True)
class Look:
    """A question to a view, the same to the table or to all of the view, and the ratio's goal."""

    way: str
    view: bytes
    peer: str
    table: bytes
    most: float


LOOKS = (
    Look(
        "rows of all coins' 1d of a year from market_data",
        b"""
select symbol, "timestamp", open_price, high_price, low_price, close_price, volume, source
from market_data
where timeframe = '1d' and "timestamp" >= %(year)s
""",
        "candle_1d",
        b"""
select coin, open_time, open, high, low, close, volume, sources
from candle_1d
where open_time >= %(year)s
""",
        2.0,
    ),
    Look(
        "data_quality of a coin",
        b"select * from data_quality where symbol = 'C7'",
        "all of data_quality",
        b"select * from data_quality",
        0.1,
    ),
    Look(
        "a coin's newest hour from market_data",
        b"""
select "timestamp", close_price from market_data
where symbol = 'C7' and timeframe = '1h'
order by "timestamp" desc
limit 1
""",
        "candle_1h",
        b"select open_time, close from candle_1h where coin = 7 order by open_time desc limit 1",
        5.0,
    ),
)
BUCKETS = 0.05
"""Of the seconds of `time_bucket` by hand: 20 times as fast."""
NEWEST = b"""
select symbol, "timestamp", age from newest where timeframe = '1h'
"""
NEWEST_MS = {1_000: 20.0}
"""Milliseconds that the newest hours of so many coins may take."""
MANY, QUALITY_SECONDS = 24_000_000, 9.0
"""Candles from which on there is a goal for quality: 1,000 coins of 25,000 hours, less holes."""
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


def fill(connection: store.Connection, coins: int, hours: int) -> None:
    """Have so many coins, and their hours: into the tables of any build, with no bar made."""
    source = store.source_key(connection, "binance_spot")
    values = {"start": START, "coins": coins, "hours": hours, "source": source}
    for statement in (COINS, LISTINGS, HOLES, "create index on hole (coin, hour)", "analyze hole"):
        _do(connection, statement, values)
    for first in range(0, hours, SLICE):
        last = min(first + SLICE, hours) - 1
        _do(connection, CANDLES, values | {"first": first, "last": last})
    connection.execute("vacuum analyze")


def make(connection: store.Connection, coins: int, hours: int) -> datetime:
    """Fill the database; return the moment at which its last hour has closed."""
    fill(connection, coins, hours)
    now = START + timedelta(hours=hours)
    days = (START, START + timedelta(days=hours // 24 + 1))
    connection.execute("insert into stale (starts_at, ends_at) values (%s, %s)", days)
    store.refresh(connection)
    connection.execute("select set_config('chandlery.now', %s, false)", (now.isoformat(),))
    source = store.source_key(connection, "binance_spot")
    _do(connection, ABSENCES, {"source": source, "now": now})
    connection.execute("vacuum analyze")
    return now


def _do(connection: store.Connection, statement: str, values: Mapping[str, object]) -> None:
    literals = {name: sql.Literal(value) for name, value in values.items()}
    connection.execute(sql.SQL(statement).format(**literals))


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


def look_times(connection: store.Connection, now: datetime, rounds: int) -> Sequence[Taken]:
    """Milliseconds until all rows are here: each look and what it is held against, and newest.

    The first time does not count: it reads from disk.
    """
    since = {"year": now - timedelta(days=365)}

    def all_of(statement: bytes) -> measure.Work:
        return lambda: connection.execute(statement, since).fetchall()

    asked = [{each.peer: each.table, each.way: each.view} for each in LOOKS]
    taken = []
    for statements in (*asked, {"newest": NEWEST}):
        ways = {way: all_of(statement) for way, statement in statements.items()}
        for work in ways.values():
            work()
        each = _rounds(ways, rounds)
        taken.append({way: [1000 * took for took in times] for way, times in each.items()})
    return taken


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
    environment, moment = OURS.environment(current), f"--now={now.isoformat()}"
    return {name: OURS.spend([*words, moment], environment) for name, words in verbs.items()}


def print_times(taken: Taken) -> None:
    """A line a way: seconds, and the ratio to the way by hand of the same round."""
    by_hand, *_ = taken.values()
    for way, mine in taken.items():
        ratio = measure.spread(measure.ratios(by_hand, mine), ".2f")
        print(f"  {way:40}  {measure.spread(mine, '.4f'):>26} s  {ratio:>26} times as fast")


_HELD = partial(measure.Figure, form=".3g", of=measure.PEER)


def figures(
    gaps: Taken, reads: Sequence[Taken], used: Mapping[str, Spent], size: str, candles: int
) -> Iterator[measure.Figure]:
    """What the table has of one size."""
    lag = gaps[LAG]
    yield measure.Figure(f"all gaps, {size}", gaps["all gaps"], "s", peer=LAG, theirs=lag)
    most = {"quality": QUALITY_SECONDS if candles >= MANY else None}
    for way, mine in gaps.items():
        if way not in (LAG, "all gaps"):
            yield measure.Figure(f"{way}, {size}", mine, "s", most=most.get(way))
    for by_hand, way, mine in ((each[BUCKET], way, each[way]) for each in reads for way in each):
        if way != BUCKET:
            what = f"{way}, {size}"
            yield _HELD(what, mine, "s", most=BUCKETS, peer=BUCKET, theirs=by_hand)
    for verb, spent in used.items():
        peak = [spent.megabytes]
        yield measure.Figure(f"memory, {verb}, {size}", peak, "MB", most=300.0, form=".0f")


def look_figures(looks: Sequence[Taken], size: str, coins: int) -> Iterator[measure.Figure]:
    """And of the looks at views."""
    *compared, newest = looks
    for look, each in zip(LOOKS, compared, strict=True):
        what = f"{look.way}, {size}"
        mine, theirs = each[look.way], each[look.peer]
        yield _HELD(what, mine, "ms", most=look.most, peer=look.peer, theirs=theirs)
    what = f"newest of {coins:,} coins, {size}"
    yield measure.Figure(what, newest["newest"], "ms", most=NEWEST_MS.get(coins), form=".1f")


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
            candles = rows(connection)
            size = f"{candles / 1e6:.1f} million candles"
            print(f"{size} of {coins:,} coins: {measure.about(connection)}", flush=True)
            gaps = gap_times(connection, now, given.rounds)
            reads = (
                coin_times(connection, min(READS, coins)),
                year_times(connection, now, given.rounds),
            )
            for taken in (gaps, *reads):
                print_times(taken)
            looks = look_times(connection, now, given.rounds)
            used = memory(current, now, Path(folder))
            for verb, spent in used.items():
                print(f"  {verb:32}  {spent.megabytes:,.0f} MB, {spent.seconds:.1f} s", flush=True)
            found += figures(gaps, reads, used, size, candles)
            found += look_figures(looks, size, coins)
    return found


if __name__ == "__main__":
    measure.run(main)
