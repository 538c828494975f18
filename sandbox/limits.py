"""What a venue lets one address spend in a while, and what it does to those who overspend.

Counted by the calendar minute, as Binance does, or by another window of so many seconds. The first
requests over the budget are told to stop (429); those who go on are banned (418), the first time
for two minutes and each further time for twice as long, up to three days. Limits follow the real
clock even where the sandbox's own now stands still.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

_SHORTEST = 120
_LONGEST = 3 * 86_400
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request was told: 200, 429 or 418; the window's weight; how long to wait."""

    status: int
    used: int
    wait: int = 0


@dataclass
class Meter:
    """The weight spent at one host; after `patience` refusals comes a ban of so many seconds."""

    budget: int
    patience: float = 20
    clock: Callable[[], float] = time.time
    window: int = _MINUTE
    ban: int = _SHORTEST
    _window: int = -1
    _used: int = 0
    _over: int = 0
    _bans: int = 0
    _banned_until: float = 0.0

    @property
    def used(self) -> int:
        """What is spent in the window so far."""
        return self._used

    def spend(self, weight: int) -> Spent:
        """Count a request and say whether it may be answered."""
        now = self.clock()
        if now < self._banned_until:
            return Spent(418, self._used, round(self._banned_until - now) or 1)
        if int(now // self.window) != self._window:
            self._window, self._used, self._over = int(now // self.window), 0, 0
        self._used += weight
        if self._used <= self.budget:
            return Spent(200, self._used)
        self._over += 1
        if self._over > self.patience:
            return self._ban(now)
        return Spent(429, self._used, ceil(self.window - now % self.window))

    def _ban(self, now: float) -> Spent:
        """Turn the address away for longer than the last time."""
        length = min(self.ban * 2**self._bans, _LONGEST)
        self._bans += 1
        self._banned_until = now + length
        return Spent(418, self._used, length)


@dataclass(frozen=True, slots=True)
class Limit:
    """A host's own budget."""

    budget: int
    window: int = _MINUTE
    patience: float = 20
    ban: int = _SHORTEST

    def meter(self, budget: int | None, clock: Callable[[], float]) -> Meter:
        """Return a meter of this budget or of another one."""
        return Meter(budget or self.budget, self.patience, clock, self.window, self.ban)


Meters = Mapping[str, Meter | None]
"""By host; None where nothing is counted."""
