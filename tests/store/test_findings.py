"""What is odd about candles: noted once, with what was seen."""

from collections.abc import Callable

import polars as pl

import store

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]


def prices(factor: float) -> dict[str, float]:
    return {"open": 2.0 * factor, "high": 4.0 * factor, "low": factor, "close": 3.0 * factor}


def found(connection: store.Connection, coin: int = 1) -> list[tuple[str, str]]:
    store.refresh(connection)
    oddities = store.find_oddities(connection, [coin])
    return [(each.kind, f"{each.open_time:%d %H}") for each in oddities]


def test_a_power_of_ten_after_a_halt_is_a_redenomination(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bnx", "BNX"))
    spot = store.source_key(connection, "spot")
    store.write(connection, {1: frame(range(5))}, spot)
    store.write(connection, {1: frame(range(9, 20), **prices(0.014))}, spot)
    assert found(connection) == [("redenomination", "28 09")]
    assert found(connection) == []


def test_another_price_after_days_is_a_suspected_reuse(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("luna", "LUNA"))
    spot = store.source_key(connection, "spot")
    store.write(connection, {1: frame(range(5))}, spot)
    store.write(connection, {1: frame(range(100, 110), **prices(4.5))}, spot)
    assert found(connection) == [("suspected reuse", "03 04")]


def test_an_outage_is_no_oddity_whatever_the_market_did_meanwhile(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("btc", "BTC"))
    spot = store.source_key(connection, "spot")
    store.write(connection, {1: frame(range(30))}, spot)
    store.write(connection, {1: frame(range(60, 80), **prices(0.6))}, spot)
    assert found(connection) == []


def test_sources_that_disagree_where_they_join_are_a_splice(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("a", "A"), ("b", "B"))
    spot, okx = (store.source_key(connection, name) for name in ("spot", "okx"))
    store.write(connection, {1: frame(range(5)), 2: frame(range(24))}, spot)
    store.write(connection, {1: frame(range(5, 9)), 2: frame(range(24, 30))}, okx)
    # Closed at 3, opened at 2: within a day, and from one day to the next.
    assert found(connection, 1) == [("splice", "28 05")]
    assert found(connection, 2) == [("splice", "29 00")]
    agree = {1: frame(range(9, 12), **prices(1.5))}
    store.write(connection, agree, spot)
    assert found(connection, 1) == []
