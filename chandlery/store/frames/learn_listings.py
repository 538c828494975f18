"""What a venue lists, held against what it listed before.

A venue's list is one answer, and one answer is not the truth. An end that it tells (a date, or a
status of one symbol among many) is believed; a symbol that is gone from it, a symbol that is said
to be another coin, and a list that lost more than a few of its symbols are believed when another
answer says the same, some hours later.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl

from chandlery.model import whole_hour_up
from chandlery.store.connect import Connection
from chandlery.store.listings import Known, Pair, begun, known_at, over_at, source_key
from chandlery.store.queries import query
from chandlery.store.unconfirmed import confirmed

DESCRIBED = ("name", "contract")
FEW, SMALL_SHARE = 2, 0.05
"""A list may lose so many of its symbols at once, or that share, and be taken at its word."""


@dataclass
class Learnt:
    """What became of a source's list: listings changed, and how many of those open it lost."""

    changed: int = 0
    open: int = 0
    lost: int = 0

    @property
    def shrank(self) -> bool:
        """Whether it lost more than can be believed at once."""
        return self.lost > max(FEW, SMALL_SHARE * self.open)


@dataclass
class _News:
    """What a list says of the listings that are open, and of what was not listed before."""

    ended: dict[Pair, datetime] = field(default_factory=dict)  # by the venue's own date
    halted: set[Pair] = field(default_factory=set)  # the status says so, without a date
    gone: set[Pair] = field(default_factory=set)
    moved: set[Pair] = field(default_factory=set)  # the symbol is said to be another coin now


def learn_listings(  # noqa: PLR0913, PLR0917  a list, and what is said around it
    connection: Connection,
    source: str,
    seen: pl.DataFrame,
    now: datetime,
    markets: pl.DataFrame,
    unread: Collection[str] = (),
) -> Learnt:
    """Keep a source's listings (columns id, symbol, multiple, start, end, told?, name?, contract?).

    `start` is taken for the listing's own; `told` is when trading began in the venue's word, where
    candles may know better (`start`, if there is no such column). Both, and `end`, may be off the
    hour. `markets` (symbol, trading, end) is all that the source lists, `unread` are symbols whose
    entry could not be read: of them nothing is known. Ids of coins that are not known are passed
    over. A name or contract that is told anew changes a listing and makes no other.
    """
    source_key(connection, source)
    with connection.transaction():
        known = known_at(connection, source)
        rows = _rows(seen)
        news = _news(known, rows, markets, unread)
        learnt = Learnt(open=sum(end is None for _, end in known.values()))
        learnt.lost = len(news.halted | news.gone)
        ends = news.ended | _believed(connection, source, news, now, shrank=learnt.shrank)
        contested = {pair.symbol for pair in news.moved - ends.keys()}
        kept = [row for row in rows if row.pair in known or row.pair.symbol not in contested]
        unlisted = ends.keys() - {row.pair for row in kept}
        learnt.changed = _end(connection, source, {pair: ends[pair] for pair in unlisted})
        learnt.changed += _upsert(connection, source, kept, known, ends, markets, now)
    return learnt


class _Row(NamedTuple):
    pair: Pair
    multiple: int
    start: datetime | None
    end: datetime | None
    told: datetime | None
    name: str | None
    contract: str | None


def _rows(seen: pl.DataFrame) -> list[_Row]:
    told = "told" if "told" in seen.columns else "start"
    nothing = [None] * seen.height
    columns = [seen[name] for name in ("symbol", "id", "multiple", "start", "end", told)]
    described = [seen[name] if name in seen.columns else nothing for name in DESCRIBED]
    return [
        _Row(Pair(symbol, id_), multiple, begun(start), over_at(end), begun(told_start), *words)
        for symbol, id_, multiple, start, end, told_start, *words in zip(
            *columns, *described, strict=True
        )
    ]


def _news(
    known: Known, rows: Iterable[_Row], markets: pl.DataFrame, unread: Collection[str]
) -> _News:
    """Hold the listings that are open against a list."""
    news, listed = _News(), {row.pair for row in rows}
    coins = {row.pair.symbol for row in rows}
    market = {symbol: (trading, end) for symbol, trading, end in _markets(markets)}
    for pair, (_, over) in known.items():
        if over is not None or pair.symbol in unread:
            continue
        trading, end = market.get(pair.symbol, (None, None))
        if end is not None:
            news.ended[pair] = end
        elif trading is None:
            news.gone.add(pair)
        elif not trading:
            news.halted.add(pair)
        elif pair not in listed and pair.symbol in coins:
            news.moved.add(pair)
    return news


def _markets(markets: pl.DataFrame) -> Iterable[tuple[str, bool, datetime | None]]:
    for symbol, trading, end in markets.select("symbol", "trading", "end").iter_rows():
        yield symbol, trading, over_at(end)


def _believed(
    connection: Connection, source: str, news: _News, now: datetime, *, shrank: bool
) -> dict[Pair, datetime]:
    """The ends that are believed without a date: since when an answer first told them."""
    doubtful = news.gone | news.moved | (news.halted if shrank else set())
    said = {f"{pair.symbol} {pair.id}": pair for pair in doubtful}
    again = confirmed(connection, f"listing gone at {source}", said, now)
    ends = {said[subject]: whole_hour_up(at) for subject, at in again.items()}
    return ends if shrank else ends | dict.fromkeys(news.halted, whole_hour_up(now))


def _end(connection: Connection, source: str, ends: Mapping[Pair, datetime]) -> int:
    asked = {
        "source": source,
        "symbols": [pair.symbol for pair in ends],
        "ids": [pair.id for pair in ends],
        "ends": list(ends.values()),
    }
    return connection.execute(query("end_listings"), asked).rowcount


def _upsert(  # noqa: PLR0913, PLR0917  a list, and what is known around it
    connection: Connection,
    source: str,
    rows: Iterable[_Row],
    known: Known,
    ends: Mapping[Pair, datetime],
    markets: pl.DataFrame,
    now: datetime,
) -> int:
    """Keep what is listed. What trades has no end, unless one is told; what does not keeps its."""
    halted = set(markets.filter(~pl.col("trading"))["symbol"])
    given: dict[str, list[Any]] = {
        name: []
        for name in ("symbols", "ids", "multiples", "starts", "ends", "told", "names", "contracts")
    }
    for row in rows:
        end = row.end or ends.get(row.pair)
        if end is None and row.pair.symbol in halted:
            end = known[row.pair][1] if row.pair in known else whole_hour_up(now)
        start = row.start if row.pair in known else _start(row, known, ends)
        values = (*row.pair, row.multiple, start, end, row.told, row.name, row.contract)
        for name, value in zip(given, values, strict=True):
            given[name].append(value)
    return connection.execute(query("learn_listings"), {"source": source, **given}).rowcount


def _start(row: _Row, known: Known, ends: Mapping[Pair, datetime]) -> datetime | None:
    """When a new listing begins: not before the end of what its symbol was until now."""
    if row.start is not None or row.end is not None:
        return row.start
    others = [
        ends.get(pair, end)
        for pair, (_, end) in known.items()
        if pair.symbol == row.pair.symbol and pair != row.pair
    ]
    before = max((end for end in others if end is not None), default=None)
    told = [at for at in (before, row.told) if at is not None]
    return max(told) if before is not None else None
