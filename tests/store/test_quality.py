"""How complete, and whose, over time."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR, Window
from chandlery.store.frames.learn_listings import learn_listings
from chandlery.store.frames.read import TIMEFRAMES

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)


def measured(connection: store.Connection, now: int, coin: int = 1) -> dict[str, tuple[Any, ...]]:
    store.refresh(connection)
    frame = store.measure(connection, [coin], T0 + now * HOUR)
    return {row[1]: list(row[2:5]) for row in frame.iter_rows()}


def test_bars_are_expected_present_and_whole_or_not(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("btc", "BTC"), ("eth", "ETH"))
    spot = store.source_key(connection, "spot")
    # Two days without the hours 30 to 32: one of them falls short, and its bars 7 and 8 of 4h.
    store.write(connection, {1: frame([*range(30), *range(33, 48)]), 2: frame([0])}, spot)
    bars = {"4h": [12, 10, 12], "1d": [2, 1, 2], "1M": [1, 0, 1]}  # February's two days
    assert measured(connection, 48) == {"1h": [48, 45, 45]} | bars
    # Three hours later they lack, and no bar is over that they would belong to.
    assert measured(connection, 51) == {"1h": [51, 45, 45]} | bars
    # Seen from within the second day, its bars that were not over then are not there.
    assert measured(connection, 30)["4h"] == [12, 7, 7]


LIVES = {
    "whole": [*range(72)],
    "from the middle of a bar": [*range(5, 60)],
    "with holes": [h for h in range(72) if h % 17],
    "with a day missing": [*range(20), *range(50, 72)],
    "of single hours": [3, 30, 60],
    "of weeks": [*range(1300)],
    "of weeks with a hole": [h for h in range(1300) if h != 60],
}


def bar(timeframe: str, hour: int) -> tuple[int, int]:
    """From when to when the bar is that an hour lies in, in hours from T0."""
    step = {"1h": 1, "4h": 4, "1d": 24, "1w": 168}.get(timeframe)
    if step is None:
        day = T0 + hour * HOUR
        first = day.replace(day=1, hour=0)
        after = (first + timedelta(days=31)).replace(day=1)
        return (first - T0) // HOUR, (after - T0) // HOUR
    before = 48 if timeframe == "1w" else 0  # T0 is a Wednesday
    start = (hour + before) // step * step - before
    return start, start + step


@pytest.mark.parametrize("hours", LIVES.values(), ids=LIVES)
@pytest.mark.parametrize("now", [6, 40, 72, 75, 1300])
def test_measures_are_those_of_counting_bar_by_bar(
    connection: store.Connection, frame: Frame, learn: Learn, hours: list[int], now: int
) -> None:
    learn(("btc", "BTC"))
    key = store.source_key(connection, "spot")
    listing = pl.DataFrame(
        {
            "id": ["btc"],
            "symbol": ["BTCUSDT"],
            "multiple": [1],
            "start": [T0 - 30 * HOUR],
            "end": [T0 + 70 * HOUR],
        },
        schema_overrides={"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
    )
    learn_listings(
        connection, "spot", listing, T0, listing.with_columns(trading=pl.lit(value=True))
    )
    store.write(connection, {1: frame(hours)}, key)
    begin, end = -30, max(min(now, 70), hours[-1] + 1)
    found = measured(connection, now)
    for timeframe in TIMEFRAMES:
        held = Counter(bar(timeframe, hour) for hour in hours)
        bars = {each: count for each, count in held.items() if timeframe == "1h" or each[1] <= now}
        lived = Counter(bar(timeframe, hour) for hour in range(begin, end))
        expected = [each for each in lived if each[1] <= end]
        whole = sum(bars.get(each, 0) == lived[each] for each in expected)
        if bars:
            assert found[timeframe] == [len(expected), whole, len(bars)], timeframe
        else:
            assert timeframe not in found


def test_shares_look_into_the_days_of_two_sources(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("btc", "BTC"))
    spot, okx = (store.source_key(connection, name) for name in ("spot", "okx"))
    store.write(connection, {1: frame([*range(30), *range(48, 72)])}, spot)
    store.write(connection, {1: frame(range(30, 48))}, okx)
    store.refresh(connection)
    first, second, third = (T0 + day * 24 * HOUR for day in range(3))
    by_day = store.shares(connection, [1], "day").rows()
    assert by_day == [
        (1, first, "spot", 24),
        (1, second, "spot", 6),
        (1, second, "okx", 18),
        (1, third, "spot", 24),
    ]
    february, march = T0.replace(day=1), T0.replace(month=3, day=1)
    by_month = store.shares(connection, [1]).rows()
    assert by_month == [(1, february, "spot", 30), (1, february, "okx", 18), (1, march, "spot", 24)]
    some = store.shares(connection, [1], "day", Window(second, third)).rows()
    assert some == by_day[1:3]
    hours = store.shares(connection, [1], "hour", Window(second + 5 * HOUR, second + 7 * HOUR))
    assert hours.rows() == [
        (1, second + 5 * HOUR, "spot", 1),
        (1, second + 6 * HOUR, "okx", 1),
    ]


def test_what_was_measured_is_kept_and_a_moment_measured_twice_is_kept_once(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("btc", "BTC"))
    spot = store.source_key(connection, "spot")

    def check(now: int) -> None:
        store.refresh(connection)
        at = T0 + now * HOUR
        store.keep_quality(
            connection, at, store.measure(connection, [1], at), store.shares(connection, [1])
        )

    store.write(connection, {1: frame([0, 1, 2, 5])}, spot)
    check(6)
    store.write(connection, {1: frame([3])}, spot)
    check(6)
    check(12)
    kept = connection.execute(
        "select timeframe, at, expected, present, total, hours_by_source from quality"
        " order by at, timeframe"
    ).fetchall()
    assert kept == [
        ("1h", T0 + 6 * HOUR, 6, 5, 5, {"spot": 5}),
        ("4h", T0 + 6 * HOUR, 1, 1, 1, None),
        ("1h", T0 + 12 * HOUR, 12, 5, 5, {"spot": 5}),
        ("4h", T0 + 12 * HOUR, 3, 1, 2, None),
    ]


def test_the_trend_has_the_last_check_of_each_day(
    connection: store.Connection, learn: Learn
) -> None:
    learn(("btc", "BTC"), ("eth", "ETH"))
    for hour, coin, present in ((0, 1, 1), (6, 1, 2), (6, 2, 9), (30, 1, 3), (60, 1, 4)):
        at = T0 + hour * HOUR
        connection.execute(
            "insert into quality (coin, timeframe, at, expected, present, total)"
            " values (%s, '1h', %s, 10, %s, %s)",
            (coin, at, present, present),
        )
    window = Window(T0 - HOUR, T0 + 48 * HOUR)
    assert store.trend(connection, [1, 2], window).rows() == [
        (T0, 20, 11),
        (T0 + 24 * HOUR, 10, 3),
    ]
    assert store.trend(connection, [2], window).rows() == [(T0, 10, 9)]
