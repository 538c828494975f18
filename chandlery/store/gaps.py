"""Which hours are missing, why, and when they are asked for again."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from chandlery.model import Coin, Window
from chandlery.store.connect import Connection, taken_as_now
from chandlery.store.queries import query

FEW = 50
"""Coins of which every hour is counted within a second."""
NOT_MISSING = ("not listed yet", "delisted", "not wanted")
"""Reasons for hours that nobody could have, or that no run was asked for: they count as no gap."""


class Gap(NamedTuple):
    """A maximal run of a coin's missing hours.

    `evidence` says who was asked (source, start, end, outcome, words, others, other, attempts,
    first_asked, last_asked, next_attempt; times ISO 8601). Nobody asks before `next_attempt`;
    None: never. `asked_by` is the deployment that asks then (hourly, fill-gaps), or backfill, which
    no schedule starts; None: nobody.
    """

    symbol: str
    coin_id: str
    window: Window
    reason: str
    evidence: list[dict[str, Any]]
    attempts: int
    asked_by: str | None
    first_asked: datetime | None
    last_asked: datetime | None
    next_attempt: datetime | None


class Outage(NamedTuple):
    """Hours that a source has of no coin; `coins` of them have a hole then, between candles."""

    source: str
    window: Window
    coins: int


def gaps(
    connection: Connection,
    coins: Sequence[int] | None = None,
    window: Window | None = None,
    now: datetime | None = None,
    *,
    before: bool = True,
) -> list[Gap]:
    """The gaps of these coins (by key; all, if None), best rank first, as of `now`.

    Within `window` or, if None, from each coin's first hour to the last that has closed. The hours
    of a window that lie before a coin's life are told too, unless `before` is false.
    """
    asked = {
        "coins": None if coins is None else list(coins),
        "start": window.start if window is not None and before else None,
        "end": None if window is None else window.end,
    }
    with taken_as_now(connection, now):
        rows = connection.execute(query("gaps"), asked).fetchall()
    return [
        Gap(symbol, id_, Window(start, end), reason, evidence, attempts, by, *map(_utc, times))
        for symbol, id_, start, end, reason, evidence, attempts, by, *times, _ in rows
    ]


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def gaps_by_reason(
    connection: Connection,
    now: datetime | None = None,
    window: Window | None = None,
    coins: Sequence[int] | None = None,
) -> dict[str, dict[str, int]]:
    """How many gaps there are (in `window`, of `coins`), and of how many hours, by reason.

    The most hours come first.
    """
    asked = {
        "not_missing": list(NOT_MISSING),
        "coins": None if coins is None else list(coins),
        "start": None if window is None else window.start,
        "end": None if window is None else window.end,
    }
    with taken_as_now(connection, now):
        rows = connection.execute(query("gaps_by_reason"), asked).fetchall()
    return {reason: {"gaps": gaps, "hours": hours} for reason, gaps, hours in rows}


def lost_days(connection: Connection, coins: Sequence[int] | None = None) -> Window | None:
    """From when to when days count hours that are gone (UTC midnights); None where none is seen.

    What is missing is counted by days, and is wrong there. Each day of `coins` (by key) is looked
    at. Of all coins, where None, or of more than FEW each chunk is, whether it has any hour.
    """
    asked = {"coins": None if coins is None or len(coins) > FEW else list(coins)}
    start, end = connection.execute(query("lost_days"), asked).fetchone() or (None, None)
    return None if start is None or end is None else Window(start, end)


def asked(connection: Connection, coin: Coin, hour: datetime) -> list[dict[str, Any]]:
    """Who was asked for one hour of a coin and did not give it, as a gap's evidence has it."""
    rows = connection.execute(
        "select source.name, outcome, words, others, other.symbol, attempts, first_at, last_at"
        " from absence join source on source.key = absence.source"
        " left join coin other on other.key = absence.other"
        " where coin = %s and starts_at <= %s and ends_at > %s order by source.key",
        (coin.key, hour, hour),
    )
    names = (
        *("source", "outcome", "words", "others", "other", "attempts"),
        *("first_asked", "last_asked"),
    )
    return [dict(zip(names, (*row[:6], *map(_utc, row[6:])), strict=True)) for row in rows]


def outages(connection: Connection, window: Window | None = None) -> list[Outage]:
    """The venues' outages, by time; those that touch `window`, if it is given."""
    rows = connection.execute(
        "select source.name, starts_at, ends_at, coins from outage"
        " join source on source.key = outage.source"
        " where %(start)s::timestamptz is null or (starts_at < %(end)s and ends_at > %(start)s)"
        " order by starts_at, source.name",
        {
            "start": None if window is None else window.start,
            "end": None if window is None else window.end,
        },
    )
    return [Outage(source, Window(start, end), coins) for source, start, end, coins in rows]


class Health(NamedTuple):
    """How a source last fared, and the words of its last failure."""

    source: str
    answered_at: datetime | None
    failed_at: datetime | None
    words: str | None

    @property
    def is_well(self) -> bool:
        """Whether it answered when it was asked last, and nothing failed then."""
        if self.failed_at is None:
            return True
        return self.answered_at is not None and self.answered_at > self.failed_at


def health(connection: Connection) -> list[Health]:
    """Every source that was asked."""
    rows = connection.execute(
        "select source.name, answered_at, failed_at, words from health"
        " join source on source.key = health.source order by source.key"
    )
    return [
        Health(name, _utc(answered), _utc(failed), words) for name, answered, failed, words in rows
    ]
