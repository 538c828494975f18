"""Gate spot's older hours, from its monthly files: the API reaches back 10,000 hours and no more.

https://www.gate.com/developer/historical_quotes, and github.com/OsEngine/OsEngine, which reads
them. What the page leaves open others found in the files themselves [1]. Quirks:

- `spot/candlesticks_1h/202410/BTC_USDT-202410.csv.gz` is a gzip without a header, served as it is.
- A row is time in **seconds, base volume, close, high, low, open**: close and open are not where
  one looks for them. The volume is the base's: the trades of each hour of BTS_USDT in 2018-12 add
  up to it to six decimals [1]. The quote volume is not told.
- Candles are made of trades: an hour without one has no row.
- A month appears on the 1st of the next. The first is 2018-01, though the page says 2023-01 [1].
- A file that is not there is HTTP 404 with NoSuchKey: nothing traded, or nobody keeps it.
- No checksum lies beside a file, but gzip has its own. Files of other kinds are known that are
  empty or end within a row [1]: an empty one has no candles, a row that is cut is not read.
- Which files there are is listed by the month and not by the symbol, and is not looked up.
- Tickers come to mean another coin: HYPE_USDT did, in 2024. A listing's start tells which is meant,
  where Gate tells one; of old pairs it tells none, and a splice is left to the findings [U].

Only hours that the API does not reach are asked for, also while it is closed to us: it has both
volumes.
"""

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import PurePosixPath
from urllib.parse import quote

import httpx
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import HOUR, Listing, Window, empty, one_line, whole_hour
from chandlery.venues.parsing import answers, columns
from chandlery.venues.source import Source, Venue
from sources import gate
from sources._files import FILES, GONE, LARGEST, month_of, verdict

NAME = "gate_archive"
URL = "https://download.gatedata.org"
FIRST = datetime(2018, 1, 1, tzinfo=UTC)
GZIP = b"\x1f\x8b"
PLACES = {"open_time": 0, "volume": 1, "close": 2, "high": 3, "low": 4, "open": 5}


def _pages(window: Window, now: datetime) -> Iterator[Window]:
    """A month each, up to where the API's reach begins."""
    at = max(window.start, FIRST)
    end = min(window.end, whole_hour(now - gate.REACH) + HOUR)
    while at < end:
        yield Window(at, min(month_of(at).end, end))
        at = month_of(at).end


def _request(listing: Listing, page: Window) -> httpx.Request:
    symbol, month = quote(listing.symbol, safe=""), f"{page.start:%Y%m}"
    path = f"spot/candlesticks_1h/{month}/{symbol}-{month}.csv.gz"
    return httpx.Request("GET", f"{URL}/{path}")


def _parse(response: httpx.Response) -> pl.DataFrame:
    if response.status_code == GONE:
        return empty()
    rows = [line.split(",") for line in _text(response).splitlines() if line.strip()]
    timed = answers.in_milliseconds(answers.in_seconds(rows))
    frame = columns.candles(timed, width=len(PLACES), places=PLACES, source=NAME)
    span = _span(response)
    if not frame["open_time"].is_between(span.start, span.end, closed="left").all():
        raise Malformed(f"its times are not of {span}")
    return frame


def _text(response: httpx.Response) -> str:
    """The rows; they come unpacked where a proxy takes the file for a packed answer."""
    body = response.content
    try:
        if body.startswith(GZIP):
            with gzip.GzipFile(fileobj=BytesIO(body)) as packed:
                body = packed.read(LARGEST + 1)
        text = body.decode()
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise Malformed(one_line(f"not a gzip: {type(error).__name__} {error}")) from None
    if len(body) > LARGEST:
        raise Malformed(f"{_name(response)} unpacks to more than {LARGEST:,} bytes")
    return text


def _name(response: httpx.Response) -> str:
    return PurePosixPath(response.request.url.path).name


def _span(response: httpx.Response) -> Window:
    """The month that was asked for."""
    month = _name(response).removesuffix(".csv.gz").rpartition("-")[2]
    try:
        return month_of(datetime.strptime(month, "%Y%m").replace(tzinfo=UTC))
    except ValueError:
        raise Malformed(f"not the name of a month's file: {one_line(_name(response))}") from None


SOURCE = Source(
    venue=Venue(
        name=NAME,
        url=URL,
        metering=FILES,
        verdict=verdict,
    ),
    kind="traded",
    page_hours=31 * 24,
    request=_request,
    parse=_parse,
    colour="#aa5544",
    pages=_pages,
    in_files=True,
    sparse=True,
    serves=gate.NAME,
)
