"""The evidence of why hours are missing: who was asked for them, and did not give them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from chandlery.model import Window
from chandlery.store.connect import Connection
from chandlery.store.queries import query

NOTED = (
    *("coins", "sources", "starts", "ends", "outcomes", "words", "firsts", "lasts", "attempts"),
    *("retries", "others", "compared", "settled"),
)
"""The parameters of the query note_absences, a list each."""


class Absence(NamedTuple):
    """Hours that a source was asked for and did not give.

    `first_at` is when it was first found so, `last_at` when it was asked last; nobody asks again
    before `retry_at` (None: the next run does). `words` are the venue's, where it said anything.
    `others` is what the source had of other coins then (have, lack, alone; None: nobody has
    looked), `other` the key of the coin that was asked for only to compare. What is `settled` is
    not asked for again: the source leaves hours out in which nothing traded, and said so twice.
    """

    coin: int
    window: Window
    outcome: str
    words: str | None
    first_at: datetime
    last_at: datetime
    attempts: int
    retry_at: datetime | None
    others: str | None = None
    other: int | None = None
    settled: bool = False


def absences(connection: Connection, source: int, coins: Collection[int]) -> list[Absence]:
    """What is known of these coins at one source (by key), by coin and time."""
    rows = connection.execute(
        "select coin, starts_at, ends_at, outcome, words, first_at, last_at, attempts, retry_at,"
        " others, other, settled"
        " from absence where source = %s and coin = any (%s) order by coin, starts_at",
        (source, list(coins)),
    )
    return [Absence(coin, Window(start, end), *rest) for coin, start, end, *rest in rows]


def replace_absences(
    connection: Connection, source: int, coins: Collection[int], known: Iterable[Absence]
) -> None:
    """Put `known` in the place of all that was known of these coins at one source."""
    connection.execute(
        "delete from absence where source = %s and coin = any (%s)", (source, list(coins))
    )
    rows = [(each.coin, source, each.window.start, each.window.end, *each[2:]) for each in known]
    if rows:  # of a coin that trades seldom there are thousands
        columns = map(list, zip(*rows, strict=True))
        connection.execute(query("note_absences"), dict(zip(NOTED, columns, strict=True)))


def held_from(
    connection: Connection, source: int, hours: Sequence[tuple[int, datetime]]
) -> set[tuple[int, datetime]]:
    """Which of these (coin, hour) are held from this source."""
    rows = connection.execute(
        "select coin, open_time from unnest(%s::integer[], %s::timestamptz[]) as asked (c, t)"
        " join candle_1h on coin = c and open_time = t where source = %s",
        ([coin for coin, _ in hours], [hour for _, hour in hours], source),
    )
    return {(coin, Window(hour, hour).start) for coin, hour in rows}


def note_health(
    connection: Connection,
    source: int,
    *,
    answered_at: datetime | None,
    failed_at: datetime | None,
    words: str | None,
) -> None:
    """Keep how a source fared; what is None stays as it was."""
    connection.execute(
        "insert into health (source, answered_at, failed_at, words) values (%s, %s, %s, %s)"
        " on conflict (source) do update set"
        " answered_at = coalesce(excluded.answered_at, health.answered_at),"
        " failed_at = coalesce(excluded.failed_at, health.failed_at),"
        " words = coalesce(excluded.words, health.words)",
        (source, answered_at, failed_at, words),
    )


def note_hourly(connection: Connection, most: Mapping[str, int], now: datetime) -> None:
    """Keep for how many coins hourly runs ask each of these sources; they ask others for all."""
    asked = {"sources": list(most), "numbers": list(most.values()), "now": now}
    connection.execute(query("note_hourly"), asked)


def note_kinds(connection: Connection, indicative: Sequence[str]) -> None:
    """Keep which of the sources that are known to the database are indicative."""
    connection.execute(
        "update source set traded = not traded where traded = (name = any (%s))",
        (list(indicative),),
    )
