"""How many coins each source lists, and how many it alone."""

from collections.abc import Sequence
from typing import NamedTuple

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
