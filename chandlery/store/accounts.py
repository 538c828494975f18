"""What venues count, by place: a text that is its keeper's business, and its version."""

from collections.abc import Callable

from chandlery.store.connect import Connection

LOOKS = 3


def read_account(connection: Connection, place: str) -> tuple[str | None, int]:
    """A place's account and its version; None and 0 where there is none yet."""
    row = connection.execute(
        "select state::text, version from account where place = %s", (place,)
    ).fetchone()
    return (None, 0) if row is None else (str(row[0]), int(row[1]))


def keep_account(connection: Connection, place: str, state: str, version: int) -> bool:
    """Put it in place of this version; false, and nothing done, if that was replaced already."""
    kept = connection.execute(
        "insert into account (place, state, version) values (%s, %s, %s)"
        " on conflict (place) do update set state = excluded.state, version = excluded.version"
        " where account.version = excluded.version - 1",
        (place, state, version + 1),
    )
    return kept.rowcount == 1


def clock_ahead(connection: Connection, clock: Callable[[], float]) -> float:
    """Seconds by which the database's clock (since 1970) is ahead of this one.

    Of some looks, the quickest's.
    """
    return min(_look(connection, clock) for _ in range(LOOKS))[1]


def _look(connection: Connection, clock: Callable[[], float]) -> tuple[float, float]:
    """How long asking took, and by how much the answer was ahead of the middle of it."""
    before = clock()
    row = connection.execute("select extract(epoch from clock_timestamp())::float8").fetchone()
    after = clock()
    return after - before, (float(row[0]) if row else after) - (before + after) / 2
