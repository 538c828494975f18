"""Coins, and where they trade; and what others say, made fit for one line."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from chandlery.model.time import Window

LONGEST = 200  # signs of a text from outside
DIGITS = 8  # of a price: more are the noise of a division

Kind = Literal["traded", "pooled", "indicative"]
"""Traded: a venue's own candle. Pooled: one pool's trades at a decentralised venue, its volume in
dollars alone. Indicative: built from price points, its volume unknown."""
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The best first: a candle of a better kind takes a worse one's place."""


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

    `multiple` is how many coins one unit of the symbol holds: 1000 for 1000PEPEUSDT. `told_start`
    is when trading began in the venue's word. `start` was last held against the candles around it
    at `start_checked_at`, the price against CoinGecko's at `price_checked_at`; None: never.
    """

    coin: int
    source: str
    symbol: str
    multiple: int = 1
    start: datetime | None = None
    end: datetime | None = None
    told_start: datetime | None = None
    start_checked_at: datetime | None = None
    price_checked_at: datetime | None = None

    @property
    def market(self) -> tuple[str, int, str]:
        """What it is, whatever is learnt of it meanwhile: source, coin and symbol."""
        return self.source, self.coin, self.symbol

    def clip(self, window: Window) -> Window | None:
        """The part of `window` in which the coin is listed, as far as is known, or None."""
        start = window.start if self.start is None else max(window.start, self.start)
        end = window.end if self.end is None else min(window.end, self.end)
        return Window(start, end) if start < end else None


def one_line(text: str, longest: int = LONGEST) -> str:
    """`text` in one bounded line, without anything that a terminal or a reader is led astray by."""
    words = " ".join(re.split(r"[\s\x00-\x1f\x7f-\x9f]+", text)).strip()
    words = "".join(sign for sign in words if sign.isprintable())
    return words if len(words) <= longest else f"{words[:longest]}…"


def price(value: float) -> str:
    """A price as people write it: 0.00005 and not 5e-05, 256.9 and not 256.89999999."""
    return f"{Decimal(f'{value:.{DIGITS}g}'):f}"
