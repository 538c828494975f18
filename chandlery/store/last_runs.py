"""How the last run of each verb ended, and how fresh the candles are: what monitors ask for."""

from datetime import datetime, timedelta
from typing import NamedTuple

from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.queries import query


class LastRun(NamedTuple):
    """The last run of a verb. `good_at`: of the last that did not fail for all of its coins."""

    verb: str
    ended_at: datetime
    good_at: datetime | None
    coins: int
    failed: int


class Fresh(NamedTuple):
    """Coins that are listed and have candles, those of them that are not late, the newest end."""

    coins: int
    fresh: int
    newest: datetime | None


def note_run(  # noqa: PLR0913  a row
    connection: Connection, verb: str, at: datetime, *, good: bool, coins: int, failed: int
) -> None:
    """Keep how a run ended."""
    row = {"verb": verb, "at": at, "good": good, "coins": coins, "failed": failed}
    connection.execute(query("note_run"), row)


def last_runs(connection: Connection) -> list[LastRun]:
    """The last run of each verb, by its name; times in UTC."""
    rows = connection.execute(
        "select verb, ended_at, good_at, coins, failed from last_run order by verb"
    )
    return [LastRun(*row) for row in rows]


def fresh(connection: Connection, now: datetime, late: timedelta) -> Fresh:
    """How many coins have their newest hour as of `now`, give or take `late`."""
    with taken_as_now(connection, now):
        found = connection.execute(query("fresh"), {"late": late}).fetchone()
    coins, in_time, newest = found or (0, 0, None)
    return Fresh(coins, in_time, newest)
