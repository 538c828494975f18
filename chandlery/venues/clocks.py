"""What venues' clocks say, put to the one here: whose is wrong, where they are an hour apart.

An answer out of a cache bears the hour in which it was made, and says how old it is.

>>> from datetime import UTC
>>> heard = Clocks(lambda: 0.0)
>>> now = datetime(2026, 11, 30, 12, tzinfo=UTC)
>>> for name, day in ("okx", 29), ("bybit", 30), ("gate", 30):
...     heard.hear(name, httpx.Response(200, headers={"date": f"Mon, {day} Nov 2026 12:00:00 GMT"}))
>>> heard.told(now)
['okx says that it is 2026-11-29 12:00Z, and the clock here 2026-11-30 12:00Z, as bybit and gate: \
its newest hours are left for later']
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

import httpx

from chandlery.model import HOUR, utc_text
from chandlery.venues.verdicts import date
from chandlery.words import counted

APART = HOUR
"""So far two clocks may differ: beyond, one of them is wrong."""


class Heard(NamedTuple):
    """What a venue's clock said: at the least, and at the most beyond what had gone by here."""

    least: datetime
    most: datetime


class Clocks:
    """What was heard in a run, by venue; shared by its threads. `monotonic` are seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._began = monotonic, monotonic()
        self._heard: dict[str, Heard] = {}
        self._lock = Lock()

    def hear(self, venue: str, response: httpx.Response) -> None:
        """Keep what an answer says."""
        at = date(response)
        if at is None:
            return
        # Some caches give an old answer their own date, and some its own: it is between the two.
        least = at + _age(response)
        most = at - timedelta(seconds=self._monotonic() - self._began)
        with self._lock:
            before = self._heard.get(venue, Heard(least, most))
            self._heard[venue] = Heard(min(least, before.least), max(most, before.most))

    def told(self, now: datetime) -> list[str]:
        """What is to be said, given that it was `now` here when the run began; a line each."""
        off = {name: at for name, heard in self._heard.items() if (at := _off(heard, now))}
        right = [name for name in self._heard if name not in off]
        if len(off) > max(len(right), 1) and _agree(off.values()):
            return [_ours(off, now)]
        return [_theirs(name, at, right, now) for name, at in off.items()]


def _age(response: httpx.Response) -> timedelta:
    told = response.headers.get("age", "")
    return timedelta(seconds=int(told)) if re.fullmatch(r"\d{1,9}", told) else timedelta(0)


def _off(heard: Heard, now: datetime) -> datetime | None:
    """What a venue's clock says, if it is too far from ours."""
    if heard.least < now - APART:
        return heard.least
    return heard.least if heard.most > now + APART else None


def _agree(times: Iterable[datetime]) -> bool:
    ordered = sorted(times)
    return ordered[-1] - ordered[0] <= APART


def _ours(off: dict[str, datetime], now: datetime) -> str:
    venues_say = min(off.values())
    apart = counted(round(abs(now - venues_say) / HOUR), "hour")
    side = "ahead" if now > venues_say else "behind"
    later = "; hours after that are left until then" if now > venues_say else ""
    return (
        f"{_listed(sorted(off))} say that it is {utc_text(venues_say)}, and the clock here, or"
        f" --now, {utc_text(now)}: it seems to be {apart} {side}: set it right{later}"
    )


def _theirs(name: str, at: datetime, right: Sequence[str], now: datetime) -> str:
    said = f"{name} says that it is {utc_text(at)}, and the clock here {utc_text(now)}"
    left = ": its newest hours are left for later" if at < now else ""
    if right:
        return f"{said}, as {_listed(sorted(right))}{left}"
    return f"{said}: one of the two is wrong{left}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
