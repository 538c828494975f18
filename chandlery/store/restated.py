"""What an hour's candle is, and what it was before others took its place."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from chandlery.model import Coin, Window, utc_text
from chandlery.store.connect import Connection
from chandlery.store.findings import LEAST
from chandlery.store.queries import query

OFTEN = {1: "once", 2: "twice"}


class Version(NamedTuple):
    """A candle as it was held: its values and source, from `since` up to `until` (UTC).

    `since` is None where nobody noted it: of the first that came. `until` is None while it is held.
    """

    open: float
    high: float
    low: float
    close: float
    volume: float | None  # coins; None: unknown
    quote_volume: float | None
    trades: int | None
    taker_buy_volume: float | None
    taker_buy_quote_volume: float | None
    source: str
    since: datetime | None
    until: datetime | None


class History(NamedTuple):
    """One hour of a coin: what is there now, if anything, and what was there, newest first."""

    current: Version | None
    before: Sequence[Version]

    def __str__(self) -> str:
        """In words."""
        if not self.before:
            return "no candle, now or before" if self.current is None else "never replaced"
        times = len(self.before)
        often = OFTEN.get(times, f"{times} times")
        gone = ", and is gone now" if self.current is None else ""
        return f"replaced {often}, last at {utc_text(self.before[0].until)}{gone}"


def history(connection: Connection, coin: Coin, hour: datetime) -> History:
    """The candle of this coin that opens at `hour` (aware), and those it replaced."""
    rows = connection.execute(query("history"), {"coin": coin.key, "hour": hour})
    versions = [Version(*row) for row in rows]
    current = versions[0] if versions and versions[0].until is None else None
    return History(current, versions[1:] if current else versions)


class Restated(NamedTuple):
    """An hour that its source told anew, `times` times, the last at `replaced_at` (UTC).

    It closed at `told_first` when it was stored first, and closes at `close` now.
    """

    open_time: datetime
    told_first: float
    close: float
    times: int
    replaced_at: datetime


def restated_hours(connection: Connection, coin: Coin, window: Window) -> list[Restated]:
    """The hours of a window in which a price is another than its source first told, in time."""
    rows = connection.execute(
        query("restated_hours"),
        {"coin": coin.key, "start": window.start, "end": window.end, "least": LEAST},
    )
    return [
        Restated(at.astimezone(UTC), first, close, times, replaced.astimezone(UTC))
        for at, first, close, times, replaced in rows
    ]
