"""Which coins there are, and where they trade: CoinGecko's coins joined to what the venues list.

A venue's symbol is a coin by the coin id that CoinGecko names behind it, never by its ticker.
What no API tells, a symbol that was another coin before, stands in `reused`.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import polars as pl

import sources
import store
from candles import Blocked, Malformed, SourceError, Unavailable
from collect import quota
from collect.indexed import CRYPTOCOMPARE
from collect.kinds import is_crypto
from collect.order import Order
from collect.reused import REUSED
from collect.tools import Tools
from sources import CATALOGUE, Catalogue, Source, coingecko, cryptocompare

log = logging.getLogger(__name__)

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USDP", "USD")
"""Prices are in dollars: of a coin's markets at a venue, the first of these counts."""

COINS_A_PAGE = 250
FIRST_COINS = 1000  # four pages; `chandlery coins` learns them all
FRESH = timedelta(hours=24)
UNIVERSE = "universe"
LISTED = pl.Schema(
    {
        "id": pl.String(),
        "symbol": pl.String(),
        "multiple": pl.Int64(),
        "start": CATALOGUE["start"],
        "end": CATALOGUE["end"],
    },
)


@dataclass
class Universe:
    """What was learnt."""

    coins: int = 0
    listings: dict[str, int] = field(default_factory=dict)  # source: coins listed there
    unmapped: int = 0  # coins known by a venue's word only, as CoinGecko did not answer
    failures: dict[str, str] = field(default_factory=dict)

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return asdict(self)


def learn(tools: Tools, now: datetime, most: int | None = None) -> Universe:
    """Keep the `most` best-ranked coins (all, if None) and their listings at every source.

    What one venue does not tell is left for another time, with its words in `failures`. Without
    CoinGecko what is known stays; if nothing is, the venues' own lists must do: their coins are
    kept apart, flagged as unmapped.
    """
    universe = Universe()
    try:
        seen = _coins(tools, most)
    except (Unavailable, Blocked, Malformed) as error:
        universe.failures["coingecko"] = str(error)
        if not tools.database.do(store.find, most=1):
            log.warning("without CoinGecko coins are told apart by venue only, and not ranked")
            _learn_unmapped(tools, now, universe)
        return universe
    told = dict(_told(tools, seen, universe))
    retire = most is None and not universe.failures
    universe.coins = tools.database.do(_keep, seen, told, now, retire=retire)
    universe.listings = {name: listed["id"].n_unique() for name, (listed, _) in told.items()}
    quota.keep(tools, now)
    return universe


def _keep(
    connection: store.Connection,
    seen: pl.DataFrame,
    told: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]],
    now: datetime,
    *,
    retire: bool,
) -> int:
    # All or nothing: coins without their listings would look as if nobody listed them.
    with connection.transaction():
        for name, (listed, _) in told.items():
            store.adopt(connection, name, listed.unique("id"))
        coins = store.learn_coins(connection, seen, now)
        for name, (listed, markets) in told.items():
            store.learn_listings(connection, name, listed, now, markets)
        if retire:
            store.retire_unseen(connection, now)
        store.note_learnt(connection, UNIVERSE, now)
    return coins


def learn_if_due(tools: Tools, order: Order) -> None:
    """Before a run: learn the coins if none is known, or if a day has passed since."""
    known = tools.database.do(store.find)
    learnt = tools.database.do(store.learnt_at, UNIVERSE)
    if known and learnt is not None and order.now - learnt < FRESH:
        return
    named = order.symbols is not None or order.max_coins is None
    enough = max(FIRST_COINS if named else order.max_coins or 0, COINS_A_PAGE, len(known))
    why = "a day has passed" if known else "no coin is known yet"
    log.warning("%s: learning the %s best by market cap", why, f"{enough:,}")
    for source, words in learn(tools, order.now, enough).failures.items():
        log.warning("what %s lists could not be learnt: %s", source, words)


def _coins(tools: Tools, most: int | None) -> pl.DataFrame:
    """The best-ranked coins: id, ticker (upper case, as venues write it), name, rank."""
    seen = coingecko.coins(tools.client, most)
    return seen.select(
        "id",
        "name",
        "rank",
        ticker=pl.col("symbol").str.to_uppercase(),
        crypto=is_crypto(pl.col("id")),
    )


