"""Which coins there are, and where they trade: CoinGecko's coins joined to what the venues list.

A venue's symbol is a coin by the coin id that CoinGecko names behind it, never by its ticker.
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime

import polars as pl

import sources
import store
from candles import SourceError
from collect.order import Order
from collect.tools import Tools
from sources import Catalogue, Source, coingecko

log = logging.getLogger(__name__)

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "USD")
"""Prices are in dollars: of a coin's markets at a venue, the first of these counts."""


COINS_A_PAGE = 250
FIRST_COINS = 1000  # four pages; `chandlery coins` learns them all


@dataclass
class Universe:
    """What was learnt."""

    coins: int = 0
    listings: dict[str, int] = field(default_factory=dict)  # source: coins listed there
    failures: dict[str, str] = field(default_factory=dict)

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return asdict(self)


def learn(tools: Tools, now: datetime, most: int | None = None) -> Universe:
    """Keep the `most` best-ranked coins (all, if None) and their listings at every source.

    What one venue does not tell is left for another time, with its words in `failures`; without
    CoinGecko there is nothing to learn, and its error is raised.
    """
    universe = Universe()
    seen = _coins(tools, most)
    told = dict(_told(tools, seen, universe))
    # All or nothing: coins without their listings would look as if nobody listed them.
    with tools.connection.transaction():
        universe.coins = store.learn_coins(tools.connection, seen, now)
        for name, listed in told.items():
            store.learn_listings(tools.connection, name, listed)
            universe.listings[name] = listed.height
    return universe


def _told(
    tools: Tools, seen: pl.DataFrame, universe: Universe
) -> Iterator[tuple[str, pl.DataFrame]]:
    """What each source lists of the coins seen; what one does not tell is put to `failures`."""
    for source in tools.sources.values():
        if source.catalogue is not None:
            try:
                yield source.name, _listed(tools, source, source.catalogue, seen)
            except SourceError as error:
                universe.failures[source.name] = str(error)


def learn_if_empty(tools: Tools, order: Order) -> None:
    """Before a first run, which knows no coin: learn enough of them, and say so."""
    if store.find(tools.connection, most=1):
        return
    named = order.symbols is not None or order.max_coins is None
    enough = FIRST_COINS if named else max(order.max_coins or 0, COINS_A_PAGE)
    log.warning("no coin is known yet: learning the %s best by market cap", f"{enough:,}")
    for source, why in learn(tools, order.now, enough).failures.items():
        log.warning("what %s lists could not be learnt: %s", source, why)


def _listed(
    tools: Tools, source: Source, catalogue: Catalogue, coins: pl.DataFrame
) -> pl.DataFrame:
    """A source's dollar markets that are of these coins: id, symbol, multiple, end; one a coin.

    A coin whose own ticker is the venue's asset (1000SATS) is not a multiple of another.
    """
    markets = sources.catalogue(tools.client, source)
    named = coingecko.tickers(tools.client, catalogue.exchange, derivatives=catalogue.derivatives)
    key = ["symbol"] if catalogue.derivatives else ["asset", "quote"]
    behind = named.rename({"base": "asset", "target": "quote"}).select(*key, id="coin_id")
    place = {quote: place for place, quote in enumerate(QUOTES)}
    return (
        markets.filter(pl.col("quote").is_in(QUOTES))
        .join(behind.unique(key, keep="first", maintain_order=True), on=key)
        .join(coins.select("id", "ticker"), on="id")
        .with_columns(pl.when(pl.col("asset") != pl.col("ticker")).then("multiple").otherwise(1))
        .sort(pl.col("quote").replace_strict(place), "multiple", "symbol")
        .unique("id", keep="first", maintain_order=True)
        .select("id", "symbol", "multiple", "end")
    )


def _coins(tools: Tools, most: int | None) -> pl.DataFrame:
    """The best-ranked coins: id, ticker (upper case, as venues write it), name, rank."""
    seen = coingecko.coins(tools.client, most)
    return seen.select("id", "name", "rank", ticker=pl.col("symbol").str.to_uppercase())
