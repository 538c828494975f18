"""Hours that went without a trigger: what the days count, held to the hours that there are.

`drop_chunks`, a truncated chunk or a restore that lost one tell nobody: the 4h and 1d candles go on
counting hours that are gone, and everything that reads completeness off them says 100 %.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from chandlery.model import Window
from chandlery.store.connect import Connection, alone
from chandlery.store.queries import query

_MARK = (
    "insert into stale (starts_at, ends_at, force)"
    " select lower(part), upper(part), true from unnest(%s::tstzmultirange) part"
)


class Mismatch(NamedTuple):
    """How the days of a window differed from the hours that there are, in hours and days by coin.

    `lost` hours were counted and are gone, on `lost_days` of the coins (by key) of `coins`, from
    `start` up to `end` (UTC midnights; None where nothing is lost). `uncounted` hours are there,
    and were not counted.
    """

    lost: int
    lost_days: int
    coins: Sequence[int]
    start: datetime | None
    end: datetime | None
    uncounted: int


def compared_windows(connection: Connection) -> list[Window]:
    """Windows with all hours and all that days count: a chunk each, and what lies outside."""
    rows = connection.execute(query("compared_windows")).fetchall()
    return [Window(start, end) for start, end in rows]


def reconcile(connection: Connection, window: Window) -> Mismatch:
    """Compare the days of `window` (whole ones) with its hours; note those that differ as stale.

    They are right after the next `refresh`. Days that wait for one are not compared, so that a run
    that writes meanwhile is no loss, and what is noted already is told once.
    """
    with alone(connection, "reconcile"):
        asked = {"start": window.start, "end": window.end}
        row = connection.execute(query("misstated"), asked).fetchone() or ()
        *found, days = row
        connection.execute(_MARK, (days,))
    return Mismatch(*found)
