"""Who may do what: the owner of the tables, the database's writer, and its reader."""

import psycopg

from chandlery.errors import Misuse
from chandlery.store.connect import Connection
from chandlery.store.queries import SQL

ROLES = SQL / "roles"
_LOCK = 0x726F6C6573  # "roles": of two who grant at once PostgreSQL refuses one


def make_roles(connection: Connection) -> tuple[str, str]:
    """Make the database's writer and reader, if they are not there; return their names.

    Misuse where this user may not make roles.
    """
    _run(connection, "make")
    row = connection.execute(
        "select current_database() || '_writer', current_database() || '_reader'"
    ).fetchone()
    return row if row is not None else ("", "")


def share(connection: Connection) -> None:
    """Give the writer and the reader what is theirs, where there are such roles.

    Misuse where the tables are not this user's to give.
    """
    _run(connection, "share")


def _run(connection: Connection, name: str) -> None:
    try:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            connection.execute("set local client_min_messages = error")
            connection.execute((ROLES / f"{name}.sql").read_bytes())
    except (
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.DependentObjectsStillExist,
        psycopg.errors.RaiseException,
    ) as error:
        told = error.diag
        detail = f" ({told.message_detail})" if told.message_detail else ""
        raise Misuse(f"the roles cannot be set up: {told.message_primary}{detail}") from None
