"""CoinGecko's price of a coin is held against a listing's first candle: is it of so many coins.

A venue's symbol may be of a thousand coins, or of ten million, and names of that kind are added.
One that the rule of names does not know would be stored at ten million times the price. So before
anything of a listing is stored, the candle nearest to the moment at which CoinGecko told the
coin's price is compared with it. A factor near a power of ten is refused, and told.

    10000000AIDOGEUSDT closed at 0.0123, CoinGecko says 0.00000000124: ten million times as much
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import log10

import polars as pl

from chandlery import store
from chandlery.engine.plan import Page
from chandlery.engine.source_batch import SourceBatch
from chandlery.errors import SourceError
from chandlery.model import HOUR, Listing, Window, empty, price, whole_hour
from chandlery.venues import Source, fetch

NEAR = timedelta(hours=26)
"""Between a coin's candle and its price: learnt once a day, and no coin moves tenfold in one."""
FEW = 3 * HOUR
WITHIN = 0.15  # of a power of ten, as a logarithm to ten


@dataclass
class Guard:
    """The listings of a batch of which nobody knows yet whether their price is right."""

    batch: SourceBatch
    prices: dict[int, tuple[float, datetime]]
    unchecked: set[Listing]
    right: list[Listing] = field(default_factory=list)

    @classmethod
    def of(cls, batch: SourceBatch, listings: Sequence[Listing]) -> "Guard":
        """A guard for these listings; for none of a source whose prices nobody traded at."""
        asked = [each for each in listings if each.price_checked_at is None]
        if batch.source.kind == "indicative" or not asked:
            return cls(batch, {}, set())
        prices = batch.context.database.do(store.prices, sorted({each.coin for each in asked}))
        return cls(batch, prices, {each for each in asked if each.coin in prices})

    def first(self, pages: Sequence[Page]) -> list[Page]:
        """The pages, those that tell an unchecked listing's price ahead of its others.

        Where none does, the venue is asked for some hours that do, before it is for the pages.
        """
        ahead = {
            each.listing: each
            for each in pages
            if each.listing in self.unchecked and self._tells(each)
        }
        self._ask({each.listing for each in pages} & self.unchecked - ahead.keys())
        taken = set(map(id, ahead.values()))
        ordered: list[Page] = []
        for each in pages:
            if each.listing in ahead:
                ordered.append(ahead.pop(each.listing))
            if id(each) not in taken:
                ordered.append(each)
        return ordered

    def _ask(self, listings: Iterable[Listing]) -> None:
        """Ask the venue itself, also where its files are asked: the newest come a day late."""
        batch = self.batch
        source = batch.context.sources[batch.source.listings]
        if batch.off is not None or source.name in batch.result.off:
            return
        futures = {
            each: batch.context.workers.submit(self._hours, source, each) for each in listings
        }
        for listing, future in futures.items():
            with suppress(SourceError):  # nobody knows then, as before
                if (words := self._judge(listing, future.result())) is not None:
                    self._refuse(listing, words)

    def _hours(self, source: Source, listing: Listing) -> pl.DataFrame:
        now = whole_hour(self.batch.spec.now)
        end = min(whole_hour(self.prices[listing.coin][1]), now)
        window = listing.clip(Window(end - FEW, end))
        if window is None:
            return empty()
        return fetch(self.batch.context.client, source, listing, window, self.batch.spec.now).frame

    def _tells(self, page: Page) -> bool:
        _, at = self.prices[page.listing.coin]
        return page.window.start - NEAR <= at < page.window.end + NEAR

    def passes(self, page: Page, frame: pl.DataFrame) -> bool:
        """Whether a page may be stored; where not, why is noted as the batch's."""
        listing = page.listing
        if listing in self.batch.mispriced:
            self.batch.fail(listing, page.window, self.batch.refused[listing], refused=False)
            return False
        words = self._judge(listing, frame) if listing in self.unchecked else None
        if words is None:
            return True
        self._refuse(listing, words)
        self.batch.fail(listing, page.window, words, refused=False)  # the next run looks again
        return False

    def _refuse(self, listing: Listing, words: str) -> None:
        self.batch.mispriced.add(listing)
        self.batch.refused[listing] = words
        self.batch.result.note(f"{listing.symbol}: price: {words}")

    def _judge(self, listing: Listing, frame: pl.DataFrame) -> str | None:
        told, at = self.prices[listing.coin]
        close = nearest(frame, at)
        if close is None or not close > 0:
            return None
        self.unchecked.discard(listing)
        words = misjudged(listing, close, told)
        if words is None:
            self.right.append(listing)
        return words

    def keep(self) -> None:
        """Note whose price was right: they are not compared again."""
        if self.right:
            self.batch.context.database.do(store.note_prices, self.right, self.batch.spec.now)


def misjudged(listing: Listing, close: float, told: float) -> str | None:
    """What is wrong with a listing's price, given CoinGecko's of that time; None where nothing is.

    A factor near a power of ten tells that the symbol is of so many coins.
    """
    power = log10(close / told)
    if round(power) == 0 or abs(power - round(power)) > WITHIN:
        return None
    return (
        f"{listing.source}: a coin costs {price(close)} there and {price(told)} at"
        f" CoinGecko, some 10^{round(power)} times as much: nothing of it is stored"
        f" ({listing.symbol})"
    )


def nearest(frame: pl.DataFrame, at: datetime) -> float | None:
    """The close that is nearest in time, if it is near; the frame is in order of time."""
    opened = frame["open_time"]
    after = opened.search_sorted(at)
    beside = [place for place in (after - 1, after) if 0 <= place < frame.height]
    apart, place = min(
        ((abs(opened[place] - at), place) for place in beside), default=(2 * NEAR, 0)
    )
    return float(frame["close"][place]) if apart <= NEAR else None
