"""Bybit v5: linear perpetuals and spot, two sources of one API and one limit.

https://bybit-exchange.github.io/docs/v5 (Get Kline, Get Instruments Info, Rate Limit, Error
Codes, Enums). Quirks of both:

- `start` and `end` are in ms and both inclusive: the end asked for is a millisecond earlier.
  `limit` is 200 where it is not said, 1,000 at most. Newest first.
- Seven strings: start, open, high, low, close, volume, turnover. Volume is in the base (in units
  of 1,000 coins where the symbol is), turnover in the quote; trades are not told. No flag says
  that a candle is closed, and the newest may not be: `fetch` goes by the clock.
- Errors are HTTP 200 with a retCode: 10001 a parameter, of which only the words tell whether it is
  the symbol ("params error: Symbol Is Invalid"); 10006 too many. What an address sends
  beyond 600 requests in 5 s is HTTP 403 "access too frequent", until it has kept still for 10
  minutes. From the United States every answer is HTTP 403 of the CDN ("configured to block access
  from your country"), for good: the two are told apart by the body.
- symbolType tells what is a coin: "" (505 of the 800 contracts recorded in 2026, 543 of the 557
  spot symbols), innovation (117: young coins) and, on spot, adventure (3) are. stock (174),
  commodity (4), spot's xstocks (11: stocks as tokens), etf and mstocks are none, nor are forex and
  index [U]. The answer of 2023 has no symbolType.
- Multiples lead the name (1000PEPE: `multiples`), but for SHIB1000.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import httpx
import polars as pl

from chandlery.errors import Malformed, SourceError, Unavailable
from chandlery.model import HOUR, Listing, Window, milliseconds, one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.multiples import plain
from chandlery.venues.source import Catalogue, Source, Venue
from chandlery.venues.verdicts import (
    Meaning,
    banned,
    closed,
    excerpt,
    later,
    refused,
    retry_after,
    too_many,
)

URL = "https://api.bybit.com"
SPOT = "spot"
INSTRUMENTS = f"{URL}/v5/market/instruments-info"
PAGE_HOURS = 1000
PAUSE = timedelta(seconds=5)
BAN = timedelta(minutes=10)
FORBIDDEN = 403
TOO_FREQUENT = b"too frequent"
WIDTH = 7
PLACES = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 6,
}
TRAILING = {"SHIB1000": ("SHIB", 1000)}
COINS = frozenset({"", "innovation", "adventure"})
NO_COINS = frozenset({"stock", "xstocks", "mstocks", "etf", "commodity", "forex", "index"})
SYMBOL = re.compile(r"\bsymbols?\b", re.IGNORECASE)


def request(category: str, listing: Listing, page: Window) -> httpx.Request:
    """A page of a category's candles."""
    params = {
        "category": category,
        "symbol": listing.symbol,
        "interval": "60",
        "start": str(milliseconds(page.start)),
        "end": str(milliseconds(page.end) - 1),
        "limit": str(-((page.start - page.end) // HOUR)),
    }
    return httpx.Request("GET", f"{URL}/v5/market/kline", params=params)


def parse(name: str, category: str, response: httpx.Response) -> pl.DataFrame:
    """The candles, of the symbol and the category that were asked for."""
    rows = answers.within(response, "result", "list")
    told, asked = answers.within(response, "result", "symbol"), answers.asked(response, "symbol")
    if asked and told != asked:
        raise Malformed(f"its candles are of {one_line(str(told))}, not of {asked}")
    market = answers.within(response, "result", "category")
    if asked and market != category:
        raise Malformed(f"its candles are of {one_line(str(market))}, not of {category}")
    return columns.candles(rows, width=WIDTH, places=PLACES, source=name)


def _parameter(response: httpx.Response, words: str) -> SourceError:
    """A parameter is wrong: of the symbol, if it is that, there is nothing; else it may pass."""
    return (refused if SYMBOL.search(words) else later)(response, words)


_too_many = too_many(PAUSE)
CODES: Mapping[str, Meaning] = {
    "10000": later,  # server timeout
    "10001": _parameter,
    "10003": closed,  # API key invalid
    "10005": closed,  # permission denied
    "10006": _too_many,
    "10009": banned,  # IP has been banned
    "10010": closed,  # IP is not in the key's list
    "10016": later,  # internal error
    "10017": later,  # no such path
    "10018": _too_many,  # this address
    "10024": closed,  # compliance rules
    "10429": _too_many,  # the system as a whole
}
_by_code = partial(answers.verdict, code="retCode", message="retMsg", fine="0", codes=CODES)


def verdict(response: httpx.Response) -> SourceError | None:
    """By retCode, and by the words of the two kinds of HTTP 403."""
    if response.status_code == FORBIDDEN and TOO_FREQUENT in response.content.lower():
        words = f"HTTP {FORBIDDEN} {excerpt(response)}"
        return Unavailable(words, after=max(retry_after(response) or BAN, BAN))
    return _by_code(response)


def is_coin(name: str, entry: answers.Entry) -> bool:
    """Whether an entry of the list of `name` is of a coin."""
    return answers.is_taken(name, entry.get("symbolType"), COINS, NO_COINS)


def coin(entry: answers.Entry) -> tuple[str, str, int]:
    """The base as it is written, the coin's own ticker, and how many of it are one."""
    asset = answers.name(entry, "baseCoin")
    return asset, *(TRAILING.get(asset) or plain(asset))


def is_trading(entry: answers.Entry) -> bool:
    """Whether it trades now."""
    return answers.name(entry, "status") == "Trading"


def source(name: str, category: str, place: int, colour: str, catalogue: Catalogue) -> Source:
    """A category as a source: both share one address and what it may send."""
    return Source(
        venue=Venue(name=name, url=URL, metering=Metering((Budget(600, 5),)), verdict=verdict),
        kind="traded",
        page_hours=PAGE_HOURS,
        request=partial(request, category),
        parse=partial(parse, name, category),
        place=place,
        slow_to_list=category == SPOT,
        colour=colour,
        exact_start=True,
        exact_end=True,
        sparse=category == SPOT,
        catalogue=catalogue,
    )
