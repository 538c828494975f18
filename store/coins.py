"""Coins and their listings."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from candles import Coin, Listing
from store.connect import Connection
from store.queries import query


def learn_coins(
    connection: Connection, seen: pl.DataFrame, now: datetime, *, mapped: bool = True
) -> int:
    """Keep coins (columns id, ticker, name, rank, crypto?) under their ids; return how many.

    Their ranks are kept for the day, so that who was among the best can be read back.
    """
    texts = {name: seen[name].str.replace_all("\0", "") for name in ("id", "ticker", "name")}
    crypto = seen["crypto"].to_list() if "crypto" in seen.columns else [True] * seen.height
    with connection.transaction():
        connection.execute(
            query("learn_coins"),
            {
                "ids": texts["id"].to_list(),
                "tickers": texts["ticker"].to_list(),
                "names": texts["name"].to_list(),
                "ranks": seen["rank"].to_list(),
                "crypto": crypto,
                "now": now,
                "mapped": mapped,
            },
        )
        connection.execute(query("name_symbols"))
    return seen.height


def retire_unseen(connection: Connection, now: datetime) -> int:
    """Once all coins are learnt: who was not seen at `now` is no longer active; return how many."""
    return connection.execute(
        "update coin set active = false where active and mapped and seen_at < %s",
        (now,),
    ).rowcount


def learn_listings(
    connection: Connection,
    source: str,
    seen: pl.DataFrame,
    now: datetime,
    markets: pl.DataFrame,
) -> int:
    """Keep a source's listings (columns id, symbol, multiple, start, end); return how many changed.

    Ids of coins that are not known are passed over. A listing whose symbol is not trading in
    `markets` (columns symbol, trading, end), or names another coin now, ends when they say, or
    else at `now`: venues seldom tell.
    """
    source_key(connection, source)
    over = markets.filter(pl.col("end").is_not_null())
    return connection.execute(
        query("learn_listings"),
        {
            "source": source,
            "ids": seen["id"].to_list(),
            "symbols": seen["symbol"].to_list(),
            "multiples": seen["multiple"].to_list(),
            "starts": seen["start"].to_list(),
            "ends": seen["end"].to_list(),
            "now": now,
            "trading": markets.filter("trading")["symbol"].to_list(),
            "gone": over["symbol"].to_list(),
            "gone_at": over["end"].to_list(),
        },
    ).rowcount


def adopt(connection: Connection, source: str, seen: pl.DataFrame) -> int:
    """Give coins known by this venue's word only the ids (columns id, symbol) now told."""
    return connection.execute(
        query("adopt"),
        {"source": source, "ids": seen["id"].to_list(), "symbols": seen["symbol"].to_list()},
    ).rowcount


def learnt_at(connection: Connection, what: str) -> datetime | None:
    """When `what` was last learnt."""
    row = connection.execute("select at from learnt where what = %s", (what,)).fetchone()
    return None if row is None else row[0]


def note_learnt(connection: Connection, what: str, now: datetime) -> None:
    """Keep when `what` was learnt, so that it is not asked for again too soon."""
    connection.execute(
        "insert into learnt (what, at) values (%s, %s)"
        " on conflict (what) do update set at = excluded.at",
        (what, now),
    )


def ranked(connection: Connection, day: datetime, most: int | None = None) -> list[Coin]:
    """The coins by rank as it was at `day`: of the newest day kept at or before it."""
    rows = connection.execute(
        "select key, id, symbol, name, coin_rank.rank from coin_rank join coin on coin.key = coin"
        " where day = (select max(day) from coin_rank where day <= %s)"
        " order by coin_rank.rank, key limit %s",
        (day.date(), most),
    )
    return [Coin(*row) for row in rows]


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
