"""The words the sandbox's rooms share: what a market is, and what one symbol's candles are.

Times are milliseconds since 1970, UTC, as most venues count them. A frame of candles has the
columns `open_time` (Int64, ms), `open`, `high`, `low`, `close`, `volume`,
`quote_volume` (Float64, the last may be null) and `trades` (Int64, may be null), ascending.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

HOUR = 3_600_000
DAY = 24 * HOUR

STEPS: Mapping[str, int] = {
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "8h": 8 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
}

COLUMNS = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
)


def hour_of(time: int) -> int:
    """Return when the hour opened in which a time lies, both in milliseconds."""
    return time // HOUR * HOUR


class BadOption(ValueError):
    """What the sandbox was started with cannot be served; the message is for people."""


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin as CoinGecko knows it."""

    id: str
    symbol: str
    name: str
    rank: int
    price: float | None
    active: bool = True  # false: CoinGecko tells of it no more


@dataclass(frozen=True, slots=True)
class Listing:
    """A symbol at a venue, from `since` until `until`; `coin` is None where nobody says.

    A unit of the symbol is `multiple` coins: its price is that of so many. Of one that is
    `archived` the venue's files are left, and nothing else.
    """

    source: str
    symbol: str
    base: str
    quote: str
    coin: str | None
    since: int
    until: int | None = None
    contract: str = "PERPETUAL"
    underlying: str = "COIN"
    multiple: int = 1
    archived: bool = False

    def trades_at(self, now: int) -> bool:
        """Tell whether this is what the symbol means at that time."""
        return self.since <= now and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Digits:
    """How many decimals a venue shows of a symbol's price, volume and quote volume."""

    price: int
    volume: int
    quote: int


class Candles(Protocol):
    """One symbol's candles of one timeframe, every one as it is when closed."""

    @property
    def step(self) -> int:
        """The timeframe in milliseconds."""

    @property
    def first(self) -> int:
        """The oldest open time."""

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""

    @property
    def digits(self) -> Digits:
        """The decimals the venue shows."""

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end)."""

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the bar that is open now, as far as it has come: one row, or none."""


class Market(Protocol):
    """All coins, listings and candles a sandbox serves."""

    @property
    def about(self) -> str:
        """Say in a line where the candles come from."""

    @property
    def coins(self) -> Sequence[Coin]:
        """All coins, best rank first."""

    def listings(self, source: str) -> Sequence[Listing]:
        """Return all listings there ever were at a source."""

    def candles(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Return a symbol's candles, or None where there are none."""
