"""Binance's bulk files: closed months and days of candles, each a zip with its checksum beside it.

https://github.com/binance/binance-public-data. No key, no weight, not closed to any country, and
symbols that are delisted are kept. Its quirks:

- `data/<market>/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10.zip` holds BTCUSDT-1h-2024-10.csv;
  daily files are alike, with the day in their name. `<file>.CHECKSUM` has its sha256 and its name.
- A day's file comes on the next day, a month's on the first Monday after its end [U: the hour; a
  day is waited for both]. Until then a month is read by its days, and so is a part of a month no
  longer than SHORT: what is missing from a month's file may be in the days' files. A month's file
  that lacks more than that in one piece is asked for again in vain.
- A file that is not there is HTTP 404: the symbol was not listed then, or nobody keeps it. That is
  no refusal of the symbol, whose other months may be there: it is a page without candles.
- Times of spot are microseconds in the files of 2025 and later, milliseconds before; those of
  futures stay milliseconds. The file's own date decides, not the size of the number.
- Futures have a header since about May 2022, spot has none: the first cell tells.
- Some checksums are known to be wrong (binance-public-data issues): those files are not believed.
  Files are rewritten later on; one that is rewritten between the two requests comes another time.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import PurePosixPath
from typing import Literal, NamedTuple
from urllib.parse import quote

import httpx
import polars as pl

from candles import HOUR, SCHEMA, Listing, Malformed, SourceError, Window, empty, line
from sources.source import Budget, Metering, Seal, Source, Venue
from sources.words import by_status, excerpt

URL = "https://data.binance.vision"
GONE = 404
DAY = timedelta(days=1)
SHORT = timedelta(days=15)
LARGEST = 2**20
"""A month of hours has some 130 KB; what unpacks to more is not one."""
HEADER = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
COLUMNS = pl.Schema(
    {
        name: pl.Int64() if name in {"open_time", "close_time", "count"} else pl.Float64()
        for name in HEADER
    },
)
NAMED = re.compile(r".+-1h-(\d{4}-\d\d)(-\d\d)?\.zip")
Unit = Literal["ms", "us"]
PER_SECOND: Mapping[Unit, int] = {"ms": 1000, "us": 1_000_000}


class Market(NamedTuple):
    """A part of the archive: its folder, and since when its times are microseconds."""

    folder: str
    micro_since: datetime | None


def _month(at: datetime) -> Window:
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Window(start, (start + 31 * DAY).replace(day=1))


def _day(at: datetime) -> Window:
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(start, start + DAY)


def _published(month: Window) -> datetime:
    """When a month's file is surely there: a day after the first Monday that follows."""
    return month.end + timedelta(days=(7 - month.end.weekday()) % 7) + DAY


def pages(window: Window, now: datetime) -> Iterator[Window]:
    """A file each: months, and days where a month is not out yet or hardly anything is missing."""
    end = min(window.end, _day(now - DAY).start)
    at = window.start
    while at < end:
        month = Window(at, min(_month(at).end, end))
        whole = _published(_month(at)) <= now and month.end - month.start > SHORT
        yield from (month,) if whole else _days(month)
        at = month.end


def _days(window: Window) -> Iterator[Window]:
    at = window.start
    while at < window.end:
        yield Window(at, min(_day(at).end, window.end))
        at = _day(at).end


def request(market: Market, listing: Listing, page: Window) -> httpx.Request:
    """The file of the page's day, or of its month where it is longer than a day."""
    daily = page.end <= _day(page.start).end
    period, form = ("daily", "%Y-%m-%d") if daily else ("monthly", "%Y-%m")
    symbol = quote(listing.symbol, safe="")
    file = f"{symbol}-1h-{page.start:{form}}.zip"
    return httpx.Request("GET", f"{URL}/{market.folder}/{period}/klines/{symbol}/1h/{file}")


def seal_request(asked: httpx.Request) -> httpx.Request:
    """The checksum beside a file."""
    return httpx.Request("GET", asked.url.copy_with(path=f"{asked.url.path}.CHECKSUM"))


