"""What is spent at one place where a venue counts, and what the venue has said there.

Pure: times are given, in seconds since 1970 of the clock that all go by who share an account.

Weight is granted, to be spent before a moment, and booked until a whole period, and what requests
differ by on their way, after that moment. So whatever is spent under a grant is still booked
wherever it counts: in each window of the period it lies in. Budgets are kept over every *last*
period, not the calendar's: what fits into those fits into every calendar minute too, whatever the
venue's clock says.

Of 100 in 60 s, 98 are used. Here 90 are spent at second 0, and a request asks at second 10:

>>> budgets, account = [Budget(100, 60)], Account()
>>> account.settle(budgets, None, now=0.0)
>>> account.take(budgets, [90.0], until=0.0, grain=0.0).ends  # a period and ON_THE_WAY later
[60.1]
>>> account.wait(budgets, [8.0], now=10.0, grain=0.0)  # 90 + 8 = 98: it fits
0.0
>>> account.wait(budgets, [9.0], now=10.0, grain=0.0)  # 99: once the 90 have lapsed
50.1

The venue says that 95 are spent in its minute, over at second 60. So others spent 5 here:

>>> account.meters[0].hear(95.0, until=60.0, now=10.0)
>>> account.wait(budgets, [3.0], now=10.0, grain=0.0)  # 95 + 3 = 98
0.0
>>> account.wait(budgets, [4.0], now=10.0, grain=0.0)  # 99: once its minute is over
50.0
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, inf
from threading import Lock
from typing import Literal, Protocol, Self, TypeVar

import orjson

from chandlery.rate_limit.budget import Budget

T = TypeVar("T")
Kind = Literal["Blocked", "Unavailable"]

SHARE = 0.98
"""The part of a budget that is used: others may ask from this place too."""
ON_THE_WAY = 0.1
"""Seconds by which one request may take longer to be counted than the next."""
TICK = 0.001
MINUTE = 60.0
GRAIN = 1 / 50
"""Of a budget, and of its period: what is granted at once where an account is shared.

So a process asks for more some fifty times a period, and 2 % are lost to grants run out.
"""


@dataclass
class Grant:
    """Weight by budget: `left` to be spent before `until`, and booked until `ends`."""

    until: float
    left: list[float]
    ends: list[float]

    def pay(self, costs: Sequence[float], now: float) -> bool:
        """Spend `costs`, if they are there; what costs nothing is."""
        left = [left - cost for left, cost in zip(self.left, costs, strict=True)]
        if any(costs) and (now > self.until or min(left) < 0):
            return False
        self.left = left
        return True


@dataclass(frozen=True)
class Shut:
    """Nothing is to be sent before `until`, in the venue's words; `closed` rather than banned."""

    until: float
    kind: Kind
    words: str
    closed: bool = False
    since: float = 0.0


@dataclass
class Meter:
    """One budget: what is booked, and what the venue has counted.

    The venue's count matters once it is above ours: then others spend at this place too. It is
    kept up until the venue's period is over.
    """

    booked: list[tuple[float, float]] = field(default_factory=list)  # (until, weight), in order
    spent: float = 0.0  # all that is booked
    counted: float = 0.0
    counted_until: float = 0.0
    most: float | None = None  # what the venue has restated

    def wait(self, cost: float, chunk: float, most: float, now: float) -> float:
        """Seconds until `cost` fits; 0 when it does, and when nothing could make it fit better.

        Who has to wait waits for a whole `chunk`: else grants fall to pieces.
        """
        if not cost:
            return 0.0
        room = max(most - cost, 0.0)
        wait = self.counted_until - now if self.counted > room else 0.0
        if self.spent <= room:
            return wait
        over = self.spent - max(most - chunk, 0.0)
        lapsed = accumulate(weight for _, weight in self.booked)
        enough = next((n for n, sum_ in enumerate(lapsed) if sum_ >= over), -1)
        return max(wait, self.booked[enough][0] - now, TICK)

    def book(self, weight: float, until: float) -> None:
        """Book weight until then; less than none gives some of it back, unless it has lapsed."""
        at = bisect_left(self.booked, (until, 0.0))
        there = self.booked[at : at + 1]
        had = there[0][1] if there and there[0][0] == until else 0.0
        left = max(had + weight, 0.0)
        self.booked[at : at + (had > 0)] = [(until, left)] if left else []
        self.spent += left - had

    def hear(self, used: float, until: float, now: float) -> None:
        """The venue has counted `used` in its period that is over at `until`."""
        if until > now and used > max(self.spent, self.counted):
            self.counted, self.counted_until = used, until

    def forget(self, now: float, longest: float) -> None:
        """Drop what has lapsed, and what nobody books for so long: a clock was set back."""
        first, end = (bisect_left(self.booked, (at, inf)) for at in (now, now + longest))
        self.spent -= sum(weight for _, weight in self.booked[:first] + self.booked[end:])
        self.booked = self.booked[first:end]
        self.spent = self.spent if self.booked else 0.0  # sums of fractions end beside it
        if not now < self.counted_until <= now + longest:
            self.counted = 0.0


