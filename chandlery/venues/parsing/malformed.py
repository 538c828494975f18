"""What is left of a page of which some rows break a rule or cannot be read: the others.

A bad row spoils the hour that it lies in: nothing of that hour is taken, and the hour is told. A
row of which not even the time can be read may be of any hour that the answer lacks near its others:
all of those are told.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from chandlery.errors import Malformed
from chandlery.model import HOUR, Window
from chandlery.model.frame import broken, counted
from chandlery.model.time import LATEST


class MalformedRows(NamedTuple):
    """Adjacent hours of a page whose rows broke a rule or could not be read, and in which way."""

    window: Window
    words: str


class Fetched(NamedTuple):
    """The closed candles of a page that keep every rule, and the hours of those that do not.

    And the market caps that came with them, as MARKET_CAPS, from a source that tells any. Hours
    that end after `closed_by` are left out, and nothing is said of them.
    """

    frame: pl.DataFrame
    malformed: tuple[MalformedRows, ...] = ()
    market_caps: pl.DataFrame | None = None
    closed_by: datetime = LATEST


def sifted(frame: pl.DataFrame, page: Window) -> Fetched:
    """The good rows of `frame`, which are in order and of `page`, and the hours of the bad ones.

    Malformed, with the rules that are broken, where half of the rows or more are bad.
    """
    rules = broken(frame)
    hours = frame["open_time"].dt.truncate("1h")
    bad = rules.select(pl.any_horizontal(pl.all())).to_series()
    spoilt = hours.is_in(hours.filter(bad).drop_nulls().implode()).fill_null(value=False) | bad
    if 2 * spoilt.sum() >= frame.height:
        raise Malformed(counted(rules))
    good = frame.filter(~spoilt)
    return Fetched(good, tuple(_spoilt_hours(rules.filter(bad), hours.filter(bad), good, page)))


def _spoilt_hours(
    rules: pl.DataFrame, hours: pl.Series, good: pl.DataFrame, page: Window
) -> Iterable[MalformedRows]:
    """The hours that bad rows spoil, each with the `rules` that are broken there."""
    for window in windows(hours.drop_nulls().unique()):
        within = hours.is_between(window.start, window.end, closed="left").fill_null(value=False)
        if clipped := page.clip(window):
            yield MalformedRows(clipped, counted(rules.filter(within)))
    timeless = rules.filter(hours.is_null())
    known = windows({*good["open_time"], *hours.drop_nulls()})
    for window in _lacking(known, page, timeless.height):
        yield MalformedRows(window, counted(timeless))


def _lacking(known: Sequence[Window], page: Window, rows: int) -> list[Window]:
    """The hours of `page` that so many rows without a time may be of, given those that are known.

    Rows come without a break: those of which nothing is known lie among the others or next to them.
    """
    if not rows or not known:
        return []
    around = page.clip(Window(known[0].start - rows * HOUR, known[-1].end + rows * HOUR))
    return [] if around is None else around.without(known)


def merged(parts: Sequence[Fetched]) -> Fetched:
    """What several answers have of the same hours: of each the first that is good."""
    frame = pl.concat(part.frame for part in parts).unique("open_time", keep="first")
    frame, told = frame.sort("open_time"), windows(frame["open_time"])
    malformed: list[MalformedRows] = []
    for each in (each for part in parts for each in part.malformed):
        malformed += [MalformedRows(left, each.words) for left in each.window.without(told)]
        told.append(each.window)
    return Fetched(frame, tuple(sorted(malformed, key=lambda each: each.window.start)))


def windows(hours: Iterable[datetime]) -> list[Window]:
    """These hours, adjacent ones as one window, in order."""
    found: list[Window] = []
    for hour in sorted(hours):
        if found and found[-1].end == hour:
            found[-1] = Window(found[-1].start, hour + HOUR)
        else:
            found.append(Window(hour, hour + HOUR))
    return found
