"""Candles out: COPY, binary, into polars. `binary_rows` knows the order of the columns."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from psycopg import sql

from chandlery.model import Coin, Window
from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.frames.copy_out import copy_out

TIMEFRAMES = ("1h", "4h", "1d", "1w", "1M")
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
        "taker_buy_volume": pl.Float64(),
        "taker_buy_quote_volume": pl.Float64(),
        "vwap": pl.Float64(),
    },
)

_QUERY = sql.SQL(
    'copy (select coin, "timestamp", open_price, high_price, low_price, close_price,'
    " coalesce(volume, 'NaN'), coalesce(quote_volume, 'NaN'), coalesce(trades, -1)::bigint,"
    " hours::bigint, sources, coalesce(taker_buy_volume, 'NaN'),"
    " coalesce(taker_buy_quote_volume, 'NaN'), coalesce(vwap, 'NaN') from {view}"
    " where timeframe = {timeframe} and coin = any ({coins}){within}"
    ") to stdout with (format binary)",
)


def read(  # noqa: PLR0913  what to read, and how
    connection: Connection,
    coins: Sequence[Coin],
    timeframe: str = "1h",
    window: Window | None = None,
    now: datetime | None = None,
    *,
    adjusted: bool = False,
) -> pl.DataFrame:
    """The candles of these coins, as market_data has them, by symbol and time (UTC, µs).

    Or as market_data_adjusted has them. Bars whose time is not over at `now` (the database's
    clock, if None) are left out.
    """
    statement = _QUERY.format(
        view=sql.Identifier("market_data_adjusted" if adjusted else "market_data"),
        timeframe=sql.Literal(timeframe),
        coins=sql.Literal([coin.key for coin in coins]),
        within=_within(window),
    )
    with (
        taken_as_now(connection, now),
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        sent = copy_out(connection, copy)
    from chandlery.store.frames import binary_rows  # noqa: PLC0415 - numpy takes 0.1 s to import

    found = binary_rows.frame(sent, coins, timeframe, _names(connection))
    return SCHEMA.to_frame() if found is None else found


def _within(window: Window | None) -> sql.Composable:
    if window is None:
        return sql.SQL("")
    return sql.SQL(' and "timestamp" >= {} and "timestamp" < {}').format(
        sql.Literal(window.start),
        sql.Literal(window.end),
    )


def _names(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("select key, name from source order by key").fetchall())
