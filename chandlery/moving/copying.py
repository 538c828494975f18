"""All that a database holds into another one, and on from where it was when it was cut short.

Read is one snapshot of the source. Each transaction in the target leaves it whole: first all tables
but the candles, at once, then the hours of some years of a coin at a time. What is equal on both
sides is not sent, so that a second time there is nothing to do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import monotonic

import psycopg
from psycopg import sql

from chandlery import store
from chandlery.errors import ChandleryError, Misuse
from chandlery.moving import candles, tables
from chandlery.moving.candles import Held, Part, Year
from chandlery.moving.snapshot import snapshot
from chandlery.moving.tables import Rows, Table
from chandlery.settings import Settings
from chandlery.store.frames.copy_out import pieces

Say = Callable[[str], None]
Move = Callable[[int, int], None]
_LOCK = 0x636F7079696E67  # "copying"
Years = Mapping[Year, Held]


class Unequal(ChandleryError):
    """What arrived is not what was sent."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What both databases hold now, and how much of it was sent this time."""

    hours: int
    coins: int
    rows: int
    tables: int
    sent_hours: int
    sent_rows: int
    refreshed_days: int
    seconds: float

    def summary(self) -> str:
        """All of it in one line."""
        return (
            f"{self.hours:,} hours of {self.coins:,} coins and {self.rows:,} rows of"
            f" {self.tables} other tables are equal on both sides, by count and checksum;"
            f" sent: {self.sent_hours:,} hours and {self.sent_rows:,} rows,"
            f" {self.refreshed_days:,} days refreshed, {self.seconds:.1f} s"
        )

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class _Source:
    """What is to be in the target at the end."""

    born_at: str
    tables: Sequence[Table]
    rows: Mapping[str, Rows]
    candles: Table
    years: Years


def copy_database(
    source: Settings,
    target: Settings,
    say: Say = lambda _: None,
    move: Move = lambda *_: None,
) -> Copied:
    """Copy everything; `move` is told how many hours are sent of how many.

    Misuse, before anything is written, where the target holds what the source does not. Unequal
    where both differ in the end, which only another writer in the target brings about.
    """
    began = monotonic()
    _refuse_itself(source, target)
    with store.connect(source) as here, _connected(target) as there:
        for connection in (here, there):
            store.migrate(connection)
        _hold(here, there)
        say("looking at the target")
        before = candles.held(there, tables.moved(there)[1])
        with snapshot(here):
            say("looking at the source")
            wanted = _read(here)
            _refuse(here, there, wanted, before)
            _begin(there, wanted.born_at)
            say("copying")
            parts = candles.to_send(wanted.years, before)
            with _as_only_writer():
                sent_rows = _copy_tables(here, there, wanted)
                _copy_candles(here, there, wanted.candles, parts, move)
        say("refreshing")
        days = store.refresh(there)
        say("comparing")
        _compare(there, wanted)
        _finish(there, wanted.born_at)
    return Copied(
        hours=sum(held.rows.number for held in wanted.years.values()),
        coins=len({year.coin for year in wanted.years}),
        rows=sum(rows.number for rows in wanted.rows.values()),
        tables=len(wanted.tables),
        sent_hours=sum(part.rows for part in parts),
        sent_rows=sent_rows,
        refreshed_days=days,
        seconds=monotonic() - began,
    )


@contextmanager
def _connected(target: Settings) -> Iterator[store.Connection]:
    try:
        there = store.connect(target)
    except Misuse as error:
        raise Misuse(f"the target: {error}") from None
    with there:
        yield there


def _refuse_itself(source: Settings, target: Settings) -> None:
    """Of two embedded ones; of two on a server a lock tells."""
    are_embedded = source.database_url is None and target.database_url is None
    if are_embedded and source.home.resolve() == target.home.resolve():
        raise Misuse("the target is the source itself: name another one")


def _hold(here: store.Connection, there: store.Connection) -> None:
    """Hold the target, another database, until the connections end: one copy into it at a time."""
    here.execute("select pg_advisory_lock_shared(%s)", (_LOCK,))
    got = there.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if got != (True,):
        raise Misuse("the target is the source itself, or another copy into it is under way")


@contextmanager
def _as_only_writer() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise Unequal(
            f"something else writes to the target ({error.diag.table_name}): stop it there, then"
            " the same command goes on"
        ) from None


def _read(here: store.Connection) -> _Source:
    others, hourly = tables.moved(here)
    return _Source(
        tables.born_at(here),
        others,
        {table.name: tables.rows(here, table) for table in others},
        hourly,
        candles.held(here, hourly),
    )


def _refuse(here: store.Connection, there: store.Connection, read: _Source, held: Years) -> None:
    """Let pass what is empty, or a copy of the source, or what the source is a copy of."""
    if not held and not tables.filled(there, read.tables):
        return
    if not (_is_copy(there, read.born_at) or _is_copy(here, tables.born_at(there))):
        raise Misuse(
            "the target has data of its own and is no copy of this database: give an empty one"
        )
    _refuse_others(here, there)
    for year, found in held.items():
        ours = read.years[year].rows.number if year in read.years else 0
        if found.rows.number > ours:
            more = found.rows.number - ours
            raise Misuse(candles.more_there(there, year.coin, more, year.start))


