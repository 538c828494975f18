"""Binance's bulk files: closed months and days of candles, each a zip with its checksum beside it.

https://github.com/binance/binance-public-data. No key, no weight, not closed to any country, and
symbols that are delisted are kept. Its quirks:

- `data/<market>/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-10.zip` holds BTCUSDT-1h-2024-10.csv;
  daily files are alike, with the day in their name. `<file>.CHECKSUM` has its sha256 and its name.
- A day's file comes on the next day, a month's on the first Monday after its end [U: the hour; a
  day is waited for both]. Until then a month is read by its days, and so is a part of a month no
  longer than SHORT. A month's file may be late, or lack what the days' files have: these are asked
  for what it lacks, of each run of days the newest first, and the others only if that is there.
- A file that is not there is HTTP 404 with NoSuchKey: the symbol was not listed then, or nobody
  keeps it. That is no refusal of the symbol, whose other months may be there: it is a page without
  candles. Any other 404 is a proxy's.
- Times of spot are microseconds in the files of 2025 and later, milliseconds before; those of
  futures stay milliseconds. The file's own date decides, not the size of the number.
- Futures have a header since about May 2022, spot has none: the first cell tells.
- What is there is listed at the bucket's own address alone, BUCKET, as many programs ask for it:
  `sources.folders` tells how. Of futures it is not looked up: their names do not tell coins from
  indexes and stocks.
- Some checksums are known to be wrong (binance-public-data issues): those files are not believed.
  Files are rewritten later on; one that is rewritten between the two requests comes another time.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from itertools import repeat
from pathlib import PurePosixPath
from typing import Literal, NamedTuple, cast
from urllib.parse import quote, unquote

import httpx
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import SCHEMA, Listing, Window, empty, one_line
from chandlery.venues.parsing import columns
from chandlery.venues.source import Folders, OnDisk, Seal, Source, Venue
from chandlery.venues.verdicts import by_status, warn_once
from sources._files import DAY, FILES, GONE, LARGEST, month_of, verdict

URL = "https://data.binance.vision"
BUCKET = "https://s3-ap-northeast-1.amazonaws.com"
SHORT = timedelta(days=15)
HEADER = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
HEADING = ",".join(HEADER).encode() + b"\n"
COLUMNS = pl.Schema(
    {
        name: pl.Int64() if name in {"open_time", "close_time", "count"} else pl.Float64()
        for name in HEADER
    },
)
NAME = re.compile(r"[a-z_ ]+", re.IGNORECASE)
NAMED = re.compile(r"(.+)-1h-(\d{4}-\d\d)(-\d\d)?\.zip")
Unit = Literal["ms", "us"]
PER_SECOND: Mapping[Unit, int] = {"ms": 1000, "us": 1_000_000}


class Market(NamedTuple):
    """A part of the archive: its folder, and since when its times are microseconds."""

    folder: str
    micro_since: datetime | None


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
        month = Window(at, min(month_of(at).end, end))
        whole = _published(month_of(at)) <= now and month.end - month.start > SHORT
        yield from (month,) if whole else _days(month)
        at = month.end


def _days(window: Window) -> Iterator[Window]:
    at = window.start
    while at < window.end:
        yield Window(at, min(_day(at).end, window.end))
        at = _day(at).end


def parts(page: Window, lacking: Sequence[Window], now: datetime) -> Iterator[list[Window]]:
    """The days of a month in which it lacks hours, adjacent ones as a run, a run newest first."""
    if page.end <= _day(page.start).end:
        return
    end = _day(now - DAY).start
    lacks = [day for day in _days(page) if day.end <= end and any(map(day.clip, lacking))]
    run: list[Window] = []
    for day in reversed(lacks):
        if run and run[-1].start != day.end:
            yield run
            run = []
        run.append(day)
    if run:
        yield run


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
    check_file(_name(response), response.content, seal.text)


def check_file(file: str, content: bytes, checksum: str) -> None:
    """Malformed, unless the text of a `.CHECKSUM` is of this file, by its name and its bytes."""
    told, _, name = checksum.strip().partition(" ")
    found = hashlib.sha256(content).hexdigest()
    if name.strip().lstrip("*") != file:
        raise Malformed(f"its checksum is not of {file}: {one_line(checksum) or 'nothing'}")
    if told.lower() != found:
        raise Malformed(f"the checksum of {file} is {one_line(told)}, the file's is {found}")


def parse(market: Market, name: str, response: httpx.Response) -> pl.DataFrame:
    """The candles of a file, of a line that cannot be read the time alone; none without a file."""
    if response.status_code == GONE:
        return empty()
    return read_file(market, name, _name(response), response.content)


def file_symbol(file: str) -> str | None:
    """The symbol that a file's name tells; None where it is no such name."""
    found = NAMED.fullmatch(file)
    return unquote(found[1]) if found else None


def read_file(market: Market, name: str, file: str, content: bytes) -> pl.DataFrame:
    """The candles of a file of this name, of a line that cannot be read the time alone."""
    span = _span(file)
    micro = market.micro_since is not None and span.start >= market.micro_since
    unit: Unit = "us" if micro else "ms"
    text = _unpacked(file, content)
    with suppress(Malformed):
        return _whole(text, span, unit)
    lines = _lines(text)
    read = partial(_candles, span=span, unit=unit, source=name)
    try:
        return read(lines)
    except Malformed as error:
        return columns.salvaged(lines, read, partial(_time_alone, span=span, unit=unit), error)


