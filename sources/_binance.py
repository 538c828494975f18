"""What Binance's spot and USD-M futures APIs have in common.

https://developers.binance.com/docs/binance-spot-api-docs (rest-api, errors) and
https://developers.binance.com/docs/derivatives/usds-margined-futures. Their quirks:

- A row has twelve columns, times in ms and numbers as strings. The newest is the candle still
  open; closeTime would tell, but it is odd on a halted hour, so `fetch` goes by the clock alone.
- `startTime` and `endTime` are both inclusive: the end asked for is a millisecond earlier.
- A parameter that is not read is an error (-1104), so only known ones are sent.
- -1121 and -1122 alone say that there is no such symbol.
- A page has no row but of the window asked for.
- X-MBX-USED-WEIGHT-1M counts what everybody at this address has spent in the calendar minute.
  429 asks to back off; who goes on gets 418, "IP banned until <ms>", from two minutes to three
  days. Sources disagree whether futures send Retry-After: the body's time is read as well.
- -1003 is both of these; 403 is the firewall, 451 a restricted country.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType

import httpx
import orjson
import polars as pl

from chandlery.errors import Blocked, Malformed, SourceError
from chandlery.model import HOUR, Listing, Window, milliseconds, one_line
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.multiples import plain
from chandlery.venues.source import Markets
from chandlery.venues.verdicts import (
    Meaning,
    banned,
    broken,
    by_status,
    closed,
    date,
    excerpt,
    later,
    refused,
)

WIDTH = 12
PLACES = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 7,
    "trades": 8,
    "taker_buy_volume": 9,
    "taker_buy_quote_volume": 10,
}
BAN = 418
USED = "x-mbx-used-weight-1m"
LONGEST_BAN = timedelta(days=7)
UNTOLD = 4_133_404_800_000
"""deliveryDate of a contract without an end: 2100-12-25."""


def request(url: str, listing: Listing, page: Window) -> httpx.Request:
    """A page of hourly candles; `limit` is no more than the page holds, since it is paid for."""
    return _klines(
        url,
        listing,
        startTime=milliseconds(page.start),
        endTime=milliseconds(page.end) - 1,
        limit=-((page.start - page.end) // HOUR),
    )


def first(url: str, listing: Listing) -> httpx.Request:
    """The one candle that is the earliest of all."""
    return _klines(url, listing, startTime=0, limit=1)


def last(url: str, listing: Listing) -> httpx.Request:
    """The one candle that is the newest of all: of a symbol that is over, its last."""
    return _klines(url, listing, limit=1)


def _klines(url: str, listing: Listing, **params: int) -> httpx.Request:
    fixed = {"symbol": listing.symbol, "interval": "1h"}
    return httpx.Request("GET", url, params={**fixed, **params})


def parse(source: str, response: httpx.Response) -> pl.DataFrame:
    """Klines of any interval, ascending as they come."""
    return columns.candles(columns.json(response), width=WIDTH, places=PLACES, source=source)


def _throttled(response: httpx.Response, words: str) -> SourceError:
    until = re.search(r"banned until (\d{13})\b", words)
    if until is None:
        return (banned if response.status_code == BAN else later)(response, words)
    answered = date(response)
    if answered is None or "retry-after" in response.headers:
        return banned(response, words)
    end = datetime.fromtimestamp(int(until[1]) / 1000, UTC)
    return Blocked(words, after=min(max(end - answered, timedelta(0)), LONGEST_BAN))


CODES: Mapping[int, Meaning] = {
    -1000: later,  # unknown error while processing
    -1001: later,  # disconnected: internal error
    -1003: _throttled,  # too many requests, or banned for it
    -1006: later,  # unexpected response from the message bus
    -1007: later,  # time-out waiting for the backend
    -1008: later,  # server overloaded
    -1016: later,  # service shutting down
    -1121: refused,  # invalid symbol
    -1122: refused,  # invalid symbol status
    -2014: closed,  # API key format invalid
    -2015: closed,  # invalid API key, IP or permissions
}
_TOLD = b'{"code":'


def verdict(response: httpx.Response) -> SourceError | None:
    """By Binance's own code where there is one, else by the status."""
    told = response.content[:64].translate(None, b" \r\n\t").startswith(_TOLD)
    if response.is_success and not told:
        return broken(response)
    code, words = _said(response)
    if code in CODES:
        return CODES[code](response, words)
    return by_status(response, words) or later(response, words)


def _said(response: httpx.Response) -> tuple[int, str]:
    try:
        body = orjson.loads(response.content)
        return int(body["code"]), one_line(f"{body['code']} {body['msg']}")
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError):
        return 0, excerpt(response)


def listed(
    response: httpx.Response,
    *,
    wanted: Mapping[str, str] = MappingProxyType({}),
    start: str | None = None,
    end: str | None = None,
) -> Markets:
    """The symbols of an exchangeInfo that have what is `wanted`, as CATALOGUE.

    `start` and `end` name the dates that tell of listing and delisting, where there are any.
    """
    body = columns.json(response)
    symbols = body.get("symbols") if isinstance(body, dict) else None
    if not isinstance(symbols, list):
        raise Malformed(f"its list of symbols: none in {excerpt(response)}")

    def taken(entry: answers.Entry) -> bool:
        return all(answers.words(entry, name) == wanted[name] for name in wanted)

    found = answers.listed(
        symbols, symbol="symbol", taken=taken, row=partial(_row, start=start, end=end)
    )
    if symbols and not found.odd and found.frame.is_empty():
        # Rather than take everything for delisted because a word has changed.
        raise Malformed(f"its list of symbols: not one has {dict(wanted)}")
    return found


def _row(entry: answers.Entry, *, start: str | None, end: str | None) -> Sequence[object]:
    asset = answers.name(entry, "baseAsset")
    base, multiple = plain(asset)
    dates = _date(entry, start), _date(entry, end)
    trading = answers.name(entry, "status") == "TRADING"
    return entry["symbol"], asset, base, entry["quoteAsset"], multiple, *dates, trading


def _date(entry: answers.Entry, name: str | None) -> datetime | None:
    ms = 0 if name is None else entry.get(name, 0)
    if type(ms) is not int:
        raise TypeError(f"{name} is {ms!r}")
    return None if ms == UNTOLD else answers.moment(ms)


def budget(response: httpx.Response) -> float | None:
    """The weight a minute, where the answer is an exchangeInfo that states it."""
    if not response.is_success or not response.request.url.path.endswith("/exchangeInfo"):
        return None
    # Not parsed whole for this: spot's has ten megabytes, and the limits stand before the symbols.
    head = response.content[:65536]
    for each in re.findall(rb"\{[^{}]*REQUEST_WEIGHT[^{}]*\}", head):
        if re.search(rb'"interval":\s*"MINUTE"', each) and re.search(
            rb'"intervalNum":\s*1\b', each
        ):
            most = re.search(rb'"limit":\s*([1-9]\d{0,8})\b', each)
            return float(most[1]) if most else None
    return None
