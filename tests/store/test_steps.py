"""Where an hour opens far from where the hour before it closed: one side was told wrong."""

from collections.abc import Callable, Mapping

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR
from tests.store.looking import NOW, STEADY, T0, found, times

Frame = Callable[..., pl.DataFrame]
TOLD = "the hour before closed at {}, this one opened at {}"


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (1e8, TOLD.format("2", "200000000")),
        (1.7, TOLD.format("2", "3.4")),
        (0.01, TOLD.format("2", "0.02")),
        (1.6, None),
    ],
)
def test_a_step_is_told_where_it_is(
    connection: store.Connection, spot: int, frame: Frame, factor: float, told: str | None
) -> None:
    store.write(connection, {1: frame(range(31), **STEADY)}, spot)
    store.write(connection, {1: frame(range(31, 96), **times(factor))}, spot)
    assert found(connection, "step") == ([("step", "A", "29 07", told)] if told else [])


def test_all_coins_at_once_hide_no_step(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2, 3, 4, 5):
        store.write(connection, {coin: frame(range(31), **times(1e8))}, spot)
        store.write(connection, {coin: frame(range(31, 96), **STEADY)}, spot)
    assert [row[1] for row in found(connection, "step")] == list("ABCDE")


@pytest.mark.parametrize(
    ("elsewhere", "told"),
    [
        ([30], None),  # one hour is a jump
        ([23], None),  # though its way back is on another day
        ([30, 31], "29 06"),
        ([30, 35], "29 06"),
        ([30, 31, 32, 33], "29 06"),
    ],
)
def test_one_hour_there_and_back_is_no_step(
    connection: store.Connection, spot: int, frame: Frame, elsewhere: list[int], told: str | None
) -> None:
    for hour in range(48):
        prices = times(3.0 if hour in elsewhere else 1.0)
        store.write(connection, {1: frame([hour], **prices)}, spot)
    assert [row[2] for row in found(connection, "step")] == ([told] if told else [])


NONE: Mapping[str, tuple[range, str]] = {
    "hours lie between": (range(33, 96), "spot"),
    "another source goes on": (range(31, 96), "okx"),
}


@pytest.mark.parametrize(("hours", "source"), NONE.values(), ids=NONE)
def test_what_is_no_step(
    connection: store.Connection, spot: int, frame: Frame, hours: range, source: str
) -> None:
    store.write(connection, {1: frame(range(31), **STEADY)}, spot)
    other = store.source_key(connection, source)
    store.write(connection, {1: frame(hours, **times(1e8))}, other)
    assert found(connection, "step") == []


DEAR = times(2000)


@pytest.mark.parametrize(
    ("dollars", "prices", "quote", "told"),
    [
        (40_000.0, DEAR, None, ["03 00", "04 00"]),
        (40_000.0, DEAR, 40_000.0, []),  # it is held against the prices as it arrives
        (90.0, DEAR, None, []),  # nine times as much was traded
        (20.0, STEADY, None, []),  # at 2 dollars nobody can tell
    ],
)
def test_dollars_for_coins_are_told(  # noqa: PLR0913, PLR0917  a source's days, as it told them
    connection: store.Connection,
    spot: int,
    frame: Frame,
    dollars: float,
    prices: Mapping[str, float],
    quote: float | None,
    told: list[str],
) -> None:
    given = {**prices, "quote_volume": quote}
    store.write(connection, {1: frame(range(90), **given, volume=dollars)}, spot)
    store.write(connection, {1: frame(range(90, 168), **given, volume=10.0)}, spot)
    assert [row[2] for row in found(connection, "volume")] == told


def test_a_coin_that_falls_trades_more_often(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    given = {"quote_volume": None}
    store.write(connection, {1: frame(range(72), **given, **DEAR, volume=10.0)}, spot)
    cheap = times(1 / 2000)
    store.write(connection, {1: frame(range(72, 168), **given, **cheap, volume=20_000.0)}, spot)
    assert found(connection, "volume") == []


def test_a_step_is_asked_about_for_a_week(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(31), **STEADY)}, spot)
    store.write(connection, {1: frame(range(31, 96), **times(3))}, spot)
    store.note_wanted(connection, [1], T0)
    assert len(found(connection, "step")) == 1
    at = T0 + NOW * HOUR
    step = store.PriceStep("a", T0 + 31 * HOUR, T0)
    assert store.price_steps(connection, [1, 2], at + 167 * HOUR) == [step]
    assert store.price_steps(connection, [1, 2], at + 168 * HOUR) == []
    assert store.price_steps(connection, [2], at) == []
