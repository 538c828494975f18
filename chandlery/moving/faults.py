"""What is wrong with what is stored, and which verb mends it. Nothing is written.

What cannot be read is looked for first: nothing can be compared with it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from chandlery import store
from chandlery.model import HOUR, instant, utc_text
from chandlery.moving import tables
from chandlery.store.queries import query

Say = Callable[[str], None]
MAINTAIN, MAINTAIN_BARS = "`chandlery maintain`", "`chandlery maintain --bars`"
RESTORE = "`chandlery restore` of a backup, or a backfill, into an empty database"
REINDEX = "`chandlery maintain --reindex`"
FEW = 5  # coins that are named in a line
COINS_AT_A_TIME = 50


class Fault(NamedTuple):
    """What is wrong, and what mends it, in words."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}: {self.mend}"


class Checked(NamedTuple):
    """The faults, and what was looked at."""

    faults: Sequence[Fault]
    chunks: int
    tables: int
    hours: int

    def summary(self) -> str:
        """What was looked at, in one line."""
        return (
            f"{self.hours:,} hours in {self.chunks:,} chunks and {self.tables} tables read,"
            f" faults: {len(self.faults)}"
        )

    def statistics(self) -> dict[str, object]:
        """One JSON object."""
        return {
            "hours": self.hours,
            "chunks": self.chunks,
            "tables": self.tables,
            "faults": [each._asdict() for each in self.faults],
        }


def check(connection: store.Connection, say: Say = lambda _: None) -> Checked:
    """Read everything, hold indexes to tables, bars to hours, hours to rules; say what is wrong.

    Needs an up-to-date database.
    """
    say("reading every chunk")
    chunks, named = connection.execute(query("chunks")).fetchall(), tables.every_table(connection)
    hours, faults = _read_all(connection, chunks, named)
    if not faults:
        say("holding indexes to their tables")
        faults += _indexes(connection)
    if not faults:
        names = {coin.key: coin.symbol for coin in store.find(connection)}
        for what, look in _LOOKS.items():
            say(what)
            faults += look(connection, names)
    return Checked(faults, len(chunks), len(named), hours)


def _read_all(
    connection: store.Connection,
    chunks: Iterable[Sequence[str]],
    named: Iterable[tables.Table],
) -> tuple[int, list[Fault]]:
    """How many hours there are, and what cannot be read."""
    hours, faults = 0, []
    for schema, name, of in chunks:
        rows = _read(connection, sql.Identifier(schema, name))
        if isinstance(rows, str):
            faults.append(Fault(f"the chunk {name} of {of} cannot be read ({rows})", RESTORE))
        elif of == tables.CANDLES:
            hours += rows
    for table in named:
        if table.name != tables.CANDLES:
            rows = _read(connection, table.id)
            if isinstance(rows, str):
                faults.append(Fault(f"the table {table.name} cannot be read ({rows})", RESTORE))
    return hours, faults


def _read(connection: store.Connection, table: sql.Identifier) -> int | str:
    """How many rows, each of whose values was read; or what PostgreSQL said.

    A row is taken as text: values that lie apart or compressed are read for it too.
    """
    statement = sql.SQL("select count(*), sum(length(it::text)) from {} it").format(table)
    try:
        row = connection.execute(statement).fetchone()
    except psycopg.Error as error:
        if not store.is_damage(error):
            raise
        return str(error.diag.message_primary)
    return int(row[0]) if row else 0


def _indexes(connection: store.Connection) -> Iterator[Fault]:
    for index in store.indexes(connection):
        if why := store.misfit(connection, index):
            yield Fault(f"the index {index.name} does not fit {index.table} ({why})", REINDEX)


Names = Mapping[int, str]


def _unfinished(connection: store.Connection, _: Names) -> Iterator[Fault]:
    row = connection.execute("select from copied where finished_at is null").fetchone()
    if row is not None:
        yield Fault("a copy into this database was cut short", "the same `chandlery copy` goes on")


def _orphans(connection: store.Connection, _: Names) -> Iterator[Fault]:
    rows = connection.execute(
        "select 'coin', coin::bigint from (select distinct coin from candle_1d) held"
        " where not exists (select from coin where key = coin)"
        " union all select 'source', bit from (select bit_or(sources) as bits from candle_1d) held"
        " cross join generate_series(0, 62) as bit"
        " where bits >> bit & 1 = 1 and not exists (select from source where key = bit)"
        " order by 1, 2"
    )
    for table, key in rows.fetchall():
        yield Fault(f"candles are of the {table} {key}, which the table {table} has not", RESTORE)


