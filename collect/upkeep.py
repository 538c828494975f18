"""What the database needs now and then, done when it is told to: nobody does it unasked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import store
from candles import Misuse
from candles.settings import Settings

AFTER_DAYS = 180
LEAST_DAYS, MOST_DAYS = 1, 36_500
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was refreshed and compressed."""

    refreshed_days: int
    packed: store.Packed
    seconds: float

    def line(self) -> str:
        """All of it in one line."""
        packed = self.packed
        in_use = f", {packed.left} in use and left for the next time" if packed.left else ""
        return (
            f"{packed.chunks} chunks compressed{in_use}; {packed.candles:,} candles,"
            f" {_each(packed.bytes_before, packed)} bytes each before,"
            f" {_each(packed.bytes_after, packed)} after; {self.refreshed_days:,} days refreshed"
        )

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        packed = self.packed
        return {
            "chunks_compressed": packed.chunks,
            "chunks_in_use": packed.left,
            "total_records": packed.candles,
            "bytes_before": packed.bytes_before,
            "bytes_after": packed.bytes_after,
            "bytes_a_candle_before": _each(packed.bytes_before, packed),
            "bytes_a_candle_after": _each(packed.bytes_after, packed),
            "refreshed_days": self.refreshed_days,
            "seconds": round(self.seconds, 3),
        }


def _each(size: int, packed: store.Packed) -> float:
    return round(size / max(packed.candles, 1), 1)


def maintain(
    settings: Settings,
    now: datetime,
    after_days: int = AFTER_DAYS,
    say: Say = lambda _: None,
) -> Upkeep:
    """Refresh what is stale, compress the hourly candles older than so many days, tidy up."""
    if not LEAST_DAYS <= after_days <= MOST_DAYS:
        raise Misuse(f"after days {after_days} is out of range: write {LEAST_DAYS} to {MOST_DAYS}")
    began = monotonic()
    with store.Database(settings) as database:
        database.do(store.migrate)
        say("refreshing")
        days = database.do(store.refresh)
        say("compressing")
        packed = database.do(store.compress, now - timedelta(days=after_days))
        say("tidying up")
        database.do(store.tidy)
    return Upkeep(days, packed, monotonic() - began)
