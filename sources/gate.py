"""Gate spot: BTC_USDT and its like, a venue's own candles, and many coins that others lack.

https://www.gate.com/docs/developers/apiv4 (Market candlesticks, List all currency pairs supported,
Frequency limit rule, Label list). Quirks:

- A row is eight strings: time in **seconds, quote volume, close, high, low, open, base volume**,
  and whether its window is closed. Who takes field 1 for the volume is wrong by the price. As
  recorded by ccxt: 11:00 asked for at 11:10 has "false". Oldest first.
- `from` and `to` are in seconds and both inclusive. With both no `limit` may be sent, and 1,000
  points are the most *counting both ends* (github.com/ccxt/ccxt/issues/10561 and 17464). Clients
  ask for 999 hours, and so does this.
- "Candlestick too long ago. Maximum 10000 points recently are allowed": 416 days (freqtrade issue
  12814, passivbot 563). Two days less are asked for, since a run reads the clock once.
- Older hours are in monthly files: `gate_archive` has them.
- An hour without a trade is flat or absent [U].
- 200 requests in 10 s for each endpoint and address. X-Gate-RateLimit-Requests-Remain tells what is
  left of it, X-Gate-RateLimit-Limit of how much.
- Errors are HTTP 4xx with a label and a message. INVALID_PARAM_VALUE is any parameter, that of too
  long ago included; INVALID_CURRENCY_PAIR is the pair's.
- Pairs: trade_status is tradable, buyable, sellable or untradable. buy_start and sell_start are in
  seconds, 0 where nobody says; delisting_time is 0 until one is announced. type is "normal" or
  "premarket"; base_name is the coin's name. The list of 2021 has neither dates nor types. `first`
  is not known.
- Leveraged tokens are bases that end in 3L, 3S, 5L or 5S. A stock as a token is told by base_name
  alone, as MEXC tells it: xStock or (Ondo) [U].
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import httpx
import polars as pl

from chandlery.errors import Malformed, SourceError
from chandlery.model import HOUR, Listing, Window, milliseconds, one_line
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.assets import Fields
from chandlery.venues.parsing.multiples import plain
from chandlery.venues.source import Catalogue, Markets, Source, Venue, at_once
from chandlery.venues.verdicts import Meaning, broken, by_status, closed, later, refused, too_many

NAME = "gate"
URL = "https://api.gateio.ws"
CANDLES = "/api/v4/spot/candlesticks"
PAIRS = "/api/v4/spot/currency_pairs"
PAGE_HOURS = 999
REACH = 10_000 * HOUR - timedelta(days=2)
PAUSE = timedelta(seconds=10)
LEFT = "x-gate-ratelimit-requests-remain"
WHOLE = "x-gate-ratelimit-limit"
WIDTH = 8
PLACES = {
    "open_time": 0,
    "quote_volume": 1,
    "close": 2,
    "high": 3,
    "low": 4,
    "open": 5,
    "volume": 6,
}
CLOSED = 7
FIELDS = Fields(name="base_name")
TRADES = {"tradable": True, "buyable": True, "sellable": True, "untradable": False}
KINDS, NO_KINDS = frozenset({"", "normal"}), frozenset({"premarket"})
LEVERAGED = re.compile(r"[A-Z0-9]{2,}[35][LS]")
STOCK = re.compile(r"\bxStock$|\(Ondo\)", re.IGNORECASE)


def _request(listing: Listing, page: Window) -> httpx.Request:
    params = {
        "currency_pair": listing.symbol,
        "interval": "1h",
        "from": str(milliseconds(page.start) // 1000),
        "to": str(milliseconds(page.end - HOUR) // 1000),
    }
    return httpx.Request("GET", f"{URL}{CANDLES}", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    told = columns.json(response)
    rows = answers.in_milliseconds(answers.in_seconds(told))
    frame = columns.candles(rows, width=WIDTH, places=PLACES, source=NAME)
    flags = [_flag(row) for row in told]
    unknown = pl.Series([flag is None for flag in flags], dtype=pl.Boolean)
    if unknown.any():
        if 2 * unknown.sum() >= frame.height:
            raise Malformed("whether its windows are closed is neither true nor false")
        frame = columns.unread(frame, unknown)
    return frame.filter(pl.Series([flag != "false" for flag in flags], dtype=pl.Boolean))


def _flag(row: object) -> str | None:
    """Whether a row's window is closed; None where it says neither, or has not that much."""
    flag = row[CLOSED] if isinstance(row, list) and len(row) > CLOSED else None
    return flag if flag in ("true", "false") else None


_too_many = too_many(PAUSE)
LABELS: Mapping[str, Meaning] = {
    "INVALID_CURRENCY_PAIR": refused,
    "INVALID_CURRENCY": refused,
    "INVALID_PARAM_VALUE": later,
    "TOO_MANY_REQUESTS": _too_many,
    "TOO_FAST": _too_many,
    "FORBIDDEN": closed,
    "IP_FORBIDDEN": closed,
    "INVALID_KEY": closed,
    "INTERNAL": later,
    "SERVER_ERROR": later,
    "TOO_BUSY": later,
}


def _verdict(response: httpx.Response) -> SourceError | None:
    """By Gate's own label, which data has none of; else by the status."""
    body = answers.envelope(response)
    label = answers.text(body.get("label"))
    if not label:
        return by_status(response) or broken(response)
    words = one_line(f"{label} {answers.text(body.get('message'))}")
    if label in LABELS:
        return LABELS[label](response, words)
    return by_status(response, words) or later(response, words)


def _listed(response: httpx.Response) -> Markets:
    entries = columns.json(response)
    return answers.listed(entries, symbol="id", taken=_is_coin, row=_row, fields=FIELDS)


def _is_coin(entry: answers.Entry) -> bool:
    if not answers.is_taken(NAME, entry.get("type"), KINDS, NO_KINDS):
        return False
    named = STOCK.search(answers.text(entry.get("base_name")))
    return named is None and not LEVERAGED.fullmatch(answers.name(entry, "base"))


def _row(entry: answers.Entry) -> Sequence[object]:
    asset = answers.name(entry, "base")
    base, multiple = plain(asset)
    starts = [at for name in ("buy_start", "sell_start") if (at := _moment(entry, name))]
    end = _moment(entry, "delisting_time")
    trading = TRADES[answers.text(entry["trade_status"])]
    start = min(starts, default=None)
    return entry["id"], asset, base, entry["quote"], multiple, start, end, trading


def _moment(entry: answers.Entry, name: str) -> datetime | None:
    """A time that is told in seconds; 0 or left out: there is none."""
    told = entry.get(name) or 0
    if type(told) is not int:
        raise TypeError(f"{name} is {told!r}")
    return answers.moment(told * 1000)


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering(
            tuple(Budget(200, 10, left=LEFT, whole=WHOLE, path=path) for path in (CANDLES, PAIRS))
        ),
        verdict=_verdict,
    ),
    kind="traded",
    page_hours=PAGE_HOURS,
    request=_request,
    parse=_parse,
    sparse=True,
    exact_start=True,
    exact_end=True,
    reach=REACH,
    place=90,
    slow_to_list=True,
    colour="#882200",
    catalogue=Catalogue(
        exchange="gate", derivatives=False, request=at_once(f"{URL}{PAIRS}"), parse=_listed
    ),
)
