"""Prices that make a step between two hours: what lies before is asked for again, and mended.

A venue may tell a coin's hours wrongly as a whole, at a hundred million times the price, and tell
them right later. Where the right ones begin, the price makes a step. Nobody knows how far back the
wrong ones go: a quarter of a year after the other is asked for again, for as long as that changes
any. A step that is true costs one quarter a night, for a week.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter

from chandlery.model import Window
from chandlery.store import PriceStep

QUARTER = timedelta(days=90)
A_DAY = timedelta(days=1)
MOST = 50
"""Windows that one run asks about: small coins may make many steps, all of them true."""


def quarters(end: datetime, since: datetime) -> Iterator[Window]:
    """What lies between, a quarter at a time, the newest first."""
    while end > since:
        start = max(end - QUARTER, since)
        yield Window(start, end)
        end = start


Asked = tuple[Window, tuple[str, ...]]


def asked_together(steps: Sequence[PriceStep], now: datetime) -> list[Asked]:
    """The hours up to a day after each step, and the ids of the coins that make it.

    A step that lies in the quarter before a newer one of its coin is asked about with that one. The
    newest come first; of more than MOST each night has others, that none waits for ever.
    """
    found, covered = [], dict[str, datetime]()
    for (at, since), some in groupby(steps, itemgetter(1, 2)):
        ids = [step.coin_id for step in some]
        fresh = [each for each in ids if each not in covered or at < covered[each]]
        end = at + A_DAY
        covered |= dict.fromkeys(fresh, end - QUARTER)
        if fresh:
            found.append((Window(since, end), tuple(fresh)))
    first = now.toordinal() * MOST % max(len(found), 1) if len(found) > MOST else 0
    return [*found[first:], *found[:first]][:MOST]
