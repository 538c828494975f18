"""What is odd about candles: noted once, with what was seen."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from math import isclose

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR
from chandlery.store.findings import LONGEST, POWER_OF_TEN, REDENOMINATED

T0 = datetime(2024, 2, 28, tzinfo=UTC)
Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]


def prices(factor: float) -> dict[str, float]:
    return {"open": 2.0 * factor, "high": 4.0 * factor, "low": factor, "close": 3.0 * factor}


def found(connection: store.Connection, coin: int = 1) -> list[tuple[str, str]]:
    store.refresh(connection)
    oddities = store.find_oddities(connection, [coin])
    return [(each.kind, f"{each.open_time:%d %H}") for each in oddities]


def halted(
    connection: store.Connection,
    frame: Frame,
    halt: int,
    factor: float,
    *sources: str,
    close: float | None = None,
) -> int:
    """Five hours that close at 3, a halt, and three that open at `factor` times that; when."""
    before, after = (store.source_key(connection, name) for name in (sources or ("spot", "spot")))
    opened = 3.0 * factor
    last = opened if close is None else close
    new = {"open": opened, "high": max(opened, last), "low": min(opened, last), "close": last}
    at = 5 + halt
    store.write(connection, {1: frame(range(5))}, before)
    store.write(connection, {1: frame(range(at, at + 3), **new)}, after)
    return at


def listed(
    connection: store.Connection, source: str, symbol: str, start: int | None, end: int | None
) -> None:
    """Coin 1 is listed there from hour `start` until hour `end`."""
    starts, ends = (None if hour is None else T0 + hour * HOUR for hour in (start, end))
    connection.execute(
        "insert into listing (coin, source, symbol, starts_at, ends_at) values (1, %s, %s, %s, %s)",
        (store.source_key(connection, source), symbol, starts, ends),
    )


def kinds(connection: store.Connection) -> list[str]:
    return [kind for kind, _ in found(connection)]


# Hours without a candle, the price's factor, and what it is. The first five are real.
HALTS: Mapping[str, tuple[int, float, list[str]]] = {
    "BNX, 1:100": (149, 0.01, ["redenomination"]),
    "QUICK, 1:1000": (101, 0.001, ["redenomination"]),
    "VIDT, 1:10": (221, 0.044 / 0.4731, ["redenomination"]),
    "a thousand old ones are a new one": (96, 1000.0, ["redenomination"]),
    "LUNC, traded elsewhere for four months": (2863, 0.0005177 / 0.00005, ["suspected reuse"]),
    "over in an afternoon": (4, 0.1, ["redenomination"]),
    "8 % above": (149, 10.75, ["redenomination"]),
    "8 % below": (149, 9.25, ["redenomination"]),
    "a tenth above": (149, 11.0, ["suspected reuse"]),
    "a tenth below": (149, 0.089, ["suspected reuse"]),
    "between two powers": (149, 0.0316, ["suspected reuse"]),
    "as long as any": (240, 0.01, ["redenomination"]),
    "longer than any": (241, 0.01, ["suspected reuse"]),
    "twice the price at once": (10, 2.1, []),
    "what a market does in days": (100, 0.6, []),
    "the same price": (149, 1.0, []),
}


@pytest.mark.parametrize("case", HALTS.values(), ids=HALTS)
def test_another_price_after_a_halt_is_what_its_factor_and_its_length_say(
    connection: store.Connection,
    frame: Frame,
    learn: Learn,
    case: tuple[int, float, list[str]],
) -> None:
    halt, factor, told = case
    learn(("bnx", "BNX"))
    at = T0 + halted(connection, frame, halt, factor) * HOUR
    assert found(connection) == [(kind, f"{at:%d %H}") for kind in told]
    assert found(connection) == []


def test_the_bounds_of_a_redenomination() -> None:
    assert timedelta(hours=221) < REDENOMINATED < LONGEST
    assert isclose(10**-POWER_OF_TEN, 0.92)


def test_an_odd_first_trade_after_an_outage_is_no_redenomination(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("a", "A"))
    halted(connection, frame, 5, 0.1, close=2.9)
    assert found(connection) == []


@pytest.mark.parametrize(("halt", "factor"), [(149, 0.01), (2863, 10.354)])
def test_a_coin_that_came_back_under_another_symbol_is_explained_by_its_listings(
    connection: store.Connection, frame: Frame, learn: Learn, halt: int, factor: float
) -> None:
    learn(("terra-luna", "LUNC"))
    at = halted(connection, frame, halt, factor)
    listed(connection, "okx", "LUNC-USDT", None, None)
    listed(connection, "spot", "LUNAUSDT", None, 5)
    listed(connection, "spot", "LUNCUSDT", at, None)
    assert found(connection) == []


def test_a_second_symbol_explains_nothing_while_the_first_goes_on(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bnx", "BNX"))
    at = halted(connection, frame, 149, 0.01)
    listed(connection, "spot", "BNXBUSD", None, 3)
    listed(connection, "spot", "BNXUSDT", 0, None)
    listed(connection, "spot", "BNXUSDC", at, None)
    assert kinds(connection) == ["redenomination"]


@pytest.mark.parametrize(("halt", "factor"), [(149, 0.01), (149, 3.0)])
def test_another_venue_with_another_price_is_no_redenomination_and_no_other_coin(
    connection: store.Connection, frame: Frame, learn: Learn, halt: int, factor: float
) -> None:
    learn(("a", "A"))
    halted(connection, frame, halt, factor, "spot", "okx")
    listed(connection, "spot", "AUSDT", None, None)
    listed(connection, "okx", "A-USDT", None, None)
    assert found(connection) == []


def test_a_venues_files_and_its_api_are_one_venue(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bnx", "BNX"))
    halted(connection, frame, 149, 0.01, "spot_archive", "spot")
    listed(connection, "spot", "BNXUSDT", 0, None)  # an archive has no listings of its own
    assert kinds(connection) == ["redenomination"]


def test_a_halt_that_another_venue_filled_is_a_redenomination_once(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    """Spot halts at 3 and goes on at 0.03; meanwhile OKX has the old coins at 3."""
    learn(("bnx", "BNX"))
    halted(connection, frame, 149, 0.01)
    old = dict.fromkeys(("open", "high", "low", "close"), 3.0)
    store.write(connection, {1: frame(range(5, 154), **old)}, store.source_key(connection, "okx"))
    listed(connection, "spot", "BNXUSDT", 0, None)
    listed(connection, "okx", "BNX-USDT", 0, None)
    store.refresh(connection)
    (oddity,) = store.find_oddities(connection, [1])
    assert oddity.kind == "redenomination"
    assert oddity.detail == "closed at 3, opened at 0.03 after 149 hours without a candle of spot"


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
