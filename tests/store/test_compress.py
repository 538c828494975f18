"""Compressed candles are the same candles: read, added to, replaced and taken away as before."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.model import HOUR, Window
from chandlery.settings import Settings

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
LATER = T0 + timedelta(days=365)
TINY = 5e-324
LEAST, MOST = 1e-30, 1e30  # of prices
YEAR = range(0, 365 * 24, 7)

DIFFERENT = """
    select open_time, coin from {bars} bar
    full join (
        select
            coin, time_bucket('{step}', open_time) as open_time, max(high) as high, min(low) as low,
            last(close, open_time) as close, sum(volume order by open_time) as volume,
            count(*) as hours, bit_or(1 << source) as sources
        from candle_1h group by 1, 2
    ) made using (coin, open_time, high, low, close, volume, hours, sources)
    where bar.open is null or made.coin is null
"""


def everything(connection: store.Connection) -> list[tuple[object, ...]]:
    return connection.execute("select * from candle_1h order by coin, open_time").fetchall()


def compressed(connection: store.Connection) -> tuple[int, int]:
    """How many chunks there are, and how many of them are compressed."""
    row = connection.execute(
        "select count(*), count(*) filter (where is_compressed)"
        " from timescaledb_information.chunks where hypertable_name = 'candle_1h'"
    ).fetchone()
    assert row
    return row[0], row[1]


def assert_bars_are_made_of_the_hours(connection: store.Connection) -> None:
    store.refresh(connection)
    for bars, step in (("candle_4h", "4 hours"), ("candle_1d", "1 day")):
        wrong = DIFFERENT.format(bars=bars, step=step).encode()
        assert connection.execute(wrong).fetchall() == []


@pytest.mark.usefixtures("twenty_known")
def test_old_chunks_are_compressed_once_and_say_the_same(
    connection: store.Connection, frame: Frame
) -> None:
    odd = frame(
        range(4),
        open=[LEAST, 0.1 + 0.2, 1 / 3, 12345678.123456789],
        high=[MOST] * 4,
        low=[LEAST] * 4,
        close=[LEAST, math.nextafter(1, 2), 1e22, 2**53 + 2.0],
        volume=[0.0, None, 1e300, TINY],
        quote_volume=[None, -0.0, 1e-5, 123456.7],
        trades=[None, 0, 10**15, 1],
    )
    store.write(connection, {1: odd, 2: frame(YEAR)}, 0)
    before = everything(connection)
    chunks, _ = compressed(connection)
    store.refresh(connection)

    packed = store.compress(connection, LATER - timedelta(days=180))
    assert (packed.chunks, packed.left, packed.candles) == (2, 0, 4 + len(YEAR))
    assert compressed(connection) == (chunks, 2)
    assert list(map(repr, everything(connection))) == list(map(repr, before))
    assert connection.execute("select from stale").fetchall() == []

    again = store.compress(connection, LATER - timedelta(days=180))
    assert (again.chunks, again.bytes_before) == (0, again.bytes_after)
    store.tidy(connection)


@pytest.mark.usefixtures("twenty_known")
def test_compressed_candles_are_added_to_and_replaced(
    connection: store.Connection, frame: Frame
) -> None:
    better, worse = (store.source_key(connection, name) for name in ("better", "worse"))
    gaps = [hour for hour in range(2000) if hour % 100]
    store.write(connection, {1: frame(gaps), 2: frame(range(2000))}, worse)
    assert_bars_are_made_of_the_hours(connection)
    assert store.compress(connection, LATER).chunks > 0
    asked = [(1, Window(T0, T0 + 2000 * HOUR))]
    assert len(store.missing(connection, asked)[0]) == 20

    # COPY: missing hours, and a coin that was not there.
    missing = [hour for hour in range(2000) if not hour % 100]
    fresh = {1: frame(missing, volume=7.0), 3: frame(range(500))}
    assert store.write(connection, fresh, worse) == 520
    assert store.missing(connection, asked) == [[]]
    assert_bars_are_made_of_the_hours(connection)

    # Merge: what is equal touches nothing, what differs leaves a trace, what is better stays.
    same = {2: frame(range(2000))}
    assert store.write(connection, same, worse) == 0
    other = frame(range(0, 2000, 3), close=2.5)
    now = LATER.replace(microsecond=5)
    assert store.write(connection, {2: other}, better, now=now) == other.height
    assert store.write(connection, {2: other}, worse, better=[better]) == 0
    rows = connection.execute(
        "select coin, open_time, close, source, replaced_at from restated order by open_time"
    ).fetchall()
    assert rows == [(2, at, 3.0, worse, now) for at in other["open_time"]]
    assert_bars_are_made_of_the_hours(connection)

    # Compressed anew, it is all still there; and what is taken away by hand is missed.
    held = everything(connection)
    assert store.compress(connection, LATER).chunks > 0
    assert everything(connection) == held
    assert store.compress(connection, LATER).chunks == 0
    connection.execute("delete from candle_1h where coin = 2 and close = 2.5")
    assert_bars_are_made_of_the_hours(connection)
    assert len(store.missing(connection, [(2, Window(T0, T0 + 2000 * HOUR))])[0]) == other.height


def test_few_hours_of_many_compressed_coins_can_be_replaced(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    """To change one hour, TimescaleDB unpacks a thousand, and by itself no more than 100,000."""
    coins, hours = range(1, 111), range(1000)
    learn(*((f"coin-{n}", f"C{n}") for n in coins))
    source = store.source_key(connection, "spot")
    store.write(connection, dict.fromkeys(coins, frame(hours)), source)
    store.compress(connection, LATER)
    restated = frame(range(0, 1000, 100), close=2.5)
    assert store.write(connection, dict.fromkeys(coins, restated), source) == 10 * len(coins)


def test_a_chunk_in_use_is_left_for_the_next_time(
    connection: store.Connection, frame: Frame, settings: Settings
) -> None:
    if settings.database_url is None:
        pytest.skip("the embedded database has one client at a time")
    store.write(connection, {1: frame(range(10))}, 0)
    with psycopg.connect(settings.database_url) as other:
        other.execute("lock table candle_1h in row exclusive mode; select from candle_1h")
        assert store.compress(connection, LATER, patience="100ms")[:2] == (0, 1)
    assert store.compress(connection, LATER)[:2] == (1, 0)
