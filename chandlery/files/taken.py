"""Files of candles that people have, read as they are: freqtrade's, an archive's, CSV.

Each kind has a function of one signature: what is read is in the source's own units, and not held
to any rule yet. What cannot be read is Malformed. Times are opening times.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
from pyarrow import feather

from chandlery.errors import Malformed, Misuse
from chandlery.model import SCHEMA, one_line
from chandlery.venues import OnDisk, Source
from chandlery.venues.parsing import columns

LARGEST = 2**28
"""Bytes of a file. Ten years of hours take 10 MB as CSV: what has more is of minutes or trades."""
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
ISO = "iso"
NEEDED = ("open_time", "open", "high", "low", "close")
EARLIEST, LATEST = datetime(2009, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
PAIR = re.compile(r"([\w-]+)-(\d+[a-zA-Z]{1,2})(?:-([a-zA-Z_]+))?\.feather")
FREQTRADE = {"date": "open_time"} | {
    name: name for name in ("open", "high", "low", "close", "volume")
}


@dataclass(frozen=True)
class Reading:
    """How files are to be read.

    `names` are a CSV's columns by ours, `times` the form of its times: a key of PER_SECOND, or ISO,
    where `utc` says that times without a zone are UTC.
    """

    source: Source
    shelf: OnDisk | None  # the files of the source's archive, where it has one
    names: dict[str, str] = field(default_factory=dict)
    times: str = ISO
    utc: bool = False


class Found(NamedTuple):
    """What a file holds: its candles (model.SCHEMA), and what its name says that they are of.

    That is a symbol or a pair, in the venue's spelling or another's; None: nothing.
    """

    name: str | None
    candles: pl.DataFrame


def read(path: Path, content: bytes, how: Reading) -> Found:
    """What a file of these bytes holds; Malformed where nobody can tell."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise Malformed(f"its name ends in none of {', '.join(KINDS)}")
    return kind(path, content, how)


def _freqtrade(path: Path, content: bytes, how: Reading) -> Found:
    """A pair's feather file, columns by their names: freqtrade would take others by position."""
    named = PAIR.fullmatch(path.name)
    if named is None:
        raise Malformed("it has not the name of a file of freqtrade's, as BTC_USDT-1h.feather")
    pair, timeframe, kind = named.groups()
    if timeframe != "1h":
        raise Malformed(f"its candles are of {timeframe}: hours are imported, 1h")
    catalogue = how.source.catalogue
    is_contract = catalogue is not None and catalogue.derivatives
    if kind != ("futures" if is_contract else None):
        told = "contracts" if is_contract else "spot"
        raise Malformed(f"it is of {kind or 'spot'}, and {how.source.name} is of {told}")
    try:
        table = pl.from_arrow(feather.read_table(pa.BufferReader(content)))
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:  # pyarrow's are among them
        raise Malformed(f"not a feather file: {one_line(str(error))}") from None
    return Found("_".join(pair.split("_")[:2]), _columns(table, FREQTRADE))


def _archive(path: Path, content: bytes, how: Reading) -> Found:
    """A file of the source's own archive, whose checksum is looked at if it lies beside."""
    shelf = how.shelf
    if shelf is None:
        raise Malformed(f"of {how.source.name} no files in zips are known")
    symbol = shelf.symbol(path.name)
    if symbol is None:
        raise Malformed("it has not the name of an archive's file, as BTCUSDT-1h-2024-10.zip")
    checksum = path.with_name(f"{path.name}.CHECKSUM")
    if checksum.is_file():
        shelf.check(path.name, content, checksum.read_text("utf-8", errors="replace"))
    return Found(symbol, shelf.read(path.name, content))


