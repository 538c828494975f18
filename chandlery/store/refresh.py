"""Bring 4h and 1d candles up to date over what was touched, and only there."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from psycopg import sql
from psycopg.types.json import Jsonb

from chandlery.model import HOUR, Window
from chandlery.store.connect import Connection

AGGREGATES = ("candle_4h", "candle_1d")  # in order: the second is made from the first
SLICE = timedelta(days=360)  # bounds a transaction's size: a year of all coins
SHORTEST = timedelta(hours=4)
MUCH = timedelta(days=30)  # of new bars: the planner's idea of how many there are is out of date
_LOCK = 0x7265667265736865
_Slice = tuple[datetime | None, datetime | None]  # None: without an end


def refresh(connection: Connection, tell: Callable[[float], None] = lambda _: None) -> int:
    """Refresh every stale range; return how many days were noted. Needs autocommit.

    `tell` is told the share (0..1) that is done, before the first slice and after each. The ranges
    are taken off the list only when their refresh is done: whoever is killed leaves them to the
    next. A lock for the session lets one process refresh at a time on a server.
    """
    connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
    try:
        noted = [(each, _slices(connection, each)) for each in _stale(connection)]
        total, done = sum(len(slices) for _, slices in noted), count()

        def tell_one() -> None:
            tell(next(done) / total)

        if total:
            tell_one()
        return sum(_refresh_noted(connection, each, slices, tell_one) for each, slices in noted)
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


class _Noted(NamedTuple):
    """Notes of the list: their keys, their ranges joined, and whether one is without ends.

    What is without ends was noted when rows were deleted, or the bars made anew. `force`:
    TimescaleDB takes these days to be up to date, as nothing told it that they are not.
    """

    force: bool
    keys: list[int]
    windows: list[Window]
    everything: bool


def _slices(connection: Connection, noted: _Noted) -> list[_Slice]:
    """What is refreshed at once, in order."""
    chunks = _chunks(connection) if noted.everything and not noted.force else []
    slices: list[_Slice] = [
        (part.start, part.end)
        for window in (*noted.windows, *chunks)
        for part in window.tiles(SLICE // timedelta(hours=1))
    ]
    return [*slices, (None, None)] if noted.everything else slices


def _refresh_noted(
    connection: Connection, noted: _Noted, slices: Iterable[_Slice], done: Callable[[], None]
) -> int:
    for start, end in slices:
        _refresh(connection, start, end, force=noted.force)
        done()
    connection.execute("delete from stale where key = any (%s)", (noted.keys,))
    hours = sum(window.hours for window in noted.windows)
    if noted.everything or hours * HOUR >= MUCH:
        _analyze(connection)
    return hours // 24


def _stale(connection: Connection) -> list[_Noted]:
    """The list, those to be forced apart. One statement, one view of the list."""
    rows = connection.execute(
        "select force, array_agg(key),"
        " coalesce(range_agg(tstzrange(starts_at, ends_at)) filter (where isfinite(starts_at)),"
        " '{}'),"
        " bool_or(not isfinite(starts_at)) from stale group by force order by force",
    ).fetchall()
    return [
        _Noted(force, keys, [Window(part.lower, part.upper) for part in ranges], everything)
        for force, keys, ranges, everything in rows
    ]


def _chunks(connection: Connection) -> list[Window]:
    """Where there are hours: all at once would be one transaction, lost whole when it is killed.

    What is refreshed in slices is up to date for the rest, which passes over it.
    """
    ranges = connection.execute(
        "select unnest(range_agg(tstzrange(range_start, range_end)))"
        " from timescaledb_information.chunks"
        " where hypertable_name = 'candle_1h' and hypertable_schema = current_schema()"
    ).fetchall()
    return [Window(part.lower, part.upper) for (part,) in ranges]


def _analyze(connection: Connection) -> None:
    """What a server does by itself in time; the embedded one has nobody who would."""
    for table in tables(connection):
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier(*table)))


def tables(connection: Connection) -> list[tuple[str, str]]:
    """Where the 4h and 1d candles are kept."""
    return connection.execute(
        "select materialization_hypertable_schema, materialization_hypertable_name"
        " from timescaledb_information.continuous_aggregates where view_name = any (%s)",
        (list(AGGREGATES),),
    ).fetchall()


def _refresh(
    connection: Connection, start: datetime | None, end: datetime | None, *, force: bool
) -> None:
    whole = _whole(connection)
    for name in AGGREGATES:
        connection.execute(
            sql.SQL("call refresh_continuous_aggregate({}, {}, {}, force => {}{})").format(
                sql.Literal(name),
                sql.Literal(start),
                sql.Literal(end),
                sql.Literal(force),
                whole,
            ),
        )


def _whole(connection: Connection) -> sql.Composable:
    """What asks for a slice in one piece: of ten bars each, every piece reads a chunk whole.

    Versions of TimescaleDB that make no pieces do not know the option.
    """
    known = connection.execute(
        "select from pg_proc where proname = 'refresh_continuous_aggregate'"
        " and 'options' = any (proargnames)",
    ).fetchone()
    pieces = Jsonb({"buckets_per_batch": SLICE // SHORTEST})
    return sql.SQL("") if known is None else sql.SQL(", options => {}").format(pieces)
