"""Whether collection goes on: what a monitor asks for, every minute if it likes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chandlery import store
from chandlery.model import HOUR, utc_text, whole_hour

LATE = timedelta(hours=3)
"""So long may the newest hour be missing: the hourly run was missed three times."""


@dataclass(frozen=True, slots=True)
class Health:
    """The newest hour, the coins that have it, the last runs, and the sources' last answers."""

    now: datetime
    late: timedelta
    fresh: store.Fresh
    runs: Sequence[store.LastRun]
    sources: Sequence[store.Health]
    beyond: datetime | None = None  # the newest candle, where it lies far ahead of the clock

    @property
    def age(self) -> timedelta | None:
        """How long ago the newest candle closed; None without one."""
        return None if self.fresh.newest is None else self.now - self.fresh.newest

    @property
    def problems(self) -> list[str]:
        """What is wrong, a line each: nothing where collection goes on."""
        return list(self._problems())

    def _problems(self) -> Iterator[str]:
        newest, coins = self.fresh.newest, self.fresh.coins
        if self.beyond is not None:
            yield (
                f"the clock says {utc_text(self.now)}, and a candle of {utc_text(self.beyond)} is"
                " stored: set it right"
            )
        if newest is None:
            yield "no listed coin has a candle: `chandlery backfill --max-coins 20` fetches some"
            return
        behind = whole_hour(self.now) - newest
        if behind > self.late:
            yield f"the newest candle closed at {utc_text(newest)}, {behind // HOUR} hours behind"
        elif 2 * self.fresh.fresh < coins:
            yield f"{coins - self.fresh.fresh:,} of {coins:,} listed coins are late"
        for run in self.runs:
            if run.failed == run.coins > 0:
                yield f"the last {run.verb} run failed for all coins at {utc_text(run.ended_at)}"

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return {
            "healthy": not self.problems,
            "problems": self.problems,
            "now": self.now,
            "newest_closed_at": self.fresh.newest,
            "newest_age_seconds": None if self.age is None else self.age.total_seconds(),
            "coins": self.fresh.coins,
            "fresh_coins": self.fresh.fresh,
            "runs": [run._asdict() for run in self.runs],
            "sources": [each._asdict() | {"is_well": each.is_well} for each in self.sources],
        }


def look(connection: store.Connection, now: datetime, late: timedelta = LATE) -> Health:
    """How collection fares as of `now`; some milliseconds, however many candles there are."""
    return Health(
        now,
        late,
        store.fresh(connection, now, late),
        store.last_runs(connection),
        store.health(connection),
        store.newest_beyond(connection, now),
    )