def seal_check(response: httpx.Response, seal: httpx.Response) -> None:
    """Malformed, unless the file is what its checksum is of."""
    if seal.status_code == GONE:
        raise Malformed("its checksum is not there")
    told, _, name = seal.text.strip().partition(" ")
    found, file = hashlib.sha256(response.content).hexdigest(), _name(response)
    if name.strip().lstrip("*") != file:
        raise Malformed(f"its checksum is not of {file}: {excerpt(seal)}")
    if told.lower() != found:
        raise Malformed(f"the checksum of {file} is {line(told)}, the file's is {found}")


def verdict(response: httpx.Response) -> SourceError | None:
    """By the status; a file that is not there is an answer too."""
    if response.status_code == GONE:
        return None
    if response.is_success and response.content.lstrip().startswith(b"<"):
        return Malformed(f"not a file but {excerpt(response)}")
    return by_status(response)


def parse(market: Market, response: httpx.Response) -> pl.DataFrame:
    """The candles of a file; none where there is no file."""
    if response.status_code == GONE:
        return empty()
    span = _span(_name(response))
    micro = market.micro_since is not None and span.start >= market.micro_since
    return _candles(_read(_unpacked(response)), span, "us" if micro else "ms")


def _name(response: httpx.Response) -> str:
    return PurePosixPath(response.request.url.path).name


def _span(file: str) -> Window:
    """The month or the day that a file's name tells."""
    found = NAMED.fullmatch(file)
    month, day = found.groups() if found else ("", None)
    try:
        start = datetime.fromisoformat(f"{month}{day or '-01'}T00:00Z")
    except ValueError:
        raise Malformed(f"not the name of a file of candles: {line(file)}") from None
    return _day(start) if day else _month(start)


def _unpacked(response: httpx.Response) -> bytes:
    """The one file within, by the name it must have, and not more of it than there can be."""
    name = _name(response).removesuffix(".zip") + ".csv"
    try:
        with zipfile.ZipFile(BytesIO(response.content)) as packed:
            if packed.namelist() != [name]:
                raise Malformed(f"not {name} but {line(', '.join(packed.namelist()[:9]))}")
            with packed.open(name) as file:
                text = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Malformed(f"not a zip: {line(f'{type(error).__name__} {error}')}") from None
    if len(text) > LARGEST:
        raise Malformed(f"{name} unpacks to more than {LARGEST:,} bytes")
    return text


def _read(text: bytes) -> pl.DataFrame:
    if not text.strip():
        return COLUMNS.to_frame()
    head, _, rest = text.partition(b"\n")
    names = tuple(head.decode(errors="replace").strip().split(","))
    if not names[0].isdecimal():
        if names != HEADER:
            raise Malformed(f"its columns are {line(', '.join(names))}")
        text = rest
    try:
        frame = pl.read_csv(text, has_header=False, schema=COLUMNS, raise_if_empty=False)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise Malformed(line(f"{type(error).__name__} {error}")) from None
    if sum(frame.null_count().row(0)):
        raise Malformed("a row has less than twelve numbers")
    return frame


def _candles(frame: pl.DataFrame, span: Window, unit: Unit) -> pl.DataFrame:
    first, last = (int(at.timestamp()) * PER_SECOND[unit] for at in (span.start, span.end - HOUR))
    if not frame["open_time"].is_between(first, last).all():
        raise Malformed(f"its times are not of {span} in {unit}")
    opened = pl.col("open_time").cast(pl.Datetime(unit, "UTC")).cast(SCHEMA["open_time"])
    return frame.with_columns(opened, trades="count").select(SCHEMA.names())


def _one(_: httpx.Request) -> float:
    return 1


def source(name: str, serves: str, market: Market) -> Source:
    """A market's archive as a source, for the listings of the venue it is of."""
    metering = Metering((Budget(1200, 60, _one),))  # nobody meters: these are our own manners
    return Source(
        venue=Venue(name=name, url=URL, metering=metering, verdict=verdict),
        kind="traded",
        page_hours=31 * 24,
        request=partial(request, market),
        parse=partial(parse, market),
        pages=pages,
        serves=serves,
        seal=Seal(seal_request, seal_check),
    )
