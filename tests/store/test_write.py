"""Candles in and out: to the last bit, all or nothing, and the better one stays."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Thread

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.errors import Malformed
from chandlery.model import HOUR, SCHEMA, Window, empty
from chandlery.settings import Settings

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
TINY = 5e-324
LEAST, MOST = 1e-30, 1e30  # of prices


def held(connection: store.Connection) -> pl.DataFrame:
    rows = connection.execute(
        "select open_time, open, high, low, close, volume, quote_volume, trades,"
        " taker_buy_volume, taker_buy_quote_volume"
        " from candle_1h where coin = 1 order by open_time"
    ).fetchall()
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def marks(connection: store.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select xmin::text, source, close, quote_volume from candle_1h"
    ).fetchall()


def stale(connection: store.Connection) -> int:
    return len(connection.execute("select from stale").fetchall())


def test_what_is_written_is_read_back_to_the_last_bit(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("odd", 'a,"b"\nc\\.'), ("bitcoin", "BTC"), ("none", ""))
    source = store.source_key(connection, 'so"ur,ce')
    odd = frame(
        range(4),
        open=[LEAST, 0.1 + 0.2, 1 / 3, 12345678.123456789],
        high=[MOST] * 4,
        low=[LEAST] * 4,
        close=[LEAST, math.nextafter(1, 2), 1e22, 2**53 + 2.0],
        volume=[0.0, None, 1e300, TINY],
        quote_volume=[None, -0.0, 1e-5, 123456.7],
        trades=[None, 0, 10**15, 1],
        taker_buy_volume=[0.0, TINY, 1e300, None],
        taker_buy_quote_volume=[None, 0.0, 1e-5, 2 / 3],
    )
    far = frame([0, 24 * 365 * 30, -24 * 365 * 20])
    assert store.write(connection, {1: odd, 2: far, 3: frame([5]), 9: empty()}, source) == 8
    assert held(connection).equals(odd)

    coins = store.find(connection)
    read = store.read(connection, coins)
    assert read["symbol"].to_list() == ["", *["BTC"] * 3, *['a,"b"\nc\\.'] * 4]
    assert read["source"].unique().to_list() == ['so"ur,ce']
    names = {name: f"{name}_price" for name in ("open", "high", "low", "close")}
    names |= {"open_time": "timestamp"}
    expected = odd.rename(names)
    mine = read.filter(pl.col("coin_id") == "odd")
    assert mine.select(expected.columns).equals(expected)
    assert mine["vwap"].is_null().all()  # no volume, none known, and too far apart
    assert set(read["vwap"]) == {None, 2.0}
    assert read.schema == store.read(connection, []).schema

    store.refresh(connection)
    window = Window(T0 + HOUR, T0 + 3 * HOUR)
    assert store.read(connection, coins[:1], "1h", window)["timestamp"].to_list() == [
        T0 + HOUR,
        T0 + 2 * HOUR,
    ]
    assert store.read(connection, coins, "2h").is_empty()


def test_nothing_is_written_of_nothing(connection: store.Connection) -> None:
    assert store.write(connection, {}, 1) == 0
    assert store.write(connection, {1: empty()}, 1) == 0
    assert stale(connection) == 0


@pytest.mark.usefixtures("twenty_known")
def test_equal_values_touch_nothing_and_others_replace(
    connection: store.Connection, frame: Frame
) -> None:
    spot, futures = (store.source_key(connection, name) for name in ("spot", "futures"))
    first = frame(range(3), quote_volume=[None, 20.0, 20.0])
    assert store.write(connection, {1: first}, spot) == 3
    before, notes = marks(connection), stale(connection)
    assert store.write(connection, {1: first}, spot) == 0
    assert (marks(connection), stale(connection)) == (before, notes)

    restated = frame(range(4), quote_volume=[20.0, None, 20.0, 20.0])
    assert store.write(connection, {1: restated}, spot) == 3  # null to value, value to null, new
    assert held(connection).equals(restated)
    assert stale(connection) == notes + 1
    assert before[2] in marks(connection)

    assert store.write(connection, {1: frame([2], close=2.0)}, futures, better=[spot]) == 0
    assert store.write(connection, {1: frame([2, 9], close=2.0)}, futures, better=[spot]) == 1
    assert held(connection)["close"].to_list() == [3.0, 3.0, 3.0, 3.0, 2.0]
    assert store.write(connection, {1: frame([9], close=2.0)}, spot, better=[]) == 1
    sources = connection.execute("select source from candle_1h order by open_time").fetchall()
    assert sources == [(spot,)] * 5


def test_a_write_is_all_or_nothing(
    settings: Settings, connection: store.Connection, frame: Frame
) -> None:
    good = frame(range(5))
    broken = [
        good.with_columns(high=pl.lit(0.5)),
        pl.concat([good, good]),
        good.drop("trades"),
        good.with_columns(taker_buy_volume=pl.lit(10.6)),
    ]
    for bad in broken:
        with pytest.raises(Malformed):
            store.write(connection, {1: good, 2: bad}, 0)
    connection.execute("alter table candle_1h add constraint none_of_two check (coin <> 2)")
    with pytest.raises(psycopg.errors.CheckViolation):
        store.write(connection, {1: good, 2: good}, 0)
    assert held(connection).is_empty()
    assert stale(connection) == 0

    with store.connect(settings) as other, other.transaction():
        store.write(other, {1: good}, 0)
        assert stale(other) == 1
        raise psycopg.Rollback
    cut = store.connect(settings)
    cut.execute("begin")
    store.write(cut, {1: good}, 0)
    cut.close()
    assert held(connection).is_empty()
    assert stale(connection) == 0
    assert store.write(connection, {1: good}, 0) == 5


@pytest.mark.usefixtures("twenty_known")
def test_writers_of_the_same_hours_at_once_all_get_through(
    settings: Settings, connection: store.Connection, frame: Frame
) -> None:
    """In both orders of coins: on a server, two COPYs could wait for each other."""
    hours, coins = range(2000), range(1, 21)
    store.write(connection, {coin: frame([hours[0], hours[-1]]) for coin in coins}, 0)
    connection.execute("delete from candle_1h")
    done: list[int] = []

    def work(order: range, close: float) -> None:
        with store.connect(settings) as mine:
            frames = {coin: frame(hours, close=close) for coin in order}
            done.append(store.write(mine, frames, 0))
            store.refresh(mine)

    writers = [
        Thread(target=work, args=(order, close))
        for order, close in [(coins, 2.0), (coins[::-1], 2.0), (coins[5:], 3.0)]
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(done) == 3
    assert connection.execute("select count(*) from candle_1h").fetchone() == (40_000,)
    assert connection.execute("select sum(hours) from candle_1d").fetchone() == (40_000,)
    assert stale(connection) == 0
    differ = connection.execute(
        "select count(*) from candle_4h bar join candle_1h using (coin)"
        " where candle_1h.open_time = bar.open_time + interval '3 hours'"
        " and candle_1h.close <> bar.close"
    )
    assert differ.fetchone() == (0,)
    traces = connection.execute("select count(*) from restated")
    assert traces.fetchone() == (sum(done) - 40_000,)
