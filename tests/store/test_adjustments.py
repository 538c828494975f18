"""Back-adjusted prices: proposed by findings, confirmed by a person, right in every timeframe."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from chandlery import store
from chandlery.model import HOUR, Coin
from chandlery.store.frames.read import TIMEFRAMES
from tests.store.looking import NOW, STEADY, T0, found, times

Frame = Callable[..., pl.DataFrame]
MOMENT, LAST = 150, 24 * 70  # 06:00 of a Tuesday, amid a 4h bar, a day, a week and a month
LATER = T0 + LAST * HOUR
AT = datetime(2024, 6, 1, tzinfo=UTC)


def coin(connection: store.Connection, name: str) -> Coin:
    (found,) = store.find(connection, [name])
    return found


def read(
    connection: store.Connection, name: str, timeframe: str, *, adjusted: bool
) -> pl.DataFrame:
    """A coin's bars, without its name."""
    chosen = [coin(connection, name)]
    frame = store.read(connection, chosen, timeframe, now=LATER, adjusted=adjusted)
    return frame.drop("symbol", "coin_id")


@pytest.fixture
def redenominated(connection: store.Connection, spot: int, frame: Frame) -> store.Connection:
    """A: at 200 and from a moment on at 2; B: the same in the unit of today; C: as ever."""
    before = {"taker_buy_volume": 4.0, "taker_buy_quote_volume": 8.0}
    old = frame(range(MOMENT), **times(100), **before)
    unit = {"volume": 1000.0, "taker_buy_volume": 400.0, "taker_buy_quote_volume": 8.0}
    plain = frame(range(MOMENT), **STEADY, **unit)
    after = frame(range(MOMENT, LAST), **STEADY)
    whole = {1: pl.concat([old, after]), 2: pl.concat([plain, after]), 3: frame(range(LAST))}
    store.write(connection, whole, spot)
    store.refresh(connection)
    return connection


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_adjusted_bars_are_as_if_the_unit_had_always_been_that_of_today(
    redenominated: store.Connection, timeframe: str
) -> None:
    connection, at = redenominated, T0 + MOMENT * HOUR
    untouched = read(connection, "a", timeframe, adjusted=False)
    assert read(connection, "a", timeframe, adjusted=True).equals(untouched)

    store.confirm_adjustment(connection, coin(connection, "a"), at, 0.01, AT)
    adjusted = read(connection, "a", timeframe, adjusted=True)
    assert_frame_equal(
        adjusted, read(connection, "b", timeframe, adjusted=False), rel_tol=1e-12, abs_tol=0
    )
    later = pl.col("timestamp") >= at
    assert adjusted.filter(later).equals(untouched.filter(later))
    assert read(connection, "a", timeframe, adjusted=False).equals(untouched)
    other = read(connection, "c", timeframe, adjusted=False)
    assert read(connection, "c", timeframe, adjusted=True).equals(other)

    store.take_back_adjustment(connection, coin(connection, "a"), at)
    assert read(connection, "a", timeframe, adjusted=True).equals(untouched)


def test_two_redenominations_are_both_counted_before_the_first(
    redenominated: store.Connection,
) -> None:
    connection, first = redenominated, T0 + 10 * HOUR
    for at, factor in ((first, 0.5), (T0 + MOMENT * HOUR, 0.01)):
        store.confirm_adjustment(connection, coin(connection, "a"), at, factor, AT)
    hours = read(connection, "a", "1h", adjusted=True)
    assert hours["close_price"][[0, 9, 10, MOMENT - 1, MOMENT]].to_list() == [1, 1, 2, 2, 2]
    assert hours["volume"][[0, 10, MOMENT]].to_list() == [2000, 1000, 10]
    assert hours["quote_volume"].unique().to_list() == [20]
    assert hours["vwap"][[0, 10, MOMENT]].to_list() == [0.01, 0.02, 2]


def test_a_bar_that_is_not_over_is_not_shown(redenominated: store.Connection) -> None:
    chosen = coin(redenominated, "a")
    store.confirm_adjustment(redenominated, chosen, T0 + MOMENT * HOUR, 0.01, AT)
    now = T0 + (MOMENT + 1) * HOUR
    for timeframe in ("4h", "1d", "1w", "1M"):
        plain, adjusted = (
            store.read(redenominated, [chosen], timeframe, now=now, adjusted=each)["timestamp"]
            for each in (False, True)
        )
        assert adjusted.to_list() == plain.to_list()


def test_a_redenomination_that_is_found_is_proposed_with_its_factor_and_never_confirmed_by_itself(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(48), **times(100))}, spot)
    store.write(connection, {1: frame(range(MOMENT, 400), **STEADY)}, spot)
    a, at = coin(connection, "a"), T0 + MOMENT * HOUR
    assert store.adjustments(connection, [a]) == []
    assert len(found(connection, "redenomination")) == 1
    (proposed,) = store.adjustments(connection, [a])
    assert (proposed.coin, proposed.open_time, proposed.factor) == (a, at, 0.01)
    assert proposed.confirmed_at is None
    assert (proposed.detail or "").startswith("closed at 200, opened at 2 after 102 hours")
    hours = store.read(connection, [a], adjusted=True, now=T0 + NOW * HOUR)
    assert hours["close_price"].max() == 200

    store.confirm_adjustment(connection, a, at, 0.02, AT)
    store.confirm_adjustment(
        connection, a, at, 0.02, AT + timedelta(days=1)
    )  # the same again changes nothing
    (confirmed,) = store.adjustments(connection, [a])
    assert (confirmed.factor, confirmed.confirmed_at) == (0.02, AT)

    store.write(connection, {1: frame(range(48, MOMENT), **times(100))}, spot)
    store.write(connection, {1: frame(range(MOMENT, 400), **times(100))}, spot)
    assert found(connection, "redenomination") == []
    (kept,) = store.adjustments(connection, [a])
    assert (kept.factor, kept.detail) == (0.02, None)
    store.take_back_adjustment(connection, a, at)
    assert store.adjustments(connection, [a]) == []
