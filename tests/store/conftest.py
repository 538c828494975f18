"""Candles by the handful, and coins to hang them on."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

import store
from candles import HOUR, SCHEMA

T0 = datetime(2024, 2, 28, tzinfo=UTC)

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]


@pytest.fixture
def frame() -> Frame:
    """Make candles at these hours after 2024-02-28, all alike but for the columns given."""

    def make(hours: Iterable[int], **columns: Any) -> pl.DataFrame:
        times = [T0 + hour * HOUR for hour in sorted(hours)]
        values = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0, "volume": 10.0}
        alike = values | {"quote_volume": 20.0, "trades": 5} | columns
        return pl.DataFrame({"open_time": times} | alike, schema=SCHEMA)

    return make


@pytest.fixture
def learn(connection: store.Connection) -> Learn:
    """Learn coins, best-ranked first, from (id, ticker); the first one's key is 1."""

    def learnt(*coins: tuple[str, str]) -> int:
        seen = pl.DataFrame(coins, schema=["id", "ticker"], orient="row").with_columns(
            name="id", rank=pl.int_range(1, pl.len() + 1)
        )
        return store.learn_coins(connection, seen, T0)

    return learnt


@pytest.fixture
def twenty_known(connection: store.Connection, learn: Learn) -> None:
    """Coins 1 to 20 and source 0: what is replaced leaves a trace, which names who is known."""
    learn(*((f"coin-{n}", f"C{n}") for n in range(1, 21)))
    store.source_key(connection, "spot")
