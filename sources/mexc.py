"""MEXC spot: BTCUSDT and its like, a venue's own candles, of more small coins than the others.

https://www.mexc.com/api-docs/spot-v3 (General Info, Market Data Endpoints, Public API Definitions,
Error Code; read as of 2026-04). It looks like Binance's API and is not. Quirks:

- An hour is `60m`: there is no 1h. Weeks are 1W.
- `startTime` and `endTime` are in ms and go together: the first alone is not heeded, and the newest
  rows come (mexcdevelop/mexc-api-sdk #28, #57). It is inclusive.
- `endTime` is exclusive in ccxt, which adds 1 ms to it, and inclusive in vitakot/mexc_cpp_api. The
  documentation does not say [U]. It is asked for as exclusive. Were it inclusive, one row more
  would come, which `fetch` leaves out: its start alone is exact.
- A page has 500 rows at most since 2025. Older copies of the page, and many clients, say 1,000.
  Rows ascend. Both times given, they are the first from `startTime` on (two clients).
- Eight columns, times in ms, amounts as strings: open time, open, high, low, close, volume (base),
  close time, quote volume. The close time is the next open, not 1 ms less. Trades are not told.
- No flag says that a candle is closed, and the newest is not: `fetch` goes by the clock.
- An hour without a trade may be absent or a flat bar of volume 0 [U]. Either is read as it is.
- Hourly history is complete for over 5 years, says vitakot/mexc_cpp_api [U]: no `reach` is set.
  Files of all pairs since 2023 are to be had by hand, and are not read here.
- `first` is not known. To ask for it takes an `endTime` far off, and nobody tells what that does
  [U]. An exchangeInfo may have firstOpenTime, undocumented: BTCUSDT's is of 2017-10, before MEXC.
- 500 weight in 10 s for each endpoint and address, **each endpoint with an account of its own**.
  klines weigh 1, exchangeInfo 25 (10 until 2025: the dearer one is taken). No header tells what is
  spent. Who goes beyond gets 429, who goes on 418 for 2 minutes to 3 days, both with Retry-After.
- Errors have a code and a msg, in either order, with 4xx or HTTP 200. "bad symbol" is 10007, and
  klines say -1121 as Binance does, which the table of codes lacks. 403 is the firewall, or a
  country [U which]: nothing is to be had from here by either.
- status is 1 online, 2 paused, 3 offline. It was "ENABLED" in 2022: an unknown one makes its entry
  odd. All 1,954 that were listed in 2026-09 were online: what is offline seems to leave the list.
- isSpotTradingAllowed is not whether a symbol trades. It is whether orders may come by API: the
  documentation's own BTCUSDT, online, has it false. It is not read.
- Stocks as tokens are listed like coins: 79 of 1,966 symbols in 2026-09. conceptPlates has
  "Tokenized Stocks", where it is there; fullName ends in xStock or (Ondo). [U: clients' word]
- Leveraged tokens are named by coin, factor and side: BTC3L, ETH5S (Get ETF Info) [U beyond 3].
- fullName is the coin's name, contractAddress its token's address on one network, nobody tells
  which; "" where there is none, and for some a word: "sats".
- No dates of listing or of the end. /api/v3/symbol/offline tells some ends, and is not asked.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import httpx
import polars as pl

from chandlery.errors import SourceError
from chandlery.model import HOUR, Listing, Window, milliseconds, one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.assets import Fields
from chandlery.venues.parsing.multiples import plain
from chandlery.venues.source import Catalogue, Markets, Source, Venue, at_once
from chandlery.venues.verdicts import (
    Meaning,
    banned,
    broken,
    by_status,
    closed,
    later,
    refused,
    too_many,
)

NAME = "mexc"
URL = "https://api.mexc.com"
KLINES = "/api/v3/klines"
EXCHANGE_INFO = "/api/v3/exchangeInfo"
COSTS = {KLINES: 1, EXCHANGE_INFO: 25}
WEIGHT = 500
SECONDS = 10
BAN = 418
WIDTH = 8
PLACES = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 7,
}
FIELDS = Fields(name="fullName", contract="contractAddress")
TRADES = {"1": True, "2": False, "3": False}
STOCKS = "Tokenized Stocks"
STOCK = re.compile(r"\bxStock$|\(Ondo\)", re.IGNORECASE)
LEVERAGED = re.compile(r"[A-Z0-9]{2,}[2-5][LS]")


def _cost(request: httpx.Request) -> float:
    return COSTS[request.url.path]


def _request(listing: Listing, page: Window) -> httpx.Request:
    params = {
        "symbol": listing.symbol,
        "interval": "60m",
        "startTime": str(milliseconds(page.start)),
        "endTime": str(milliseconds(page.end)),
        "limit": str(-((page.start - page.end) // HOUR)),
    }
    return httpx.Request("GET", f"{URL}{KLINES}", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    return columns.candles(columns.json(response), width=WIDTH, places=PLACES, source=NAME)


_too_many = too_many(timedelta(seconds=SECONDS))


def _throttled(response: httpx.Response, words: str) -> SourceError:
    return (banned if response.status_code == BAN else _too_many)(response, words)


CODES: Mapping[str, Meaning] = {
    "-1121": refused,  # invalid symbol
    "401": closed,  # no authority
    "403": closed,  # access denied
    "429": _throttled,  # too many requests
    "500": later,  # internal error
    "503": later,  # service not available
    "504": later,  # gateway time-out
    "10007": refused,  # bad symbol
    "33333": later,  # a parameter is wrong, whichever
    "44444": later,  # a parameter is missing
    "700003": later,  # a time is outside the window
    "700006": closed,  # IP is not in the key's list
    "700007": closed,  # no permission for the endpoint
}


def _verdict(response: httpx.Response) -> SourceError | None:
    """By MEXC's own code, which data has none of; else by the status."""
    body = answers.envelope(response)
    code = answers.text(body.get("code"))
    if not code:
        return by_status(response) or broken(response)
    words = one_line(f"{code} {answers.text(body.get('msg'))}")
    if code in CODES:
        return CODES[code](response, words)
    return by_status(response, words) or later(response, words)


def _listed(response: httpx.Response) -> Markets:
    entries = answers.within(response, "symbols")
    return answers.listed(entries, symbol="symbol", taken=_is_coin, row=_row, fields=FIELDS)


def _is_coin(entry: answers.Entry) -> bool:
    return not (_is_stock(entry) or LEVERAGED.fullmatch(answers.name(entry, "baseAsset")))


def _is_stock(entry: answers.Entry) -> bool:
    named = STOCK.search(answers.text(entry.get("fullName")))
    return named is not None or STOCKS in (entry.get("conceptPlates") or ())


def _row(entry: answers.Entry) -> Sequence[object]:
    asset = answers.name(entry, "baseAsset")
    base, multiple = plain(asset)
    trading = TRADES[answers.text(entry["status"])]
    return entry["symbol"], asset, base, entry["quoteAsset"], multiple, None, None, trading


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering(tuple(Budget(WEIGHT, SECONDS, _cost, path=path) for path in COSTS)),
        verdict=_verdict,
    ),
    kind="traded",
    page_hours=500,
    request=_request,
    parse=_parse,
    exact_start=True,
    sparse=True,  # [U]: where hours are flat instead, it costs nothing
    place=110,
    slow_to_list=True,
    colour="#882255",
    catalogue=Catalogue(
        exchange="mxc",
        derivatives=False,
        request=at_once(f"{URL}{EXCHANGE_INFO}"),
        parse=_listed,
    ),
)
