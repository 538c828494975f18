"""What a venue lets one address spend in a minute, and what it does to those who overspend.

Counted by the calendar minute, as Binance does. The first requests over the budget are told to
stop (429); those who go on are banned (418), the first time for two minutes and each further time
for twice as long, up to three days. Limits follow the real clock even where the sandbox's own now
stands still.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORTEST: Final = 120
_LONGEST: Final = 3 * 86_400
_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request was told: 200, 429 or 418; the minute's weight; how long to wait."""

    status: int
    used: int
    wait: int = 0


@dataclass
class Meter:
    """The weight spent at one host."""

    budget: int
    patience: int = 20
    clock: Callable[[], float] = time.time
    _minute: int = -1
    _used: int = 0
    _over: int = 0
    _bans: int = 0
    _banned_until: float = 0.0

    def spend(self, weight: int) -> Spent:
        """Count a request and say whether it may be answered."""
        now = self.clock()
        if now < self._banned_until:
            return Spent(418, self._used, round(self._banned_until - now) or 1)
        if int(now // _MINUTE) != self._minute:
            self._minute, self._used, self._over = int(now // _MINUTE), 0, 0
        self._used += weight
        if self._used <= self.budget:
            return Spent(200, self._used)
        self._over += 1
        if self._over > self.patience:
            return self._ban(now)
        return Spent(429, self._used, ceil(_MINUTE - now % _MINUTE))

    def _ban(self, now: float) -> Spent:
        """Turn the address away for longer than the last time."""
        length = min(_SHORTEST * 2**self._bans, _LONGEST)
        self._bans += 1
        self._banned_until = now + length
        return Spent(418, self._used, length)
