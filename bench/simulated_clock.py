"""A clock that goes on while nobody waits: what waits in the world takes no time here."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, time

from chandlery.engine.context import RunContext, open_context
from chandlery.settings import Settings
from chandlery.venues import Timepiece


class SimulatedClock:
    """Sleeping moves it, and so does whoever says that it is later.

    The database's clock, by which budgets are kept, goes on only by itself: a run is told how far
    it is ahead before what was slept is counted. `pace` is that of the stopwatch that times
    answers: how many seconds go by in one.
    """

    def __init__(self) -> None:
        self.ahead = 0.0  # seconds
        self.pace = 1.0
        self._at_work = False

    @contextmanager
    def context(self, settings: Settings) -> Iterator[RunContext]:
        """A run's context."""
        timepiece = Timepiece(
            monotonic=lambda: monotonic() + self.ahead * self._at_work,
            wall=lambda: time() + self.ahead,
            sleep=self.sleep,
            stopwatch=lambda: monotonic() * self.pace,
        )
        with open_context(settings, timepiece=timepiece) as context:
            self._at_work = True
            try:
                yield context
            finally:
                self._at_work = False

    def sleep(self, seconds: float) -> None:
        """Be so much later."""
        self.ahead += seconds
