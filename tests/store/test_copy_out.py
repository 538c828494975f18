"""Rows of a COPY, taken from libpq by our own loop: they are psycopg's, and so are its errors."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from chandlery import store
from chandlery.store.frames.copy_out import copy_out

MANY = 20_000


def _sent(connection: store.Connection, statement: sql.Composed) -> bytes:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return copy_out(connection, copy)


def _copy(what: LiteralString, many: int = MANY) -> sql.Composed:
    rows = sql.SQL("copy (select {} from generate_series(1, {}) i) to stdout (format binary)")
    return rows.format(sql.SQL(what), many)


@pytest.mark.parametrize("many", [0, 1, MANY])
@pytest.mark.parametrize("what", ["i, i::float8", "i, repeat('x', i % 5000)"])
def test_all_rows_come_as_psycopg_hands_them_out(
    connection: store.Connection, what: LiteralString, many: int
) -> None:
    statement = _copy(what, many)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        rows = b"".join(copy)
    assert _sent(connection, statement) == rows
    assert connection.execute("select 1").fetchall() == [(1,)]


def test_what_breaks_off_is_told_in_the_databases_words(connection: store.Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
        _sent(connection, _copy("1 / (19990 - i)"))
    assert connection.execute("select 1").fetchall() == [(1,)]


def test_what_cannot_begin_is_told_so(connection: store.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn):
        _sent(connection, _copy("nothing"))
