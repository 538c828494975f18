"""Bring the database's tables up to date: once, in order, with a ledger of checksums."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from psycopg import sql

from candles import Misuse
from store.connect import Connection
from store.queries import SQL

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


def migrate(connection: Connection, folder: Path = MIGRATIONS) -> Sequence[str]:
    """Run what has not run yet; return the names of the files run.

    Misuse when a file that has run was edited or taken away: the tables are then not what the
    files say, and what to do about it is a person's decision.
    """
    files = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))}
    done = _done(connection)
    _refuse_edited(files, done)
    fresh = [name for name in files if name not in done]
    return [name for name in fresh if _run(connection, name, files[name])]


def _done(connection: Connection) -> dict[str, str]:
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("set local client_min_messages = warning")
        connection.execute(_LEDGER)
        rows = connection.execute("select name, checksum from migration").fetchall()
    return {str(name): str(checksum) for name, checksum in rows}


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
