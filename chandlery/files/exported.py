"""An export: each series is read, put where it goes, and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from chandlery.files.series import Refused, Series
from chandlery.files.target import Target
from chandlery.model import Window

LATEST = timedelta(days=40_000)
Read = Callable[[Series, Window | None], pl.DataFrame]


class Reach(NamedTuple):
    """From the opening of a coin's first candle that a target has, to the end of its last one."""

    first: datetime
    last: datetime

    def spans(self, moment: datetime) -> bool:
        """Whether there is something before it and after it."""
        return self.first < moment < self.last


class Asked(NamedTuple):
    """What is to be exported: of which window (None: all), and whether only what is newer."""

    series: Sequence[Series]
    window: Window | None = None
    newer: bool = False


@dataclass
class Exported:
    """What came of an export. Coins are in it by their keys."""

    candles: int = 0
    without_volume: int = 0
    reach: dict[int, Reach] = field(default_factory=dict)
    held: bool = False  # whether the target had something already
    refused: dict[str, str] = field(default_factory=dict)  # "BTC 1h": why it was left out

    def saw(self, series: Series, frame: pl.DataFrame, since: datetime | None) -> None:
        """Count candles that were put, after what the target had until `since`."""
        self.candles += frame.height
        self.without_volume += frame["volume"].null_count()
        first, last = frame["timestamp"].min(), frame.select(series.ends.max()).item()
        if isinstance(first, datetime):
            self._reaches(series.coin.key, Reach(since or first, last))

    def _reaches(self, coin: int, to: Reach) -> None:
        known = self.reach.get(coin, to)
        self.reach[coin] = Reach(min(known.first, to.first), max(known.last, to.last))


def export(asked: Asked, read: Read, target: Target) -> Exported:
    """Put what is read of each series into the target; a series that it refuses is passed over."""
    done = Exported()
    for series in asked.series:
        try:
            _one(asked, series, read, target, done)
        except Refused as error:
            done.refused[f"{series.coin.symbol} {series.timeframe}"] = str(error)
    return done


def _one(asked: Asked, series: Series, read: Read, target: Target, done: Exported) -> None:
    since = target.newest(series) if asked.newer else None
    done.held |= since is not None
    window = asked.window if since is None else _after(since, asked.window)
    frame = read(series, window)
    if frame.is_empty():
        return
    target.put(series, frame, window)
    done.saw(series, frame, since)


def _after(newest: datetime, window: Window | None) -> Window:
    """The part of a window that is after a candle's opening; empty where nothing is."""
    start = newest + timedelta(microseconds=1)
    if window is None:
        return Window(start, start + LATEST)
    start = max(start, window.start)
    return Window(start, max(start, window.end))
