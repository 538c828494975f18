"""What a run waits for: a venue's budget, or until a request is tried again."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from threading import Lock


@dataclass
class Waits:
    """The wait that ends last, of all the threads'."""

    clock: Callable[[], float]
    ends: float = -inf

    def __post_init__(self) -> None:
        self._lock = Lock()

    def note(self, seconds: float) -> None:
        """A thread waits so long from now on."""
        with self._lock:
            self.ends = max(self.ends, self.clock() + seconds)

    def left(self) -> float:
        """Seconds until nobody waits any more."""
        return max(self.ends - self.clock(), 0.0)
