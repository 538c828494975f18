"""Coinbase Exchange spot: BTC-USD and its like, a venue's own candles, in dollars themselves.

https://docs.cdp.coinbase.com/api-reference/exchange-api (Get product candles, Get all known
trading pairs, Rate limits). It is here rather than Kraken, whose OHLC has the newest 720 hours
only, whatever `since` says: older pages would come back empty, and read as hours without a candle.
Quirks:

- `start` and `end` are ISO 8601 and both inclusive: a page ends at its last candle's opening. More
  than 300 candles are refused (400 "granularity too small for the requested time range"); rows
  ahead of `start` may come with them, and `fetch` leaves them out. None after `end` do. Newest
  first.
- A row is time in seconds, **low, high, open**, close, volume (base): not the order of the others.
  Numbers are numbers. Quote volume and trades are not told.
- An hour without a trade is absent, not flat.
- Errors have a message and a status: 404 "NotFound" for an unknown product (a 404 without these
  words is a proxy's, and says nothing), 429 past 10 requests in a second
  from an address (bursts to 15).
- Products have no date of listing or of the end: a product that is gone stays in the list with
  status "delisted", its candles are still served. Nothing asks for the first candle.
- /currencies has each coin's name, and a contract_address in those of `supported_networks` where
  the coin is a token [U: absent of others].
- Nothing in a product tells stocks from coins; there were none in August 2026, when all 920 of the
  newer API's list had product_type SPOT. A product that says it is anything else is left out.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import httpx
import polars as pl

from chandlery.errors import SourceError
from chandlery.model import HOUR, Listing, Window, one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.assets import Fields, assets
from chandlery.venues.source import Assets, Catalogue, Markets, Source, Venue, at_once
from chandlery.venues.verdicts import broken, by_status, refused

NAME = "coinbase"
URL = "https://api.exchange.coinbase.com"
PAGE_HOURS = 300
WIDTH = 6
MISSING = 404
UNKNOWN = "NotFound"
COINS = frozenset({"", "SPOT"})
NO_COINS = frozenset({"FUTURE"})
FIELDS = Fields(name="name", contract="contract_address", networks="supported_networks")
PLACES = {"open_time": 0, "low": 1, "high": 2, "open": 3, "close": 4, "volume": 5}


def _request(listing: Listing, page: Window) -> httpx.Request:
    params = {
        "granularity": "3600",
        "start": _iso(page.start),
        "end": _iso(page.end - HOUR),
    }
    path = f"/products/{quote(listing.symbol, safe='')}/candles"
    return httpx.Request("GET", f"{URL}{path}", params=params)


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _parse(response: httpx.Response) -> pl.DataFrame:
    rows = answers.in_milliseconds(columns.json(response))
    return columns.candles(rows, width=WIDTH, places=PLACES, source=NAME)


def _verdict(response: httpx.Response) -> SourceError | None:
    if response.is_success:
        return broken(response)
    words = one_line(answers.text(answers.envelope(response).get("message")))
    if response.status_code == MISSING and words == UNKNOWN:
        return refused(response, f"HTTP {MISSING} {words}")
    return by_status(response, words or None)


def _listed(response: httpx.Response) -> Markets:
    return answers.listed(columns.json(response), symbol="id", taken=_is_coin, row=_row)


def _assets(response: httpx.Response) -> pl.DataFrame:
    return assets(columns.json(response), asset="id", fields=FIELDS)


def _is_coin(entry: answers.Entry) -> bool:
    return answers.is_taken(NAME, entry.get("product_type"), COINS, NO_COINS)


def _row(entry: answers.Entry) -> Sequence[object]:
    asset, paid = entry["base_currency"], entry["quote_currency"]
    trading = (
        answers.name(entry, "status") == "online" and entry.get("trading_disabled") is not True
    )
    return entry["id"], asset, asset, paid, 1, None, None, trading


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering((Budget(10, 1),)),
        verdict=_verdict,
    ),
    kind="traded",
    page_hours=PAGE_HOURS,
    request=_request,
    parse=_parse,
    exact_end=True,
    sparse=True,
    place=80,
    slow_to_list=True,
    colour="#cc79a7",
    catalogue=Catalogue(
        exchange="gdax",
        derivatives=False,
        request=at_once(f"{URL}/products"),
        parse=_listed,
        assets=Assets(request=at_once(f"{URL}/currencies"), parse=_assets),
    ),
)
