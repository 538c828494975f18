"""What each source lists of the coins that CoinGecko ranks: its dollar markets, one a coin.

A venue's symbol is a coin by the coin id that CoinGecko names behind it, never by its ticker.
What no API tells, a symbol that was another coin before, stands in `reused`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import polars as pl

from chandlery import venues
from chandlery.engine.context import RunContext
from chandlery.errors import SourceError
from chandlery.symbology.reused import REUSED
from chandlery.venues import CATALOGUE, Catalogue, Source

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "USD")
"""Prices are in dollars: of a coin's markets at a venue, the first of these counts."""

LISTED = pl.Schema(
    {
        "id": pl.String(),
        "symbol": pl.String(),
        "multiple": pl.Int64(),
        "start": CATALOGUE["start"],
        "end": CATALOGUE["end"],
        "told": CATALOGUE["start"],
    },
)
"""A coin's listing. `told` is when it began in the venue's word, `start` where that is believed."""


class SourceList(NamedTuple):
    """What a source lists: of the coins seen (LISTED), all it has, and what could not be read.

    `by_id`: it goes by CoinGecko's ids, and so tells nothing of a coin that is renamed.
    """

    listed: pl.DataFrame
    markets: pl.DataFrame
    odd: tuple[venues.OddEntry, ...] = ()
    by_id: bool = False


def lists(
    context: RunContext, seen: pl.DataFrame, failures: dict[str, str], named: Iterable[str] = ()
) -> Iterator[tuple[str, SourceList]]:
    """What each source lists of the coins seen; why one does not is put to `failures`.

    The sources in force are asked, and those `named`.
    """
    for source in asked(context, named):
        if source.ranking is not None or source.symbols is not None:
            listed = _listed_by_id(seen, source.symbols)
            yield source.name, SourceList(listed, _trading(listed), by_id=True)
        elif source.catalogue is not None:
            try:
                yield source.name, _listed(context, source, source.catalogue, seen)
            except SourceError as error:
                failures[source.name] = str(error)


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
        (reuse.coin, reuse.symbol, 1, reuse.start, reuse.end, reuse.start)
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
        .with_columns(pl.lit(None, LISTED[name]).alias(name) for name in ("start", "end", "told"))
        .match_to_schema(LISTED)
    )


def _trading(listed: pl.DataFrame) -> pl.DataFrame:
    """The markets of a source without a list of its own: all that are listed trade."""
    return listed.select("symbol", "end", trading=pl.lit(value=True))
