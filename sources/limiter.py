"""What one host lets through: budgets, pauses, bans. One gate for each host, shared by threads.

Budgets are kept over the *last* minute, not the calendar's: what fits into every last minute fits
into every calendar minute too, whatever the venue's clock says. Nothing sleeps under a lock.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

import httpx

from candles import Blocked, SourceError, Unavailable
from sources.source import Budget, Metering

log = logging.getLogger(__name__)

SHARE = 0.98
"""The part of a budget that is used: a request on its way may be counted in a later minute."""
TICK = 0.001
LONGEST_WAIT = 120.0
"""A budget of a minute is waited for in any case, one of a day never."""
FAILURES = 3
"""So many calls in a row that failed for good, each after its retries, and the host is left be."""
REST = 60.0


@dataclass(frozen=True, slots=True)
class Timepiece:
    """The clocks and the sleep of the machinery: parameters, so that no test waits."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


REAL = Timepiece()


class Meter:
    """One budget's account: what was sent in the last period, and what the venue has counted.

    The venue's count matters once it is above ours: then others spend at this address too. It is
    kept up until the venue's minute is over, and a second more, since clocks differ.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.most = budget.most
        self._sent: deque[tuple[float, float]] = deque()
        self._own = 0.0
        self._counted = 0.0
        self._counted_end = -math.inf

    def wait(self, cost: float, now: float) -> float:
        """Seconds until `cost` fits; 0 when it does, and when nothing could make it fit better."""
        if not cost:
            return 0.0
        self._forget(now)
        room = self.most * SHARE - cost
        wait = self._counted_end - now if self._counted > max(room, 0.0) else 0.0
        over = self._own - max(room, 0.0)
        for at, weight in self._sent if over > 0 else ():
            over -= weight
            if over <= 0:
                return max(wait, at + self.budget.seconds - now, TICK)
        return wait

    def spend(self, cost: float, now: float) -> None:
        """Put `cost` to the account."""
        if cost:
            self._sent.append((now, cost))
            self._own += cost
            self._counted += cost if self._counted else 0.0

    def hear(self, used: float, now: float, wall: float) -> None:
        """The venue says `used` was spent in its current period, by everyone at this address."""
        self._forget(now)
        if used > max(self._own, self._counted):
            self._counted = used
            self._counted_end = now + self.budget.seconds - wall % self.budget.seconds + 1.0

    def _forget(self, now: float) -> None:
        while self._sent and self._sent[0][0] + self.budget.seconds <= now:
            self._own -= self._sent.popleft()[1]
        if self._counted_end <= now:
            self._counted = 0.0


class Account:
    """What is spent at one host, by everyone who shares it, and the lock they share it by."""

    def __init__(self, metering: Metering) -> None:
        self.meters = [Meter(budget) for budget in metering.budgets]
        self.lock = Lock()


class Gate:
    """A client's way to one host, under what the venue meters and what it has said."""

    def __init__(self, name: str, account: Account, timepiece: Timepiece) -> None:
        self._name = name
        self._meters = account.meters
        self._time = timepiece
        self._lock = account.lock
        self._shut: tuple[type[SourceError], str] = (Unavailable, "")
        self._shut_until = -math.inf
        self._rest_until = -math.inf
        self._failures = 0

    def enter(self, request: httpx.Request, patience: float) -> float:
        """Wait for the way to be free, and take the cost; the patience left is returned.

        Patience is for what the venue forbids. Raises where more of it would be needed, so that
        another source may be asked meanwhile.
        """
        costs = [meter.budget.cost(request) for meter in self._meters]
        while True:
            with self._lock:
                now = self._time.monotonic()
                pause = max(self._pause(now, patience), 0.0)
                wait = pause or self._take(costs, now)
            if not wait:
                return patience
            patience -= pause
            self._time.sleep(wait)

    def _pause(self, now: float, patience: float) -> float:
        """Seconds for which the venue wants nothing; raises if they are too many."""
        if self._rest_until > now:
            raise self._error(Unavailable, "left alone after it failed again and again", now)
        pause = self._shut_until - now
        if pause > patience:
            raise self._error(*self._shut, now)
        return pause

    def _error(self, kind: type[SourceError], words: str, now: float) -> SourceError:
        until = max(self._shut_until, self._rest_until)
        # No end: closed for good.
        after = None if math.isinf(until) else timedelta(seconds=until - now)
        return Blocked(words, after=after) if kind is Blocked else Unavailable(words, after=after)

    def _take(self, costs: list[float], now: float) -> float:
        pairs = list(zip(self._meters, costs, strict=True))
        wait = max((meter.wait(cost, now) for meter, cost in pairs), default=0.0)
        if wait > LONGEST_WAIT:
            raise Unavailable("its budget is spent", after=timedelta(seconds=wait))
        if not wait:
            for meter, cost in pairs:
                meter.spend(cost, now)
        return wait

    def hear(self, response: httpx.Response) -> None:
        """Learn from an answer's headers what is spent, and what the budgets are."""
        with self._lock:
            if not response.is_server_error:
                self._failures = 0
            now, wall = self._time.monotonic(), self._time.wall()
            for meter in self._meters:
                budget = meter.budget
                told = response.headers.get(budget.header, "") if budget.header else ""
                if told.isdecimal():
                    meter.hear(float(told), now, wall)
                restated = budget.restated(response) if budget.restated else None
                meter.most = restated or meter.most

    def shut(self, error: SourceError, seconds: float) -> None:
        """Let nothing through for `seconds`, because of `error`; infinity closes for good."""
        with self._lock:
            now = self._time.monotonic()
            already = self._shut_until > now
            if now + seconds > self._shut_until:
                # Not the error itself: on its way out it is told more.
                self._shut, self._shut_until = (type(error), str(error)), now + seconds
        if not already:
            span = "from now on" if math.isinf(seconds) else f"for {seconds:.0f} s"
            log.warning("%s: nothing is sent %s: %s", self._name, span, error)

    def failed(self) -> None:
        """A call failed for good; after a few in a row the host gets a rest."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._rest_until = self._time.monotonic() + REST
                self._failures = 0
