"""What one answer said and another has to say again before it is believed."""

from collections.abc import Collection
from datetime import datetime, timedelta

from chandlery.store.connect import Connection

APART = timedelta(hours=6)
"""Two answers nearer than that may be one mistake: of a cache, of a maintenance, of a rerun."""


def confirmed(
    connection: Connection, kind: str, said: Collection[str], now: datetime
) -> dict[str, datetime]:
    """Note that an answer `said` this of these subjects; return those it was said of before.

    That is: by every answer since one that came at least APART before `now`, whose time is given.
    What is no longer said is forgotten. To be called in the transaction that acts on it.
    """
    subjects = sorted(said)
    connection.execute(
        "delete from unconfirmed where kind = %s and subject <> all (%s)", (kind, subjects)
    )
    connection.execute(
        "insert into unconfirmed (kind, subject, first_at, last_at)"
        " select %(kind)s, subject, %(now)s, %(now)s from unnest(%(subjects)s::text[]) as subject"
        " on conflict (kind, subject) do update"
        " set last_at = greatest(unconfirmed.last_at, excluded.last_at)",
        {"kind": kind, "subjects": subjects, "now": now},
    )
    rows = connection.execute(
        "select subject, first_at from unconfirmed where kind = %s and first_at <= %s",
        (kind, now - APART),
    )
    return dict(rows.fetchall())
