"""4h and 1d candles: made as the venues make theirs, over what was touched and only there."""

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl
import psycopg
import pytest
from psycopg import sql

from chandlery import store
from chandlery.model import HOUR
from chandlery.settings import Settings

Frame = Callable[..., pl.DataFrame]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
BAR = ["open", "high", "low", "close", "volume", "quote_volume", "trades", "hours", "sources"]


def bars(connection: store.Connection, table: str, coin: int = 1) -> list[tuple[object, ...]]:
    statement = sql.SQL("select {} from {} where coin = {} order by open_time").format(
        sql.SQL(", ").join(map(sql.Identifier, BAR)), sql.Identifier(table), sql.Literal(coin)
    )
    return connection.execute(statement).fetchall()


def made(connection: store.Connection) -> list[tuple[object, ...]]:
    """Which materialised days were written when: what a refresh passes over keeps its xmin."""
    name = connection.execute(
        "select materialization_hypertable_schema, materialization_hypertable_name"
        " from timescaledb_information.continuous_aggregates where view_name = 'candle_1d'"
    ).fetchone()
    assert name
    statement = sql.SQL("select open_time, coin, xmin::text from {}").format(sql.Identifier(*name))
    return connection.execute(statement).fetchall()


def test_bars_are_made_by_the_rules(connection: store.Connection, frame: Frame) -> None:
    spot, futures = (store.source_key(connection, name) for name in ("spot", "futures"))
    prices = {
        "open": [5.0, 2.0, 3.0, 9.0],
        "high": [50.0, 4.0, 6.0, 90.0],
        "low": [0.1, 1.0, 2.0, 0.2],
        "close": [5.0, 3.0, 5.0, 9.0],
    }
    # Hours without volume at both ends; none with any; some unknown; all unknown; three of four.
    store.write(connection, {1: frame(range(4), **prices, volume=[0.0, 1.5, 2.5, 0.0])}, spot)
    store.write(connection, {1: frame(range(4, 8), **prices, volume=[0.0] * 4)}, spot)
    store.write(connection, {1: frame(range(8, 12), **prices, volume=[0.0, None, 2.5, 0.0])}, spot)
    store.write(connection, {1: frame(range(12, 16), **prices, volume=None, trades=None)}, futures)
    partial = {name: values[1:] for name, values in prices.items()}
    store.write(connection, {1: frame([17, 18], **{n: v[:2] for n, v in partial.items()})}, futures)
    store.write(
        connection,
        {1: frame([19], **{n: v[2:] for n, v in partial.items()}, quote_volume=None)},
        spot,
    )
    four = [
        (2.0, 6.0, 1.0, 9.0, 4.0, 80.0, 20, 4, 1),
        (5.0, 90.0, 0.1, 9.0, 0.0, 80.0, 20, 4, 1),
        (2.0, 6.0, 1.0, 9.0, None, 80.0, 20, 4, 1),
        (5.0, 90.0, 0.1, 9.0, None, 80.0, None, 4, 2),
        (2.0, 90.0, 0.2, 9.0, 30.0, None, 15, 3, 3),
    ]
    day = [(2.0, 90.0, 0.1, 9.0, None, None, None, 19, 3)]
    assert bars(connection, "candle_4h") == four  # before a refresh: made as they are read
    assert bars(connection, "candle_1d") == day
    assert store.refresh(connection) == 1
    assert bars(connection, "candle_4h") == four
    assert bars(connection, "candle_1d") == day

    store.write(connection, {2: frame(range(4), **prices, volume=0.0)}, spot)
    store.write(connection, {2: frame(range(4, 8), volume=[0.0, 0.0, 0.0, 1.0])}, spot)
    store.write(
        connection, {3: frame(range(24), **{n: v * 6 for n, v in prices.items()}, volume=0.0)}, spot
    )
    store.refresh(connection)
    assert bars(connection, "candle_1d", 2) == [(2.0, 4.0, 1.0, 3.0, 1.0, 160.0, 40, 8, 1)]
    assert bars(connection, "candle_1d", 3) == [(5.0, 90.0, 0.1, 9.0, 0.0, 480.0, 120, 24, 1)]


