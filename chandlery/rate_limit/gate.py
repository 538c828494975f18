"""What one place lets through: budgets, pauses, bans. One gate for each, shared by threads.

The account that a gate spends from may be shared by more: clients, processes, machines. Nothing
sleeps under a lock.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Lock

import httpx

from chandlery.errors import Blocked, SourceError, Unavailable
from chandlery.rate_limit.account import SHARE, TICK, Account, Accounts, Grant, Kind, Shut
from chandlery.rate_limit.brake import Brake
from chandlery.rate_limit.budget import Metering

log = logging.getLogger(__name__)

LONGEST_WAIT = 120.0
"""A budget of a minute is waited for in any case, one of a day never."""
FAILURES = 3
"""So many calls in a row that failed for good, each after its retries, and the host is left be."""
REST = 60.0
CLOSED = 60.0
"""So long others hear that a place is closed for good: who is at work asks sooner than that, and
who begins later may come from another address by then."""
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
FORBIDDEN, TOO_MANY = 403, 429
KINDS: Mapping[Kind, type[SourceError]] = {"Blocked": Blocked, "Unavailable": Unavailable}


def _steady() -> float:
    return time.clock_gettime(_STEADY)


@dataclass(frozen=True, slots=True)
class Timepiece:
    """The clocks and the sleep of the machinery: parameters, so that no test waits.

    The wall clock may be set, the monotonic one only goes on, while the machine sleeps too. The
    stopwatch times answers: where `sleep` only moves the clocks, one thread's nap must not
    count as another's wait.
    """

    monotonic: Callable[[], float] = _steady
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    stopwatch: Callable[[], float] = _steady


REAL = Timepiece()


class Gate:
    """A client's way to one place, under what is metered there and what was said."""

    def __init__(
        self, place: str, metering: Metering, accounts: Accounts, timepiece: Timepiece
    ) -> None:
        self._place = place
        self._budgets = metering.budgets
        self.brake = None if metering.under_way is None else Brake(metering.under_way)
        self._accounts = accounts
        self._time = timepiece
        self._lock = Lock()
        self._grant: Grant | None = None
        self._took = 0.0
        self._dry: tuple[Sequence[float], float] = ((), 0.0)
        self._heard: dict[int, tuple[float, float]] = {}
        self._shut = Shut(-math.inf, "Unavailable", "")
        self._shut_until = -math.inf
        self._rest_until = -math.inf
        self._failures = 0

    def _now(self) -> float:
        return self._time.monotonic() + self._accounts.ahead

    def enter(self, request: httpx.Request, patience: float) -> float:
        """Wait for the way to be free, and take the cost; the patience left is returned.

        Patience is for what the venue forbids. Raises where more of it would be needed, so that
        another source may be asked meanwhile.
        """
        costs = [budget.weight(request) for budget in self._budgets]
        while True:
            with self._lock:
                now = self._now()
                pause = max(self._pause(now, patience), 0.0)
                wait = pause or self._pay(costs, now)
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
            raise self._error(KINDS[self._shut.kind], self._shut.words, now)
        return pause

    def _error(self, kind: type[SourceError], words: str, now: float) -> SourceError:
        until = max(self._shut_until, self._rest_until)
        # No end: closed for good.
        after = None if math.isinf(until) else timedelta(seconds=until - now)
        return Blocked(words, after=after) if kind is Blocked else Unavailable(words, after=after)

    def _pay(self, costs: Sequence[float], now: float) -> float:
        """Spend of the grant in hand, or of another; the seconds to wait where there is none."""
        if not any(costs) or (self._grant is not None and self._grant.pay(costs, now)):
            return 0.0
        dry, until = self._dry
        if costs == dry and now < until:  # all threads wait for what one was told
            return until - now
        told = self._accounts.change(self._place, partial(self._ask, costs))
        self._grant, self._heard = None, {}
        if isinstance(told, Shut):
            self._heed(told)
            return TICK
        if isinstance(told, Grant):
            # It may have run out while the database was busy: it is given back then.
            self._grant, after = told, self._now()
            self._took = after - self._asked
            return 0.0 if told.pay(costs, after) else TICK
        if told > LONGEST_WAIT:
            raise Unavailable("its budget is spent", after=timedelta(seconds=told))
        self._dry = costs, now + told
        return told

    def _ask(self, costs: Sequence[float], account: Account) -> Grant | Shut | float:
        """What the account has for us: a grant, a ban, or the seconds to wait."""
        self._asked = now = self._now()
        account.settle(self._budgets, self._grant, now)
        for meter, (until, used) in self._heard.items():
            account.meters[meter].hear(used, until, now)
        if account.shut is not None:
            return account.shut
        grain = self._accounts.grain
        if wait := account.wait(self._budgets, costs, now, grain):
            return wait
        # For longer where asking takes longer: else a grant would have run out when it comes.
        shortest = min(budget.seconds for budget in self._budgets)
        spell = min(max(grain * shortest, 2 * self._took), shortest)
        return account.take(self._budgets, costs, now + spell, grain)

    def sent(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """What `send` returns, once not too many others are under way."""
        if self.brake is None:
            return send()
        self.brake.enter()
        began, good = self._time.stopwatch(), False
        try:
            response = send()
            refused = response.status_code in {FORBIDDEN, TOO_MANY}
            good = not (refused or response.is_server_error)
        finally:
            self.brake.leave(self._time.stopwatch() - began, good=good)
        return response

    def hear(self, response: httpx.Response) -> None:
        """Learn from an answer's headers what is spent, and what the budgets are."""
        with self._lock:
            if not response.is_server_error:
                self._failures = 0
            now = self._now()
            for meter, budget in enumerate(self._budgets):
                used = budget.spent(response)
                if used is not None:
                    self._hear(meter, used, now)
                restated = budget.restated(response) if budget.restated else None
                if restated:
                    self._accounts.change(self._place, partial(self._restate, meter, restated))

    def _hear(self, meter: int, used: float, now: float) -> None:
        """Keep the venue's count for the next time that we ask: its period ends by the calendar.

        A second more, since clocks differ.
        """
        budget = self._budgets[meter]
        until = now - now % budget.seconds + budget.seconds + 1.0
        self._heard[meter] = max((until, used), self._heard.get(meter, (0.0, 0.0)))
        if used > budget.most * SHARE and self._grant is not None:  # others are spending here
            self._grant.until = -math.inf

    def _restate(self, meter: int, most: float, account: Account) -> None:
        account.settle(self._budgets, None, self._now())
        account.meters[meter].most = most

    def shut(self, error: SourceError, seconds: float) -> None:
        """Let nothing through for `seconds`, because of `error`; infinity closes for good.

        Others who share the account learn it when they ask for more.
        """
        with self._lock:
            now = self._now()
            until = now + (CLOSED if math.isinf(seconds) else seconds)
            kind: Kind = "Blocked" if isinstance(error, Blocked) else "Unavailable"
            told = Shut(until, kind, str(error), math.isinf(seconds), now)
            self._heed(told)
            self._accounts.change(self._place, partial(_close, told))

    def _heed(self, told: Shut) -> None:
        now = self._now()
        if self._shut_until <= now:
            span = "from now on" if told.closed else f"for {told.until - now:.0f} s"
            host = self._place.partition(" ")[0]
            log.warning("%s: nothing is sent %s: %s", host, span, told.words)
        until = math.inf if told.closed else told.until
        if until > self._shut_until:
            self._shut, self._shut_until = told, until

    def failed(self) -> None:
        """A call failed for good; after a few in a row the host gets a rest."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._rest_until = self._now() + REST
                self._failures = 0


def _close(told: Shut, account: Account) -> None:
    if account.shut is None or told.until > account.shut.until:
        account.shut = told