@dataclass
class Account:
    """A place's meters, one for each budget, and whether the venue has shut it."""

    meters: list[Meter] = field(default_factory=list)
    shut: Shut | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """The account that was written so."""
        told = orjson.loads(text)
        meters = [
            Meter([(ends, weight) for ends, weight in each.pop("booked")], **each)
            for each in told["meters"]
        ]
        return cls(meters, Shut(**told["shut"]) if told["shut"] else None)

    def written(self) -> str:
        """All of it, as JSON."""
        return orjson.dumps(self).decode()

    def settle(self, budgets: Sequence[Budget], last: Grant | None, now: float) -> None:
        """Forget what has lapsed, and take back what was not spent of the last grant."""
        if len(self.meters) != len(budgets):
            self.meters = [Meter() for _ in budgets]
        for n, (meter, budget) in enumerate(zip(self.meters, budgets, strict=True)):
            meter.forget(now, 3 * budget.seconds)
            if last is not None and last.left[n]:
                meter.book(-last.left[n], last.ends[n])
                meter.counted = max(meter.counted - last.left[n], 0.0)
        if self.shut is not None and not self.shut.since - MINUTE <= now < self.shut.until:
            self.shut = None  # it is over, or the clock was ahead when it was told

    def take(
        self, budgets: Sequence[Budget], costs: Sequence[float], until: float, grain: float
    ) -> Grant:
        """Book a grant that is to be spent before `until`: a chunk, and `costs` at the least."""
        grant = Grant(until, [], [])
        for meter, budget, cost in zip(self.meters, budgets, costs, strict=True):
            most = _most(meter, budget)
            weight = max(cost, min(int(most * grain), most - meter.spent)) if cost else 0.0
            period = budget.seconds + ON_THE_WAY
            ends = _ends(until + period, budget.seconds * grain / 2)
            meter.book(weight, ends)
            meter.counted += weight if meter.counted else 0.0
            grant.left.append(weight)
            grant.ends.append(ends)
        return grant

    def wait(
        self, budgets: Sequence[Budget], costs: Sequence[float], now: float, grain: float
    ) -> float:
        """Seconds until `costs` fit into every budget."""
        waits = [0.0]
        for meter, budget, cost in zip(self.meters, budgets, costs, strict=True):
            most = _most(meter, budget)
            waits.append(meter.wait(cost, max(cost, int(most * grain)), most, now))
        return max(waits)


def _most(meter: Meter, budget: Budget) -> float:
    return SHARE * (meter.most or budget.most)


def _ends(moment: float, step: float) -> float:
    """Rounded up to a step: what ends together is booked together, so that no account grows."""
    return round(ceil(moment / step) * step, 3) if step else moment


class Accounts(Protocol):
    """Accounts by place, kept for all who share them.

    `ahead` is by how many seconds the clock that all of them go by is ahead of our monotonic one,
    told once: what the wall clock is set to meanwhile changes nothing. `grain` is the part of a
    budget that is granted at once.
    """

    ahead: float
    grain: float

    def change(self, place: str, change: Callable[[Account], T]) -> T:
        """Change a place's account, as if nobody else did meanwhile; what `change` returns.

        It may be called more than once, each time with the account as it is then.
        """
        ...


class Memory:
    """Accounts of one process: nothing is granted but what is spent at once."""

    grain = 0.0

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead
        self._accounts = defaultdict[str, Account](Account)
        self._lock = Lock()

    def change(self, place: str, change: Callable[[Account], T]) -> T:
        """Change a place's account."""
        with self._lock:
            return change(self._accounts[place])
