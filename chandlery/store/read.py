"""Candles out: COPY, as CSV, into polars. Floats come back to the last bit."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from psycopg import sql

from chandlery.model import Coin, Window
from chandlery.store.connect import Connection, taken_as_now

TIMEFRAMES = ("1h", "4h", "1d")
SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "timeframe": pl.String(),
        "open_price": pl.Float64(),
        "high_price": pl.Float64(),
        "low_price": pl.Float64(),
        "close_price": pl.Float64(),
        "volume": pl.Float64(),
        "source": pl.String(),
        "quote_volume": pl.Float64(),
        "trades": pl.Int64(),
        "hours": pl.Int64(),
        "coin_id": pl.String(),
    },
)

_QUERY = sql.SQL(
    "copy (select {columns} from market_data"
    " where timeframe = {timeframe} and coin_id = any ({ids}){within}"
    ' order by symbol, "timestamp") to stdout with (format csv)',
)


def read(
    connection: Connection,
    coins: Sequence[Coin],
    timeframe: str = "1h",
    window: Window | None = None,
    now: datetime | None = None,
) -> pl.DataFrame:
    """The candles of these coins, as market_data has them, by symbol and time (UTC, µs).

    Bars whose time is not over at `now` (the database's clock, if None) are left out.
    """
    statement = _QUERY.format(
        columns=sql.SQL(", ").join(_column(name) for name in SCHEMA.names()),
        timeframe=sql.Literal(timeframe),
        ids=sql.Literal([coin.id for coin in coins]),
        within=_within(window),
    )
    with (
        taken_as_now(connection, now),
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        text = b"".join(bytes(part) for part in copy)
    return _frame(text)


def _column(name: str) -> sql.Composable:
    if name == "timestamp":
        return sql.SQL('(extract(epoch from "timestamp") * 1000000)::bigint')
    return sql.Identifier(name)


def _within(window: Window | None) -> sql.Composable:
    if window is None:
        return sql.SQL("")
    return sql.SQL(' and "timestamp" >= {} and "timestamp" < {}').format(
        sql.Literal(window.start),
        sql.Literal(window.end),
    )


def _frame(text: bytes) -> pl.DataFrame:
    if not text:
        return SCHEMA.to_frame()
    plain = {**SCHEMA, "timestamp": pl.Int64()}
    frame = pl.read_csv(text, has_header=False, new_columns=list(plain), schema=plain)
    return frame.with_columns(pl.col("timestamp").cast(SCHEMA["timestamp"]))
