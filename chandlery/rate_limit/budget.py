"""What a venue allows: so much weight in so many seconds."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx


def one_each(_: httpx.Request) -> float:
    """Every request weighs the same."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `most` weight in any `seconds`, counted with `cost` of each request: one, as it is.

    Where it is an endpoint's own, requests to any other `path` weigh nothing.
    `header` names what tells the weight spent so far by everyone at this address. Where a venue
    tells what is left instead, `left` names that, and `whole` what tells of how much. `restated`
    reads a newer `most` out of an answer that happens to state it.
    """

    most: float
    seconds: float
    cost: Callable[[httpx.Request], float] = one_each
    header: str | None = None
    restated: Callable[[httpx.Response], float | None] | None = None
    left: str | None = None
    whole: str | None = None
    path: str | None = None

    def weight(self, request: httpx.Request) -> float:
        """What a request takes of it."""
        return self.cost(request) if self.path in {None, request.url.path} else 0.0

    def spent(self, response: httpx.Response) -> float | None:
        """The weight that an answer says is spent; None where it says nothing of this budget."""
        if (used := _number(response, self.header)) is not None:
            return used
        left = _number(response, self.left)
        if left is None or not self.weight(response.request):
            return None
        return max((_number(response, self.whole) or self.most) - left, 0.0)

    @property
    def is_of_requests(self) -> bool:
        """Whether each request counts as one."""
        return self.cost is one_each


def _number(response: httpx.Response, header: str | None) -> float | None:
    told = response.headers.get(header, "") if header else ""
    return float(told) if told.isdecimal() else None


@dataclass(frozen=True, slots=True)
class Metering:
    """What a venue allows: a request must fit into every budget.

    Where nobody meters, `under_way` is how many requests there are at once at most, and fewer while
    answers are bad or slow.
    """

    budgets: tuple[Budget, ...]
    under_way: int | None = None

    @property
    def period(self) -> float:
        """The seconds after which everything spent is given back."""
        return max((budget.seconds for budget in self.budgets), default=60.0)
