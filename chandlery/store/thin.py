"""What the books need not keep for ever. Candles, and the traces of traded ones, are not theirs."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chandlery.store.connect import Connection, alone
from chandlery.store.queries import query

KEPT: Mapping[str, timedelta] = {
    "quality": timedelta(days=30),  # then the last check of each day
    "absence": timedelta(days=30),  # and then until the hours are held
    "restated": timedelta(days=30),  # indicative candles; traces of traded ones stay
    "finding": timedelta(days=365),  # after it ended
}
"""How long a row of a table is kept whatever it says."""


def thin(connection: Connection, table: str, coins: Sequence[int], now: datetime) -> int:
    """Delete rows of these coins from a table of KEPT as of `now` (aware); return how many.

    A second time there is nothing to delete. One transaction: a batch of coins at a time lets
    others have a turn at the embedded database.
    """
    asked = {"coins": list(coins), "before": now - KEPT[table]}
    with alone(connection, "absences"):  # which replaces absences row by row
        done = connection.execute(query(f"thin_{table}"), asked)
        row = done.fetchone() if done.description else None
        return done.rowcount if row is None else int(row[0])
