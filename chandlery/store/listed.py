"""What each source lists: how many coins, how many it alone, and each coin under which name."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from chandlery.model import Coin
from chandlery.store.connect import Connection
from chandlery.store.queries import query


class Listed(NamedTuple):
    """How many coins a source lists now, how many of them no other does, and listings over."""

    coins: int
    only_here: int
    over: int


def listed(connection: Connection, indicative: Sequence[str]) -> dict[str, Listed]:
    """What each source lists, by its name; a traded source is held against traded ones only."""
    rows = connection.execute(query("listed"), {"indicative": list(indicative)})
    return {name: Listed(*counts) for name, *counts in rows}


class NamedListing(NamedTuple):
    """A coin's listing, with what the source says of the coin: its name, its token's addresses.

    Times are UTC. A `start` that is None is not known; without an `end` it trades on.
    """

    source: str
    symbol: str
    multiple: int
    start: datetime | None
    end: datetime | None
    name: str | None
    contracts: Sequence[str]


def where_listed(connection: Connection, coin: Coin) -> list[NamedListing]:
    """Where a coin is or was listed; what is over comes last."""
    rows = connection.execute(query("where_listed"), {"coin": coin.key})
    return [NamedListing(*row) for row in rows]


def shared_contracts(connection: Connection) -> dict[str, str]:
    """Contracts that two sources tell of two coins, and which symbols are which coin."""
    return dict(connection.execute(query("shared_contracts")).fetchall())
