"""Coins as CoinGecko's list has them, kept by id."""

from datetime import datetime

import polars as pl

from chandlery.store.connect import Connection
from chandlery.store.queries import query
from chandlery.store.unconfirmed import confirmed


def learn_coins(
    connection: Connection, seen: pl.DataFrame, now: datetime, *, mapped: bool = True
) -> int:
    """Keep coins (columns id, ticker, name, rank, crypto?, price?, market_cap?); return how many.

    Their ranks and market caps are kept for the day, so that who was among the best can be read
    back. A rank that is null once is the one before; null again hours later, it is lost.
    """
    texts = {name: seen[name].str.replace_all("\0", "") for name in ("id", "ticker", "name")}
    with connection.transaction():
        connection.execute(
            query("learn_coins"),
            {
                "ids": texts["id"].to_list(),
                "tickers": texts["ticker"].to_list(),
                "names": texts["name"].to_list(),
                "ranks": _ranks(connection, seen, now),
                "crypto": _optional(seen, "crypto", default=True),
                "prices": _optional(seen, "price", default=None),
                "market_caps": _optional(seen, "market_cap", default=None),
                "now": now,
                "mapped": mapped,
            },
        )
        connection.execute(query("name_symbols"))
    return seen.height


def _optional(seen: pl.DataFrame, name: str, default: object) -> list[object]:
    return seen[name].to_list() if name in seen.columns else [default] * seen.height


def _ranks(connection: Connection, seen: pl.DataFrame, now: datetime) -> list[int | None]:
    """The ranks that were told, and those before where none was, for now."""
    told = dict(seen.select("id", "rank").iter_rows())
    rows = connection.execute(
        "select id, rank from coin where rank is not null and id = any (%s)",
        ([id_ for id_, rank in told.items() if rank is None],),
    )
    before: dict[str, int] = dict(rows.fetchall())
    lost = confirmed(connection, "rank lost", before, now)
    kept = {id_: rank for id_, rank in before.items() if id_ not in lost}
    return [kept.get(id_) if rank is None else rank for id_, rank in told.items()]


def adopt(connection: Connection, source: str, seen: pl.DataFrame) -> int:
    """Give coins known by this venue's word only the ids (columns id, symbol) now told.

    Where a coin of that id is known already, it gets the listing of one that was left out.
    """
    told = {"source": source, "ids": seen["id"].to_list(), "symbols": seen["symbol"].to_list()}
    adopted = connection.execute(query("adopt"), told).rowcount
    return adopted + connection.execute(query("hand_over"), told).rowcount
