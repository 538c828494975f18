"""How complete the candles are, and whose: measured, and kept over time."""

import json
from collections.abc import Sequence
from datetime import datetime

import polars as pl

from store.connect import Connection, taken_as_now
from store.queries import query

MEASURES = pl.Schema(
    {
        "coin": pl.Int64(),
        "timeframe": pl.String(),
        "expected": pl.Int64(),
        "present": pl.Int64(),
        "total": pl.Int64(),
    },
)
SHARES = pl.Schema({"coin": pl.Int64(), "source": pl.String(), "hours": pl.Int64()})


def measure(connection: Connection, coins: Sequence[int], now: datetime) -> pl.DataFrame:
    """One row a coin that has candles, and timeframe: bars expected up to `now`, present, in all.

    Present are those that are whole; `total` counts the others too. As MEASURES has them.
    """
    with taken_as_now(connection, now):
        rows = connection.execute(query("measures"), {"coins": list(coins)}).fetchall()
    return pl.DataFrame(rows, schema=MEASURES, orient="row")


def shares(connection: Connection, coins: Sequence[int]) -> pl.DataFrame:
    """One row a coin and source it has hours from, the most first; as SHARES has them."""
    rows = connection.execute(query("shares"), {"coins": list(coins)}).fetchall()
    return pl.DataFrame(rows, schema=SHARES, orient="row")


def keep_quality(
    connection: Connection, at: datetime, measured: pl.DataFrame, shared: pl.DataFrame
) -> None:
    """Keep frames of `measure` and `shares` as what was measured at `at`."""
    parts = {
        int(coin): json.dumps(dict(part.select("source", "hours").iter_rows()))
        for (coin,), part in shared.group_by("coin", maintain_order=True)
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
