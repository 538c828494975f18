"""4h and 1d bars held to their hours, value by value."""

from datetime import UTC, date, datetime
from typing import NamedTuple

from chandlery.model import Window
from chandlery.store.connect import Connection, alone
from chandlery.store.queries import query

BARS = ("4h", "1d")
"""The timeframes that are kept, and not added up at each reading."""


class Bar(NamedTuple):
    """A bar that is not what its hours make, of a coin by key.

    `lost` of its hours are gone, `uncounted` are there and not in it. Where there are none of
    either, a value is another one.
    """

    coin: int
    open_time: datetime
    lost: int
    uncounted: int

    @property
    def day(self) -> date:
        """The day (UTC) in which it lies."""
        return self.open_time.astimezone(UTC).date()


def differing_bars(connection: Connection, timeframe: str, window: Window) -> list[Bar]:
    """The bars (of one of BARS) in `window` (whole days) that differ from their hours."""
    asked = {"timeframe": timeframe, "start": window.start, "end": window.end}
    return [Bar(*row) for row in connection.execute(query("differing_bars"), asked)]


def mark_differing_bars(connection: Connection, window: Window) -> int:
    """Note the days of bars in `window` that differ, for the next refresh; return how many bars.

    A day that waits for a refresh is not noted again.
    """
    with alone(connection, "reconcile"):
        asked = {"start": window.start, "end": window.end}
        row = connection.execute(query("mark_differing_bars"), asked).fetchone()
    return int(row[0]) if row else 0
