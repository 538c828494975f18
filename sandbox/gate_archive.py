"""Gate's monthly files of spot candles, as they lie at download.gatedata.org.

Described at www.gate.com/developer/historical_quotes. What it leaves open, and what is done here:

- An hour without a trade has no row: candles are said to be made of trades.
- A month appears with the first second of the next.
- A month in which nothing traded has no file.
"""

import gzip
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from sandbox.archive import not_found
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Venue
from sandbox.wire import shortest
from sandbox.words import Candles, Market

_SOURCE, _SERVES = "gate_archive", "gate"
_FOLDER = "/spot/candlesticks_1h"
_FILE = re.compile(r"(?P<symbol>\w+)-(?P<month>\d{6})\.csv\.gz")
_SECOND = 1000


def rows(frame: pl.DataFrame, candles: Candles) -> str:
    """Write candles as rows of six: time, base volume, close, high, low, open."""
    numbers = {"volume": (frame["volume"], candles.digits.volume)}
    prices = ("close", "high", "low", "open")
    numbers |= {name: (frame[name], candles.digits.price) for name in prices}
    times = (frame["open_time"] // _SECOND).alias("time")
    return shortest(numbers).insert_column(0, times).write_csv(include_header=False)


class GateArchive:
    """The files, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        return {f"{_FOLDER}/*/*": self._file}

    def _file(self, ask: Ask) -> Answer:
        """Answer a month's file."""
        folder, name = ask.path.rsplit("/", 2)[1:]
        told = _FILE.fullmatch(name)
        if told is None or told["month"] != folder:
            return not_found(ask)
        text = self._month(told["symbol"], told["month"], ask.now)
        if not text:
            return not_found(ask)
        return Answer(200, gzip.compress(text.encode(), mtime=0), media="application/x-gzip")

    def _month(self, symbol: str, month: str, now: int) -> str:
        """Return a month's rows; none before it is over."""
        candles = self._market.candles(_SERVES, symbol, "1h")
        try:
            begin = datetime.strptime(month, "%Y%m").replace(tzinfo=UTC)
        except ValueError:
            return ""
        end = (begin + timedelta(days=31)).replace(day=1)
        start, stop = (int(at.timestamp()) * _SECOND for at in (begin, end))
        if candles is None or now < stop:
            return ""
        return rows(candles.frame(start, stop).filter(pl.col("volume") > 0), candles)


LIMITS: Mapping[str, Limit] = {}  # nobody counts


def venues(market: Market, _: Meters) -> list[Venue]:
    """Return the archive."""
    endpoints = GateArchive(market).endpoints()
    return [
        Venue(
            source=_SOURCE,
            endpoints=endpoints,
            not_found=not_found,
            immune=frozenset({"451", "geo"}),
        )
    ]
