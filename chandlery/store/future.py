"""What lies in the future is not believed: a clock was ahead when it was stored, or is behind now.

Candles that lie more than a day ahead say that the clock is behind: nothing is concluded by it. All
else that lies so far ahead is what a clock left that was ahead. It is forgotten or set back, and so
due again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from chandlery.errors import Misuse
from chandlery.model import utc_text
from chandlery.store.connect import Connection
from chandlery.store.queries import query

AHEAD = timedelta(days=1)
"""By how much two machines' clocks may differ: what is to come by less is taken as it is."""
ANNOUNCED = timedelta(days=90)
"""So long before it happens a venue may tell of an end or a beginning."""
DUE = timedelta(days=1)
"""What was learnt so long ago is learnt again."""


class Forgotten(NamedTuple):
    """How many rows of which tables lay in the future, and how far; none if `rows` is empty."""

    rows: Mapping[str, int]
    latest: datetime | None

    def __str__(self) -> str:
        told = ", ".join(f"{table} {rows:,}" for table, rows in self.rows.items())
        return (
            f"a clock was ahead: what is noted of a time up to {utc_text(self.latest)} is not"
            f" believed, and asked for again where that matters ({told})"
        )


def newest_beyond(connection: Connection, now: datetime) -> datetime | None:
    """The newest candle that lies ahead of `now` by more than clocks may differ (UTC)."""
    row = connection.execute(query("newest_beyond"), {"since": now + AHEAD}).fetchone()
    return row[0] if row else None


def refuse_clock_behind(connection: Connection, now: datetime) -> None:
    """Misuse where candles lie further ahead of `now` than clocks may differ."""
    newest = newest_beyond(connection, now)
    if newest is not None:
        raise Misuse(
            f"now is {utc_text(now)}, and a candle of {utc_text(newest)} is stored: set the clock,"
            " or --now, right; if they are, `chandlery maintain --remove-future` removes what is"
            " stored of a time to come"
        )


def forget_future(connection: Connection, now: datetime, real: datetime | None = None) -> Forgotten:
    """Forget what lies in the future, or set it back to `now`; a second time there is nothing.

    The future begins where both `now` and the `real` one, if that is another, are over.
    """
    begins = now if real is None else max(now, real)
    moments = {
        "latest": begins + AHEAD,
        "announced": begins + ANNOUNCED,
        "due": now - DUE,
        "now": now,
    }
    rows = connection.execute(query("forget_future"), moments).fetchall()
    return Forgotten(
        {table: number for table, number, _ in rows}, max((at for *_, at in rows), default=None)
    )


def written_at(connection: Connection) -> datetime | None:
    """When the database was written last, as far as it notes that (UTC)."""
    row = connection.execute(
        "select greatest((select max(applied_at) from migration),"
        " (select max(ended_at) from last_run))"
    ).fetchone()
    return row[0] if row else None


def remove_future(connection: Connection, now: datetime) -> int:
    """Remove candles that open after `now`; return how many."""
    return connection.execute("delete from candle_1h where open_time > %s", (now,)).rowcount