@pytest.mark.usefixtures("twenty_known")
def test_only_what_was_touched_is_made_again(connection: store.Connection, frame: Frame) -> None:
    store.write(connection, {coin: frame(range(24 * 400)) for coin in (1, 2)}, 0)
    assert store.refresh(connection) == 400
    before = made(connection)
    assert len(before) == 800
    assert store.refresh(connection) == 0
    assert store.write(connection, {1: frame([24 * 9 + 5])}, 0) == 0
    assert store.refresh(connection) == 0
    assert made(connection) == before

    store.write(connection, {1: frame([24 * 9 + 5, 24 * 10], close=4.0)}, 0)
    store.write(connection, {1: frame([24 * 300], close=4.0)}, 0)
    store.write(connection, {1: frame([24 * 10 + 1], close=4.0)}, 0)
    assert store.refresh(connection) == 3
    again = {row[0] for row in set(made(connection)) - set(before)}
    assert again == {T0 + 24 * day * HOUR for day in (9, 10, 300)}
    assert connection.execute("select from stale").fetchall() == []


@pytest.mark.usefixtures("twenty_known")
def test_a_run_killed_before_its_refresh_is_healed_by_the_next(
    settings: Settings, connection: store.Connection, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(48))}, 0)
    store.refresh(connection)
    with store.connect(settings) as killed:
        store.write(killed, {1: frame(range(48), close=4.0)}, 0)
    assert {bar[3] for bar in bars(connection, "candle_1d")} == {3.0}
    assert store.refresh(connection) == 2
    assert {bar[3] for bar in bars(connection, "candle_1d")} == {4.0}

    store.write(connection, {1: frame([3], close=2.0)}, 0)
    connection.execute("alter materialized view candle_1d rename to gone")
    with pytest.raises(psycopg.Error):
        store.refresh(connection)  # dies between the 4h and the 1d candles
    connection.execute("alter materialized view gone rename to candle_1d")
    assert store.refresh(connection) == 1
    assert bars(connection, "candle_4h")[0][3] == 2.0


@pytest.mark.usefixtures("twenty_known")
def test_bars_that_are_all_to_be_made_are_made_by_slices_and_none_twice(
    connection: store.Connection, frame: Frame
) -> None:
    last = 24 * 500
    store.write(connection, {1: frame(range(last))}, 0)
    connection.execute("delete from stale")
    connection.execute("insert into stale (starts_at, ends_at) values ('-infinity', 'infinity')")
    ends = (T0 + (last - 2) * HOUR,)
    connection.execute("update candle_1h set volume = 1.7e308 where open_time >= %s", ends)
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        store.refresh(connection)  # dies in a later slice
    before = set(made(connection))
    assert 0 < len(before) < 500
    connection.execute("update candle_1h set volume = 1 where open_time >= %s", ends)
    assert len(connection.execute("select from stale").fetchall()) == 1
    store.refresh(connection)
    assert len(made(connection)) == 500
    assert before <= set(made(connection))
    assert connection.execute("select from stale").fetchall() == []


def test_deleted_and_truncated_hours_leave_the_bars(
    connection: store.Connection, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(48)), 2: frame(range(24))}, 0)
    store.refresh(connection)
    connection.execute("delete from candle_1h where coin = 1 and open_time < %s", (T0 + 26 * HOUR,))
    store.refresh(connection)
    assert [bar[7] for bar in bars(connection, "candle_1d")] == [22]
    connection.execute("truncate candle_1h")
    store.refresh(connection)
    assert bars(connection, "candle_1d") + bars(connection, "candle_4h", 2) == []
    assert store.held(connection) == []


def test_sums_do_not_depend_on_how_the_rows_lie(connection: store.Connection, frame: Frame) -> None:
    source = store.source_key(connection, "spot")
    volumes = [0.1, 0.2, 0.3, 0.4] * 6
    for hour in reversed(range(24)):
        store.write(connection, {1: frame([hour], volume=[volumes[hour]])}, source)
    store.write(connection, {2: frame(range(24), volume=volumes)}, source)
    store.refresh(connection)
    for table in ("candle_4h", "candle_1d"):
        assert bars(connection, table, 1) == bars(connection, table, 2)
    assert sum(volumes[:4]) != sum(volumes[3::-1])  # the order does matter
