"""What befalls candles rather than requests: hours that are gone, symbols that begin, end, restate.

`Lived` is a market seen through the faults that are switched on; every venue serves it, whatever
its wire format. A new kind is a row of `CHANGES` here and of `NEEDS` in the module on faults.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import polars as pl

from sandbox.bars import Longer, open_bar
from sandbox.faults import LATEST, Fault
from sandbox.venue import Ask, Venue
from sandbox.words import HOUR, STEPS, Candles, Coin, Digits, Listing, Market, hour_of

Change = Callable[[pl.DataFrame, Fault, Candles], pl.DataFrame]

_PRICES = ("open", "high", "low", "close")
_TIME = pl.col("open_time")


def _within(fault: Fault) -> pl.Expr:
    """Return which candles open in a fault's window."""
    return (fault.begins <= _TIME) & (fault.ends > _TIME)


def _gone(frame: pl.DataFrame, fault: Fault, _: Candles) -> pl.DataFrame:
    """Leave out the window."""
    return frame.filter(~_within(fault))


def _begun(frame: pl.DataFrame, fault: Fault, _: Candles) -> pl.DataFrame:
    """Leave out what was before the hour in which it starts."""
    return frame.filter(fault.begins // HOUR * HOUR <= _TIME)


def _ended(frame: pl.DataFrame, fault: Fault, candles: Candles) -> pl.DataFrame:
    """Leave out what comes from the end on, or flatten it where a zombie goes on."""
    if not fault.zombie:
        return frame.filter(fault.ends > _TIME)
    last = candles.frame(hour_of(fault.ends - 1), fault.ends)["close"]
    flat = pl.lit(last[0]) if len(last) else pl.col("open").first()
    dead = fault.ends <= _TIME
    prices = [pl.when(dead).then(flat).otherwise(pl.col(name)).alias(name) for name in _PRICES]
    zeros = [
        pl.when(dead).then(0).otherwise(pl.col(name)).cast(frame.schema[name]).alias(name)
        for name in ("volume", "quote_volume", "trades")
    ]
    return frame.with_columns(*prices, *zeros)


def _scaled(powers: Mapping[str, int]) -> Change:
    """Return what multiplies columns within the window, in the venue's own decimals.

    Quote volume goes with the prices and the volume, as at any venue that adds it up.
    """

    def scaled(frame: pl.DataFrame, fault: Fault, candles: Candles) -> pl.DataFrame:
        digits = {"volume": candles.digits.volume, "quote_volume": candles.digits.quote}
        return frame.with_columns(
            pl.when(_within(fault))
            .then((pl.col(name) * fault.by**power).round(digits.get(name, candles.digits.price)))
            .otherwise(pl.col(name))
            .alias(name)
            for name, power in powers.items()
        )

    return scaled


CHANGES: Mapping[str, Change] = {
    "outage": _gone,
    "halt": _gone,
    "listed": _begun,
    "delisted": _ended,
    "wrong": _scaled({**dict.fromkeys((*_PRICES, "volume"), 1), "quote_volume": 2}),
    "apart": _scaled(dict.fromkeys((*_PRICES, "quote_volume"), 1)),
}


@dataclass(frozen=True)
class Changed:
    """A symbol's hours as the faults leave them."""

    real: Candles
    faults: tuple[Fault, ...]
    step: int = HOUR

    @property
    def first(self) -> int:
        """The oldest open time."""
        first = self.real.first
        begun = (f.begins // HOUR * HOUR for f in self.faults if f.kind == "listed")
        gone = (f for f in self.faults if CHANGES[f.kind] is _gone and f.begins <= first)
        return max(first, *begun, *(min(f.ends, self.real.last + HOUR) for f in gone), 0)

    @property
    def last(self) -> int:
        """The newest open time there will ever be."""
        ended = (hour_of(f.ends - 1) for f in self.faults if f.kind == "delisted" and not f.zombie)
        return min(self.real.last, *ended, LATEST)

    @property
    def digits(self) -> Digits:
        """The decimals the venue shows."""
        return self.real.digits

    def frame(self, start: int, end: int) -> pl.DataFrame:
        """Return the candles opening in [start, end)."""
        frame = self.real.frame(start, end)
        for fault in self.faults:
            frame = CHANGES[fault.kind](frame, fault, self.real)
        return frame

    def so_far(self, now: int) -> pl.DataFrame:
        """Return the hour that is open now, as far as it has come."""
        return open_bar(self, now)


class Lived:
    """A market seen through faults: always those that are switched on now."""

    def __init__(self, market: Market, faults: list[Fault]) -> None:
        self._market = market
        self._faults = faults
        self._kept: dict[object, Candles] = {}

    @property
    def about(self) -> str:
        """Say in a line where the candles come from."""
        return self._market.about

    @property
    def coins(self) -> Sequence[Coin]:
        """All coins, best rank first."""
        return self._market.coins

    def _active(self, source: str, symbol: str) -> tuple[Fault, ...]:
        """Return the faults that change a symbol's candles."""
        return tuple(f for f in self._faults if f.kind in CHANGES and f.hits(source, symbol))

    def listings(self, source: str) -> Sequence[Listing]:
        """Return all listings there ever were at a source, with the dates faults give them."""
        found = self._market.listings(source)
        if not any(f.kind in {"listed", "delisted"} for f in self._faults):
            return found
        return [self._dated(listing) for listing in found]

    def _dated(self, listing: Listing) -> Listing:
        """Return a listing with the dates faults give it."""
        for fault in self._active(listing.source, listing.symbol):
            if fault.kind == "listed":
                listing = replace(listing, since=max(listing.since, fault.begins))
            if fault.kind == "delisted":
                listing = replace(listing, until=min(listing.until or LATEST, fault.ends))
        return listing

    def candles(self, source: str, symbol: str, interval: str) -> Candles | None:
        """Return a symbol's candles as they are now, or None where there are none."""
        active = self._active(source, symbol)
        real = self._market.candles(source, symbol, "1h" if active else interval)
        if not active or real is None or interval not in STEPS:
            return real
        key = (source, symbol, interval, *(f.change for f in active))
        if key not in self._kept:
            # Copies: what pages were written from must not change with a fault.
            hours = Changed(real, tuple(replace(f) for f in active))
            self._kept[key] = hours if interval == "1h" else Longer(hours, STEPS[interval])
        return self._kept[key]

    @contextmanager
    def without(self, fault: Fault) -> Iterator[None]:
        """Leave a fault's hours out of everything, for a moment."""
        self._faults.append(Fault("outage", start=fault.begins, end=fault.ends))
        try:
            yield
        finally:
            self._faults.pop()

    def reached(self, fault: Fault, venue: Venue, ask: Ask) -> bool:
        """Tell whether an answer has candles of a fault's hours: it would differ without them."""
        answer = venue.endpoint(ask)
        real = answer(ask)
        with self.without(fault):
            return answer(ask).body != real.body
