"""Coins and their listings."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from candles import Coin, Listing
from store.connect import Connection
from store.queries import query


def learn_coins(connection: Connection, seen: pl.DataFrame, now: datetime) -> int:
    """Keep coins (columns id, ticker, name, rank) under their ids; return how many were seen."""
    texts = {name: seen[name].str.replace_all("\0", "") for name in ("id", "ticker", "name")}
    with connection.transaction():
        connection.execute(
            query("learn_coins"),
            {
                "ids": texts["id"].to_list(),
                "tickers": texts["ticker"].to_list(),
                "names": texts["name"].to_list(),
                "ranks": seen["rank"].to_list(),
                "now": now,
            },
        )
        connection.execute(query("name_symbols"))
    return seen.height


def learn_listings(connection: Connection, source: str, seen: pl.DataFrame) -> int:
    """Keep a source's listings (columns id, symbol, multiple, end); return how many are new to us.

    Ids of coins that are not known are passed over.
    """
    source_key(connection, source)
    return connection.execute(
        query("learn_listings"),
        {
            "source": source,
            "ids": seen["id"].to_list(),
            "symbols": seen["symbol"].to_list(),
            "multiples": seen["multiple"].to_list(),
            "ends": seen["end"].to_list(),
        },
    ).rowcount


def source_key(connection: Connection, name: str) -> int:
    """The database's number for a source, given to it when it is first named."""
    connection.execute(
        "insert into source (name) select %(name)s"
        " where not exists (select from source where name = %(name)s) on conflict do nothing",
        {"name": name},
    )
    row = connection.execute("select key from source where name = %s", (name,)).fetchone()
    if row is None:
        raise LookupError(f"source {name} is not in the database, though it was just put there")
    return int(row[0])


def find(
    connection: Connection,
    symbols: Sequence[str] | None = None,
    most: int | None = None,
) -> list[Coin]:
    """Coins by market-cap rank: those with these symbols or ids in any case, or all."""
    wanted = None if symbols is None else list(symbols)
    rows = connection.execute(query("find_coins"), {"symbols": wanted, "most": most})
    return [Coin(*row) for row in rows]


def listings(connection: Connection, coins: Iterable[Coin]) -> list[Listing]:
    """Where these coins are or were listed."""
    rows = connection.execute(query("listings"), {"coins": [coin.key for coin in coins]})
    return [Listing(*row) for row in rows]


def note_start(connection: Connection, listing: Listing, start: datetime) -> None:
    """Keep when a listing's candles begin, which only the venue's first candle tells."""
    connection.execute(
        "update listing set starts_at = %s from source where source.key = listing.source"
        " and source.name = %s and listing.symbol = %s and listing.coin = %s",
        (start, listing.source, listing.symbol, listing.coin),
    )
