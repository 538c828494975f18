"""How much the bookkeeping grows in a year, row by row, and what `chandlery maintain` leaves of it.

A month of rows is made in the database itself, at the rates of RATES, and thinned as of more than a
year later. Bytes are `pg_total_relation_size`, indexes and all, before anything is removed.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from psycopg import sql

from bench import measure
from bench.load import learn
from chandlery import store

START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = 365
LATER = timedelta(days=400)
MB = 2**20
COINS_AT_A_TIME = 50

CHECKS = """
insert into quality (coin, timeframe, at, expected, present, total, hours_by_source)
select
    key, timeframe, {start} + at * interval '6 hours', 20000, 19990, 20000,
    case timeframe when '1h' then '{{"binance_futures": 15000, "binance_spot": 5000}}'::jsonb end
from coin
cross join unnest('{{1h,4h,1d}}'::text[]) timeframe
cross join generate_series(0, {days} * 4 - 1) at
"""
RANKS = """
insert into coin_rank (day, coin, rank, market_cap, told_on)
select {start}::date + day, key, key, 1e12 / key, {start}::date + day
from generate_series(0, {days} - 1) day cross join coin
"""
TRACES = """
insert into restated (
    open_time, open, high, low, close, volume, quote_volume, trades, coin, source, replaced_at
)
select
    {start} + (day * 24 + source.key) * interval '1 hour', 1, 2, 1, 2,
    case source.traded when true then 10 end, case source.traded when true then 20 end,
    case source.traded when true then 5 end,
    coin.key, source.key, {start} + day * interval '1 day'
from generate_series(0, {days} - 1) day
cross join coin
join source on source.traded = {traded}
where (coin.key + day) % 10 = 0
"""
ABSENCES = """
insert into absence (
    coin, source, starts_at, ends_at, outcome, first_at, last_at, attempts, retry_at
)
select
    coin.key, source.key, at, at + interval '1 hour', {outcome}, at, at + interval '1 day', 2,
    at + interval '8 days'
from (
    select key, {start} + (day * 24 + {hour}) * interval '1 hour' as at
    from coin cross join generate_series(0, {days} - 1) day
    where (key + day) % 20 = 0
) coin
join source on source.traded
"""
FINDINGS = """
insert into finding (kind, coin, open_time, detail, found_at, ended_at)
select
    'jump', key, at, '+52.10 % within an hour, and 3 of 20 coins moved as far', at,
    at + interval '1 day'
from (
    select key, {start} + day * interval '1 day' as at
    from coin cross join generate_series(0, {days} - 1) day
    where (key + day) % 50 = 0
) found
"""
CANDLES = """
insert into candle_1h (open_time, open, high, low, close, volume, coin, source)
select starts_at, 1, 2, 1, 2, 10, coin, source from absence where outcome = 'edge'
"""


class Rate(NamedTuple):
    """Rows that a table gets for each coin and day, and the statements that make them."""

    table: str
    a_coin_and_day: float
    inserts: Sequence[tuple[str, Mapping[str, object]]]


RATES = (
    Rate("quality", 12, [(CHECKS, {})]),
    Rate("coin_rank", 1, [(RANKS, {})]),
    Rate("restated", 0.2, [(TRACES, {"traded": True}), (TRACES, {"traded": False})]),
    Rate(
        "absence",
        0.1,
        [(ABSENCES, {"outcome": "edge", "hour": 1}), (ABSENCES, {"outcome": "hole", "hour": 5})],
    ),
    Rate("finding", 0.02, [(FINDINGS, {})]),
)
"""The first two follow from the schedules, the others are assumed. Half of `restated` is traded and
half of `absence` is missing still: these stay."""


class Size(NamedTuple):
    """Rows of a table and what they take, in bytes."""

    rows: int
    bytes: int


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=1000)
    parser.add_argument("--days", type=int, default=30)
    given = parser.parse_args(arguments)
    with measure.database() as current, store.connect(current) as connection:
        store.migrate(connection)
        learn(connection, given.coins)
        store.source_key(connection, "binance_spot")
        store.source_key(connection, "coingecko")
        store.note_kinds(connection, ["coingecko"])
        print(measure.about(connection))
        return list(grown(connection, given.coins, given.days))


def grown(connection: store.Connection, coins: int, days: int) -> Iterator[measure.Figure]:
    """Per table: MB that a year adds, and MB of them that stay; seconds that thinning took."""
    sizes = {rate.table: made(connection, rate, days) for rate in RATES}
    do(connection, CANDLES, days, {})
    took = measure.seconds(lambda: thin(connection, coins, START + timedelta(days=days) + LATER))
    for rate in RATES:
        before, left = sizes[rate.table], size(connection, rate.table).rows
        if not before.rows:
            raise measure.Unfit(f"so few coins and days have no row of {rate.table}: take more")
        each, a_year = before.bytes / before.rows, rate.a_coin_and_day * coins * YEAR
        print(f"{rate.table}: {a_year:,.0f} rows a year, {each:.0f} bytes each", flush=True)
        stays = a_year * each * left / before.rows / MB
        yield measure.Figure(f"{rate.table}, a year", [a_year * each / MB], "MB", form=".1f")
        yield measure.Figure(f"{rate.table}, what stays of it", [stays], "MB", form=".1f")
    rows = sum(each.rows for each in sizes.values())
    yield measure.Figure(f"thinning {rows:,} rows", [took], "s")


def made(connection: store.Connection, rate: Rate, days: int) -> Size:
    """Make a table's rows of so many days."""
    for statement, values in rate.inserts:
        do(connection, statement, days, values)
    return size(connection, rate.table)


def do(
    connection: store.Connection, statement: str, days: int, values: Mapping[str, object]
) -> None:
    """Run one of the statements above."""
    given = {"start": START, "days": days, **values}
    literals = {name: sql.Literal(value) for name, value in given.items()}
    connection.execute(sql.SQL(statement).format(**literals))


def size(connection: store.Connection, table: str) -> Size:
    """What a table holds now."""
    count = sql.SQL("select count(*), pg_total_relation_size({}) from {}").format(
        sql.Literal(table), sql.Identifier(table)
    )
    return Size(*(connection.execute(count).fetchone() or (0, 0)))


def thin(connection: store.Connection, coins: int, now: datetime) -> None:
    """Remove what `maintain` does."""
    for table in store.KEPT:
        for first in range(1, coins + 1, COINS_AT_A_TIME):
            store.thin(connection, table, range(first, first + COINS_AT_A_TIME), now)


if __name__ == "__main__":
    measure.run(main)
