"""Candles from files that people have, taken in as those of the source that they are from.

They are held to the rules of fetched ones, and fill hours that have no traded candle. A symbol can
have been two coins in turn: each hour goes to the coin that was listed then.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import polars as pl

from chandlery import store
from chandlery.engine.price_check import misjudged, nearest
from chandlery.errors import Malformed
from chandlery.model import HOUR, Listing, Window, within
from chandlery.model.frame import broken
from chandlery.venues import held_to_rules

ALWAYS = Window(datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
CLOSED, LISTED, ONCE = "the hour has closed", "the symbol was listed then", "a row is there once"
ALONE = "no other row of its hour breaks a rule"


class File(NamedTuple):
    """Where candles came from: a file's name, without its folder, and the digest of its bytes."""

    name: str
    sha256: str


@dataclass
class Imported:
    """What became of a file's rows; `refused` counts them by the rule that they break."""

    read: int = 0
    stored: int = 0
    there: int = 0  # their hours have a candle
    differing: int = 0  # of these: of the same source, and another price
    refused: Counter[str] = field(default_factory=Counter)
    coins: set[int] = field(default_factory=set)  # by their keys

    def add(self, other: "Imported") -> None:
        """Count another file's rows too."""
        self.read += other.read
        self.stored += other.stored
        self.there += other.there
        self.differing += other.differing
        self.refused += other.refused
        self.coins |= other.coins


def listed_as(listings: Sequence[Listing], name: str) -> list[Listing]:
    """The listings of a symbol, as the venue writes it or but for what joins its parts.

    Malformed where there is none, or the name could be of several symbols.
    """
    exact = [each for each in listings if each.symbol == name]
    alike = exact or [each for each in listings if _letters(each.symbol) == _letters(name)]
    symbols = sorted({each.symbol for each in alike})
    if not symbols:
        raise Malformed(f"{name[:40]!r} is not listed there: `chandlery coins` learns what is")
    if len(symbols) > 1:
        raise Malformed(f"{name[:40]!r} may be {' or '.join(symbols)}: say which by --symbol")
    return alike


def _letters(symbol: str) -> str:
    return "".join(filter(str.isalnum, symbol)).upper()


def take_in(
    connection: store.Connection,
    candles: pl.DataFrame,
    listings: Sequence[Listing],
    file: File,
    now: datetime,
) -> Imported:
    """Store what a symbol's coins lack of these candles, which are as the venue tells them.

    `listings` are all of that symbol. A second time changes nothing. Malformed where half of the
    rows or more break a rule, or the price is not of this coin: nothing is stored then.
    """
    result = Imported(read=candles.height)
    result.refused["open_time is known"] = candles["open_time"].null_count()
    closed = pl.col("open_time") <= now - HOUR
    result.refused[CLOSED] = candles.filter(~closed).height
    ready, left = [], candles.filter(closed)
    for listing, life in _lives(listings):
        part = within(left, life)
        ready.append((listing, _sound(part, listing, life, now, result)))
        left = left.filter(~pl.col("open_time").is_between(life.start, life.end, closed="left"))
    result.refused[LISTED] = left.height
    if 2 * result.refused["open_time is known"] >= max(candles.height, 1):
        raise Malformed(f"open_time is known ({candles['open_time'].null_count()} rows)")
    for listing, sound in ready:
        _refuse_mispriced(connection, listing, sound)
    for listing, sound in ready:
        key = store.source_key(connection, listing.source)
        origin = store.Origin(key, listing.symbol, file.name, file.sha256, now)
        _store(connection, listing, sound, origin, result)
    result.refused = +result.refused
    return result


def _lives(listings: Sequence[Listing]) -> Iterator[tuple[Listing, Window]]:
    """When a symbol was which coin. What began nobody knows when began after what was before it."""
    begun = ALWAYS.start
    for each in sorted(listings, key=lambda one: one.end or ALWAYS.end):
        start = max(each.start or each.told_start or begun, begun)
        if life := ALWAYS.clip(Window(start, max(each.end or ALWAYS.end, start))):
            yield each, life
            begun = life.end


def _sound(
    part: pl.DataFrame, listing: Listing, life: Window, now: datetime, result: Imported
) -> pl.DataFrame:
    """What keeps every rule, in plain coins; what does not is counted by the first it breaks."""
    found = held_to_rules(part, listing, life, now).frame
    ordered = part.sort("open_time").unique(maintain_order=True)
    result.refused[ONCE] += part.height - ordered.height
    if found.height == ordered.height:
        return found
    rules = broken(ordered)
    first = pl.coalesce(pl.when(pl.col(name)).then(pl.lit(name)) for name in rules.columns)
    told = rules.select(first.alias("rule")).to_series().drop_nulls()
    result.refused.update(told.to_list())
    result.refused[ALONE] += ordered.height - found.height - len(told)
    return found


def _refuse_mispriced(connection: store.Connection, listing: Listing, sound: pl.DataFrame) -> None:
    """Malformed where the price is CoinGecko's by a power of ten, if nobody has looked yet."""
    known = store.prices(connection, [listing.coin]).get(listing.coin)
    if known is None or listing.price_checked_at is not None:
        return
    told, at = known
    close = nearest(sound, at)
    if close is not None and (words := misjudged(listing, close, told)) is not None:
        raise Malformed(words)


def _store(
    connection: store.Connection,
    listing: Listing,
    sound: pl.DataFrame,
    origin: store.Origin,
    result: Imported,
) -> None:
    done = store.store_missing(connection, listing.coin, sound, origin)
    result.stored += done.rows
    result.there += done.there
    result.differing += done.differing
    if done.rows:
        result.coins.add(listing.coin)
        store.take_in(connection, [listing.coin])
