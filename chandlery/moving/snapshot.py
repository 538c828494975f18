"""What both a copy and a backup read from: the database as it was at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from chandlery import store


@contextmanager
def snapshot(connection: store.Connection) -> Iterator[None]:
    """A transaction that sees what was committed when it began, and nothing later.

    Times are written with their zone, whatever the server's style is. On the embedded database
    other clients wait until it is over: they share its one session.
    """
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(
            "select set_config('datestyle', 'ISO, YMD', true),"
            " set_config('idle_in_transaction_session_timeout', '0', true)"
        )
        yield
