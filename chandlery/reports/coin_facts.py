"""What a chart of one coin shows: its bars, the hours that are missing, and what is odd in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from chandlery import store
from chandlery.errors import Misuse
from chandlery.model import HOUR, Coin, Window, price, utc_text, whole_hour
from chandlery.quality.wording import sentence
from chandlery.store import NOT_MISSING, Adjustment, Connection, Finding, Gap, Restated

BARS = 200  # where no start is given
EDGE = 10  # what lies outside of the bars has at most one part in so many of their length
LENGTHS = {"1h": "1h", "4h": "4h", "1d": "1d", "1w": "1w", "1M": "1mo"}  # as polars has them
UNIT = "redenomination"


class Asked(NamedTuple):
    """What is to be shown as of `now`: `within` (None: all), or the last BARS bars of it."""

    coin: Coin
    timeframe: str
    within: Window | None
    now: datetime
    newest_only: bool = False
    adjusted: bool = False


class Mark(NamedTuple):
    """Something odd at an hour (UTC): its kind (a finding's, or "restated"), and a sentence."""

    kind: str
    open_time: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A chart's content.

    `bars` is as store.read has it, at least one row, with `ends`, when each is over. `window` is
    what the chart spans. `gaps` are cut to it, and tell hours outside of the coin's life too.
    """

    asked: Asked
    window: Window
    bars: pl.DataFrame
    gaps: Sequence[Gap]
    marks: Sequence[Mark]

    @property
    def missing(self) -> list[Gap]:
        """The gaps of hours that somebody could have."""
        return [gap for gap in self.gaps if gap.reason not in NOT_MISSING]


def facts(connection: Connection, asked: Asked) -> Facts:
    """Read what a chart shows; Misuse where it would be empty."""
    bars = _bars(connection, asked)
    first, last = bars["timestamp"][0], bars["ends"][-1]
    edge = (last - first) // HOUR // EDGE * HOUR
    window = _window(asked, Window(first, last), edge)
    gaps = store.gaps(connection, [asked.coin.key], window, asked.now)
    window = _trimmed(window, gaps, edge)
    marks = _marks(connection, asked.coin, window)
    return Facts(asked, window, bars, _clipped(gaps, window), marks)


def _bars(connection: Connection, asked: Asked) -> pl.DataFrame:
    found = store.read(
        connection,
        [asked.coin],
        asked.timeframe,
        asked.within,
        asked.now,
        adjusted=asked.adjusted,
    )
    if found.is_empty():
        symbol = asked.coin.symbol
        when = "" if asked.within is None else " in these times"
        raise Misuse(
            f"{symbol} has no {asked.timeframe} candles{when}:"
            f" `chandlery status --symbols {symbol}` shows what is there"
        )
    ends = pl.col("timestamp").dt.offset_by(LENGTHS[asked.timeframe])
    return (found.tail(BARS) if asked.newest_only else found).with_columns(ends=ends)


def _window(asked: Asked, held: Window, edge: timedelta) -> Window:
    """What was asked for; on a side where nothing was, what is held and, up to now, a bit more."""
    within, closed = asked.within, whole_hour(asked.now)
    has_start = within is not None and not asked.newest_only
    start = within.start if within is not None and has_start else held.start
    until = min(closed, held.end + edge) if within is None else min(closed, within.end)
    return Window(start, max(until, held.end))


def _trimmed(window: Window, gaps: Sequence[Gap], edge: timedelta) -> Window:
    """Without most of the time before a listing and after its end: it would dwarf the bars."""
    outside = [gap.window for gap in gaps if gap.reason in NOT_MISSING]
    before = [each.end for each in outside if each.start == window.start]
    after = [each.start for each in outside if each.end == window.end]
    start = max(window.start, *(at - edge for at in before)) if before else window.start
    end = min(window.end, *(at + edge for at in after)) if after else window.end
    return Window(start, end)


def _clipped(gaps: Iterable[Gap], window: Window) -> list[Gap]:
    parts = ((gap, gap.window.clip(window)) for gap in gaps)
    return [gap._replace(window=part) for gap, part in parts if part is not None]


def _marks(connection: Connection, coin: Coin, window: Window) -> list[Mark]:
    """In time. Redenominations are those of `chandlery adjust`, which has confirmed ones too."""
    found = [
        _finding(each)
        for each in store.findings_within(connection, coin, window)
        if each.kind not in {UNIT, "restated"}
    ]
    units = [
        _unit(each)
        for each in store.adjustments(connection, [coin])
        if window.start <= each.open_time < window.end
    ]
    restated = map(_restated, store.restated_hours(connection, coin, window))
    return sorted([*found, *units, *restated], key=lambda mark: (mark.open_time, mark.kind))


def _finding(each: Finding) -> Mark:
    return Mark(each.kind, each.open_time, sentence(*each))


def _unit(each: Adjustment) -> Mark:
    factor = "" if each.factor is None else f", prices before times {price(each.factor)}"
    state = "proposed" if each.confirmed_at is None else "confirmed"
    words = f"redenominated at {utc_text(each.open_time)}{factor} ({state}, `chandlery adjust`)."
    return Mark(UNIT, each.open_time, f"{each.coin.symbol} was {words}")


def _restated(each: Restated) -> Mark:
    was, now = price(each.told_first), price(each.close)
    return Mark(
        "restated",
        each.open_time,
        f"{utc_text(each.open_time)} was restated at {utc_text(each.replaced_at)}:"
        f" it closed at {was}, and closes at {now}.",
    )
