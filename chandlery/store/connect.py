"""The one place that connects, and refuses what cannot hold the candles."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from chandlery import embedded
from chandlery.errors import Misuse
from chandlery.settings import Settings
from chandlery.store.known_faults import known_fault

log = logging.getLogger(__name__)

Connection = psycopg.Connection[TupleRow]

OLDEST = (2, 18)
REACH_SECONDS = 10
GLANCE_SECONDS = 3
ALIVE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""So that a server which is gone without a word is missed in a minute, not in two hours."""

SETTINGS = {
    "timezone": "UTC",
    "jit": "off",  # costs a query over chunks more than it spares
    # Else a merge of few hours of many coins into compressed chunks fails: its batches count.
    "timescaledb.max_tuples_decompressed_per_dml_transaction": "0",
}
"""Of each connection."""

_HOWTO = "set DATABASE_URL to a TimescaleDB Community server, or unset it for the embedded one"


class Unreachable(Misuse):
    """Nobody answers there, or not yet; `why` is all that was said."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


def connect(settings: Settings) -> Connection:
    """Open a connection in autocommit mode, its time zone UTC.

    Starts the embedded TimescaleDB if no DATABASE_URL is set. Misuse when the address is wrong or
    unreachable (Unreachable), or what answers is not TimescaleDB, Community edition.
    """
    connection = _open(_conninfo(settings))
    try:
        _refuse_unfit(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def fault_at(url: str) -> str | None:
    """What is known against the TimescaleDB there; None also where nobody answers."""
    try:
        with psycopg.connect(url, connect_timeout=GLANCE_SECONDS) as connection:
            found = _extension(connection)
    except psycopg.Error:
        return None
    return None if found is None else known_fault(found[0])


def _conninfo(settings: Settings) -> str:
    """The embedded engine's clients share a session: only what is asked for at connecting holds."""
    if settings.database_url is None:
        try:
            dsn = embedded.ensure(settings.home)
        except embedded.EngineError as error:
            raise Unreachable(str(error), str(error)) from error
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        return make_conninfo(dsn, options=options)
    _refuse_garbled(settings.database_url)
    return settings.database_url


def _refuse_garbled(url: str) -> None:
    try:
        given = conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        raise Misuse(
            "DATABASE_URL is not an address: write postgresql://user:password@host:5432/database",
        ) from None
    # The rest of such a password is taken for the host or the database, and would be told.
    # (A host may begin with one: an abstract socket.)
    if "@" in str(given.get("host", ""))[1:] or "@" in str(given.get("dbname", "")):
        raise Misuse("DATABASE_URL has a password with @ or / in it: write %40 for @, %2F for /")


def _open(conninfo: str) -> Connection:
    """Without named prepared statements: behind the embedded one, all clients share a session."""
    given = conninfo_to_dict(conninfo)
    ours = {"connect_timeout": REACH_SECONDS, **ALIVE}
    try:
        connection = psycopg.connect(
            make_conninfo(conninfo, **{**ours, **given}),
            autocommit=True,
            prepare_threshold=None,
        )
        connection.execute(
            "select set_config(name, value, false)"
            " from unnest(%s::text[], %s::text[]) as _ (name, value)",
            (list(SETTINGS), list(SETTINGS.values())),
        )
    except psycopg.Error as error:
        where = f"{given.get('host', 'localhost')}:{given.get('port', 5432)}"
        why = first_line(error)
        message = f"cannot reach the database at {where} ({why}): {_HOWTO}"
        raise Unreachable(message, why) from None
    return connection


def first_line(error: BaseException | None) -> str:
    """The first line of what libpq says; the rest are its guesses."""
    lines = [first_line.strip() for first_line in str(error).splitlines() if first_line.strip()]
    return lines[0] if lines else type(error).__name__


def _refuse_unfit(connection: Connection) -> None:
    found = _extension(connection)
    if found:
        _refuse_edition(*found)
        return
    # A server tells its edition only where the extension is: it is taken back if that is wrong.
    with connection.transaction():
        _refuse_edition(*_made(connection))


@cache
def _tell_fault(version: str) -> None:
    """Once in a process."""
    if words := known_fault(version):
        log.warning("%s", words)


def _refuse_edition(version: str, edition: str) -> None:
    if tuple(int(part) for part in version.split("-", maxsplit=1)[0].split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise Misuse(f"the database has TimescaleDB {version}, older than {oldest}: upgrade it")
    if edition != "timescale":
        raise Misuse(
            f"the database's TimescaleDB is of the {edition} edition, and continuous aggregates"
            f" need Community: {_HOWTO}",
        )
    _tell_fault(version)


def _extension(connection: Connection) -> tuple[str, str] | None:
    """The extension's version and edition, where it is in this database."""
    found = connection.execute(
        "select extversion, coalesce(current_setting('timescaledb.license', true), 'unknown')"
        " from pg_extension where extname = 'timescaledb'"
    ).fetchone()
    return found and (found[0], found[1])


def _made(connection: Connection) -> tuple[str, str]:
    """The same, where it was not."""
    offered = connection.execute("select from pg_available_extensions where name = 'timescaledb'")
    if offered.fetchone() is None:
        raise Misuse(f"the database is plain PostgreSQL, without TimescaleDB: {_HOWTO}")
    try:
        connection.execute("set local client_min_messages = warning")
        connection.execute("create extension if not exists timescaledb")
    except psycopg.Error as error:
        reason = f"cannot create the extension timescaledb ({first_line(error)})"
        raise Misuse(f"{reason}: {_HOWTO}") from None
    made = _extension(connection)
    if made is None:
        raise LookupError("the extension timescaledb is not there, though it was just made")
    return made


@contextmanager
def alone(connection: Connection, what: str) -> Iterator[None]:
    """A transaction that waits for others that do the same `what`, and makes them wait."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (what,))
        yield


@contextmanager
def taken_as_now(connection: Connection, now: datetime | None) -> Iterator[None]:
    """A transaction in which the views take `now`, where it is given, for the present."""
    with connection.transaction():
        if now is not None:
            connection.execute("select set_config('chandlery.now', %s, true)", (now.isoformat(),))
        yield
