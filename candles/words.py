"""Coins, and where they trade."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from candles.time import Window

Kind = Literal["traded", "indicative"]
"""Traded: a venue's own candle. Indicative: built from price points, its volume unknown."""


@dataclass(frozen=True, slots=True)
class Coin:
    """One coin, whatever its tickers. `key` is the database's number for it, `id` CoinGecko's."""

    key: int
    id: str
    symbol: str
    name: str
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A coin at a source under its native symbol, from `start` (None: unknown) to `end`.

    `multiple` is how many coins one unit of the symbol holds: 1000 for 1000PEPEUSDT.
    """

    coin: int
    source: str
    symbol: str
    multiple: int = 1
    start: datetime | None = None
    end: datetime | None = None

    def clip(self, window: Window) -> Window | None:
        """The part of `window` in which the coin is listed, as far as is known, or None."""
        start = window.start if self.start is None else max(window.start, self.start)
        end = window.end if self.end is None else min(window.end, self.end)
        return Window(start, end) if start < end else None
