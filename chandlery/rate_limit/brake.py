"""How many requests are under way at a place that meters nobody: fewer while it struggles.

As TCP does it: one more after as many good answers as may be under way, half as many after a bad
or a slow one. Say that 8 may be, and that answers take 0.1 s:

    8 good answers        9 may be under way
    one takes 1.2 s       4 may be; the others that were under way then halve it no more
    4 good answers        5 may be
"""

from threading import Condition

FIRST, LEAST = 8, 2
SLOW_SECONDS = 1.0
SLOW = 4.0  # times as long as usual
_FRESH = 0.05  # of what is usual is the newest answer


class Brake:
    """Counts what is under way, for threads; at most `most` requests."""

    def __init__(self, most: int) -> None:
        self.limit = float(min(FIRST, most))
        self._most = most
        self._under_way = 0
        self._spared = 0  # answers to requests sent before the limit was last halved
        self._usual: float | None = None
        self._free = Condition()

    def enter(self) -> None:
        """Wait until one more may be under way, and count it."""
        with self._free:
            self._free.wait_for(lambda: self._under_way < int(self.limit))
            self._under_way += 1

    def leave(self, seconds: float, *, good: bool) -> None:
        """One answer came, so many seconds after it was asked for."""
        with self._free:
            self._under_way -= 1
            if good and not self._is_slow(seconds):
                self.limit = min(self.limit + 1 / self.limit, self._most)
            elif not self._spared:
                self.limit, self._spared = max(self.limit / 2, LEAST), self._under_way + 1
            self._spared = max(self._spared - 1, 0)
            usual = seconds if self._usual is None else self._usual
            self._usual = usual + (seconds - usual) * _FRESH
            self._free.notify_all()

    def _is_slow(self, seconds: float) -> bool:
        usual = seconds if self._usual is None else self._usual
        return seconds > max(SLOW_SECONDS, SLOW * usual)
