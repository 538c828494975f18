"""Bring the database up to date: tables by migrations, each once; views and functions by checksum.

A migration runs once, in its order. The files of sql/objects say how views and functions are today:
where one of them is not as it was when they last ran, all of them run again.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from chandlery.errors import Misuse
from chandlery.store.connect import Connection
from chandlery.store.queries import SQL
from chandlery.store.roles import share

MIGRATIONS, OBJECTS = SQL / "migrations", SQL / "objects"
_ALONE = "-- no transaction"
_LOCK = 0x6368616E646C6572  # "chandler": one migrates at a time

_OBJECT = "objects/"  # before the name of one, beside those of migrations
_TABLE = """
create table if not exists migration (
    name text primary key,
    checksum text not null,
    applied_at timestamptz not null default now()
)
"""

_NOTE = """
insert into migration (name, checksum) values (%s, %s)
on conflict (name) do update set checksum = excluded.checksum, applied_at = now()
"""
_VIEW = re.compile(r"^create or replace view (\w+)", re.MULTILINE)

_MAY = """
select coalesce(has_schema_privilege(current_schema(), 'create'), false)
    and coalesce(
        (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('migration')),
        true
    )
"""


def migrate(
    connection: Connection,
    folder: Path = MIGRATIONS,
    objects: Path = OBJECTS,
    *,
    only: Collection[str] | None = None,
) -> Sequence[str]:
    """Run what has not run yet; return the names of the files run.

    `only`: the tables are brought as far as these migrations do; views and functions are left out
    where that is not as far as it goes.

    Misuse when a migration that has run was edited or taken away: the tables are then not what the
    files say, and what to do about it is a person's decision. Misuse too when something is to be
    run and the tables are not this user's: writers and readers only look whether all has run.
    """
    files, made = _files(folder), {_OBJECT + name: it for name, it in _files(objects).items()}
    if only is not None and any(name not in only for name in files):
        files, made = {name: it for name, it in files.items() if name in only}, {}
    done = _done(connection)
    _refuse_edited(files, {name: it for name, it in done.items() if not name.startswith(_OBJECT)})
    fresh = [name for name in files if name not in done]
    changed = [name for name, text in made.items() if done.get(name) != _checksum(text)]
    if not fresh and not changed:
        return []
    _begin(connection)
    run = [name for name in fresh if _run(connection, name, files[name])]
    run += _make_objects(connection, made)
    share(connection)
    return run


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.sql"))}


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
    """Make the table of migrations, if there is none; Misuse for whom the tables are not."""
    row = connection.execute(_MAY).fetchone()
    if row != (True,):
        raise Misuse(
            f"the tables are not up to date, and {_who(connection)} may not change them:"
            " run `chandlery migrate` with their owner's DATABASE_URL"
        )
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("set local client_min_messages = warning")
        connection.execute(_TABLE)


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


def _make_objects(connection: Connection, objects: Mapping[str, str]) -> Sequence[str]:
    """Make views and functions as their files say, unless another process just did."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        done = _done(connection)
        changed = [name for name, text in objects.items() if done.get(name) != _checksum(text)]
        if not changed:
            return []
        connection.execute("set local client_min_messages = warning")
        try:
            with connection.transaction():
                _make(connection, objects)
        except psycopg.errors.InvalidTableDefinition:  # a column of a view is another, or gone
            _drop_views(connection, objects)
            _make(connection, objects)
        for name in changed:
            connection.execute(_NOTE, (name, _checksum(objects[name])))
    return changed


def _make(connection: Connection, objects: Mapping[str, str]) -> None:
    for text in objects.values():
        connection.execute(text.encode())


def _drop_views(connection: Connection, objects: Mapping[str, str]) -> None:
    """Drop the views, the last first; Misuse where somebody's own are made from them."""
    for text in reversed([*objects.values()]):
        for name in _VIEW.findall(text):
            try:
                connection.execute(sql.SQL("drop view if exists {}").format(sql.Identifier(name)))
            except psycopg.errors.DependentObjectsStillExist as error:
                raise _in_the_way(f"the file of {name}", error) from None


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
        try:
            connection.execute(text.encode())
        except psycopg.errors.DependentObjectsStillExist as error:
            raise _in_the_way(name, error) from None
    return True


def _in_the_way(what: str, error: psycopg.Error) -> Misuse:
    return Misuse(
        f"{what} makes views anew, and something of yours is made from them"
        f" ({error.diag.message_detail}): drop that, run `chandlery migrate`, and make it again"
    )


def _enter(connection: Connection, name: str, text: str) -> bool:
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    entered = connection.execute(
        sql.SQL(
            "insert into migration (name, checksum) values (%s, %s) on conflict do nothing",
        ),
        (name, _checksum(text)),
    )
    if entered.rowcount:  # it may drop what is in its way, which is made again
        connection.execute("delete from migration where name like %s", (f"{_OBJECT}%",))
    return entered.rowcount == 1


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
