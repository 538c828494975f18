"""Time, in one way only: aware, UTC, half-open windows named for the ends they mark."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self, TypeVar

from chandlery.errors import Misuse

T = TypeVar("T")

HOUR = timedelta(hours=1)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""What anybody can mean: beyond, adding and subtracting hours would end somewhere."""
FIRST_NOW = datetime(2017, 1, 1, tzinfo=UTC)
"""Of the venues that are asked, most began that year or later: an older clock is wrong."""
SETTLE = timedelta(seconds=10)
"""A venue needs a moment to finish a candle, and two clocks seldom agree: now is a little ago."""


@dataclass(frozen=True, slots=True)
class Window:
    """The instants from `start` up to, not including, `end`; both aware and UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            at = getattr(self, name)
            if at.utcoffset() != timedelta(0):
                raise ValueError(f"{at!r} is not in UTC")
            # Databases call it GMT or Etc/UTC too; polars tells names apart.
            object.__setattr__(self, name, at.replace(tzinfo=UTC))
        if self.end < self.start:
            raise ValueError(f"{self} ends before it starts")

    def __str__(self) -> str:
        return f"{utc_text(self.start)} to {utc_text(self.end)}"

    @property
    def hours(self) -> int:
        """How many hourly candles fit."""
        return (self.end - self.start) // HOUR

    def clip(self, other: Self) -> Self | None:
        """The part that lies in `other` too, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return type(self)(start, end) if start < end else None

    def without(self, others: Iterable[Self]) -> list[Self]:
        """The parts of this window that lie in none of the others, in order."""
        left, start = [], self.start
        held = (each for each in others if each.start < each.end)
        for other in sorted(held, key=lambda each: each.start):
            if start < min(other.start, self.end):
                left.append(type(self)(start, min(other.start, self.end)))
            start = max(start, other.end)
        return [*left, type(self)(start, self.end)] if start < self.end else left

    def tiles(self, hours: int) -> Iterator[Self]:
        """This window in pieces of at most `hours`, in order, without overlap or hole."""
        start = self.start
        while start < self.end:
            end = min(start + hours * HOUR, self.end)
            yield type(self)(start, end)
            start = end


def overlapping(items: Sequence[T], other: Window, window: Callable[[T], Window]) -> Sequence[T]:
    """Those of `items` whose windows, disjoint and in order, have an instant of `other`."""
    first = bisect_right(items, other.start, key=lambda each: window(each).end)
    last = bisect_left(items, other.end, lo=first, key=lambda each: window(each).start)
    return items[first:last]


def clock() -> datetime:
    """Now, less what a venue needs to finish a candle. The one reading of the wall clock."""
    return datetime.now(UTC) - SETTLE


def moment(now: str | None = None) -> datetime:
    """The moment that is taken as now: as it is written, or by the clock.

    Misuse before 2017: a machine without a battery begins at 1970.
    """
    at = clock() if now is None else instant(now, name="now")
    if at >= FIRST_NOW:
        return at
    if now is None:
        raise Misuse(f"the clock says {utc_text(at)}: set it right")
    raise Misuse(f"now {now[:40]!r} is out of range: write a year from {FIRST_NOW.year} on")


def whole_hour(at: datetime) -> datetime:
    """The full hour at or before `at`: the end of the newest closed candle."""
    return at.replace(minute=0, second=0, microsecond=0)


def whole_hour_up(at: datetime) -> datetime:
    """The full hour at or after `at`: the end of the candle in which something ended."""
    down = whole_hour(at)
    return down if down == at else down + HOUR


def _bare_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def instant(text: str, *, name: str = "time") -> datetime:
    """Read ISO 8601 as UTC; a bare date is its midnight.

    Misuse when it has a clock and no zone, or lies outside the years 1970 to 2100.
    """
    told = repr(text[:40])
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(
            f"{name} {told} is not a time: write 2024-01-31 or '2024-01-31 05:00Z'",
        ) from None
    if at.tzinfo is None and not _bare_date(text):
        raise Misuse(f"{name} {told} has no time zone: write {text.strip()}Z for UTC")
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    if not EARLIEST <= at <= LATEST:
        raise Misuse(f"{name} {told} is out of range: write a year from 2009 on")
    return at.astimezone(UTC)


def window(start: str | None, end: str | None, now: datetime | None = None) -> Window | None:
    """The window between two times, either of which may be left out; None if both are.

    Misuse if it is empty or, where `now` is given, begins after it.
    """
    if start is None and end is None:
        return None
    first = instant("2009-01-01" if start is None else start, name="start")
    last = instant("2100-01-01" if end is None else end, name="end")
    if first >= last:
        raise Misuse(f"start {utc_text(first)} is not before end {utc_text(last)}")
    if now is not None and first >= whole_hour(now):
        raise Misuse(f"start {utc_text(first)} is in the future: no hour of it has closed")
    return Window(first, last)


def utc_text(at: datetime | None) -> str:
    """A moment in UTC as people read it, to the minute: 2026-11-28 15:00Z; `instant` reads it.

    None is "-".
    """
    return "-" if at is None else f"{at:%Y-%m-%d %H:%MZ}"


def milliseconds(at: datetime) -> int:
    """A whole second in milliseconds since 1970, as most venues have it."""
    return int(at.timestamp()) * 1000
