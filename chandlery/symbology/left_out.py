"""Which coins runs pass over unless they are named, and why."""

from collections import Counter
from typing import NamedTuple

from chandlery import store
from chandlery.model import Coin
from chandlery.symbology.kinds import why_left_out

DELISTED = "delisted"


class LeftOut(NamedTuple):
    """A coin that is known and not collected."""

    coin: Coin
    why: str


def left_out(connection: store.Connection) -> list[LeftOut]:
    """All of them: claims on stocks and funds, and what was delisted before anybody asked for it.

    The first are taken in by CHANDLERY_INCLUDE, the others by `backfill --delisted`.
    """
    return [
        LeftOut(coin, DELISTED if crypto else why_left_out(coin.id) or "no coin")
        for coin, crypto in store.left_out(connection)
    ]


def by_why(coins: list[LeftOut]) -> dict[str, int]:
    """How many are left out, by why."""
    return dict(Counter(each.why for each in coins).most_common())
