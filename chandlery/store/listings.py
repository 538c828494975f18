"""Where coins are listed, and when that begins and ends."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from chandlery.errors import Misuse
from chandlery.model import Coin, Listing, whole_hour, whole_hour_up
from chandlery.store.connect import Connection
from chandlery.store.queries import query

MOST_SOURCES = 63
"""A bit each in `candle_4h.sources`, a bigint."""
EARLIEST, LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Pair(NamedTuple):
    """A symbol, and the coin (CoinGecko's id) that it is."""

    symbol: str
    id: str


Known = Mapping[Pair, tuple[datetime | None, datetime | None]]
"""Start and end of listings."""


def begun(at: datetime | None) -> datetime | None:
    """The hour in which a listing begins; None where what was told cannot be."""
    return None if at is None or not EARLIEST <= at <= LATEST else whole_hour(at)


def over_at(at: datetime | None) -> datetime | None:
    """The first hour in which a listing is over; None where what was told cannot be."""
    return None if at is None or not EARLIEST <= at <= LATEST else whole_hour_up(at)


def known_at(connection: Connection, source: str) -> Known:
    """Start and end of all that was ever listed at a source."""
    found = connection.execute(query("listings_at"), {"source": source})
    return {Pair(symbol, id_): (start, end) for symbol, id_, start, end in found}


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
    venue_name: str | None = None  # what the source calls the coin
    contract: str | None = None


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
        "starts": [begun(each.start) for each in listings],
        "ends": [over_at(each.end) for each in listings],
        "told": [begun(each.told) for each in listings],
        "venue_names": [each.venue_name for each in listings],
        "contracts": [each.contract for each in listings],
    }
    with connection.transaction():
        given = {"source": source, "now": now, **columns}
        learnt = connection.execute(query("learn_delisted"), given).rowcount
        connection.execute(query("name_symbols"))
    return learnt


def symbols_at(connection: Connection, source: str) -> set[str]:
    """Every symbol that is or was listed at a source."""
    return {pair.symbol for pair in known_at(connection, source)}


def source_key(connection: Connection, name: str) -> int:
    """The database's number for a source, given to it when it is first named.

    Misuse where there is no number left: each is a bit in a bar's `sources`.
    """
    for _ in range(MOST_SOURCES + 1):  # each number there is can be taken by another just before
        key = _source_key(connection, name)
        if key is not None:
            return key
        connection.execute(query("name_source"), (name,))
    raise Misuse(
        f"the source {name} is one too many: a database has room for {MOST_SOURCES};"
        " leave it out of CHANDLERY_SOURCES and --sources"
    )


def _source_key(connection: Connection, name: str) -> int | None:
    row = connection.execute("select key from source where name = %s", (name,)).fetchone()
    return None if row is None else int(row[0])


def listings(connection: Connection, coins: Iterable[Coin]) -> list[Listing]:
    """Where these coins are or were listed."""
    rows = connection.execute(query("listings"), {"coins": [coin.key for coin in coins]})
    return [Listing(*row) for row in rows]


def listings_of(connection: Connection, source: str) -> list[Listing]:
    """All that is or was listed at a source, a symbol's listings in the order of their ends."""
    return [Listing(*row) for row in connection.execute(query("listings_of"), {"source": source})]


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


def listed_at(connection: Connection, sources: Sequence[str]) -> set[str]:
    """The ids of the coins that are listed at one of these sources, without an end."""
    rows = connection.execute(
        "select distinct coin.id from listing join source on source.key = listing.source"
        " join coin on coin.key = listing.coin where source.name = any (%s) and ends_at is null",
        (list(sources),),
    )
    return {id_ for (id_,) in rows}


def best_listed(connection: Connection, source: str, most: int) -> set[int]:
    """The keys of the `most` coins, best rank first, that are listed at a source without an end."""
    rows = connection.execute(
        "select coin.key from listing join source on source.key = listing.source"
        " join coin on coin.key = listing.coin where source.name = %s and ends_at is null"
        " group by coin.key order by coin.rank nulls last, coin.key limit %s",
        (source, most),
    )
    return {key for (key,) in rows}


def open_pairs(connection: Connection, source: str) -> dict[Pair, datetime | None]:
    """What is listed at a source without an end, and since when in the venue's word."""
    rows = connection.execute(
        "select listing.symbol, coin.id, told_start from listing"
        " join source on source.key = listing.source join coin on coin.key = listing.coin"
        " where source.name = %s and ends_at is null",
        (source,),
    )
    return {Pair(symbol, id_): told for symbol, id_, told in rows}
