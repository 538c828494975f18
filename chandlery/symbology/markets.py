"""What each source lists of the coins that CoinGecko ranks: its dollar markets, one a coin.

A venue's symbol is a coin by the coin id that CoinGecko names behind it, never by its ticker.
What no API tells, a symbol that was another coin before, stands in `reused`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from chandlery import store, venues
from chandlery.engine.context import RunContext
from chandlery.errors import SourceError
from chandlery.symbology.pools import listed_in_pools
from chandlery.symbology.reused import REUSED
from chandlery.symbology.source_list import LISTED, SourceList
from chandlery.venues import CATALOGUE, Catalogue, Source

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "USD")
"""Prices are in dollars: of a coin's markets at a venue, the first of these counts."""


def lists(
    context: RunContext,
    sources: Sequence[Source],
    seen: pl.DataFrame,
    now: datetime,
    failures: dict[str, str],
) -> Iterator[tuple[str, SourceList]]:
    """What each source lists of the coins seen; why one does not is put to `failures`.

    Pools come last: a coin that a venue trades needs none.
    """
    trades = [source.name for source in sources if source.kind == "traded"]
    traded = context.database.do(store.listed_at, trades)
    for source in sorted(sources, key=lambda each: each.pools is not None):
        try:
            found = _list(context, source, seen, traded, now)
        except SourceError as error:
            failures[source.name] = str(error)
            continue
        if found is not None:
            traded.update(found.listed["id"] if source.name in trades else ())
            yield source.name, found


def _list(
    context: RunContext, source: Source, seen: pl.DataFrame, traded: Collection[str], now: datetime
) -> SourceList | None:
    """What one source lists; None where it names no coins of its own."""
    if source.ranking is not None or source.symbols is not None:
        listed = _listed_by_id(seen, source.symbols)
        return SourceList(listed, _trading(listed), by_id=True)
    if source.pools is not None:
        return listed_in_pools(context, source, source.pools, seen, traded, now)
    if source.catalogue is not None:
        return _listed(context, source, source.catalogue, seen)
    return None


def asked(context: RunContext, named: Iterable[str] = ()) -> list[Source]:
    """The sources in force, and those named, that may be asked.

    What nobody wants need not be known. One that is a second way stands for its first.
    """
    known = context.sources
    names = [known[name].listings for name in (*context.priority, *named) if name in known]
    wanted = [known[name] for name in dict.fromkeys(names)]
    return [source for source in wanted if venues.configured(context.keys, source)]


def _listed(
    context: RunContext, source: Source, catalogue: Catalogue, coins: pl.DataFrame
) -> SourceList:
    """A source's dollar markets that are of these coins (one a coin), and all it has.

    A coin whose own ticker is the venue's asset (1000SATS) is not a multiple of another.
    """
    markets, odd = venues.catalogue(context.client, source)
    ask = venues.ranking().tickers
    named = ask(context.client, catalogue.exchange, derivatives=catalogue.derivatives)
    key = ["symbol"] if catalogue.derivatives else ["asset", "quote"]
    behind = named.rename({"base": "asset", "target": "quote"}).select(*key, id="coin_id")
    mapped = (
        in_dollars(source, markets)
        .join(behind.unique(key, keep="first"), on=key, maintain_order="left")
        .join(coins.select("id", "ticker"), on="id", maintain_order="left")
        .with_columns(pl.when(pl.col("asset") != pl.col("ticker")).then("multiple").otherwise(1))
        .unique("id", keep="first", maintain_order=True)
        .select(LISTED.names())
    )
    return SourceList(_with_reused(source, mapped, coins), markets, odd)


def in_dollars(source: Source, markets: pl.DataFrame) -> pl.DataFrame:
    """Markets against dollars, best quote first; where they begin is asked of the candles."""
    place = {quote: place for place, quote in enumerate(QUOTES)}
    believed = pl.lit(None, CATALOGUE["start"]) if source.first else pl.col("start")
    return (
        markets.filter(pl.col("quote").is_in(QUOTES))
        .with_columns(start=believed, told="start")
        .sort(pl.col("quote").replace_strict(place), "multiple", "symbol")
    )


def _with_reused(source: Source, mapped: pl.DataFrame, coins: pl.DataFrame) -> pl.DataFrame:
    """Each part of a reused symbol's life is its coin's; CoinGecko knows the latest only."""
    curated = [
        (reuse.coin, reuse.symbol, 1, reuse.start, reuse.end, reuse.start, None, None)
        for reuse in REUSED
        if reuse.source == source.name and reuse.coin in coins["id"]
    ]
    parts = pl.DataFrame(curated, schema=LISTED, orient="row")
    others = mapped.join(parts.select("symbol").unique(), on="symbol", how="anti")
    return pl.concat([others, parts])


def _listed_by_id(coins: pl.DataFrame, symbols: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Every coin under its own id, or those that stand in a table under what it calls them."""
    own = pl.col("id")
    symbol = own if symbols is None else own.replace_strict(symbols, default=None)
    return (
        coins.select(own, symbol=symbol, multiple=pl.lit(1, pl.Int64))
        .drop_nulls("symbol")
        .match_to_schema(LISTED, missing_columns="insert")
    )


def _trading(listed: pl.DataFrame) -> pl.DataFrame:
    """The markets of a source without a list of its own: all that are listed trade."""
    return listed.select("symbol", "end", trading=pl.lit(value=True))
