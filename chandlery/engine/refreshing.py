"""4h and 1d candles, brought up to date as a run goes on.

Refreshing costs the more the more is stored: its share of a run's time is what is bounded. A server
does it in a session of its own, while the next coins are fetched. The embedded engine has one
session, which has nothing to gain from that.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic

from chandlery import store
from chandlery.engine.progress import REFRESHING, Progress, Watch, ignore
from chandlery.engine.workers import Workers

SHARE = 0.1  # of a run's time, at most, goes into refreshing before its end


@dataclass
class Refreshing:
    """Refreshes by the run's own `database`, or by another that `beside` opens, where it may."""

    database: store.Database
    beside: Callable[[], store.Database] | None = None
    clock: Callable[[], float] = monotonic
    _took: float = 0.0
    _worker: Workers | None = None
    _under_way: Future[None] | None = None

    def __post_init__(self) -> None:
        self._ended_at = self.clock()

    def now(self, watch: Watch = ignore) -> None:
        """Refresh all that is touched, once what is under way has ended."""
        if self._under_way is not None:
            watch(Progress(REFRESHING))
            self._under_way.result()
            self._under_way = None
        self._refresh(self.database, watch)

    def if_due(self, watch: Watch = ignore) -> None:
        """Refresh, if enough time went by since the last time, or see that it is begun.

        What is done beside the run is not told: it holds nobody up.
        """
        if self._under_way is not None:
            if not self._under_way.done():
                return
            self._under_way.result()
            self._under_way = None
        if self.clock() - self._ended_at <= self._took / SHARE:
            return
        if self.beside is None:
            self._refresh(self.database, watch)
        else:
            self._worker = self._worker or Workers(1)
            self._under_way = self._worker.submit(self._apart, self.beside)

    def end(self) -> None:
        """Begin nothing more; who is at work ends with the process."""
        if self._worker is not None:
            self._worker.end()

    def _apart(self, beside: Callable[[], store.Database]) -> None:
        with beside() as database:
            self._refresh(database, ignore)

    def _refresh(self, database: store.Database, watch: Watch) -> None:
        began = self.clock()
        database.do(store.refresh, lambda share: watch(Progress(REFRESHING, share)))
        self._ended_at = self.clock()
        self._took = self._ended_at - began
