"""Coins that were over before anybody asked for them: what venues stopped trading.

A venue's list keeps symbols that no longer trade, and its files those that are gone from the list:

    binance_spot            BTCUSDT TRADING, SRMUSDT BREAK
    binance_spot_archive    folders BTCUSDT, SRMUSDT, BCCUSDT
    so                      SRMUSDT to its last candle, and BCCUSDT to that of its last file

Each is a listing with an end. Its coin is told by a table with evidence (`delisted_symbols`), or it
is kept under an id of the venue's own, unmapped. An asset that still trades against anything is not
over, and a symbol whose last candle is not old may come back: both are passed over here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import polars as pl

from chandlery import store, venues
from chandlery.engine.context import RunContext
from chandlery.errors import SourceError
from chandlery.model import HOUR, Listing, Window, whole_hour
from chandlery.store import DelistedListing
from chandlery.symbology.delisted_symbols import DELISTED, DelistedSymbol
from chandlery.symbology.kinds import is_crypto
from chandlery.symbology.markets import QUOTES, in_dollars
from chandlery.symbology.reused import REUSED
from chandlery.symbology.source_list import SourceList
from chandlery.symbology.unmapped import unmapped_id, unmapped_name
from chandlery.venues import CATALOGUE, Source
from chandlery.venues.parsing.multiples import plain

RESTS = timedelta(days=14)
"""A symbol that has stood still for less may come back: the longest halt that came back took 9."""
LATE = timedelta(days=40)
"""By then a month's file is out: only after that does the next one's absence say anything."""
MONTH = timedelta(days=31)
KNOWN: Mapping[tuple[str, str], DelistedSymbol] = {
    (each.source, each.symbol): each for each in DELISTED
}


@dataclass
class Delisted:
    """What is over: listings that were not known, by source, and who did not answer."""

    listings: dict[str, list[DelistedListing]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class _Symbol(NamedTuple):
    """A symbol that is over; its venue may tell when it began and ended, or not list it at all."""

    name: str
    base: str
    multiple: int
    told: datetime | None
    end: datetime | None
    venue_name: str | None  # what it calls the coin
    contract: str | None
    is_listed: bool


class _Life(NamedTuple):
    """A symbol's first hour, where it was looked up, and the end of its last."""

    start: datetime | None
    end: datetime


def find(context: RunContext, found: Mapping[str, SourceList], now: datetime) -> Delisted:
    """What is over by the lists that sources have told, and was not known to be."""
    delisted = Delisted()
    for name, told in found.items():
        if told.markets.columns == CATALOGUE.names():
            source = context.sources[name]
            over = _over(context, source, told, delisted.failures)
            delisted.listings[name] = list(_lived(context, source, over, now, delisted.failures))
    return delisted


def keep(
    connection: store.Connection, context: RunContext, delisted: Delisted, now: datetime
) -> None:
    """Keep it, each coin left out until it is asked for; and which of them are no coins."""
    with connection.transaction():
        for name, listings in delisted.listings.items():
            curated = [(each.coin, each.symbol) for each in DELISTED if each.source == name]
            told = pl.DataFrame(curated, {"id": pl.String(), "symbol": pl.String()}, orient="row")
            store.adopt(connection, name, told)  # what a newer table knows
            store.learn_delisted(connection, name, listings, now)
        ids = store.inactive_ids(connection)
        store.note_crypto(connection, {id_: is_crypto(id_, context.include) for id_ in ids})


def _over(
    context: RunContext, source: Source, told: SourceList, failures: dict[str, str]
) -> list[_Symbol]:
    """The symbols against dollars that are over and not known yet, the best of each asset."""
    markets = pl.concat([told.markets, _archived(context, source, told.markets, failures)])
    curated = [each.symbol for each in DELISTED if each.source == source.name]
    reused = [each.symbol for each in REUSED if each.source == source.name]
    known = context.database.do(store.symbols_at, source.name)
    trading = markets.filter("trading")["asset"].implode()
    over = ~pl.col("asset").is_in(trading) | pl.col("symbol").is_in(curated)
    found = (
        in_dollars(source, markets)
        .filter(over & ~pl.col("trading"))
        .filter(~pl.col("symbol").is_in([*reused, *told.listed["symbol"]]))
        .unique("asset", keep="first", maintain_order=True)
        .filter(~pl.col("symbol").is_in(sorted(known)))
        .select("symbol", "base", "multiple", "told", "end", "name", "contract")
    )
    listed = set(told.markets["symbol"])
    return [_Symbol._make((*row, row[0] in listed)) for row in found.rows()]


