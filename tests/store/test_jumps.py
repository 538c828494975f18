"""Which hours are jumps, which of them are wicks, and in which words they are told."""

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from chandlery import store
from tests.store.looking import FLAT, STEADY, found, times

Frame = Callable[..., pl.DataFrame]


def test_a_candle_that_is_ten_times_too_high_is_one_wick(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    hours = [h for h in range(96) if h != 47]  # 23:00: the way back is on another day
    for coin in (1, 2, 3, 4, 5):
        store.write(connection, {coin: frame(hours, **STEADY)}, spot)
    store.write(connection, {1: frame([47], **times(10)), 2: frame([47], **times(1.4))}, spot)
    store.write(connection, {coin: frame([47], **STEADY) for coin in (3, 4, 5)}, spot)
    detail = (
        "a wick from 2 up to 21 and back (open 20, high 21, low 19, close 20, next close 2);"
        " the median coin of that day ranged from 5.0 % below its open to 5.0 % above"
    )
    assert found(connection, "jump") == [("jump", "A", "29 23", detail)]


NOBODY = "with fewer than three coins that day there is nobody to compare with"

# One hour among steady ones at 2, the close after it (None: no such hour), and what is told.
Case = tuple[Mapping[str, float], float | None, str | None]
HOURS: Mapping[str, Case] = {
    "it stays": (
        {"open": 2.0, "high": 3.6, "low": 1.9, "close": 3.5},
        3.4,
        "rose from 2 to 3.5 (open 2, high 3.6, low 1.9, close 3.5, next close 3.4)",
    ),
    "half of it stays (QUICK 2021-12-28 13:00)": (
        {"open": 2.0, "high": 4.4, "low": 2.0, "close": 3.2},
        2.97,
        "rose from 2 to 3.2 (open 2, high 4.4, low 2, close 3.2, next close 2.97)",
    ),
    "back by its close": (
        {"open": 2.0, "high": 4.4, "low": 2.0, "close": 2.03},
        2.5,
        "a wick from 2 up to 4.4 and back (open 2, high 4.4, low 2, close 2.03, next close 2.5)",
    ),
    "back by the next": (
        {"open": 2.0, "high": 2.1, "low": 0.9, "close": 1.0},
        1.95,
        "a wick from 2 down to 0.9 and back (open 2, high 2.1, low 0.9, close 1, next close 1.95)",
    ),
    "most of it came back, but not all": (
        {"open": 2.0, "high": 2.1, "low": 0.9, "close": 1.0},
        1.7,
        "fell from 2 to 1 (open 2, high 2.1, low 0.9, close 1, next close 1.7)",
    ),
    "it reached down and closed above (AEUR 2023-12-05 18:00)": (
        {"open": 2.0, "high": 2.8, "low": 0.92, "close": 2.5},
        2.5,
        "rose from 2 to 2.5 (open 2, high 2.8, low 0.92, close 2.5, next close 2.5)",
    ),
    "its last hour": (
        {"open": 2.0, "high": 3.6, "low": 1.9, "close": 3.5},
        None,
        "rose from 2 to 3.5 (open 2, high 3.6, low 1.9, close 3.5, no candle in the next hour)",
    ),
    "fractions of a hundredth of a cent": (
        {"open": 2.0, "high": 2.0, "low": 5e-05, "close": 0.1 + 0.2},
        0.25689999999,
        "fell from 2 to 0.3 (open 2, high 2, low 0.00005, close 0.3, next close 0.2569)",
    ),
    "too little": ({"open": 2.0, "high": 2.9, "low": 1.9, "close": 2.8}, 2.8, None),
}


@pytest.mark.parametrize("case", HOURS.values(), ids=HOURS)
def test_a_jump_is_told_by_its_prices_and_a_wick_is_what_came_back(
    connection: store.Connection, spot: int, frame: Frame, case: Case
) -> None:
    hour, after, told = case
    store.write(connection, {1: frame(range(30), **STEADY)}, spot)
    store.write(connection, {1: frame([30], **hour)}, spot)
    if after is not None:
        flat = dict.fromkeys(STEADY, after)
        store.write(connection, {1: frame(range(31, 34), **flat)}, spot)
    else:
        store.write(connection, {1: frame(range(35, 40), **dict.fromkeys(STEADY, 3.5))}, spot)
    expected = [] if told is None else [("jump", "A", "29 06", f"{told}; {NOBODY}")]
    assert found(connection, "jump") == expected


def test_a_price_that_stays_elsewhere_is_one_jump(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2, 3):
        store.write(connection, {coin: frame(range(50), **STEADY)}, spot)
    store.write(connection, {1: frame(range(50, 96), **times(0.4))}, spot)
    ((_, coin, at, detail),) = found(connection, "jump")
    assert (coin, at) == ("A", "01 02")
    assert detail.startswith(
        "fell from 2 to 0.8 (open 0.8, high 0.84, low 0.76, close 0.8, next close 0.8)"
    )


def test_of_a_day_the_largest_move_by_closes_is_told_and_the_largest_wick(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    """AEUR 2023-12-05: twice its price at 17:00, a quarter more by way of half of it at 18:00."""
    store.write(connection, {1: frame(range(24), **FLAT)}, spot)
    moves = {
        24: {"open": 2.0, "high": 4.0, "low": 2.0, "close": 4.0},
        25: {"open": 4.0, "high": 5.6, "low": 1.8, "close": 5.0},
        30: {"open": 5.0, "high": 11.0, "low": 5.0, "close": 5.0},
        31: {"open": 5.0, "high": 12.0, "low": 5.0, "close": 5.0},
        32: {"open": 5.0, "high": 9.0, "low": 5.0, "close": 5.0},
    }
    flat = dict.fromkeys(STEADY, 5.0)
    for hour in range(24, 40):
        store.write(connection, {1: frame([hour], **moves.get(hour, flat))}, spot)
    rose = (
        "rose from 2 to 4 (open 2, high 4, low 2, close 4, next close 5), the largest of 2 that day"
    )
    wick = (
        "a wick from 5 up to 12 and back (open 5, high 12, low 5, close 5, next close 5),"
        " the largest of 3 that day"
    )
    told = [(at, detail.partition(";")[0]) for *_, at, detail in found(connection, "jump")]
    assert told == [("29 00", rose), ("29 07", wick)]


def test_what_befalls_the_whole_market_is_no_jump(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2, 3, 4, 5):
        store.write(connection, {coin: frame(range(50), **STEADY)}, spot)
    for coin, factor in ((1, 0.5), (2, 0.55), (3, 0.45), (4, 0.9), (5, 0.1)):
        store.write(connection, {coin: frame(range(50, 96), **times(factor))}, spot)
    # The median coin lost half; only the one that lost nine tenths lost far more.
    assert [row[1] for row in found(connection, "jump")] == ["E"]


def test_the_first_hours_of_a_coin_and_those_after_a_halt_are_not_judged(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    listing_day = pl.concat(frame([h], **times(3 if h % 2 else 1)) for h in range(12))
    store.write(connection, {1: listing_day}, spot)
    after = pl.concat(frame([h], **times(3 if h % 2 else 1)) for h in range(100, 111))
    store.write(connection, {1: after}, spot)
    assert found(connection, "jump") == []
    store.write(connection, {1: frame([111, 112], **times(9))}, spot)
    assert found(connection, "jump") == []
    store.write(connection, {1: frame([113], **STEADY)}, spot)
    assert [row[2] for row in found(connection, "jump")] == ["03 17"]
