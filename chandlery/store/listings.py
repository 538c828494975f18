"""Where coins are listed, and when that begins and ends.

A venue's list is one answer, and one answer is not the truth. An end that it tells (a date, or a
status of one symbol among many) is believed; a symbol that is gone from it, a symbol that is said
to be another coin, and a list that lost more than a few of its symbols are believed when another
answer says the same, some hours later.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import polars as pl
import psycopg

from chandlery.errors import Misuse
from chandlery.model import Coin, Listing, whole_hour, whole_hour_up
from chandlery.store.connect import Connection
from chandlery.store.queries import query
from chandlery.store.unconfirmed import confirmed

MOST_SOURCES = 63
"""A bit each in `candle_4h.sources`, a bigint."""
FEW, SMALL_SHARE = 2, 0.05
"""A list may lose so many of its symbols at once, or that share, and be taken at its word."""
EARLIEST, LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Pair(NamedTuple):
    """A symbol, and the coin (CoinGecko's id) that it is."""

    symbol: str
    id: str


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
    """Keep a source's listings (columns id, symbol, multiple, start, end, told?).

    `start` is taken for the listing's own; `told` is when trading began in the venue's word, where
    candles may know better (`start`, if there is no such column). Both, and `end`, may be off the
    hour. `markets` (symbol, trading, end) is all that the source lists, `unread` are symbols whose
    entry could not be read: of them nothing is known. Ids of coins that are not known are passed
    over.
    """
    source_key(connection, source)
    with connection.transaction():
        known = _known(connection, source)
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


def _rows(seen: pl.DataFrame) -> list[_Row]:
    told = "told" if "told" in seen.columns else "start"
    columns = (seen[name] for name in ("symbol", "id", "multiple", "start", "end", told))
    return [
        _Row(Pair(symbol, id_), multiple, _begun(start), _over(end), _begun(told_start))
        for symbol, id_, multiple, start, end, told_start in zip(*columns, strict=True)
    ]


def _begun(at: datetime | None) -> datetime | None:
    return None if at is None or not EARLIEST <= at <= LATEST else whole_hour(at)


def _over(at: datetime | None) -> datetime | None:
    return None if at is None or not EARLIEST <= at <= LATEST else whole_hour_up(at)


Known = Mapping[Pair, tuple[datetime | None, datetime | None]]


def _known(connection: Connection, source: str) -> Known:
    """Start and end of all that was ever listed at a source."""
    found = connection.execute(query("listings_at"), {"source": source})
    return {Pair(symbol, id_): (start, end) for symbol, id_, start, end in found}


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
        yield symbol, trading, _over(end)


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
        name: [] for name in ("symbols", "ids", "multiples", "starts", "ends", "told")
    }
    for row in rows:
        end = row.end or ends.get(row.pair)
        if end is None and row.pair.symbol in halted:
            end = known[row.pair][1] if row.pair in known else whole_hour_up(now)
        start = row.start if row.pair in known else _start(row, known, ends)
        for name, value in zip(given, (*row.pair, row.multiple, start, end, row.told), strict=True):
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


class DelistedListing(NamedTuple):
    """A listing that was over before it was known, and its coin, which may be known."""

    id: str
    ticker: str
    name: str
    mapped: bool  # false: the id is not CoinGecko's
    symbol: str
    multiple: int
    start: datetime | None  # its first candle's hour, where that was looked up
    end: datetime
    told: datetime | None


def learn_delisted(
    connection: Connection, source: str, listings: Sequence[DelistedListing], now: datetime
) -> int:
    """Keep what is over at a source; coins that are new stay left out until they are asked for.

    What is known of a symbol stays. Returns how many listings are new.
    """
    source_key(connection, source)
    columns = {
        "ids": [each.id for each in listings],
        "tickers": [each.ticker for each in listings],
        "names": [each.name for each in listings],
        "mapped": [each.mapped for each in listings],
        "symbols": [each.symbol for each in listings],
        "multiples": [each.multiple for each in listings],
        "starts": [_begun(each.start) for each in listings],
        "ends": [_over(each.end) for each in listings],
        "told": [_begun(each.told) for each in listings],
    }
    with connection.transaction():
        given = {"source": source, "now": now, **columns}
        learnt = connection.execute(query("learn_delisted"), given).rowcount
        connection.execute(query("name_symbols"))
    return learnt


def symbols_at(connection: Connection, source: str) -> set[str]:
    """Every symbol that is or was listed at a source."""
    return {pair.symbol for pair in _known(connection, source)}


def source_key(connection: Connection, name: str) -> int:
    """The database's number for a source, given to it when it is first named.

    Misuse where there is no number left: each is a bit in a bar's `sources`.
    """
    try:
        connection.execute(
            "insert into source (name) select %(name)s"
            " where not exists (select from source where name = %(name)s) on conflict do nothing",
            {"name": name},
        )
    except psycopg.errors.SequenceGeneratorLimitExceeded:
        raise Misuse(
            f"the source {name} is one too many: a database has room for {MOST_SOURCES};"
            " leave it out of CHANDLERY_SOURCES and --sources"
        ) from None
    row = connection.execute("select key from source where name = %s", (name,)).fetchone()
    if row is None:
        raise LookupError(f"source {name} is not in the database, though it was just put there")
    return int(row[0])


def listings(connection: Connection, coins: Iterable[Coin]) -> list[Listing]:
    """Where these coins are or were listed."""
    rows = connection.execute(query("listings"), {"coins": [coin.key for coin in coins]})
    return [Listing(*row) for row in rows]


def note_start(
    connection: Connection, listing: Listing, start: datetime | None, now: datetime | None = None
) -> None:
    """Keep when a listing's candles begin (None: not known), as they were found at `now`.

    That is a guess: it is asked again when `now` is long ago, or not told.
    """
    connection.execute(
        "update listing set starts_at = %s, start_checked_at = %s from source"
        " where source.key = listing.source"
        " and source.name = %s and listing.symbol = %s and listing.coin = %s",
        (start, now, listing.source, listing.symbol, listing.coin),
    )


def doubt_starts(connection: Connection, listings: Iterable[Listing] | None = None) -> int:
    """Have the starts of these listings (all, if None) asked for again; return how many."""
    if listings is None:
        return connection.execute(
            "update listing set start_checked_at = null where starts_at is not null"
        ).rowcount
    doubted = [(each.source, each.symbol, each.coin) for each in listings]
    with connection.cursor() as cursor:
        cursor.executemany(
            "update listing set start_checked_at = null from source"
            " where source.key = listing.source"
            " and (source.name, listing.symbol, listing.coin) = (%s, %s, %s)",
            doubted,
        )
    return len(doubted)


def note_prices(connection: Connection, listings: Sequence[Listing], now: datetime) -> None:
    """Keep that these listings' candles cost about what CoinGecko says of their coins."""
    asked = {
        "sources": [each.source for each in listings],
        "symbols": [each.symbol for each in listings],
        "coins": [each.coin for each in listings],
        "now": now,
    }
    connection.execute(query("note_prices"), asked)


def open_pairs(connection: Connection, source: str) -> dict[Pair, datetime | None]:
    """What is listed at a source without an end, and since when in the venue's word."""
    rows = connection.execute(
        "select listing.symbol, coin.id, told_start from listing"
        " join source on source.key = listing.source join coin on coin.key = listing.coin"
        " where source.name = %s and ends_at is null",
        (source,),
    )
    return {Pair(symbol, id_): told for symbol, id_, told in rows}
