"""Rows of a JSON answer, by columns, into candles' schema: strictly, or Malformed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import orjson
import polars as pl

from candles import SCHEMA, Malformed, empty
from sources.words import excerpt

EARLIEST = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp() * 1000)
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
RAW: Mapping[frozenset[type], pl.DataType] = {
    frozenset({str}): pl.String(),
    frozenset({int}): pl.Int64(),
    frozenset({float}): pl.Float64(),
    frozenset({int, float}): pl.Float64(),
}
"""What the values of one column may be, and how they are taken before they are cast."""


def json(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON may be anything
    """The body as JSON."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise Malformed(f"not JSON: {excerpt(response)}") from None


def candles(rows: object, *, width: int, places: Mapping[str, int]) -> pl.DataFrame:
    """A frame of SCHEMA, in the answer's order; a column without a place is unknown.

    Every row must be a list of `width`, `open_time` in milliseconds, the rest numbers or strings
    that tell numbers. Whether they make sense is `candles.check`'s to say.
    """
    if not isinstance(rows, list):
        raise Malformed(f"not a list of candles but {type(rows).__name__}")
    if not rows:
        return empty()
    if not set(map(type, rows)) <= {list} or not set(map(len, rows)) <= {width}:
        raise Malformed(f"not every candle is a row of {width}")
    columns = list(zip(*rows, strict=True))
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
    except (pl.exceptions.PolarsError, KeyError, TypeError, ValueError, OverflowError):
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
