"""Bring the database's tables up to date: once, in order, with a ledger of checksums."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from chandlery.errors import Misuse
from chandlery.store.connect import Connection
from chandlery.store.queries import SQL
from chandlery.store.roles import share

MIGRATIONS = SQL / "migrations"
_ALONE = "-- no transaction"
_LOCK = 0x6368616E646C6572  # "chandler": one migrates at a time

_LEDGER = """
create table if not exists migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""

_MAY = """
select coalesce(has_schema_privilege(current_schema(), 'create'), false)
    and coalesce(
        (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('migration')),
        true
    )
"""


def migrate(connection: Connection, folder: Path = MIGRATIONS) -> Sequence[str]:
    """Run what has not run yet; return the names of the files run.

    Misuse when a file that has run was edited or taken away: the tables are then not what the
    files say, and what to do about it is a person's decision. Misuse too when something is to be
    run and the tables are not this user's: writers and readers only look whether all has run.
    """
    files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))}
    done = _done(connection)
    _refuse_edited(files, done)
    fresh = [name for name in files if name not in done]
    if not fresh:
        return []
    _begin(connection)
    run = [name for name in fresh if _run(connection, name, files[name])]
    share(connection)
    return run


def _done(connection: Connection) -> dict[str, str]:
    there = connection.execute("select to_regclass('migration') is not null").fetchone()
    if there != (True,):
        return {}
    try:
        rows = connection.execute("select name, checksum from migration").fetchall()
    except psycopg.errors.InsufficientPrivilege:
        raise Misuse(
            f"{_who(connection)} may not read the tables: have their owner run `chandlery roles`,"
            " and make it a member of the reader or the writer"
        ) from None
    return {str(name): str(checksum) for name, checksum in rows}


def _begin(connection: Connection) -> None:
    """Make the ledger, if there is none; Misuse for whom the tables are not."""
    row = connection.execute(_MAY).fetchone()
    if row != (True,):
        raise Misuse(
            f"the tables are not up to date, and {_who(connection)} may not change them:"
            " run `chandlery migrate` with their owner's DATABASE_URL"
        )
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("set local client_min_messages = warning")
        connection.execute(_LEDGER)


def _who(connection: Connection) -> str:
    row = connection.execute("select current_user").fetchone()
    return f"the user {row[0]}" if row else "this user"


def _refuse_edited(files: dict[str, str], done: dict[str, str]) -> None:
    for name, checksum in done.items():
        if name not in files:
            raise Misuse(
                f"the database ran {name}, which is not in this version's migrations:"
                " it was made by a newer Chandlery; update this one",
            )
        if _checksum(files[name]) != checksum:
            raise Misuse(
                f"migration {name} was edited after it ran:"
                " restore the file and put the change into a new one",
            )


def _run(connection: Connection, name: str, text: str) -> bool:
    """Run one file unless another process just did; say whether it was run here."""
    if text.startswith(_ALONE):
        connection.execute(text.encode())
        with connection.transaction():
            return _enter(connection, name, text)
    with connection.transaction():
        if not _enter(connection, name, text):
            return False
        connection.execute("set local client_min_messages = warning")
        connection.execute(text.encode())
    return True


def _enter(connection: Connection, name: str, text: str) -> bool:
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    entered = connection.execute(
        sql.SQL(
            "insert into migration (name, checksum) values (%s, %s) on conflict do nothing",
        ),
        (name, _checksum(text)),
    )
    return entered.rowcount == 1


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