def _waiting(connection: store.Connection, _: Names) -> Iterator[Fault]:
    """Days that wait for a refresh, unless a run is under way that will see to it."""
    row = connection.execute(
        "select hours(coalesce(range_agg(tstzrange(starts_at, ends_at))"
        " filter (where isfinite(starts_at)), '{}')) / 24, bool_or(not isfinite(starts_at)),"
        " exists (select from claim where lease_until > clock_timestamp()) from stale"
    ).fetchone()
    days, everything, under_way = row or (0, None, False)
    if everything:
        yield Fault("all days wait for a refresh: hours were deleted, or bars made anew", MAINTAIN)
    elif days and not under_way:
        yield Fault(f"{days:,} days wait for a refresh", MAINTAIN)


def _bars(connection: store.Connection, names: Names) -> Iterator[Fault]:
    """Bars that are not what their hours make, but those of days that wait for a refresh."""
    windows = store.compared_windows(connection)
    told: set[tuple[int, date]] = set()
    for timeframe in store.BARS:
        found = [
            bar
            for window in windows
            for bar in store.differing_bars(connection, timeframe, window)
            if (bar.coin, bar.day) not in told  # the day is made from a bar that is told already
        ]
        told |= {(bar.coin, bar.day) for bar in found}
        lost = [bar for bar in found if bar.lost]
        uncounted = [bar for bar in found if bar.uncounted and not bar.lost]
        values = [bar for bar in found if not (bar.lost or bar.uncounted)]
        if lost:
            hours = sum(bar.lost for bar in lost)
            yield Fault(
                f"{hours:,} hours are gone that {timeframe} bars count, {_where(lost, names)}",
                f"{MAINTAIN} no longer counts them, and names what fetches them again",
            )
        if uncounted:
            hours = sum(bar.uncounted for bar in uncounted)
            yield Fault(
                f"{hours:,} hours are not counted by {timeframe} bars, {_where(uncounted, names)}",
                MAINTAIN,
            )
        if values:
            yield Fault(
                f"{len(values):,} {timeframe} bars are not what their hours make,"
                f" {_where(values, names)}",
                MAINTAIN_BARS,
            )


def _where(bars: Sequence[store.Bar], names: Names) -> str:
    """Of whom, and from when to when."""
    coins = sorted({names.get(bar.coin, f"coin {bar.coin}") for bar in bars})
    more = f" and {len(coins) - FEW:,} more" if len(coins) > FEW else ""
    first, last = min(bar.open_time for bar in bars), max(bar.open_time for bar in bars)
    return f"{', '.join(coins[:FEW])}{more}, {_day(first)} to {_day(last)}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"


def _rules(connection: store.Connection, names: Names) -> Iterator[Fault]:
    """Hours that break a rule, a line a coin and set of rules."""
    keys = sorted(names)
    for at in range(0, len(keys), COINS_AT_A_TIME):
        asked = {"coins": keys[at : at + COINS_AT_A_TIME]}
        for _, coin, first, detail in connection.execute(query("broken_rules"), asked).fetchall():
            yield Fault(
                f"{names[coin]} from {utc_text(first)} on: {detail}",
                f"`{_ask_again(names[coin], first, _newest(detail))}`",
            )


def _newest(detail: str) -> datetime:
    """The time that the query's words end with."""
    return instant(detail[-len("2024-01-31 05:00Z") :])


def _ask_again(symbol: str, first: datetime, newest: datetime) -> str:
    """What asks for hours again, though they are held."""
    hours = (newest - first) // HOUR + 1
    return (
        f"chandlery fill-gaps --symbols {symbol} --start '{utc_text(first)}'"
        f" --end '{utc_text(newest + HOUR)}' --recheck-hours {hours}"
    )


Look = Callable[[store.Connection, Names], Iterable[Fault]]
_LOOKS: Mapping[str, Look] = {
    "looking for what was cut short": _unfinished,
    "looking for candles of nobody": _orphans,
    "looking for days that wait": _waiting,
    "comparing bars with their hours": _bars,
    "holding hours to the rules": _rules,
}
