"""Candles from price points: indicative ones, since nobody says what was traded between two points.

An hour is told by the points within it and the one at its end: its open is the first of them, its
close the last, high and low are the extremes. From points five minutes apart that is twelve and
the closing one, from hourly points the one at its start and the next. Amounts are unknown.

A point stands for a full five minutes but comes a little beside it: CoinGecko's own documentation
shows 14:24:59.041 and 14:29:59.661. So a point up to EARLY before an hour counts to that hour, and
an hour is told only if points lie within LATE after that, at its start and at its end [U: hourly
points are said to come some minutes past the hour]. An hour with a hole at one end is left out.
"""

from datetime import timedelta

import polars as pl

from chandlery.errors import Malformed
from chandlery.model import SCHEMA, empty

EARLY = timedelta(minutes=2, seconds=30)
LATE = timedelta(minutes=15)
WIDEST = timedelta(minutes=90)
"""Points that mostly lie further apart than this are not hourly."""

POINTS = pl.Schema({"at": pl.Datetime("us", "UTC"), "price": pl.Float64()})


def hours(points: pl.DataFrame) -> pl.DataFrame:
    """A frame of model.SCHEMA from POINTS in any order; Malformed if they are not hourly."""
    told = points.unique().sort("at")
    apart = told["at"].diff().median()
    if isinstance(apart, timedelta) and apart > WIDEST:
        raise Malformed(f"its points are mostly {apart} apart: not hourly")
    if told.is_empty():
        return empty()
    shifted = told.with_columns(pl.col("at") + EARLY)
    by_hour = shifted.group_by(hour=pl.col("at").dt.truncate("1h"), maintain_order=True).agg(
        open=pl.col("price").first(),
        first=pl.col("at").first(),
        high=pl.col("price").max(),
        low=pl.col("price").min(),
    )
    return _closed(by_hour.filter(pl.col("first") - pl.col("hour") < LATE))


def _closed(by_hour: pl.DataFrame) -> pl.DataFrame:
    """The hours that another follows at once: its first point is their last."""
    follows = by_hour.select(pl.col("hour") - timedelta(hours=1), close="open")
    unknown = [pl.lit(None, dtype=SCHEMA[name]).alias(name) for name in SCHEMA.names()[5:]]
    return (
        by_hour.join(follows, on="hour", maintain_order="left")
        .with_columns(
            *unknown,
            high=pl.max_horizontal("high", "close"),
            low=pl.min_horizontal("low", "close"),
        )
        .select(pl.col("hour").alias("open_time"), *SCHEMA.names()[1:])
    )
