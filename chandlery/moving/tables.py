"""Which tables are moved, in which order: as the catalogue has them, so that none is forgotten.

What a later migration makes is moved without a line here. What is not to be moved is named.
"""

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import NamedTuple

from psycopg import sql

from chandlery import store
from chandlery.store.queries import query

CANDLES = "candle_1h"
STAYS: Mapping[str, str] = {
    "migration": "migrations are run in the target first",
    "claim": "leases of runs under way, of minutes: no process of theirs is the target's",
    "stale": "days that wait for a refresh: the target notes those of the hours it gets",
    "copied": "of which databases this one is a copy: not true of the target",
}
"""Tables that are never moved, and why."""
NOT_IN_BACKUPS: Mapping[str, str] = {
    "account": "what venues counted in the last minutes; it has digests of keys",
}
"""Tables that are copied, and in no file, and why."""


class Column(NamedTuple):
    """A column, and its type in PostgreSQL's words."""

    name: str
    type: str
    is_nullable: bool

    def compared(self, *of: str) -> sql.Composed:
        """It, of a table if one is named, as something that can be compared: json cannot."""
        form = sql.SQL("{}::text") if self.type == "json" else sql.SQL("{}")
        return form.format(sql.Identifier(*of, self.name))


class Table(NamedTuple):
    """A table as the catalogue has it; `numbered` is the column that numbers its rows, if any."""

    name: str
    columns: Sequence[Column]
    key: Sequence[str]
    unique: Sequence[str]
    parents: Sequence[str]
    numbered: str | None

    @property
    def id(self) -> sql.Identifier:
        """Its name, quoted."""
        return sql.Identifier(self.name)

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]

    @property
    def checksum(self) -> sql.Composed:
        """An aggregate of its rows that no order of rows changes: PostgreSQL's hashes, added up.

        Each is hashed once more: the hash of a record is a sum of its columns' hashes, and two rows
        that swap a value would add up to the same.
        """
        return sql.SQL(
            "coalesce(sum(hashint8extended(hash_record_extended(row({}), 0), 0)), 0)"
        ).format(compared(self.columns))


class Rows(NamedTuple):
    """How many rows, and the sum of their hashes: equal where all values of all rows are."""

    number: int
    checksum: int

    def plus(self, others: "Rows | None") -> "Rows":
        """These and others together."""
        more = others or NONE
        return Rows(self.number + more.number, self.checksum + more.checksum)


NONE = Rows(0, 0)


def every_table(connection: store.Connection) -> list[Table]:
    """All tables of the schema, those referred to before those that refer to them."""
    found = [
        Table(name, [Column(*each) for each in zip(names, types, nullable, strict=True)], *more)
        for name, names, types, nullable, *more in connection.execute(query("tables"))
    ]
    by_name = {table.name: table for table in found}
    order = TopologicalSorter({table.name: table.parents for table in found}).static_order()
    return [by_name[name] for name in order]


def moved(connection: store.Connection) -> tuple[list[Table], Table]:
    """The tables that are moved, and the one of hourly candles, which is moved by coin and year."""
    tables = [table for table in every_table(connection) if table.name not in STAYS]
    (candles,) = (table for table in tables if table.name == CANDLES)
    return [table for table in tables if table.name != CANDLES], candles


def kept(connection: store.Connection) -> tuple[list[Table], Table]:
    """The same, without what no file has."""
    tables, candles = moved(connection)
    return [table for table in tables if table.name not in NOT_IN_BACKUPS], candles


def rows(connection: store.Connection, table: Table) -> Rows:
    """Count and checksum of a table."""
    statement = sql.SQL("select count(*), {} from {}").format(table.checksum, table.id)
    ((number, checksum),) = connection.execute(statement).fetchall()
    return Rows(number, int(checksum))


def filled(connection: store.Connection, tables: Sequence[Table]) -> list[str]:
    """Which of these have rows."""
    return [table.name for table in tables if _has_rows(connection, table)]


def _has_rows(connection: store.Connection, table: Table) -> bool:
    statement = sql.SQL("select exists (select from {})").format(table.id)
    return connection.execute(statement).fetchone() == (True,)


def go_on_numbering(connection: store.Connection, tables: Sequence[Table]) -> None:
    """Have the next row of each numbered after those that there are."""
    for table in tables:
        if table.numbered is not None:
            connection.execute(
                sql.SQL(
                    "select setval(pg_get_serial_sequence({}, {}), max({})) from {}"
                    " having count(*) > 0"
                ).format(table.name, table.numbered, sql.Identifier(table.numbered), table.id)
            )


def merge(connection: store.Connection, table: Table, arrived: sql.Identifier) -> None:
    """Have what arrived take the place of rows that differ, and touch no others."""
    values = [column for column in table.columns if column.name not in table.key]
    update = sql.SQL("update set {} where ({}) is distinct from ({})").format(
        sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column.name)) for column in values
        ),
        compared(values, "held"),
        compared(values, "excluded"),
    )
    statement = sql.SQL(
        "insert into {} as held ({}) overriding system value select {} from {}"
        " on conflict ({}) do {}"
    ).format(
        table.id,
        named(table.names),
        named(table.names),
        arrived,
        named(table.key),
        update if values else sql.SQL("nothing"),
    )
    connection.execute(statement)


def named(columns: Sequence[str], *of: str) -> sql.Composed:
    """Columns with commas between them, of a table if one is named."""
    return sql.SQL(", ").join(sql.Identifier(*of, name) for name in columns)


def compared(columns: Sequence[Column], *of: str) -> sql.Composed:
    """Columns that can be compared, with commas between them, of a table if one is named."""
    return sql.SQL(", ").join(column.compared(*of) for column in columns)


def migrations(connection: store.Connection) -> list[str]:
    """The migrations that have run, in order; none where there are no tables yet."""
    there = connection.execute("select to_regclass('migration') is not null").fetchone()
    if there != (True,):
        return []
    found = connection.execute(
        "select name from migration where name not like 'objects/%' order by name"
    )
    return [str(name) for (name,) in found]


def born_at(connection: store.Connection) -> str:
    """When the first migration ran here: no two databases were made in one microsecond."""
    ((born,),) = connection.execute(
        "select min(applied_at)::text from migration where name not like 'objects/%'"
    ).fetchall()
    return str(born)
