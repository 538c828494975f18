"""Old candles in a third of the room. They stay what they are: read, added to and replaced."""

from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from chandlery.store.connect import Connection
from chandlery.store.queries import query
from chandlery.store.refresh import tables

PATIENCE = "30s"  # for others to let go of a chunk; it is left for the next time then
WORN = ("absence", "claim", "coin", "finding", "listing", "quality", "restated", "stale")


class Packed(NamedTuple):
    """What compressing did: chunks, and what the hourly candles take on the disk."""

    chunks: int
    left: int  # chunks that were in use
    candles: int
    bytes_before: int
    bytes_after: int


def compress(connection: Connection, before: datetime, patience: str = PATIENCE) -> Packed:
    """Compress the chunks that end at or before `before`. Needs autocommit.

    Those that were compressed already and have been written to since are compressed anew. What is
    older or newer is not touched: a second time there is nothing to do.
    """
    size, done, left = _size(connection), 0, 0
    for name in connection.execute(query("compressible"), {"before": before}).fetchall():
        chunk = sql.Identifier(*name)
        if _compress(connection, chunk, patience):
            done += 1
            # The rows that were moved still have their room, and those replaced theirs. It is
            # not taken of who does not own them: that is on a server, which does it by itself.
            connection.execute(sql.SQL("vacuum {}").format(chunk))
        else:
            left += 1
    row = connection.execute("select coalesce(sum(hours), 0)::bigint from candle_1d").fetchone()
    return Packed(done, left, row[0] if row else 0, size, _size(connection))


def tidy(connection: Connection) -> None:
    """Do what a server does by itself, and the embedded one has nobody for."""
    names = [sql.Identifier(*each) for each in (*((name,) for name in WORN), *tables(connection))]
    connection.execute(sql.SQL("vacuum (analyze) {}").format(sql.SQL(", ").join(names)))


def _compress(connection: Connection, chunk: sql.Identifier, patience: str) -> bool:
    try:
        with connection.transaction():
            connection.execute(sql.SQL("set local lock_timeout = {}").format(patience))
            name = chunk.as_string(connection)
            connection.execute("select compress_candles(%s::regclass)", (name,))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        return False
    return True


def _size(connection: Connection) -> int:
    row = connection.execute("select hypertable_size('candle_1h')").fetchone()
    return int(row[0]) if row else 0
