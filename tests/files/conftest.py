"""Candles made by hand, as store.read has them, of coins with odd tickers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chandlery.files import Asked, Exported, Series, export, for_target
from chandlery.files.target import Place
from chandlery.model import Coin, Window
from chandlery.store.frames.read import SCHEMA

T0 = datetime(2023, 12, 31, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
LENGTH = {"1h": 1, "4h": 4, "1d": 24, "1w": 168}
SYMBOLS = (
    ("bitcoin", "BTC"),
    ("pepe", "PEPE"),
    ("1inch", "1INCH"),
    ("binance-life", "币安人生"),
    ("slash", "A/B"),
    ("dots", ".."),
    ("harry", "BITCOIN"),
    ("bitcoin-of-none", "bitcoin"),  # an id in the place of a ticker, as another has that
    ("indicative", "IND"),
    ("wrapped-bitcoin", "wrapped-bitcoin"),
    ("long-s", "ſ"),  # noqa: RUF001  whose capital is S
    ("number", "420"),
)
COINS = tuple(Coin(key, id_, symbol, symbol) for key, (id_, symbol) in enumerate(SYMBOLS, start=1))
IDS = {coin.id: coin.key for coin in COINS} | {"butcoin": 1}
Candles = Callable[..., pl.DataFrame]
Send = Callable[..., Exported]


def candles(
    series: Series, window: Window | None = None, hours: int = 12, **more: Any
) -> pl.DataFrame:
    """Bars from T0 on, prices of 1 and 2 and more, small ones of PEPE; no volume of IND."""
    length = LENGTH[series.timeframe]
    times = [T0 + each * length * HOUR for each in range(hours // length or 1)]
    price = 0.0000012 if series.coin.symbol == "PEPE" else 1.1
    alike = {
        "symbol": series.coin.symbol,
        "timeframe": series.timeframe,
        "volume": None if series.coin.symbol == "IND" else 12.5,
        "source": "binance_spot",
        "hours": length,
        "coin_id": series.coin.id,
    }
    prices = {
        "open_price": [price * (1 + each / 8) for each in range(len(times))],
        "high_price": [price * (2 + each / 8) for each in range(len(times))],
        "low_price": [price * (0.5 + each / 8) for each in range(len(times))],
        "close_price": [price * (1 + each / 4) for each in range(len(times))],
    }
    none = dict.fromkeys(SCHEMA.names())
    frame = pl.DataFrame(none | {"timestamp": times} | alike | prices | more, schema=SCHEMA)
    if window is None:
        return frame
    inside = pl.col("timestamp").is_between(window.start, window.end, closed="left")
    return frame.filter(inside)


@pytest.fixture
def send() -> Send:
    """Export to a target; of these coins and timeframes, of what `read` gives."""

    def sent(  # noqa: PLR0913, PLR0917
        to: Path,
        layout: str | None = None,
        coins: Sequence[Coin] = COINS,
        timeframes: Sequence[str] = ("1h",),
        read: Candles = candles,
        columns: Sequence[str] | None = None,
        window: Window | None = None,
        adjusted: Sequence[tuple[datetime, float]] | None = None,
        *,
        newer: bool = False,
    ) -> Exported:
        _, opening = for_target(to, layout)
        series = [Series(coin, each, adjusted) for coin in coins for each in timeframes]
        with opening(Place(to, columns or SCHEMA.names(), IDS)) as target:
            return export(Asked(series, window, newer), read, target)

    return sent
