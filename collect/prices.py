"""CoinGecko's price of a coin is held against a listing's first candle: is it of so many coins.

A venue's symbol may be of a thousand coins, or of ten million, and names of that kind are added.
One that the rule of names does not know would be stored at ten million times the price. So before
anything of a listing is stored, the candle nearest to the moment at which CoinGecko told the
coin's price is compared with it. A factor near a power of ten is refused, and told.

    10000000AIDOGEUSDT closed at 0.0123, CoinGecko says 0.00000000124: ten million times as much
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log10

import polars as pl

import store
from candles import Listing, Rejected
from collect.plan import Page
from collect.turn import Turn

NEAR = timedelta(hours=26)
"""Between a coin's candle and its price: learnt once a day, and no coin moves tenfold in one."""
WITHIN = 0.15  # of a power of ten, as a logarithm to ten


@dataclass
class Guard:
    """The listings of a turn of which nobody knows yet whether their price is right."""

    turn: Turn
    prices: dict[int, tuple[float, datetime]]
    unchecked: set[Listing]
    right: list[Listing] = field(default_factory=list)

    @classmethod
    def of(cls, turn: Turn, listings: Sequence[Listing]) -> "Guard":
        """A guard for these listings; for none of a source whose prices nobody traded at."""
        asked = [each for each in listings if each.price_checked_at is None]
        if turn.source.kind != "traded" or not asked:
            return cls(turn, {}, set())
        prices = turn.tools.database.do(store.prices, sorted({each.coin for each in asked}))
        return cls(turn, prices, {each for each in asked if each.coin in prices})

    def first(self, pages: Iterable[Page]) -> list[Page]:
        """The pages, those that tell an unchecked listing's price ahead of its others."""
        ahead = {
            each.listing: each
            for each in pages
            if each.listing in self.unchecked and self._tells(each)
        }
        taken = set(map(id, ahead.values()))
        ordered: list[Page] = []
        for each in pages:
            if each.listing in ahead:
                ordered.append(ahead.pop(each.listing))
            if id(each) not in taken:
                ordered.append(each)
        return ordered

    def _tells(self, page: Page) -> bool:
        _, at = self.prices[page.listing.coin]
        return page.window.start - NEAR <= at < page.window.end + NEAR

    def passes(self, page: Page, frame: pl.DataFrame) -> bool:
        """Whether a page may be stored; where not, why is noted as the turn's."""
        listing = page.listing
        if listing in self.turn.mispriced:
            self.turn.fail(listing, page.window, self.turn.refused[listing], refused=True)
            return False
        words = self._judge(listing, frame) if listing in self.unchecked else None
        if words is None:
            return True
        self.turn.mispriced.add(listing)
        self.turn.note(listing, page.window, Rejected(words))
        self.turn.tally.note(f"{listing.symbol}: price: {words}")
        return False

    def _judge(self, listing: Listing, frame: pl.DataFrame) -> str | None:
        price, at = self.prices[listing.coin]
        close = _nearest(frame, at)
        if close is None or not close > 0:
            return None
        self.unchecked.discard(listing)
        power = log10(close / price)
        if round(power) == 0 or abs(power - round(power)) > WITHIN:
            self.right.append(listing)
            return None
        return (
            f"{listing.source}: a coin costs {close:.6g} there and {price:.6g} at CoinGecko, some"
            f" 10^{round(power)} times as much: nothing of it is stored ({listing.symbol})"
        )

    def keep(self) -> None:
        """Note whose price was right: they are not compared again."""
        if self.right:
            self.turn.tools.database.do(store.note_prices, self.right, self.turn.order.now)


def _nearest(frame: pl.DataFrame, at: datetime) -> float | None:
    """The close that is nearest in time, if it is near."""
    apart = (pl.col("open_time") - at).abs()
    near = frame.filter(apart <= NEAR).sort(apart, maintain_order=True)
    return None if near.is_empty() else float(near["close"][0])
