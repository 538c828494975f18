"""Holes of one coin held against what the venue has of others; the outages that this tells."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from chandlery.model import Window
from chandlery.store.connect import Connection, alone
from chandlery.store.queries import query


class Hole(NamedTuple):
    """Hours that a source lacks of a coin between candles of it, and the coin to compare it with.

    `source` is the source's name, `key` its number in the database; `coin` and `other` are keys.
    """

    source: str
    key: int
    coin: int
    window: Window
    other: int


def find_outages(connection: Connection, window: Window) -> int:
    """Tell the venues' outages in `window` anew from what is known; return how many there are.

    First, each hole in it is held against what is held of other coins. So are holes anywhere of
    which nobody has looked yet: those of a run that was killed.
    """
    ends = {"start": window.start, "end": window.end}
    start, end = connection.execute(query("not_compared_since"), ends).fetchone() or (None, None)
    ends = {"start": start, "end": end}
    compared = connection.execute(query("compare_holes"), ends).fetchall()
    with alone(connection, "absences"), connection.cursor() as cursor:
        _note(connection, compared, None)
        found = cursor.execute(query("find_outages"), ends).fetchall()
        cursor.execute("delete from outage where starts_at < %(end)s and ends_at > %(start)s", ends)
        cursor.executemany(query("note_outage"), found)
    return len(found)


def uncompared_holes(
    connection: Connection, sources: Sequence[str], most_traded: Sequence[str], now: datetime
) -> list[Hole]:
    """The holes that a run at `now` was told of and that nothing held tells more of, by source.

    `most_traded` are CoinGecko's ids of the coins to compare with, best first.
    """
    asked = {"sources": list(sources), "most_traded": list(most_traded), "now": now}
    rows = connection.execute(query("uncompared_holes"), asked)
    return [
        Hole(source, key, coin, Window(start, end), other)
        for source, key, coin, start, end, other in rows
    ]


def note_compared(
    connection: Connection, holes: Sequence[Hole], has: Sequence[Window], lacks: Sequence[Window]
) -> None:
    """Keep what the other coin of these holes has of their hours, and which it lacks too."""
    with alone(connection, "absences"):
        for other in {hole.other for hole in holes}:
            rows = [
                (hole.coin, hole.key, hole.window.start, _ranges(has), _ranges(lacks))
                for hole in holes
                if hole.other == other
            ]
            _note(connection, rows, other)


def _note(connection: Connection, compared: Sequence[tuple[Any, ...]], other: int | None) -> None:
    if compared:
        coins, sources, starts, has, lacks = zip(*compared, strict=True)
        told = {
            "coins": list(coins),
            "sources": list(sources),
            "starts": list(starts),
            "has": list(has),
            "lacks": list(lacks),
        }
        connection.execute(query("note_compared"), told | {"other": other})


def _ranges(windows: Sequence[Window]) -> str:
    """As PostgreSQL writes a tstzmultirange: {[2024-01-01T02:00:00+00:00,...)}."""
    parts = (f"[{each.start.isoformat()},{each.end.isoformat()})" for each in windows)
    return f"{{{','.join(parts)}}}"
