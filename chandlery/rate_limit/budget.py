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

    `header` names what tells the weight spent so far by everyone at this address; `restated`
    reads a newer `most` out of an answer that happens to state it.
    """

    most: float
    seconds: float
    cost: Callable[[httpx.Request], float] = one_each
    header: str | None = None
    restated: Callable[[httpx.Response], float | None] | None = None

    @property
    def is_of_requests(self) -> bool:
        """Whether each request counts as one."""
        return self.cost is one_each


@dataclass(frozen=True, slots=True)
class Metering:
    """What a venue allows: a request must fit into every budget."""

    budgets: tuple[Budget, ...]

    @property
    def period(self) -> float:
        """The seconds after which everything spent is given back."""
        return max((budget.seconds for budget in self.budgets), default=60.0)
