"""How many requests a month has cost, kept across runs."""

from datetime import datetime

from chandlery.store.connect import Connection


def note_spent(connection: Connection, source: str, now: datetime, requests: int) -> None:
    """Add to what a source was asked in the month of `now`."""
    connection.execute(
        "insert into spent (source, month, requests) values (%s, %s, %s)"
        " on conflict (source, month) do update"
        " set requests = spent.requests + excluded.requests",
        (source, now.date().replace(day=1), requests),
    )


def spent(connection: Connection, source: str, now: datetime) -> int:
    """How often a source was asked in the month of `now`."""
    row = connection.execute(
        "select requests from spent where (source, month) = (%s, %s)",
        (source, now.date().replace(day=1)),
    ).fetchone()
    return 0 if row is None else int(row[0])
