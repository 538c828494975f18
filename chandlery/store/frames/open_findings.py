"""What is odd about the candles, as a frame."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from chandlery.store.connect import Connection
from chandlery.store.queries import query

FINDINGS = pl.Schema(
    {
        "symbol": pl.String(),
        "kind": pl.String(),
        "open_time": pl.Datetime("us", "UTC"),
        "detail": pl.String(),
        "found_at": pl.Datetime("us", "UTC"),
        "new": pl.Boolean(),
        "ended_at": pl.Datetime("us", "UTC"),
    },
)


def open_findings(connection: Connection, coins: Sequence[int], at: datetime) -> pl.DataFrame:
    """What is odd about these coins and holds at the check of `at`, or ceased to: newest first.

    A row a finding, as FINDINGS has them, times in UTC; `new` since the coin's check before that
    one; `ended_at` is null, or `at` itself.
    """
    rows = connection.execute(query("open_findings"), {"coins": list(coins), "at": at}).fetchall()
    return pl.DataFrame(rows, schema=FINDINGS, orient="row")
