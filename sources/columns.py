"""Rows of a JSON answer, by columns, into candles' schema: strictly, or Malformed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import polars as pl

from candles import SCHEMA, Malformed, empty
from sources.words import excerpt

EARLIEST = int(datetime(2009, 1, 1, tzinfo=UTC).timestamp() * 1000)
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
_STRING, _FLOAT, _INT = pl.String(), pl.Float64(), pl.Int64()


def json(response: httpx.Response) -> Any:  # noqa: ANN401 - JSON may be anything
    """The body as JSON."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise Malformed(f"not JSON: {excerpt(response)}") from None


def candles(rows: object, *, width: int, places: Mapping[str, int]) -> pl.DataFrame:
    """A frame of SCHEMA, in the answer's order; a column without a place is unknown.

    Every row must be a list of `width`, `open_time` in milliseconds, every number finite.
    """
    if not isinstance(rows, list):
        raise Malformed(f"not a list of candles but {type(rows).__name__}")
    if not rows:
        return empty()
    if any(type(row) is not list or len(row) != width for row in rows):
        raise Malformed(f"not every candle is a row of {width}")
    columns = list(zip(*rows, strict=True))
    return pl.DataFrame(
        [
            _column(name, dtype, columns[places[name]])
            if name in places
            else pl.repeat(None, len(rows), dtype=dtype, eager=True).alias(name)
            for name, dtype in SCHEMA.items()
        ],
    )


def _column(name: str, dtype: pl.DataType, values: Sequence[object]) -> pl.Series:
    try:
        if name == "open_time":
            return _times(name, values)
        return _numbers(name, values, dtype)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        raise Malformed(f"{name} is not a number in every row") from None


def _numbers(name: str, values: Sequence[object], dtype: pl.DataType) -> pl.Series:
    # orjson gives exactly these three; bool is not one of them, though it is an int to Python.
    kinds = set(map(type, values))
    if not kinds <= {str, int, float} or (str in kinds and len(kinds) > 1):
        raise TypeError(name)
    raw = _STRING if str in kinds else _FLOAT if float in kinds else _INT
    series = pl.Series(name, values, dtype=raw, strict=str in kinds or float not in kinds)
    numbers = series.cast(dtype, strict=True)
    if numbers.null_count() or (dtype == _FLOAT and not numbers.is_finite().all()):
        raise ValueError(name)
    return numbers


def _times(name: str, values: Sequence[object]) -> pl.Series:
    stamps = _numbers(name, values, _INT)
    # Seconds or microseconds would pass for a date in 1970 or in the year 50000: refuse both.
    if not stamps.is_between(EARLIEST, LATEST).all():
        raise ValueError(name)
    return stamps.cast(pl.Datetime("ms", "UTC")).cast(SCHEMA[name])