def _whole(text: bytes, span: Window, unit: Unit) -> pl.DataFrame:
    """The candles of a file that is as files are, at half of what it takes to look at its lines.

    Malformed where it is not: its lines are to be looked at.
    """
    text = text.removeprefix(HEADING)
    rows = text.count(b"\n")
    # A bare carriage return ends a line for `_lines`, and is a blank for the reading of CSV.
    if not text.endswith(b"\n") or b"\r" in text or text.count(b",") != rows * (len(HEADER) - 1):
        raise Malformed("not a line of twelve for each row")
    return _read(text, rows, span, unit)


def _name(response: httpx.Response) -> str:
    return PurePosixPath(response.request.url.path).name


def _span(file: str) -> Window:
    """The month or the day that a file's name tells."""
    found = NAMED.fullmatch(file)
    _, month, day = found.groups() if found else ("", "", None)
    try:
        start = datetime.fromisoformat(f"{month}{day or '-01'}T00:00Z")
    except ValueError:
        raise Malformed(f"not the name of a file of candles: {one_line(file)}") from None
    return _day(start) if day else month_of(start)


def _unpacked(file: str, content: bytes) -> bytes:
    """The one file within, by the name it must have, and not more of it than there can be."""
    name = file.removesuffix(".zip") + ".csv"
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            if packed.namelist() != [name]:
                raise Malformed(f"not {name} but {one_line(', '.join(packed.namelist()[:9]))}")
            with packed.open(name) as csv:
                text = csv.read(LARGEST + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise Malformed(f"not a zip: {one_line(f'{type(error).__name__} {error}')}") from None
    if len(text) > LARGEST:
        raise Malformed(f"{name} unpacks to more than {LARGEST:,} bytes")
    return text


def _lines(text: bytes) -> list[bytes]:
    """The lines that hold a candle; Malformed where they begin by naming other columns."""
    lines = [each for each in text.splitlines() if each.strip()]
    names = tuple(lines[0].decode(errors="replace").strip().split(",")) if lines else ()
    if names[: len(HEADER)] == HEADER:
        return lines[1:]
    if names and NAME.fullmatch(names[0]):
        raise Malformed(f"its columns are {one_line(', '.join(names))}")
    return lines


def _candles(lines: Sequence[bytes], *, span: Window, unit: Unit, source: str) -> pl.DataFrame:
    if not lines:
        return empty()
    return _read(b"\n".join(_cut(lines, source)), len(lines), span, unit)


def _read(text: bytes, rows: int, span: Window, unit: Unit) -> pl.DataFrame:
    try:
        frame = pl.read_csv(text, has_header=False, schema=COLUMNS, quote_char=None)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise Malformed(one_line(f"{type(error).__name__} {error}")) from None
    told = dict(zip(HEADER, frame.get_columns(), strict=True))
    if frame.height != rows or any(column.null_count() for column in told.values()):
        raise Malformed("a row has less than twelve numbers")
    (first, last), opened = _ends(span, unit), told["open_time"]
    if not rows or not first <= cast("int", opened.min()) <= cast("int", opened.max()) <= last:
        raise Malformed(f"its times are not of {span} in {unit}")
    told["open_time"] = opened.cast(pl.Datetime(unit, "UTC")).cast(SCHEMA["open_time"])
    told["trades"] = told["count"].alias("trades")
    return pl.DataFrame([told[name] for name in SCHEMA.names()])


def _cut(lines: Sequence[bytes], source: str) -> Sequence[bytes]:
    """The lines without what they have more than the columns that are known, which is told."""
    known = len(HEADER)
    if max(map(bytes.count, lines, repeat(b","))) < known:
        return lines
    warn_once(f"{source}: its files have more columns than the {known} that are known")
    return [b",".join(each.split(b",", known)[:known]) for each in lines]


def _ends(span: Window, unit: Unit) -> tuple[int, int]:
    """The first and the last time that a file of `span` may have."""
    return (
        int(span.start.timestamp()) * PER_SECOND[unit],
        int(span.end.timestamp()) * PER_SECOND[unit] - 1,
    )


def _time_alone(text: bytes, *, span: Window, unit: Unit) -> pl.DataFrame:
    """A candle of which nothing but the time is known, or not even that."""
    first, last = _ends(span, unit)
    told = text.partition(b",")[0].strip()
    at = int(told) if re.fullmatch(rb"\d{1,18}", told) else 0
    time = pl.Series([at if first <= at <= last else None], dtype=pl.Datetime(unit, "UTC"))
    return columns.timed(time.cast(SCHEMA["open_time"]))


def source(name: str, serves: str, market: Market, colour: str, *, listed: bool = False) -> Source:
    """A market's archive as a source, for the listings of the venue it is of.

    `listed`: what it has files of is looked up, for what the venue lists no more.
    """
    metering = FILES
    bucket = Venue(name=name, url=BUCKET, metering=metering, verdict=by_status)
    root = f"{market.folder}/monthly/klines/"
    return Source(
        venue=Venue(name=name, url=URL, metering=metering, verdict=verdict),
        kind="traded",
        page_hours=31 * 24,
        request=partial(request, market),
        parse=partial(parse, market, name),
        colour=colour,
        pages=pages,
        in_files=True,
        parts=parts,
        taker=True,
        serves=serves,
        seal=Seal(seal_request, seal_check),
        on_disk=OnDisk(file_symbol, partial(read_file, market, name), check_file),
        folders=Folders(bucket, f"{BUCKET}/data.binance.vision", root) if listed else None,
    )
