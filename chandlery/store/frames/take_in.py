"""Candles from files: into hours that have no traded one, and noted as imported."""

from datetime import datetime
from typing import NamedTuple

import polars as pl

from chandlery.model import HOUR, SCHEMA
from chandlery.store.connect import Connection
from chandlery.store.frames.write import write
from chandlery.store.queries import query

NEAR = 1e-9  # of a price: nearer, two are the same


class Origin(NamedTuple):
    """Whose candles a file is said to have (the database's number for the source, and the symbol).

    And which file it is, by its name and the digest of its bytes, and when it was imported.
    """

    source: int
    symbol: str
    file: str
    sha256: str
    imported_at: datetime


class Stored(NamedTuple):
    """Rows that were stored, and rows whose hour had a candle: how many, how many said otherwise.

    `differing` counts those of the same source alone.
    """

    rows: int
    there: int
    differing: int


def store_missing(
    connection: Connection, coin: int, candles: pl.DataFrame, origin: Origin
) -> Stored:
    """Store what a coin has no traded candle of, with the note where it came from.

    `candles` are of model.SCHEMA, in order, in plain coins. An indicative candle gives way, and is
    kept as replaced. All or nothing. Other writers wait meanwhile: what is noted is what was
    stored.
    """
    if candles.is_empty():
        return Stored(0, 0, 0)
    with connection.transaction():
        connection.execute("lock table candle_1h in share row exclusive mode")
        held = _held(connection, coin, candles)
        missing = candles.join(held, on="open_time", how="anti", maintain_order="left")
        stored = write(connection, {coin: missing}, origin.source, now=origin.imported_at)
        _note(connection, coin, missing, origin)
    same = candles.join(held.filter(held_source=origin.source), on="open_time")
    other = (same["close"] / same["held_close"] - 1).abs() > NEAR
    return Stored(stored, candles.height - missing.height, int(other.sum()))


def _held(connection: Connection, coin: int, candles: pl.DataFrame) -> pl.DataFrame:
    """The hours between the first and the last that have a traded candle."""
    times = candles["open_time"]
    rows = connection.execute(
        "select open_time, candle_1h.source, close from candle_1h"
        " join source on source.key = candle_1h.source"
        " where coin = %s and open_time >= %s and open_time <= %s and traded",
        (coin, times.min(), times.max()),
    ).fetchall()
    columns = [
        ("open_time", SCHEMA["open_time"]),
        ("held_source", pl.Int64()),
        ("held_close", pl.Float64()),
    ]
    return pl.DataFrame(rows, schema=pl.Schema(columns), orient="row")


def _note(connection: Connection, coin: int, stored: pl.DataFrame, origin: Origin) -> None:
    """Note adjacent hours as one row."""
    if stored.is_empty():
        return
    times = stored["open_time"]
    opens = (times.diff().fill_null(2 * HOUR) != HOUR).to_list()
    ends = zip(times, [*opens[1:], True], strict=True)
    told = {
        "coin": coin,
        "starts": [at for at, first in zip(times, opens, strict=True) if first],
        "ends": [at + HOUR for at, last in ends if last],
    }
    connection.execute(query("note_imported"), told | origin._asdict())