def _archived(
    context: RunContext, source: Source, markets: pl.DataFrame, failures: dict[str, str]
) -> pl.DataFrame:
    """As CATALOGUE what a source's files are of, beside what it lists."""
    names: set[str] = set()
    for way in _archives(context, source):
        try:
            names.update(venues.symbols(context.client, way))
        except SourceError as error:
            failures[way.name] = str(error)
    rows = [_taken_apart(name) for name in sorted(names.difference(markets["symbol"]))]
    return pl.DataFrame([row for row in rows if row], schema=CATALOGUE, orient="row")


def _archives(context: RunContext, source: Source) -> list[Source]:
    """The second ways to its candles that tell which symbols they have files of."""
    known = context.sources.values()
    return [way for way in known if way.serves == source.name and way.folders is not None]


def _taken_apart(symbol: str) -> tuple[object, ...] | None:
    """A symbol of which nothing but its name is known: BCCUSDT is BCC against USDT."""
    quote = next((each for each in QUOTES if symbol.endswith(each) and symbol != each), None)
    if quote is None:
        return None
    asset = symbol.removesuffix(quote)
    try:
        base, multiple = plain(asset)
    except ValueError:
        return None
    return symbol, asset, base, quote, multiple, None, None, False, None, None


def _lived(
    context: RunContext,
    source: Source,
    over: list[_Symbol],
    now: datetime,
    failures: dict[str, str],
) -> Iterator[DelistedListing]:
    """When each of these symbols lived; one that may come back, or never traded, is left out."""
    futures = [(each, context.workers.submit(_life, context, source, each, now)) for each in over]
    for symbol, future in futures:
        try:
            life = future.result()
        except SourceError as error:
            failures.setdefault(source.name, str(error))
            continue
        rests = RESTS if symbol.is_listed else RESTS + LATE
        if life is not None and life.end <= now - rests:
            yield _listing(source, symbol, life)


def _life(context: RunContext, source: Source, symbol: _Symbol, now: datetime) -> _Life | None:
    """By the end that its venue tells, its last candle there, or its first and last file."""
    if symbol.end is not None:
        return _Life(None, symbol.end)
    listing = Listing(0, source.name, symbol.name)
    if symbol.is_listed:
        last = venues.last_candle(context.client, source, listing, now)
        return None if last is None else _Life(None, whole_hour(last) + HOUR)
    for way in _archives(context, source):
        months = venues.months(context.client, way, symbol.name)
        if months is not None:
            return _by_files(context, way, listing, months, now)
    return None


def _by_files(
    context: RunContext, way: Source, listing: Listing, months: Window, now: datetime
) -> _Life | None:
    """Its first and its last candle: of the first and the last month that there is a file of."""
    first = Window(months.start, (months.start + MONTH).replace(day=1))
    last = Window((months.end - HOUR).replace(day=1, hour=0), months.end)
    start, _ = _ends(context, way, listing, first, now)
    _, end = _ends(context, way, listing, last, now)
    return None if start is None or end is None else _Life(start, end + HOUR)


def _ends(
    context: RunContext, way: Source, listing: Listing, month: Window, now: datetime
) -> tuple[datetime | None, datetime | None]:
    opened = venues.fetch(context.client, way, listing, month, now).frame["open_time"].to_list()
    return (opened[0], opened[-1]) if opened else (None, None)


def _listing(source: Source, symbol: _Symbol, life: _Life) -> DelistedListing:
    """With its coin: by the table, or under an id of the venue's own."""
    id_ = unmapped_id(source.name, symbol.base)
    name = unmapped_name(source.name, symbol.base, symbol.venue_name)
    unknown = DelistedSymbol(source.name, symbol.name, id_, symbol.base, name, evidence="")
    known = KNOWN.get((source.name, symbol.name), unknown)
    return DelistedListing(
        id=known.coin,
        ticker=known.ticker,
        name=known.name,
        mapped=known is not unknown,
        symbol=symbol.name,
        multiple=symbol.multiple,
        start=life.start,
        end=life.end,
        told=symbol.told or life.start,
        venue_name=symbol.venue_name,
        contract=symbol.contract,
    )
