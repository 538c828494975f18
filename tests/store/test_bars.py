"""4h and 1d of any hours whatever equal what a plain loop over those hours makes."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chandlery import store
from chandlery.model import HOUR

Frame = Callable[..., pl.DataFrame]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
next_coin = count(1).__next__


class Hour(NamedTuple):
    """A candle at so many hours after 2024-02-28."""

    at: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    quote_volume: float | None
    trades: int | None
    taker_buy_volume: float | None
    taker_buy_quote_volume: float | None


prices = st.floats(0.001, 1e6)
amounts = st.sampled_from([None, 0.0]) | st.floats(0, 1e9)


def parts(whole: float | None) -> st.SearchStrategy[float | None]:
    """What takers bought of so much."""
    return st.none() | st.floats(0, 1e9 if whole is None else whole)


@st.composite
def candles(draw: st.DrawFn, at: int) -> Hour:
    low, opened, closed, high = sorted(draw(st.tuples(prices, prices, prices, prices)))
    first, last = draw(st.permutations((opened, closed)))
    trades = draw(st.none() | st.integers(0, 10**6))
    volumes = draw(amounts), draw(amounts)
    bought = [draw(parts(volume)) for volume in volumes]
    return Hour(at, first, high, low, last, *volumes, trades, *bought)


some_hours = st.sets(st.integers(0, 71), max_size=40).flatmap(
    lambda hours: st.tuples(*(candles(at) for at in sorted(hours)))
)


def total(values: Iterable[float | None]) -> float | None:
    """In order; unknown if one of them is."""
    known = list(values)
    if None in known:
        return None
    added = known[0]
    for value in known[1:]:
        added = (added or 0) + (value or 0)
    return added


def bar(hours: list[Hour]) -> Hour:
    """Hours without volume count for open, high and low only if there is no other.

    A day is made of its 4h bars, so that its sums are added up in their order.
    """
    heard = [hour for hour in hours if hour.volume != 0] or hours
    return Hour(
        hours[0].at,
        heard[0].open,
        max(hour.high for hour in heard),
        min(hour.low for hour in heard),
        hours[-1].close,
        total(hour.volume for hour in hours),
        total(hour.quote_volume for hour in hours),
        None if None in (trades := [each.trades for each in hours]) else sum(map(int, trades)),
        total(hour.taker_buy_volume for hour in hours),
        total(hour.taker_buy_quote_volume for hour in hours),
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(some_hours)
def test_bars_equal_what_a_loop_over_the_hours_makes(
    connection: store.Connection,
    frame: Frame,
    hours: tuple[Hour, ...],
) -> None:
    coin = next_coin()
    columns = {name: [getattr(hour, name) for hour in hours] for name in Hour._fields[1:]}
    store.write(connection, {coin: frame([hour.at for hour in hours], **columns)}, 0)
    store.refresh(connection)
    fours = [bar(four) for four in grouped(hours, 4)]
    expected = {
        "candle_4h": [row(four) for four in grouped(hours, 4)],
        "candle_1d": [
            (T0 + day[0].at // 24 * 24 * HOUR, *bar(day)[1:], held(hours, day[0].at // 24))
            for day in grouped(fours, 24)
        ],
    }
    for table, made in expected.items():
        found = connection.execute(
            "select open_time, open, high, low, close, volume, quote_volume, trades,"  # noqa: S608
            " taker_buy_volume, taker_buy_quote_volume, hours"
            f" from {table} where coin = %s order by open_time".encode(),
            (coin,),
        )
        assert found.fetchall() == made


def grouped(hours: Iterable[Hour], size: int) -> list[list[Hour]]:
    found: dict[int, list[Hour]] = {}
    for hour in hours:
        found.setdefault(hour.at // size, []).append(hour)
    return list(found.values())


def row(hours: list[Hour]) -> tuple[object, ...]:
    return T0 + hours[0].at // 4 * 4 * HOUR, *bar(hours)[1:], len(hours)


def held(hours: Iterable[Hour], day: int) -> int:
    return sum(hour.at // 24 == day for hour in hours)
