"""Rows of a JSON answer, by columns, into candles' schema, strictly.

A good page is read a column at a time. Only where that fails the rows are looked at in ever smaller
parts, down to each that cannot be read.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import httpx
import orjson
import polars as pl

from chandlery.errors import Malformed
from chandlery.model import SCHEMA, empty
from chandlery.venues.verdicts import excerpt, warn_once

EARLIEST = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp() * 1000)
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
RAW: Mapping[frozenset[type], pl.DataType] = {
    frozenset({str}): pl.String(),
    frozenset({int}): pl.Int64(),
    frozenset({float}): pl.Float64(),
    frozenset({int, float}): pl.Float64(),
}
"""What the values of one column may be, and how they are taken before they are cast."""
UNREADABLE = (pl.exceptions.PolarsError, KeyError, TypeError, ValueError, OverflowError)


def json(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON may be anything
    """The body as JSON."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise Malformed(f"not JSON: {excerpt(response)}") from None


def candles(rows: object, *, width: int, places: Mapping[str, int], source: str) -> pl.DataFrame:
    """A frame of SCHEMA, a row each in the answer's order; a column without a place is unknown.

    A row is a list of `width` or more, `open_time` in milliseconds, the rest numbers or strings
    that tell numbers. What is beyond `width` is left out, and told once of `source`. Of a row that
    cannot be read only the time is known, if it is; Malformed where half of the rows or more are
    such. Whether the others make sense is `candles.check`'s to say.
    """
    if not isinstance(rows, list):
        raise Malformed(f"not a list of candles but {type(rows).__name__}")
    if not rows:
        return empty()
    read = partial(_read, width=width, places=places, source=source)
    try:
        return read(rows)
    except Malformed as error:
        return salvaged(rows, read, partial(_time_alone, place=places["open_time"]), error)


def salvaged(
    rows: Sequence[Any],
    read: Callable[[Sequence[Any]], pl.DataFrame],
    time_alone: Callable[[Any], pl.DataFrame],
    error: Malformed,
) -> pl.DataFrame:
    """What `read` makes of the rows that it can read, and of the others `time_alone`, in order.

    Raises `error`, what it said of all of them, where that is half of the rows or more.
    """
    parts, left = [], [rows]
    bad = 0
    while left:
        part = left.pop()
        try:
            parts.append(read(part))
        except Malformed:
            half = len(part) // 2
            if half:
                left += [part[half:], part[:half]]
                continue
            parts.append(time_alone(part[0]))
            bad += 1
            if 2 * bad >= len(rows):
                raise error from None
    return pl.concat(parts)


def timed(times: pl.Series) -> pl.DataFrame:
    """Rows of SCHEMA of which nothing is known but, where they are not null, the times."""
    rest = [pl.Series(name, [None] * len(times), SCHEMA[name]) for name in SCHEMA.names()[1:]]
    return pl.DataFrame([times.alias("open_time"), *rest])


def unread(frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """`frame` with nothing but the time in those of its rows that are true in `rows`."""
    return frame.with_columns(
        pl.when(~rows).then(pl.col(name)).alias(name) for name in SCHEMA.names()[1:]
    )


def _time_alone(row: object, place: int) -> pl.DataFrame:
    """A row of SCHEMA without anything but its time, or not even that."""
    told = row[place] if isinstance(row, list) and len(row) > place else None
    try:
        time = _times("open_time", [told])
    except UNREADABLE:
        time = pl.Series([None], dtype=SCHEMA["open_time"])
    return timed(time)


def _read(
    rows: Sequence[Any], *, width: int, places: Mapping[str, int], source: str
) -> pl.DataFrame:
    widths = set(map(len, rows)) if set(map(type, rows)) <= {list} else {0}
    if min(widths) < width:
        raise Malformed(f"not every candle is a row of {width}")
    if max(widths) > width:
        warn_once(f"{source}: its candles have more columns than the {width} that are known")
    columns = list(zip(*rows, strict=False))
    return pl.DataFrame(
        [
            _column(name, dtype, columns[places[name]])
            if name in places
            else pl.Series(name, [None] * len(rows), dtype=dtype)
            for name, dtype in SCHEMA.items()
        ],
    )


def _column(name: str, dtype: pl.DataType, values: Sequence[object]) -> pl.Series:
    try:
        return _times(name, values) if name == "open_time" else _numbers(name, values, dtype)
    except UNREADABLE:
        raise Malformed(f"{name} is not a number in every row") from None


def _numbers(name: str, values: Sequence[object], dtype: pl.DataType) -> pl.Series:
    # By type, not isinstance: to Python true is a number, and null would slip through a cast.
    kinds = frozenset(map(type, values))
    return pl.Series(name, values, dtype=RAW[kinds], strict=len(kinds) == 1).cast(
        dtype, strict=True
    )


def _times(name: str, values: Sequence[object]) -> pl.Series:
    stamps = _numbers(name, values, pl.Int64())
    # Seconds or microseconds would pass for a date in 1970 or in the year 50000: refuse both.
    if not EARLIEST <= cast("int", stamps.min()) <= cast("int", stamps.max()) <= LATEST:
        raise ValueError(name)
    return stamps.cast(pl.Datetime("ms", "UTC")).cast(SCHEMA[name])
