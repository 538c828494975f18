"""Coins that no list of CoinGecko's names: kept under ids of their venues' own, until one does.

coinbase  ABC  Abc  0xab…    unmapped:coinbase:ABC, called Abc
mexc      ABC  Abc  0xab…    the same coin: one ticker and one contract
gate      ABC  Abc           unmapped:gate:ABC: a name alone is no evidence
"""

from datetime import datetime

import polars as pl

from chandlery import store, venues
from chandlery.engine.context import RunContext
from chandlery.errors import SourceError
from chandlery.symbology.markets import asked, in_dollars
from chandlery.symbology.source_list import LISTED
from chandlery.venues import Source

Contracts = dict[tuple[str, str], str]
"""The ids of coins that were listed, by ticker and address of a contract."""


def unmapped_id(source: str, base: str) -> str:
    """The id that a coin has while only a venue tells of it."""
    return f"unmapped:{source}:{base}"


def unmapped_name(source: str, base: str, told: str | None) -> str:
    """What such a coin is called: as its venue does, or by its ticker where it tells no name."""
    return told or f"{base} at {source}"


def learn_unmapped(
    context: RunContext, now: datetime, failures: dict[str, str]
) -> tuple[int, dict[str, int]]:
    """Keep what each venue lists; return how many coins that makes, and listings by source.

    Why a venue does not tell is put to `failures`.
    """
    coins, listings, known = 0, dict[str, int](), Contracts()
    for source in asked(context):
        if source.catalogue is None:
            continue
        try:
            markets, _ = venues.catalogue(context.client, source)
        except SourceError as error:
            failures[source.name] = str(error)
            continue
        listed = _listed(source, markets, known)
        coins += context.database.do(store.learn_coins, _own(source, listed), now, mapped=False)
        seen = listed.select(LISTED.names())
        context.database.do(store.learn_listings, source.name, seen, now, markets)
        listings[source.name] = seen.height
    return coins, listings


def _listed(source: Source, markets: pl.DataFrame, known: Contracts) -> pl.DataFrame:
    """The dollar markets that trade, one a ticker, each with its coin's id."""
    trading = in_dollars(source, markets.filter("trading"))
    named = trading.unique("base", keep="first", maintain_order=True)
    told = named.select("base", "contract").iter_rows()
    ids = [_id(source, base, contract, known) for base, contract in told]
    return named.with_columns(id=pl.Series(ids, dtype=pl.String))


def _id(source: Source, base: str, contract: str | None, known: Contracts) -> str:
    """The coin that another venue told under this ticker and contract; else one of its own."""
    told = [(base, address) for address in (contract or "").split(",") if address]
    id_ = next((known[each] for each in told if each in known), unmapped_id(source.name, base))
    known.update(dict.fromkeys(told, id_))
    return id_


def _own(source: Source, listed: pl.DataFrame) -> pl.DataFrame:
    """The coins of these listings that no venue told before, as `store.learn_coins` has them."""
    rows = [
        (id_, base, unmapped_name(source.name, base, name), None)
        for id_, base, name in listed.select("id", "base", "name").iter_rows()
        if id_ == unmapped_id(source.name, base)
    ]
    schema = {"id": pl.String, "ticker": pl.String, "name": pl.String, "rank": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")
