"""Halts, what explains them, and prices as people write them."""

from collections.abc import Callable

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR
from tests.store.looking import FLAT, NOW, STEADY, T0, found, lacks, listed, times

Frame = Callable[..., pl.DataFrame]


@pytest.mark.usefixtures("others")
def test_a_redenomination_is_told_once(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    """As a jump too when the halt is short; as a halt too when it is long."""
    for coin, halt in ((1, 4), (2, 149)):
        store.write(connection, {coin: frame(range(40), **STEADY)}, spot)
        store.write(connection, {coin: frame(range(40 + halt, 250), **times(0.01))}, spot)
    lacks(connection, spot, (1, 40, 44, "hole"), (2, 40, 189, "hole"))
    assert [row[:2] for row in found(connection)] == [
        ("redenomination", "A"),
        ("redenomination", "B"),
    ]


@pytest.mark.usefixtures("others")
def test_another_coin_after_a_halt_is_told_once(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(40), **STEADY)}, spot)
    store.write(connection, {1: frame(range(189, 250), **times(3))}, spot)
    lacks(connection, spot, (1, 40, 189, "hole"))
    assert [row[0] for row in found(connection)] == ["suspected reuse"]


@pytest.mark.usefixtures("others")
def test_a_day_without_a_candle_in_mid_life_is_a_halt(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame([*range(30), *range(54, 60)])}, spot)  # across two days
    store.write(connection, {2: frame([*range(30), *range(53, 60)])}, spot)
    store.write(connection, {3: frame([*range(30), *range(149 + 30, 185)])}, spot)
    lacks(connection, spot, (1, 30, 54, "hole"), (2, 30, 53, "hole"), (3, 30, 179, "between"))
    listed(connection, "c")
    assert found(connection, "halt") == [
        ("halt", "A", "01 06", "24 hours without a candle from 2024-02-29 06:00Z on"),
        ("halt", "C", "06 11", "149 hours without a candle from 2024-02-29 06:00Z on"),
    ]
    store.write(connection, {1: frame([40])}, spot)
    assert [row[1] for row in found(connection, "halt", now=NOW + 6)] == ["C"]


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("outcome", [None, "failed", "lost", "refused", "edge", "malformed"])
def test_hours_that_no_venue_says_it_has_none_of_are_no_halt(
    connection: store.Connection, spot: int, frame: Frame, outcome: str | None
) -> None:
    """Nobody was asked, or they did not answer, or nothing tells that the answer was whole."""
    store.write(connection, {1: frame([*range(30), *range(90, 99)])}, spot)
    if outcome is not None:
        lacks(connection, spot, (1, 30, 90, outcome))
    assert found(connection, "halt") == []


@pytest.mark.usefixtures("others")
def test_a_halt_is_as_long_as_the_venue_was_asked_for(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2):
        store.write(connection, {coin: frame([*range(30), *range(90, 99)])}, spot)
    lacks(connection, spot, (1, 60, 90, "hole"), (2, 30, 60, "hole"))
    # A's first 30 hours nobody was asked for; B's last 30, so that nobody knows when it went on.
    assert found(connection, "halt") == [
        ("halt", "A", "02 18", "30 hours without a candle from 2024-03-01 12:00Z on")
    ]


def test_an_outage_of_the_venue_is_no_halt(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2):
        store.write(connection, {coin: frame([*range(30), *range(90, 99)])}, spot)
    lacks(connection, spot, (1, 30, 90, "hole"), (2, 30, 90, "hole"))
    assert found(connection, "halt") == []


@pytest.mark.usefixtures("others")
def test_hours_between_two_listings_are_no_halt(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame([*range(10), *range(100, 110)])}, spot)
    lacks(connection, spot, (1, 10, 100, "hole"))
    listed(connection, "a", T0 + 10 * HOUR)
    assert found(connection, "halt") == []
    listed(connection, "a", T0 + 105 * HOUR)
    assert [row[1] for row in found(connection, "halt")] == ["A"]
    connection.execute("update listing set starts_at = %s", (T0 + 11 * HOUR,))
    assert [row[3] for row in found(connection, "halt", now=NOW + 6)] == [
        "89 hours without a candle from 2024-02-28 11:00Z on"
    ]
    connection.execute("update listing set starts_at = %s", (T0 + 99 * HOUR,))
    assert found(connection, "halt", now=NOW + 12) == []


def test_prices_are_written_as_people_write_them(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    tiny = 5e-05 / 2
    store.write(connection, {1: frame(range(60), **times(tiny, FLAT))}, spot)  # zombie
    okx = store.source_key(connection, "okx")
    store.write(connection, {2: frame(range(5), **times(128.449999995))}, spot)  # splice
    store.write(connection, {2: frame(range(5, 9), **times(tiny))}, okx)
    store.write(connection, {3: frame(range(5), **times(tiny))}, spot)  # redenomination, price
    store.write(connection, {3: frame(range(9, 20), **times(tiny * 1000))}, spot)
    connection.execute(
        "update coin set price = 1.23e-07, priced_at = %s where key = 3", (T0 + 20 * HOUR,)
    )
    told = {(kind, coin): detail for kind, coin, _, detail in found(connection)}
    assert told["zombie", "A"] == "60 hours without a trade, all at 0.00005"
    assert told["splice", "B"] == "spot closed at 256.9, okx opened at 0.00005"
    expected = "closed at 0.00005, opened at 0.05 after 4 hours without a candle"
    assert told["redenomination", "C"] == expected
    expected = "closed at 0.05, and CoinGecko said 0.000000123 within the hour"
    assert told["price", "C"] == expected
