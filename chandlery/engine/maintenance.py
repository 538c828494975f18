"""What the database needs now and then, done when it is told to: nobody does it unasked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from chandlery import store
from chandlery.engine import trusted_clock
from chandlery.engine.lost_hours import Lost, find_lost
from chandlery.errors import Misuse
from chandlery.settings import Settings

AFTER_DAYS = 180
LEAST_DAYS, MOST_DAYS = 1, 36_500
COINS_AT_A_TIME = 50
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MaintenanceResult:
    """What was refreshed and compressed, what was lost, and how many rows of which table went."""

    refreshed_days: int
    packed: store.Packed
    seconds: float
    lost: Lost = field(default_factory=Lost)
    thinned: Mapping[str, int] = field(default_factory=dict)
    recomputed_bars: int | None = None  # that were not what their hours make; None: not looked for
    reindexed: int | None = None  # indexes that did not fit their tables; None: not looked for
    removed_candles: int | None = None  # of a time to come; None: not looked for

    def summary(self) -> str:
        """All of it in one line, but for what was lost."""
        packed = self.packed
        in_use = f", {packed.left} in use and left for the next time" if packed.left else ""
        bars = "" if self.recomputed_bars is None else f"; {self.recomputed_bars:,} bars recomputed"
        made = self.reindexed
        indexes = "" if made is None else f"; indexes made anew: {made}"
        gone = self.removed_candles
        future = "" if gone is None else f"; {gone:,} candles of a time to come removed"
        removed = [f"; {rows:,} old rows of {name} removed" for name, rows in self.thinned.items()]
        return (
            f"{packed.chunks} chunks compressed{in_use}; {packed.candles:,} candles,"
            f" {_each(packed.bytes_before, packed)} bytes each before,"
            f" {_each(packed.bytes_after, packed)} after; {self.refreshed_days:,} days refreshed"
            f"{bars}{indexes}{future}{''.join(removed)}"
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
            **self.lost.statistics(),
            "removed_rows": dict(self.thinned),
            "recomputed_bars": self.recomputed_bars,
            "reindexed": self.reindexed,
            "removed_candles": self.removed_candles,
            "seconds": round(self.seconds, 3),
        }


def _each(size: int, packed: store.Packed) -> float:
    return round(size / max(packed.candles, 1), 1)


def maintain(  # noqa: PLR0913  what is asked for, by name
    settings: Settings,
    now: datetime,
    after_days: int = AFTER_DAYS,
    say: Say = lambda _: None,
    *,
    bars: bool = False,
    reindex: bool = False,
    remove_future: bool = False,
) -> MaintenanceResult:
    """Refresh what is stale, find hours that are lost, compress, thin what grows, tidy up.

    The hourly candles older than so many days are compressed. With `bars`, each 4h and 1d bar is
    compared with its hours, value by value, and recomputed where it differs. With `reindex`, each
    index is held to its table first, and made anew where it does not fit. With `remove_future`,
    candles that open after `now` are removed.
    """
    if not LEAST_DAYS <= after_days <= MOST_DAYS:
        raise Misuse(f"after days {after_days} is out of range: write {LEAST_DAYS} to {MOST_DAYS}")
    began = monotonic()
    with store.Database(settings) as database:
        database.do(store.migrate)
        if reindex:
            say("holding indexes to their tables")
        made = database.do(store.reindex) if reindex else None
        removed = database.do(trusted_clock.remove_future, now) if remove_future else None
        database.do(trusted_clock.trust_clock, now)
        say("refreshing")
        days = database.do(store.refresh)
        say("comparing days with their hours")
        lost = find_lost(database)
        recomputed = _differing(database, say) if bars else None
        days += database.do(store.refresh)
        say("compressing")
        packed = database.do(store.compress, now - timedelta(days=after_days))
        say("removing what is old")
        thinned = _thin(database, now)
        say("tidying up")
        database.do(store.tidy)
    return MaintenanceResult(
        days, packed, monotonic() - began, lost, thinned, recomputed, made, removed
    )


def _differing(database: store.Database, say: Say) -> int:
    """Note the days of bars that are not what their hours make; return how many bars."""
    say("comparing bars with their hours")
    windows = database.do(store.compared_windows)
    return sum(database.do(store.mark_differing_bars, window) for window in windows)


def _thin(database: store.Database, now: datetime) -> dict[str, int]:
    """How many rows of each table were removed, where there were any."""
    keys = [coin.key for coin in database.do(store.find)]
    coins = [keys[at : at + COINS_AT_A_TIME] for at in range(0, len(keys), COINS_AT_A_TIME)]
    removed = {
        table: sum(database.do(store.thin, table, some, now) for some in coins)
        for table in store.KEPT
    }
    return {table: rows for table, rows in removed.items() if rows}
