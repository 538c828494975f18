"""What is there, and how much of what there could be."""

from datetime import datetime
from typing import NamedTuple

from chandlery.model import Window
from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.queries import query


class Held(NamedTuple):
    """What is there of one coin; times in UTC, `earliest` and `latest` None without a candle.

    `hours` are held and `missing` lack of its life; `unwanted` are hours before its life that a
    venue lists and no run was asked for. `unasked`: nobody asked yet since when it is listed.
    """

    symbol: str
    name: str
    rank: int | None
    id: str
    hours: int
    earliest: datetime | None
    latest: datetime | None
    starts_at: datetime
    ends_at: datetime
    missing: int
    bars_4h: int
    bars_1d: int
    sources: str
    key: int
    unwanted: int
    unasked: bool


def held(
    connection: Connection, now: datetime | None = None, window: Window | None = None
) -> list[Held]:
    """The coins that have candles or were asked for, by rank.

    Their hours are counted up to `now` or the database's own clock, and within `window`, if it is
    given.
    """
    asked = {
        "start": None if window is None else window.start,
        "end": None if window is None else window.end,
    }
    with taken_as_now(connection, now):
        return [Held(*row) for row in connection.execute(query("held"), asked)]
