"""OKX spot: BTC-USDT and its like, a venue's own candles.

https://www.okx.com/docs-v5/en (Get candlesticks history, Get instruments, Error code). Quirks:

- `after` asks for what is older and `before` for what is newer than a time in ms, **both
  exclusive**: a page is after its end and before the millisecond ahead of its start, and has no row
  beside. Newest first.
- A page has 300 rows at most since late 2025; it had 100 before, and many clients still say so.
  A limit above the venue's own is not refused, the answer is cut: 100 rows that do not span the
  page they were asked for are Malformed, since what they leave out is not known to be missing.
  (So is a page on which a coin's first 100 hours happen to stand alone: rare, and loud.)
- Nine strings: ts, open, high, low, close, vol, volCcy, volCcyQuote, confirm. On spot vol is in the
  base, volCcy and volCcyQuote are in the quote; on swaps vol counts contracts. There is no count of
  trades. confirm is "1" once the candle is closed: nothing else is taken, and one that is neither
  "1" nor "0" is no candle.
- An hour without a trade comes as a flat bar of volume 0. Bars of 6H and longer are cut at UTC+8:
  4h and 1d are never asked for.
- Errors have a code and come with HTTP 200 as well as 4xx: 50011 (too many) with 429 or 200, the
  two keys in either order.
- 20 requests in 2 s for each path and address; one account is kept for both paths.
- listTime is when trading in the instrument as it is now began; candles may begin before or after
  it [U], and there is no way to ask for the first of them: `start` is what the venue says, `first`
  is not known. expTime, where there is one, is when the instrument goes.
- instCategory: 1 is crypto, as a string or a number; 3 to 6 are stocks, commodities, currencies and
  bonds [U beyond 3], left out. Answers of 2022 have none. Placeholders of listings to come
  (LISTING-SPOT-...) have an empty base: odd, and left out.
- 51001 alone says that there is no such instrument; 51000, a parameter error, may be ours.
- What history-candles has of the hour just closed, and how soon, is not documented [U]: what is
  not there yet is asked for again by the next run.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import httpx
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import HOUR, Listing, Window, milliseconds
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.source import Catalogue, Markets, Source, Venue, at_once
from chandlery.venues.verdicts import Meaning, closed, later, refused, too_many

NAME = "okx"
URL = "https://www.okx.com"
PAGE_HOURS = 300
OLD_LIMIT = 100
"""What a page was limited to once, and is without a limit."""
PAUSE = timedelta(seconds=2)
WIDTH = 9
PLACES = {
    "open_time": 0,
    "open": 1,
    "high": 2,
    "low": 3,
    "close": 4,
    "volume": 5,
    "quote_volume": 7,
}
CONFIRM = 8
COINS = frozenset({"1", ""})
NO_COINS = frozenset({"3", "4", "5", "6"})


def _request(listing: Listing, page: Window) -> httpx.Request:
    params = {
        "instId": listing.symbol,
        "bar": "1H",
        "after": str(milliseconds(page.end)),
        "before": str(milliseconds(page.start) - 1),
        "limit": str(-((page.start - page.end) // HOUR)),
    }
    return httpx.Request("GET", f"{URL}/api/v5/market/history-candles", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    rows = answers.within(response, "data")
    frame = columns.candles(rows, width=WIDTH, places=PLACES, source=NAME)
    _complete(response, frame)
    flags = [_flag(row) for row in rows] if isinstance(rows, list) else []
    unknown = pl.Series([flag is None for flag in flags], dtype=pl.Boolean)
    if unknown.any():
        if 2 * unknown.sum() >= frame.height:
            raise Malformed("confirm is neither 0 nor 1")
        frame = columns.unread(frame, unknown)
    return frame.filter(pl.Series([flag != "0" for flag in flags], dtype=pl.Boolean))


def _flag(row: object) -> str | None:
    """A row's confirm; None where it is neither "0" nor "1", or the row has none."""
    flag = row[CONFIRM] if isinstance(row, list) and len(row) > CONFIRM else None
    return flag if flag in ("0", "1") else None


def _complete(response: httpx.Response, frame: pl.DataFrame) -> None:
    """Raise where the answer ends because of its limit, and not for want of candles."""
    limit = answers.asked(response, "limit")
    asked = int(limit) if limit.isdecimal() else 0
    if frame.height != OLD_LIMIT or asked <= OLD_LIMIT:
        return
    newest, oldest = frame["open_time"].max(), frame["open_time"].min()
    if isinstance(newest, datetime) and isinstance(oldest, datetime):
        hours = (newest - oldest) // HOUR + 1
        if hours < asked:
            raise Malformed(f"{OLD_LIMIT} rows over {hours} hours where {asked} were asked for")


_too_many = too_many(PAUSE)
CODES: Mapping[str, Meaning] = {
    "50001": later,  # service temporarily unavailable
    "50004": later,  # endpoint request timeout
    "50005": later,  # API is offline or unavailable
    "50011": _too_many,
    "50013": later,  # systems are busy
    "50026": later,  # system error
    "50040": _too_many,  # too frequent operations
    "50100": closed,  # API frozen
    "50110": closed,  # IP is not in the key's list
    "50111": closed,  # invalid key
    "51000": later,  # parameter error, whichever
    "51001": refused,  # instrument does not exist
}


def _listed(response: httpx.Response) -> Markets:
    entries = answers.within(response, "data")
    return answers.listed(entries, symbol="instId", taken=_is_coin, row=_row)


def _is_coin(entry: answers.Entry) -> bool:
    kind = entry.get("instCategory")
    return entry["instType"] == "SPOT" and answers.is_taken(NAME, kind, COINS, NO_COINS)


def _row(entry: answers.Entry) -> Sequence[object]:
    asset, quote = entry["baseCcy"], entry["quoteCcy"]
    start, end = answers.moment(entry.get("listTime")), answers.moment(entry.get("expTime"))
    trading = answers.name(entry, "state") == "live"
    return entry["instId"], asset, asset, quote, 1, start, end, trading


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering((Budget(20, 2),)),
        verdict=partial(answers.verdict, code="code", message="msg", fine="0", codes=CODES),
    ),
    kind="traded",
    page_hours=PAGE_HOURS,
    request=_request,
    parse=_parse,
    place=50,
    colour="#009e73",
    exact_start=True,
    exact_end=True,
    catalogue=Catalogue(
        exchange="okex",
        derivatives=False,
        request=at_once(f"{URL}/api/v5/public/instruments", instType="SPOT"),
        parse=_listed,
    ),
)
