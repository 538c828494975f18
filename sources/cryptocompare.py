"""CryptoCompare (CoinDesk Data): an hourly index over many exchanges, for coins few venues list.

https://min-api.cryptocompare.com/documentation (Hourly Pair OHLCV) and, for the newer host,
https://developers.coindesk.com. Quirks:

- Paid since 2026-05-21: without a key HTTP 401, "API key required". The venue's key is required,
  so without one this source is not configured and nothing is sent.
- A listing's symbol is `fsym`, the coin as CryptoCompare writes it, and tsym is always USD: there
  the index takes in most exchanges, and dollars are what the other sources' prices are in. `e` is
  left at CCCAGG, the aggregate, and tryConversion at true: a coin without a dollar market is told
  by way of another, as it is on CryptoCompare's own pages.
- So candles are **indicative**: nobody traded at an index's prices, and its volume, although known,
  is that of all exchanges together. A venue's own candle is to replace it.
- `toTs` is inclusive, in seconds; `limit` counts the rows before the last, so limit + 1 come, 2,001
  at most. A page asks for one more than it has hours: whichever way that is counted it is whole,
  and `fetch` leaves the row ahead of it out. Ascending.
- Before listing, and in holes, rows are zeros: dropped. So a page that is all zeros is empty.
- open is the close before, which may lie outside high and low where the pair is told by way of
  another (430 of the 1,310 days of the recording through BTC): high and low are widened to it. A
  close outside of them is not explained, and left for the rules to refuse.
- Three envelopes were recorded: rows alone, rows in Data, and Data of the newer host, whose columns
  are called otherwise; /data/v2 has them in Data.Data, of which no hourly recording was found [U].
- Errors are HTTP 200 with `"Response":"Error"`: Type 99 is the rate limit, with what was spent and
  what may be; 1 and 2 are a wrong parameter, or a missing key [U: which of both]. The newer
  envelope has `Err` with type and message, beside 4xx. Only words that say that there is no such
  market are a word on the symbol.
- What a plan allows is told only by refusing. 20 a second and 300 a minute, as recorded, was the
  free plan's [U today].
- No catalogue: its list of coins has tickers of its own, which collide, and CoinGecko names no coin
  behind them. Which coin is which stands in a curated table (`_cryptocompare_coins`).
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import polars as pl

from chandlery.errors import Blocked, Malformed, SourceError, Unavailable
from chandlery.model import HOUR, Listing, Window, one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.source import Source, Venue
from chandlery.venues.verdicts import STATUSES, broken, by_status, later, refused, retry_after
from sources._cryptocompare_coins import COINS

NAME = "cryptocompare"
URL = "https://min-api.cryptocompare.com"
QUOTE = "USD"
PAGE_HOURS = 2000
OLD = ("time", "open", "high", "low", "close", "volumefrom", "volumeto")
NEW = ("TIMESTAMP", "OPEN", "HIGH", "LOW", "CLOSE", "VOLUME", "QUOTE_VOLUME")
PLACES = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 6,
}
NOTHING = [0, 0, 0, 0]
SPENT = "99"
PERIODS = {
    "month": timedelta(days=1),  # to see whether another plan was bought
    "day": timedelta(days=1),
    "hour": HOUR,
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
UNKNOWN = re.compile(r"\bmarket does not exist\b|\bno data for the symbol\b", re.IGNORECASE)
KEY = re.compile(r"\b(api|auth)[ _-]?key\b", re.IGNORECASE)


def _request(listing: Listing, page: Window) -> httpx.Request:
    params = {
        "fsym": listing.symbol,
        "tsym": QUOTE,
        "limit": str(-((page.start - page.end) // HOUR)),
        "toTs": str(int(page.end.timestamp()) - 1),
    }
    return httpx.Request("GET", f"{URL}/data/v2/histohour", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    rows = [row for row in _rows(columns.json(response)) if row[1:5] != NOTHING]
    timed = answers.in_milliseconds(rows)
    frame = columns.candles(timed, width=len(OLD), places=PLACES, source=NAME)
    return frame.with_columns(
        high=pl.max_horizontal("high", "open"), low=pl.min_horizontal("low", "open")
    )


def _rows(body: Any) -> list[list[object]]:  # noqa: ANN401 - JSON may be anything
    while isinstance(body, dict) and "Data" in body:
        body = body["Data"]
    if not isinstance(body, list):
        raise Malformed(f"not a list of hours but {type(body).__name__}")
    hours = [each if isinstance(each, dict) else {} for each in body]
    names = NEW if any(NEW[0] in each for each in hours) else OLD
    # A name that is left out is a null, and so the hour cannot be read.
    return [[each.get(name) for name in names] for each in hours]


def _verdict(response: httpx.Response) -> SourceError | None:
    body = answers.envelope(response)
    kind, message = _error_of(body)
    if response.is_success and not kind + message:
        return broken(response)
    words = one_line(f"{kind} {message}") if kind + message else None
    if kind == SPENT:
        return Unavailable(words or "", after=retry_after(response) or _rest(body))
    if KEY.search(message):
        return Blocked(words or "")
    if response.status_code not in STATUSES and UNKNOWN.search(message):
        return refused(response, words or "")
    return by_status(response, words) or later(response, words or "")


def _error_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Type and message of either kind of error; empty where the answer is none."""
    error = body.get("Err")
    if isinstance(error, dict) and error:
        return answers.text(error.get("type")) or "error", answers.text(error.get("message"))
    if body.get("Response") == "Error":
        return answers.text(body.get("Type")) or "error", answers.text(body.get("Message"))
    return "", ""


def _rest(body: Mapping[str, Any]) -> timedelta:
    """How long until what is spent is given back: the longest period that is used up."""
    limits = body.get("RateLimit")
    made, most = (
        (limits.get(name) if isinstance(limits, dict) else None)
        for name in ("calls_made", "max_calls")
    )
    if isinstance(made, dict) and isinstance(most, dict):
        for name, rest in PERIODS.items():
            if type(made.get(name)) is type(most.get(name)) is int and made[name] >= most[name]:
                return rest
    return PERIODS["minute"]


VENUE = Venue(
    name=NAME,
    url=URL,
    metering=Metering((Budget(20, 1), Budget(300, 60))),
    verdict=_verdict,
    key_header="authorization",
    key_form="Apikey {}",
    key_required=True,
)

SOURCE = Source(
    venue=VENUE,
    kind="indicative",
    page_hours=PAGE_HOURS,
    request=_request,
    parse=_parse,
    place=40,
    colour="#d55e00",
    symbols=COINS,
)
