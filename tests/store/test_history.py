"""What an hour was before: kept when it is replaced, and told in order."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.model import HOUR, Coin
from chandlery.store import History

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOON, ONE, TWO = (T0 + hours * HOUR for hours in (12, 13, 14))


@pytest.fixture
def btc(connection: store.Connection, learn: Learn) -> Coin:
    learn(("bitcoin", "BTC"), ("ethereum", "ETH"))
    (coin,) = store.find(connection, ["BTC"])
    return coin


@pytest.fixture
def keys(connection: store.Connection) -> dict[str, int]:
    return {name: store.source_key(connection, name) for name in ("spot", "futures", "gecko")}


def traced(connection: store.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select coin, open_time, close, source, replaced_at from restated order by 1, 2, 5"
    ).fetchall()


def told(past: History) -> list[tuple[float, str, datetime | None, datetime | None]]:
    versions = [*([] if past.current is None else [past.current]), *past.before]
    return [(each.close, each.source, each.since, each.until) for each in versions]


def test_an_hour_that_was_never_held_has_no_history(
    connection: store.Connection, btc: Coin
) -> None:
    past = store.history(connection, btc, T0)
    assert past == (None, [])
    assert str(past) == "no candle, now or before"


def test_a_candle_restated_by_its_source_leaves_all_its_old_values(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    old = frame([0, 1], open=2.5, volume=None, quote_volume=7.5, trades=None)
    assert store.write(connection, {btc.key: old}, keys["spot"], now=NOON) == 2
    assert str(store.history(connection, btc, T0)) == "never replaced"
    assert store.write(connection, {btc.key: frame([0], close=2.0)}, keys["spot"], now=ONE) == 1

    past = store.history(connection, btc, T0)
    assert past.before == [(2.5, 4.0, 1.0, 3.0, None, 7.5, None, None, None, "spot", None, ONE)]
    assert past.current == (2.0, 4.0, 1.0, 2.0, 10.0, 20.0, 5, None, None, "spot", ONE, None)
    assert str(past) == "replaced once, last at 2024-02-28 13:00Z"
    assert store.history(connection, btc, T0 + HOUR).before == []


def test_equal_values_and_better_sources_leave_no_trace(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    spot, futures = keys["spot"], keys["futures"]
    held = frame(range(3), volume=[None, 0.0, 1.0])
    store.write(connection, {btc.key: held}, spot)
    assert store.write(connection, {btc.key: held}, spot) == 0
    worse = frame(range(4), close=2.0)
    assert store.write(connection, {btc.key: worse}, futures, better=[spot]) == 1  # the new hour
    assert traced(connection) == []
    assert told(store.history(connection, btc, T0)) == [(3.0, "spot", None, None)]


def test_what_takers_bought_is_filled_in_without_a_trace(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    """Only where the candle is the same otherwise; what was told before stays in a trace."""
    spot = keys["spot"]
    bought: dict[str, Any] = {"taker_buy_volume": 4.0, "taker_buy_quote_volume": 8.0}
    store.write(connection, {btc.key: frame(range(4))}, spot)
    assert store.write(connection, {btc.key: frame(range(2), **bought)}, spot, now=ONE) == 2
    assert store.write(connection, {btc.key: frame(range(2), **bought)}, spot, now=ONE) == 0
    half = bought | {"taker_buy_quote_volume": None}
    assert store.write(connection, {btc.key: frame([2], **half)}, spot, now=ONE) == 1
    assert store.write(connection, {btc.key: frame([2], **bought)}, spot, now=ONE) == 1
    assert traced(connection) == []
    version = store.history(connection, btc, T0).current
    assert version is not None
    assert (version.taker_buy_volume, version.taker_buy_quote_volume) == (4.0, 8.0)

    other = bought | {"taker_buy_volume": 5.0}
    store.write(connection, {btc.key: frame([0], **other)}, spot, now=TWO)
    store.write(connection, {btc.key: frame([1])}, spot, now=TWO)
    store.write(connection, {btc.key: frame([3], close=2.0, **bought)}, spot, now=TWO)
    assert [row[1] for row in traced(connection)] == [T0 + hour * HOUR for hour in (0, 1, 3)]
    kept = connection.execute("select taker_buy_volume from restated order by open_time")
    assert kept.fetchall() == [(4.0,), (4.0,), (None,)]


def test_another_source_is_a_change_even_at_equal_values(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    store.write(connection, {btc.key: frame([0])}, keys["futures"])
    assert store.write(connection, {btc.key: frame([0])}, keys["spot"], now=ONE) == 1
    assert traced(connection) == [(btc.key, T0, 3.0, keys["futures"], ONE)]


def test_an_indicative_candle_stays_in_the_trace_of_the_traded_one(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    gecko, spot = keys["gecko"], keys["spot"]
    unknown = dict.fromkeys(("volume", "quote_volume", "trades"))
    store.write(connection, {btc.key: frame(range(5), close=2.5, **unknown)}, gecko)
    store.write(connection, {btc.key: frame(range(2, 9))}, spot, now=ONE)
    store.write(connection, {btc.key: frame(range(9), close=2.7)}, gecko, better=[spot], now=TWO)
    assert [(row[1], row[4]) for row in traced(connection)] == [
        *((T0 + hour * HOUR, TWO) for hour in (0, 1)),
        *((T0 + hour * HOUR, ONE) for hour in (2, 3, 4)),
    ]
    (before,) = store.history(connection, btc, T0 + 2 * HOUR).before
    assert (before.source, before.volume, before.until) == ("gecko", None, ONE)


def test_twice_restated_is_told_newest_first(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    spot, futures = keys["spot"], keys["futures"]
    for close, source, now in ((3.0, spot, NOON), (2.0, futures, ONE), (3.5, futures, TWO)):
        store.write(connection, {btc.key: frame([0], close=close)}, source, now=now)
    past = store.history(connection, btc, T0)
    assert told(past) == [
        (3.5, "futures", TWO, None),
        (2.0, "futures", ONE, TWO),
        (3.0, "spot", None, ONE),
    ]
    assert str(past) == "replaced twice, last at 2024-02-28 14:00Z"

    connection.execute("delete from candle_1h")
    gone = store.history(connection, btc, T0)
    assert (gone.current, gone.before) == (None, past.before)
    assert str(gone).endswith(", and is gone now")


def test_of_an_hour_replaced_twice_at_one_moment_the_first_value_stays(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    """What came between was there from that moment to that moment: for no time."""
    for close in (3.0, 2.0, 3.5):
        frames = {btc.key: frame([0], close=close)}
        assert store.write(connection, frames, keys["spot"], now=ONE) == 1
    assert told(store.history(connection, btc, T0)) == [
        (3.5, "spot", ONE, None),
        (3.0, "spot", None, ONE),
    ]


def test_only_what_is_replaced_is_traced_among_coins_and_years(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int]
) -> None:
    far = [-24 * 365, 0, 24 * 365]
    spot = keys["spot"]
    store.write(connection, {1: frame(far), 2: frame(far)}, spot)
    changed = {1: frame([*far, 5], close=[2.0, 3.0, 2.0, 3.0]), 2: frame(far[1:], close=[3.0, 2.0])}
    assert store.write(connection, changed, spot, now=ONE) == 3
    assert traced(connection) == [
        (1, T0 + far[0] * HOUR, 3.0, spot, ONE),
        (2, T0 + far[2] * HOUR, 3.0, spot, ONE),
    ]
    assert store.history(connection, btc, T0).before == []


@pytest.mark.parametrize("table", ["candle_1h", "restated"])
def test_a_merge_that_fails_leaves_neither_change_nor_trace(
    connection: store.Connection, frame: Frame, btc: Coin, keys: dict[str, int], table: str
) -> None:
    """Whether the candle cannot be written or its trace, the rows before it are taken back."""
    store.write(connection, {coin: frame(range(3)) for coin in (1, 2)}, keys["spot"])
    broken = {"candle_1h": "coin = 1 or close > 2", "restated": "coin = 1"}[table]
    connection.execute(f"alter table {table} add constraint no check ({broken})".encode())
    restated = {coin: frame(range(3), close=2.0) for coin in (1, 2)}
    with pytest.raises(psycopg.errors.CheckViolation):
        store.write(connection, restated, keys["spot"], now=ONE)
    assert traced(connection) == []
    assert told(store.history(connection, btc, T0)) == [(3.0, "spot", None, None)]
