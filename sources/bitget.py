"""Bitget spot: BTCUSDT and its like, a venue's own candles.

https://www.bitget.com/api-doc/spot/market (Get-Candle-Data, Get-History-Candle-Data, Get-Symbols)
and https://www.bitget.com/api-doc/common/faq. Quirks:

- Two endpoints have candles. `history-candles` has all ages, at most 200 rows a page. `candles` has
  1,000 rows a page and the newest hours alone: 60 days (ccxt 4.5.90), 83 in the documentation.
- Beyond its wall `candles` answers "00000" and an empty list, be it for one hour of a page
  (github.com/ccxt/ccxt/issues/24890 and pull/24900: 76 days were too many). Five days less than it
  has are asked of it, since a run reads the clock once. An answer that lacks rows and reaches
  beyond the wall, by the venue's own `requestTime`, is refused.
- A page of more than 200 hours lies within those 55 days: `_pages` makes no other. That is how the
  request knows its endpoint. Whatever a page is cut into later stays right.
- `endTime` is in ms and exclusive; a page has the newest `limit` rows before it, oldest first [U:
  some see the newest first]. `startTime` is not sent. One client says that it counts, another that
  it does not (ccxt issues 20587 and 21721), and `history-candles` has none.
- So rows from before a page come where it lacks some, and all of them where it has none, be they
  years old: there is nothing of the page then. None of its end or later do.
- Eight strings: ts, open, high, low, close, volume in the base, in USDT, in the quote. The last two
  are equal where the quote is USDT. Trades are not told. An older page of the documentation has
  the quote at 6; a pair in lira shows that it is at 7.
- `candles` has the candle still open, `history-candles` has not [U]: `fetch` goes by the clock.
- An hour without a trade is a flat bar of volume 0 in the documentation's example, or absent [U].
- Errors are HTTP 400 with a code: 40034 names what does not exist, mostly the symbol; 40309 says
  that it was removed. Too many is 429, as status and as code.
- 20 requests a second for each endpoint and address, and 6,000 a minute for all of them. Then it
  takes "5 minutes to recover" [U: from which of the two]. A minute's rest is within a run's
  patience. x-mbx-used-remain-limit tells what is left of an endpoint's second [U: of which].
- offTime is when a symbol goes; "" or "-1" where nothing is announced [U: "-1" is the futures'].
  openTime is deprecated and not read, so `start` is not known.
- `first` is not known either: no page but of months goes back far enough to find it.
- status is online, gray (not open to all), halt or offline. What is removed is not listed.
- /api/v2/spot/public/coins (3 a second) has for each coin a contractAddress in each of `chains`; an
  older page of the documentation has none. It tells no names.
- areaSymbol is "yes" of stocks as tokens (rNVDA), which are left out [U: and of what is sold in
  some countries alone]. The list of 2022 has no areaSymbol.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import polars as pl

from chandlery.errors import Malformed, SourceError
from chandlery.model import HOUR, Listing, Window, milliseconds, whole_hour
from chandlery.rate_limit.budget import Budget, Metering
from chandlery.venues.parsing import answers, columns
from chandlery.venues.parsing.assets import Fields, assets
from chandlery.venues.parsing.multiples import plain
from chandlery.venues.source import Assets, Catalogue, Markets, Source, Venue, at_once
from chandlery.venues.verdicts import Meaning, closed, later, refused, too_many

NAME = "bitget"
URL = "https://api.bitget.com"
CANDLES = "/api/v2/spot/market/candles"
HISTORY = "/api/v2/spot/market/history-candles"
SYMBOLS = "/api/v2/spot/public/symbols"
COINS = "/api/v2/spot/public/coins"
PAGE_HOURS = 1000
HISTORY_HOURS = 200
WALL = timedelta(days=60)
RECENT = timedelta(days=55)
PAUSE = timedelta(minutes=1)
LEFT = "x-mbx-used-remain-limit"
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
AREAS, NO_AREAS = frozenset({"", "no"}), frozenset({"yes"})
FIELDS = Fields(contract="contractAddress", networks="chains")
NO_END = frozenset({"", "-1"})
PARAMETER = re.compile(r"\b(granularity|endTime|limit)\b", re.IGNORECASE)


def _pages(window: Window, now: datetime) -> Iterator[Window]:
    """Short pages up to the wall, long ones behind it; none lies on both sides."""
    wall = min(max(whole_hour(now - RECENT), window.start), window.end)
    yield from Window(window.start, wall).tiles(HISTORY_HOURS)
    yield from Window(wall, window.end).tiles(PAGE_HOURS)


def _request(listing: Listing, page: Window) -> httpx.Request:
    hours = -((page.start - page.end) // HOUR)
    params = {
        "symbol": listing.symbol,
        "granularity": "1h",
        "endTime": str(milliseconds(page.end)),
        "limit": str(hours),
    }
    path = CANDLES if hours > HISTORY_HOURS else HISTORY
    return httpx.Request("GET", f"{URL}{path}", params=params)


def _parse(response: httpx.Response) -> pl.DataFrame:
    rows = answers.within(response, "data")
    frame = columns.candles(rows, width=WIDTH, places=PLACES, source=NAME)
    if page := _asked(response):
        _refuse_beyond_the_wall(frame, page, response)
        return _of(frame, page)
    return frame


def _of(frame: pl.DataFrame, page: Window) -> pl.DataFrame:
    """The frame; none of it where all is from before the page, which has nothing then."""
    newest = frame["open_time"].max()
    return frame.clear() if isinstance(newest, datetime) and newest < page.start else frame


def _asked(response: httpx.Response) -> Window | None:
    """The page that this answers; None where it answers no request of ours."""
    end, limit = answers.asked(response, "endTime"), answers.asked(response, "limit")
    if not (end.isdecimal() and limit.isdecimal()):
        return None
    at = datetime.fromtimestamp(int(end) / 1000, UTC)
    return Window(at - int(limit) * HOUR, at)


def _refuse_beyond_the_wall(frame: pl.DataFrame, page: Window, response: httpx.Response) -> None:
    """What `candles` lacks beyond its wall is not known to be missing."""
    if page.hours <= HISTORY_HOURS or frame.height >= page.hours:
        return
    told = answers.envelope(response).get("requestTime")
    if type(told) is int and milliseconds(page.start + WALL) < told:
        words = f"{frame.height} rows where {page.hours} were asked for"
        raise Malformed(f"{words}, some more than {WALL.days} days ago")


def _parameter(response: httpx.Response, words: str) -> SourceError:
    """A parameter does not exist: it is the symbol, unless it is named as another one."""
    return (later if PARAMETER.search(words) else refused)(response, words)


_too_many = too_many(PAUSE)
CODES: Mapping[str, Meaning] = {
    "429": _too_many,
    "1001": _too_many,  # throttled
    "40015": later,  # system is abnormal
    "40018": closed,  # invalid IP
    "40019": later,  # a parameter cannot be empty
    "40034": _parameter,
    "40308": later,  # maintenance
    "40309": refused,  # the symbol has been removed
    "40725": later,  # service returned an error
    "48001": later,  # parameter verification failed
}


def _listed(response: httpx.Response) -> Markets:
    entries = answers.within(response, "data")
    return answers.listed(entries, symbol="symbol", taken=_is_coin, row=_row)


def _assets(response: httpx.Response) -> pl.DataFrame:
    return assets(answers.within(response, "data"), asset="coin", fields=FIELDS)


def _is_coin(entry: answers.Entry) -> bool:
    return answers.is_taken(NAME, entry.get("areaSymbol"), AREAS, NO_AREAS)


def _row(entry: answers.Entry) -> Sequence[object]:
    asset = answers.name(entry, "baseCoin")
    base, multiple = plain(asset)
    told = entry.get("offTime")
    end = None if told in NO_END else answers.moment(told)
    trading = answers.name(entry, "status") == "online"
    return entry["symbol"], asset, base, entry["quoteCoin"], multiple, None, end, trading


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=Metering(
            (
                *(Budget(20, 1, left=LEFT, path=path) for path in (CANDLES, HISTORY, SYMBOLS)),
                Budget(3, 1, left=LEFT, path=COINS),
                Budget(6000, 60),
            )
        ),
        verdict=partial(answers.verdict, code="code", message="msg", fine="00000", codes=CODES),
    ),
    kind="traded",
    page_hours=PAGE_HOURS,
    request=_request,
    parse=_parse,
    exact_end=True,
    sparse=True,  # [U]: where hours are flat instead, it costs nothing
    place=100,
    slow_to_list=True,
    colour="#117733",
    pages=_pages,
    catalogue=Catalogue(
        exchange="bitget",
        derivatives=False,
        request=at_once(f"{URL}{SYMBOLS}"),
        parse=_listed,
        assets=Assets(request=at_once(f"{URL}{COINS}"), parse=_assets),
    ),
)