def _is_copy(connection: store.Connection, born_at: str) -> bool:
    row = connection.execute(
        "select exists (select from copied where born_at = %s::timestamptz)", (born_at,)
    ).fetchone()
    return row == (True,)


def _refuse_others(here: store.Connection, there: store.Connection) -> None:
    """Keys name the same coins and sources on both sides; a coin that was renamed is the same."""
    known = {*here.execute("select key, id from coin union all select coin, id from coin_alias")}
    for key, name in there.execute("select key, id from coin").fetchall():
        if (key, name) not in known:
            raise Misuse(f"the target has the coin {name}, which the source has not: {_OTHERWISE}")
    known = {*here.execute("select key, name from source")}
    for key, name in there.execute("select key, name from source").fetchall():
        if (key, name) not in known:
            raise Misuse(
                f"the target has the source {name}, which the source database has not under that"
                f" key: {_OTHERWISE}"
            )


_OTHERWISE = "copy the other way, or give an empty database"


def _begin(there: store.Connection, born_at: str) -> None:
    there.execute(
        "insert into copied (born_at) values (%s::timestamptz)"
        " on conflict (born_at) do update set began_at = now(), finished_at = null",
        (born_at,),
    )


def _finish(there: store.Connection, born_at: str) -> None:
    there.execute(
        "update copied set finished_at = now() where born_at = %s::timestamptz", (born_at,)
    )


def _copy_tables(here: store.Connection, there: store.Connection, read: _Source) -> int:
    """All tables but the candles, in one transaction; return how many rows were sent."""
    differing = [
        table for table in read.tables if tables.rows(there, table) != read.rows[table.name]
    ]
    with there.transaction():
        replaced = [table for table in differing if _receive(here, there, table)]
        for table in reversed(replaced):
            _remove_others(there, table)
        tables.go_on_numbering(there, differing)
    return sum(read.rows[table.name].number for table in differing)


def _receive(here: store.Connection, there: store.Connection, table: Table) -> bool:
    """Have all rows of a table; whether some that were there may have to go."""
    if not tables.filled(there, [table]):
        _stream(here, there, table, table.id)
        return False
    arrived = _arrived(table)
    there.execute(
        sql.SQL("create temp table {} (like {}) on commit drop").format(arrived, table.id)
    )
    _stream(here, there, table, arrived)
    for name in table.unique:
        _make_room(there, table, sql.Identifier(name))
    tables.merge(there, table, arrived)
    return True


def _arrived(table: Table) -> sql.Identifier:
    return sql.Identifier(f"arrived_{table.name}")


def _make_room(there: store.Connection, table: Table, name: sql.Identifier) -> None:
    """A name that went from one row to another is free before either is written."""
    (key,) = map(sql.Identifier, table.key)
    there.execute(
        sql.SQL(
            "update {table} as held set {name} = 'moving ' || held.{key} from {arrived} as arrived"
            " where arrived.{key} = held.{key} and arrived.{name} <> held.{name}"
        ).format(table=table.id, name=name, key=key, arrived=_arrived(table))
    )


def _remove_others(there: store.Connection, table: Table) -> None:
    key = tables.named
    there.execute(
        sql.SQL(
            "delete from {} as held where not exists (select from {} as arrived where ({}) = ({}))"
        ).format(table.id, _arrived(table), key(table.key, "arrived"), key(table.key, "held"))
    )


def _stream(
    here: store.Connection, there: store.Connection, table: Table, into: sql.Identifier
) -> None:
    columns = tables.named(table.names)
    read = sql.SQL("copy (select {} from {}) to stdout with (format binary)").format(
        columns, table.id
    )
    write = sql.SQL("copy {} ({}) from stdin with (format binary)").format(into, columns)
    with (
        here.cursor() as reader,
        there.cursor() as writer,
        reader.copy(read) as sent,
        writer.copy(write) as arriving,
    ):
        for piece in pieces(here, sent):
            arriving.write(piece)


def _copy_candles(
    here: store.Connection,
    there: store.Connection,
    hourly: Table,
    parts: Sequence[Part],
    move: Move,
) -> None:
    done, total = 0, sum(part.rows for part in parts)
    for part in parts:
        candles.send(here, there, hourly, part)
        done += part.rows
        move(done, total)


def _compare(there: store.Connection, read: _Source) -> None:
    """Unequal where a coin and year, or a table, is not what it was at the source."""
    arrived = candles.held(there, read.candles)
    wrong = [
        year
        for year, held in read.years.items()
        if year not in arrived or arrived[year].rows != held.rows
    ]
    others = [
        table.name for table in read.tables if tables.rows(there, table) != read.rows[table.name]
    ]
    if wrong or others or len(arrived) != len(read.years):
        raise Unequal(
            f"the copy is not equal: {len(wrong):,} years of coins and the tables"
            f" {', '.join(others) or 'none'} differ; was something writing to the target?"
            " The same command sends them again"
        )
