"""How complete the candles are, and whose: measured, and kept over time."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import polars as pl

from chandlery.model import Window
from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.queries import query

MEASURES = pl.Schema(
    {
        "coin": pl.Int64(),
        "timeframe": pl.String(),
        "expected": pl.Int64(),
        "present": pl.Int64(),
        "total": pl.Int64(),
        "starts_at": pl.Datetime("us", "UTC"),
        "ends_at": pl.Datetime("us", "UTC"),
        "earliest": pl.Datetime("us", "UTC"),
        "latest": pl.Datetime("us", "UTC"),
        "unwanted": pl.Int64(),
    },
)
SPANS = pl.Schema(
    {
        "coin": pl.Int64(),
        "starts_at": pl.Datetime("us", "UTC"),
        "ends_at": pl.Datetime("us", "UTC"),
    },
)
SHARES = pl.Schema(
    {
        "coin": pl.Int64(),
        "at": pl.Datetime("us", "UTC"),
        "source": pl.String(),
        "hours": pl.Int64(),
    },
)
TREND = pl.Schema(
    {"day": pl.Datetime("us", "UTC"), "expected": pl.Int64(), "present": pl.Int64()},
)
Step = Literal["hour", "day", "month"]


def measure(connection: Connection, coins: Sequence[int], now: datetime) -> pl.DataFrame:
    """One row a coin that has a life, and timeframe: bars expected up to `now`, present, in all.

    Present are those that are whole; `total` counts the others too. Between `starts_at` and
    `ends_at` bars are expected; `earliest` and `latest` open the first and the last that there is.
    `unwanted` are the hours between the first listing and `starts_at`. A coin without a candle has
    1h only. As MEASURES has them.
    """
    with taken_as_now(connection, now):
        rows = connection.execute(query("measures"), {"coins": list(coins)}).fetchall()
    return pl.DataFrame(rows, schema=MEASURES, orient="row")


def unlisted(connection: Connection, coins: Sequence[int], now: datetime) -> pl.DataFrame:
    """The stretches of these coins' lives that nobody could have, as SPANS has them."""
    with taken_as_now(connection, now):
        rows = connection.execute(query("unlisted"), {"coins": list(coins)}).fetchall()
    return pl.DataFrame(rows, schema=SPANS, orient="row")


def shares(
    connection: Connection,
    coins: Sequence[int],
    step: Step = "month",
    window: Window | None = None,
) -> pl.DataFrame:
    """Hours by coin, step (`at` is its start) and source, as SHARES has them.

    All there is, or what lies in `window`: day by day counted from its first midnight (UTC) on.
    """
    asked = {
        "coins": list(coins),
        "step": step,
        "start": None if window is None else window.start,
        "end": None if window is None else window.end,
    }
    name = "shares_by_hour" if step == "hour" else "shares"
    rows = connection.execute(query(name), asked).fetchall()
    return pl.DataFrame(rows, schema=SHARES, orient="row")


def trend(connection: Connection, coins: Sequence[int], window: Window) -> pl.DataFrame:
    """Hours expected and present at the last check of each day in `window`, as TREND has them."""
    asked = {"coins": list(coins), "start": window.start, "end": window.end}
    rows = connection.execute(query("trend"), asked).fetchall()
    return pl.DataFrame(rows, schema=TREND, orient="row")


def keep_quality(
    connection: Connection, at: datetime, measured: pl.DataFrame, shared: pl.DataFrame
) -> None:
    """Keep frames of `measure` and `shares` as what was measured at `at`."""
    summed = shared.group_by("coin", "source", maintain_order=True).agg(pl.col("hours").sum())
    parts = {
        int(coin): json.dumps(dict(part.select("source", "hours").iter_rows()))
        for (coin,), part in summed.group_by("coin", maintain_order=True)
    }
    hourly = zip(measured["coin"], measured["timeframe"] == "1h", strict=True)
    connection.execute(
        query("keep_quality"),
        {
            "at": at,
            "coins": measured["coin"].to_list(),
            "timeframes": measured["timeframe"].to_list(),
            "expected": measured["expected"].to_list(),
            "present": measured["present"].to_list(),
            "totals": measured["total"].to_list(),
            "shares": [parts.get(coin) if hours else None for coin, hours in hourly],
        },
    )