def _csv(_: Path, content: bytes, how: Reading) -> Found:
    """A CSV with a header; a row of which a number cannot be read is known by its time alone."""
    names = {name: name for name in SCHEMA.names()} | how.names
    try:
        rows = pl.read_csv(content, infer_schema=False)
    except (pl.exceptions.PolarsError, ValueError) as error:
        raise Malformed(f"not CSV: {one_line(str(error))}") from None
    lacking = [told for told in (*NEEDED, *how.names) if names[told] not in rows.columns]
    if lacking:
        raise Malformed(
            f"it has no column {one_line(names[lacking[0]])} for {lacking[0]}, but"
            f" {one_line(', '.join(rows.columns))}: name them by --map"
        )
    told = {
        ours: rows[theirs].str.strip_chars()
        for ours, theirs in names.items()
        if theirs in rows.columns
    }
    times = (
        _iso(told["open_time"], utc=how.utc)
        if how.times == ISO
        else _numbered(told["open_time"], how.times)
    )
    numbers = {
        name: told[name].replace("", None).cast(dtype, strict=False) if name in told else None
        for name, dtype in list(SCHEMA.items())[1:]
    }
    frame = pl.DataFrame({"open_time": times} | numbers, schema=SCHEMA)
    spoilt = pl.Series([False]).new_from_index(0, frame.height)
    for name in numbers.keys() & told.keys():
        spoilt |= frame[name].is_null() & told[name].is_not_null() & (told[name] != "")
    return Found(None, columns.unread(frame, spoilt))


def _numbered(told: pl.Series, unit: str) -> pl.Series:
    """Times that are numbers in a unit, those out of range unknown."""
    number = told.cast(pl.Int64, strict=False)
    scale = PER_SECOND[unit]
    first, last = (int(at.timestamp()) * scale for at in (EARLIEST, LATEST))
    known = number.set(~number.is_between(first, last), None)
    in_us = known * (10**6 // scale) if scale < 10**6 else known // (scale // 10**6)
    return in_us.cast(SCHEMA["open_time"])


def _iso(told: pl.Series, *, utc: bool) -> pl.Series:
    """Times in ISO 8601, others unknown; Malformed where one has no zone and `utc` is not said."""
    return pl.Series([_instant(each, utc=utc) for each in told], dtype=SCHEMA["open_time"])


def _instant(text: str | None, *, utc: bool) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if at.tzinfo is None:
        if not utc:
            raise Malformed(
                f"its times have no zone ({one_line(text or '')}): add --utc if it is UTC"
            )
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC) if EARLIEST <= at < LATEST else None


def _columns(table: object, names: Mapping[str, str]) -> pl.DataFrame:
    """A frame of SCHEMA of a table's columns, by their names; Malformed where they are others."""
    if not isinstance(table, pl.DataFrame) or not names.keys() <= set(table.columns):
        told = table.columns if isinstance(table, pl.DataFrame) else ()
        raise Malformed(f"its columns are {one_line(', '.join(told))}, not {', '.join(names)}")
    zone = getattr(table.schema["date"], "time_zone", None)
    if zone != "UTC":
        raise Malformed(f"its dates are {table.schema['date']}, not times in UTC")
    try:
        known = {ours: table[theirs].cast(SCHEMA[ours]) for theirs, ours in names.items()}
    except pl.exceptions.PolarsError as error:
        raise Malformed(one_line(str(error))) from None
    nothing = dict.fromkeys(SCHEMA.names())
    frame = pl.DataFrame(nothing | known, schema=SCHEMA)
    return frame.with_columns(pl.col("volume").fill_nan(None))


KINDS: Mapping[str, Callable[[Path, bytes, Reading], Found]] = {
    ".feather": _freqtrade,
    ".zip": _archive,
    ".csv": _csv,
}


def mapped(asked: list[str]) -> dict[str, str]:
    """A CSV's columns by ours, of texts as open_time=Date; Misuse where one is none of ours."""
    found = {}
    for each in asked:
        ours, sign, theirs = each.partition("=")
        if ours not in SCHEMA.names() or not sign or not theirs:
            raise Misuse(
                f"--map {one_line(each, 40)!r}: write open_time=Date,open=Open, and the like, of"
                f" {','.join(SCHEMA.names())}"
            )
        found[ours] = theirs
    return found
