"""What is there, and how much of what there could be."""

from datetime import datetime

import polars as pl

from chandlery.model import Window
from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.queries import query

SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "name": pl.String(),
        "rank": pl.Int64(),
        "id": pl.String(),
        "hours": pl.Int64(),
        "earliest": pl.Datetime("us", "UTC"),
        "latest": pl.Datetime("us", "UTC"),
        "starts_at": pl.Datetime("us", "UTC"),
        "ends_at": pl.Datetime("us", "UTC"),
        "missing": pl.Int64(),
        "bars_4h": pl.Int64(),
        "bars_1d": pl.Int64(),
        "sources": pl.String(),
        "key": pl.Int64(),
        "unwanted": pl.Int64(),
        "unasked": pl.Boolean(),
    },
)


def held(
    connection: Connection, now: datetime | None = None, window: Window | None = None
) -> pl.DataFrame:
    """One row a coin that has candles or was asked for, by rank: counts, first and last hour.

    `hours` are held and `missing` lack of its life, up to `now` or the database's own clock; both
    within `window`, if it is given. `unwanted` are hours before its life that a venue lists and no
    run was asked for. `unasked`: nobody asked yet since when the coin is listed.
    """
    asked = {
        "start": None if window is None else window.start,
        "end": None if window is None else window.end,
    }
    with taken_as_now(connection, now):
        rows = connection.execute(query("held"), asked).fetchall()
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
