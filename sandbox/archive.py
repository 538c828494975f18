"""data.binance.vision: Binance's candles as files, a month or a day each, zipped as they are asked.

Described at github.com/binance/binance-public-data. What is done here:

- A day's file is there from the next day on, a month's from the first Monday of the next month on.
  What is not there, for whatever reason, is a 404 in XML.
- Spot counts microseconds from 2025-01-01 on, milliseconds before; futures milliseconds always.
- Futures files have a header from 2022-05 on; spot files never have.
- Which files there are is listed by the bucket that they are in, with folders by the month only.
- Beside every file lies its SHA-256, as `<file>.CHECKSUM`.
- The same file asked for twice is the same bytes, unless its candles were changed in between.

Every prefix the client may use is served with the same files.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from sandbox.archive_list import Bucket
from sandbox.bars import bought
from sandbox.limits import Limit, Meters
from sandbox.venue import Answer, Ask, Endpoint, Venue
from sandbox.wire import written
from sandbox.words import STEPS, Candles, Market

PREFIXES = ("binance_archive", "binance_spot_archive", "binance_futures_archive")
_FILE = re.compile(
    r"(?P<symbol>[A-Z0-9_\u0080-\uffff]+)-(?P<interval>\w+)-(?P<period>\d{4}-\d{2}(-\d{2})?)\.zip"
)
_WRITTEN = {"monthly": "%Y-%m", "daily": "%Y-%m-%d"}
_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore\n"
)
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shelf:
    """What differs between the two markets' files."""

    source: str
    zeros: int
    header_from: datetime
    micros_from: datetime


_SHELVES: Mapping[str, Shelf] = {
    "/data/spot": Shelf("binance_spot", 8, _NEVER, datetime(2025, 1, 1, tzinfo=UTC)),
    "/data/futures/um": Shelf("binance_futures", 0, datetime(2022, 5, 1, tzinfo=UTC), _NEVER),
}


def _next_month(day: datetime) -> datetime:
    """Return the first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _end(begin: datetime, kind: str) -> datetime:
    """Return when a file's month or day is over."""
    return _next_month(begin) if kind == "monthly" else begin + timedelta(days=1)


def published(end: datetime, kind: str) -> datetime:
    """Return when the file of a month or day that ended then appears."""
    return end + timedelta(days=-end.weekday() % 7) if kind == "monthly" else end


def table(frame: pl.DataFrame, candles: Candles, shelf: Shelf, begin: datetime) -> str:
    """Write candles as such a file has them."""
    digits, times = candles.digits, 1000 if begin >= shelf.micros_from else 1
    numbers = {name: (frame[name], digits.price) for name in ("open", "high", "low", "close")}
    numbers["volume"] = frame["volume"].fill_null(0.0), digits.volume
    numbers["quote_volume"] = frame["quote_volume"].fill_null(0.0), digits.quote
    text = written(numbers | bought(frame, digits), shelf.zeros)
    opened = frame["open_time"]
    rows = text.select(
        (opened * times).alias("opened"),
        *("open", "high", "low", "close", "volume"),
        ((opened + candles.step) * times - 1).alias("closed"),
        "quote_volume",
        frame["trades"].fill_null(0),
        *("taker_buy_volume", "taker_buy_quote_volume"),
        pl.lit("0").alias("ignore"),
    )
    header = _HEADER if begin >= shelf.header_from else ""
    return header + rows.write_csv(include_header=False)


def zipped(name: str, text: str, made: datetime) -> bytes:
    """Return a zip of one file, the same bytes every time."""
    entry = zipfile.ZipInfo(name, made.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        file.writestr(entry, text)
    return whole.getvalue()


class Archive:
    """The files, over a market's candles."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def endpoints(self) -> dict[str, Endpoint]:
        """Return what answers which path."""
        files = {
            f"{prefix}/{kind}/klines/*/*/*": self._file for prefix in _SHELVES for kind in _WRITTEN
        }
        roots = {
            f"{prefix[1:]}/monthly/klines/": shelf.source for prefix, shelf in _SHELVES.items()
        }
        return {**files, "/data.binance.vision": Bucket(self._market, roots, published).listing}

    def _file(self, ask: Ask) -> Answer:
        """Answer a file or its checksum."""
        prefix, kind, _, folder, interval, name = ask.path.rsplit("/", 5)
        body = self._zip(prefix, kind, (folder, interval), name.removesuffix(".CHECKSUM"), ask.now)
        if body is None:
            return not_found(ask)
        if name.endswith(".CHECKSUM"):
            line = f"{hashlib.sha256(body).hexdigest()}  {name.removesuffix('.CHECKSUM')}\n"
            return Answer(200, line.encode(), media="binary/octet-stream")
        return Answer(200, body, media="application/zip")

    def _zip(
        self, prefix: str, kind: str, folders: tuple[str, str], name: str, now: int
    ) -> bytes | None:
        """Return a file's bytes, or None where there is no such file yet or ever."""
        told = _FILE.fullmatch(name)
        if told is None or folders != (told["symbol"], told["interval"]):
            return None
        begin = _read(told["period"], _WRITTEN[kind])
        if begin is None or now < published(_end(begin, kind), kind).timestamp() * 1000:
            return None
        shelf = _SHELVES[prefix]
        candles = self._candles(shelf, *folders)
        ends = (int(t.timestamp()) * 1000 for t in (begin, _end(begin, kind)))
        frame = candles.frame(*ends) if candles is not None else None
        if candles is None or frame is None or frame.is_empty():
            return None
        csv = table(frame, candles, shelf, begin)
        return zipped(name.replace(".zip", ".csv"), csv, published(_end(begin, kind), kind))

    def _candles(self, shelf: Shelf, symbol: str, interval: str) -> Candles | None:
        """Return what a file is made of."""
        return self._market.candles(shelf.source, symbol, interval) if interval in STEPS else None


def _read(period: str, written_as: str) -> datetime | None:
    """Read a month or a day."""
    try:
        return datetime.strptime(period, written_as).replace(tzinfo=UTC)
    except ValueError:
        return None


def not_found(ask: Ask) -> Answer:
    """Say in XML that there is no such file."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        "<Message>The specified key does not exist.</Message>"
        f"<Key>{ask.path[1:]}</Key><RequestId>SANDBOX</RequestId><HostId>sandbox</HostId></Error>"
    )
    return Answer(404, body.encode(), media="application/xml")


LIMITS: Mapping[str, Limit] = {}  # nobody counts


def venues(market: Market, _: Meters) -> list[Venue]:
    """Return the archive under each of its names; nobody is blocked by region."""
    endpoints = Archive(market).endpoints()
    immune = frozenset({"451", "geo"})
    return [
        Venue(source=name, endpoints=endpoints, not_found=not_found, immune=immune)
        for name in PREFIXES
    ]
