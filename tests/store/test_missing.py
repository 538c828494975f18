"""Missing hours: asked of the database, in one query."""

import polars as pl

import store
from candles import Window, instant


def window(start: str, end: str) -> Window:
    return Window(instant(start), instant(end))


def test_real_bitcoin_has_28_gaps_of_128_hours(connection, market):
    hours = pl.read_parquet(market / "binance_spot/BTCUSDT/1h.parquet")
    store.write(connection, {1: hours}, store.source_key(connection, "binance_spot"))
    store.refresh(connection)
    whole = window("2017-08-17T04:00Z", "2026-04-30T04:00Z")
    runs = store.missing(connection, [(1, whole)])[0]
    assert len(runs) == 28
    assert sum(run.hours for run in runs) == 128
