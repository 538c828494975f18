"""Whether indexes fit their tables, and making them anew."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from chandlery.store.connect import Connection, first_line
from chandlery.store.database import is_damage
from chandlery.store.queries import query


class Index(NamedTuple):
    """An index that has each row of its table."""

    schema: str
    table: str
    name: str
    columns: Sequence[str]


def indexes(connection: Connection) -> list[Index]:
    """Those of all tables, and of the chunks that are not compressed."""
    return [Index(*row) for row in connection.execute(query("indexes"))]


def misfit(connection: Connection, index: Index) -> str | None:
    """In what an index does not fit its table, in words; None if it does.

    All rows are counted twice: as they lie, and each where the index says that it is.
    """
    table = sql.Identifier(index.schema, index.table)
    order = sql.SQL(", ").join(map(sql.Identifier, index.columns))
    try:
        with connection.transaction():
            # One snapshot: else what others write meanwhile is in one count and not in the other.
            connection.execute("set transaction isolation level repeatable read, read only")
            lying = connection.execute(sql.SQL("select count(*) from {}").format(table)).fetchone()
            connection.execute(
                "select set_config(name, 'off', true) from unnest(%s::text[]) as _ (name)",
                (["enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_indexonlyscan"],),
            )
            found = connection.execute(
                sql.SQL("select count(*) from (select from {} order by {} offset 0) it").format(
                    table, order
                )
            ).fetchone()
    except psycopg.Error as error:
        if not is_damage(error):
            raise
        return first_line(error)
    if found is None or lying is None or found == lying:
        return None
    return f"it has {found[0]:,} of {lying[0]:,} rows"


def reindex(connection: Connection) -> int:
    """Make the indexes anew that do not fit their tables; return how many. Needs autocommit."""
    misfits = [each for each in indexes(connection) if misfit(connection, each)]
    for index in misfits:
        connection.execute(
            sql.SQL("reindex index {}").format(sql.Identifier(index.schema, index.name))
        )
    return len(misfits)
