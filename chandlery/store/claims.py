"""Who is at work on which hours: of runs that overlap, each hour is fetched by one.

Rows with a lease, and not locks: behind the embedded engine all clients share one session.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from chandlery.model import Window
from chandlery.store.connect import Connection, alone
from chandlery.store.process import Process
from chandlery.store.queries import query

LEASE = timedelta(minutes=5)


class Claimant(NamedTuple):
    """A run at a batch of coins; people know it as `name`."""

    run: UUID
    name: str
    process: Process


class Claim(NamedTuple):
    """Hours of a coin that somebody is at work on."""

    coin: int
    window: Window
    by: Claimant


def claim(
    connection: Connection,
    by: Claimant,
    coins: Sequence[int],
    window: Window,
    lease: timedelta = LEASE,
) -> list[Claim]:
    """Claim the window for each of the coins, but for what others have; return what they have.

    Of two at the same instant, one comes first. Nobody waits for what is claimed. Claims whose
    lease is over, or whose process has ended on this machine, count no longer. Claimed again by
    the same run, they are claimed anew.
    """
    with alone(connection, "claim"):
        _delete(connection, {by.run})
        others = _others(connection, coins, window)
        dead = {each.by.run for each in others if each.by.process.is_gone}
        if dead:
            _delete(connection, dead)
        others = [each for each in others if each.by.run not in dead]
        free = [
            (coin, part)
            for coin in coins
            for part in window.without(each.window for each in others if each.coin == coin)
        ]
        given = {
            "coins": [coin for coin, _ in free],
            "starts": [part.start for _, part in free],
            "ends": [part.end for _, part in free],
        }
        given |= {"run": by.run, "name": by.name, "lease": lease, **by.process._asdict()}
        connection.execute(query("note_claims"), given)
    return others


def renew_claims(connection: Connection, run: UUID, lease: timedelta = LEASE) -> None:
    """Let what a run has claimed be its own for a lease from now on."""
    connection.execute(
        "update claim set lease_until = clock_timestamp() + %s where run = %s", (lease, run)
    )


def release_claims(connection: Connection, run: UUID) -> None:
    """Give back what a run has claimed."""
    _delete(connection, {run})


def _others(connection: Connection, coins: Sequence[int], window: Window) -> list[Claim]:
    asked = {"coins": list(coins), "start": window.start, "end": window.end}
    rows = connection.execute(query("claims"), asked)
    return [
        Claim(coin, Window(start, end), Claimant(run, name, Process(*process)))
        for coin, start, end, run, name, *process in rows
    ]


def _delete(connection: Connection, runs: Collection[UUID]) -> None:
    connection.execute("delete from claim where run = any (%s)", (list(runs),))
