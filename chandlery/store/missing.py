"""Which hours are missing: the question that every run starts from."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from chandlery.model import Window
from chandlery.store.connect import Connection
from chandlery.store.queries import query


def missing(
    connection: Connection,
    asks: Sequence[tuple[int, Window]],
    *,
    without: Collection[int] = (),
) -> list[list[Window]]:
    """For each (coin, window) asked, its maximal runs of hours without a candle, in order.

    Candles of the sources `without` (by key) do not count: they are there to be replaced.
    """
    if not asks:
        return []
    rows = connection.execute(
        query("missing"),
        {
            "coins": [coin for coin, _ in asks],
            "starts": [window.start for _, window in asks],
            "ends": [window.end for _, window in asks],
            "first": min(window.start for _, window in asks),
            "without": list(without),
            "without_bits": sum(1 << key for key in without),
            "last": max(window.end for _, window in asks),
        },
    ).fetchall()
    return _runs(len(asks), rows)


def lacking_taker(
    connection: Connection, asks: Sequence[tuple[int, Window]], source: int
) -> list[list[Window]]:
    """For each (coin, window) asked, its runs of hours from `source` without what takers bought."""
    if not asks:
        return []
    given = {
        "coins": [coin for coin, _ in asks],
        "starts": [window.start for _, window in asks],
        "ends": [window.end for _, window in asks],
        "source": source,
    }
    return _runs(len(asks), connection.execute(query("lacking_taker"), given).fetchall())


def _runs(asks: int, rows: Iterable[tuple[int, datetime, datetime]]) -> list[list[Window]]:
    runs: list[list[Window]] = [[] for _ in range(asks)]
    for ask, start, end in rows:
        runs[ask].append(Window(start, end))
    return runs


def note_wanted(connection: Connection, coins: Sequence[int], start: datetime) -> None:
    """Keep that these coins are wanted from `start` (a whole hour) on, if that is earlier."""
    connection.execute(query("note_wanted"), {"coins": list(coins), "start": start})


def wanted(connection: Connection, coins: Sequence[int], window: Window) -> dict[int, int]:
    """How many hours of each listed coin lack in the window, about: for how far a run is.

    Where no listing's start is known, from the window's start.
    """
    asked = {"coins": list(coins), "start": window.start, "end": window.end}
    return dict(connection.execute(query("wanted"), asked).fetchall())


def wanted_taker(
    connection: Connection, coins: Sequence[int], window: Window, sources: Collection[str]
) -> dict[int, int]:
    """How many hours of each coin lack what takers bought, about, though `sources` tell it."""
    named = {"sources": list(sources)}
    asked = {"coins": list(coins), "start": window.start, "end": window.end} | named
    return dict(connection.execute(query("wanted_taker"), asked).fetchall())