def _told(
    tools: Tools, seen: pl.DataFrame, universe: Universe
) -> Iterator[tuple[str, tuple[pl.DataFrame, pl.DataFrame]]]:
    """What each source lists of the coins seen, and its markets (symbol, trading, end).

    What one does not tell is put to `failures`.
    """
    for source in _asked(tools):
        if source.name == coingecko.VENUE.name:
            listed = _listed_by_id(seen)
            yield source.name, (listed, _trading(listed))
        elif source.name == cryptocompare.VENUE.name:
            listed = _listed_by_id(seen, CRYPTOCOMPARE)
            yield source.name, (listed, _trading(listed))
        elif source.catalogue is not None:
            try:
                yield source.name, _listed(tools, source, source.catalogue, seen)
            except SourceError as error:
                universe.failures[source.name] = str(error)


def _asked(tools: Tools) -> list[Source]:
    """The sources in force that may be asked: what nobody wants need not be known."""
    wanted = [tools.sources[name] for name in tools.priority if name in tools.sources]
    return [source for source in wanted if sources.configured(tools.keys, source)]


def _listed(
    tools: Tools, source: Source, catalogue: Catalogue, coins: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A source's dollar markets that are of these coins (LISTED, one a coin), and all it has.

    A coin whose own ticker is the venue's asset (1000SATS) is not a multiple of another.
    """
    markets = sources.catalogue(tools.client, source)
    named = coingecko.tickers(tools.client, catalogue.exchange, derivatives=catalogue.derivatives)
    key = ["symbol"] if catalogue.derivatives else ["asset", "quote"]
    behind = named.rename({"base": "asset", "target": "quote"}).select(*key, id="coin_id")
    mapped = (
        _in_dollars(source, markets)
        .join(behind.unique(key, keep="first"), on=key, maintain_order="left")
        .join(coins.select("id", "ticker"), on="id", maintain_order="left")
        .with_columns(pl.when(pl.col("asset") != pl.col("ticker")).then("multiple").otherwise(1))
        .unique("id", keep="first", maintain_order=True)
        .select(LISTED.names())
    )
    return _with_reused(source, mapped, coins), markets


def _in_dollars(source: Source, markets: pl.DataFrame) -> pl.DataFrame:
    """Markets against dollars, best quote first; where they begin is asked of the candles."""
    place = {quote: place for place, quote in enumerate(QUOTES)}
    told = pl.lit(None, CATALOGUE["start"]) if source.first else pl.col("start").dt.truncate("1h")
    return (
        markets.filter(pl.col("quote").is_in(QUOTES))
        .with_columns(start=told)
        .sort(pl.col("quote").replace_strict(place), "multiple", "symbol")
    )


def _with_reused(source: Source, mapped: pl.DataFrame, coins: pl.DataFrame) -> pl.DataFrame:
    """Each part of a reused symbol's life is its coin's; CoinGecko knows the latest only."""
    curated = [
        (reuse.coin, reuse.symbol, 1, reuse.start, reuse.end)
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
        .with_columns(start=pl.lit(None, LISTED["start"]), end=pl.lit(None, LISTED["end"]))
        .match_to_schema(LISTED)
    )


def _trading(listed: pl.DataFrame) -> pl.DataFrame:
    """The markets of a source without a list of its own: all that are listed trade."""
    return listed.select("symbol", "end", trading=pl.lit(value=True))


def _learn_unmapped(tools: Tools, now: datetime, universe: Universe) -> None:
    """Keep what each venue lists under ids of its own, until CoinGecko tells whose they are."""
    for source in _asked(tools):
        if source.catalogue is None:
            continue
        try:
            known = sources.catalogue(tools.client, source)
        except SourceError as error:
            universe.failures[source.name] = str(error)
            continue
        trading = known.filter("trading")
        named = _in_dollars(source, trading).unique("base", keep="first", maintain_order=True)
        coins = named.with_columns(
            id=pl.format("unmapped:{}:{}", pl.lit(source.name), pl.col("base")),
            name=pl.format("{} at {}", pl.col("base"), pl.lit(source.name)),
            ticker=pl.col("base"),
            rank=pl.lit(None, pl.Int64),
        )
        universe.unmapped += tools.database.do(store.learn_coins, coins, now, mapped=False)
        listed = coins.select(LISTED.names())
        tools.database.do(store.learn_listings, source.name, listed, now, known)
        universe.listings[source.name] = listed.height
