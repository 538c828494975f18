"""The coins as they were ranked on a day, and the market caps that tell it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from chandlery.model import Coin
from chandlery.store.connect import Connection
from chandlery.store.queries import query

UNIVERSE = pl.Schema(
    {
        "rank": pl.Int64(),
        "id": pl.String(),
        "symbol": pl.String(),
        "name": pl.String(),
        "market_cap": pl.Float64(),  # in dollars; null: not known of that day
        "volume_30d": pl.Float64(),  # in dollars; null: not what the coins are ranked by
        "basis": pl.String(),  # market_cap, market_cap_later or volume_30d
        "ranked_on": pl.Date(),  # the day that the ranks are of
        "without_market_cap": pl.Int64(),  # so many of the best by volume have none that day
    }
)
RANKED_BY = ("market_cap", "volume_30d")
ASKED_AGAIN = timedelta(days=90)


def universe(
    connection: Connection, day: date, most: int | None = None, ranked_by: str | None = None
) -> pl.DataFrame:
    """The best `most` coins (all, if None) of a UTC day, best first, as UNIVERSE.

    sql/objects/22_universe.sql says by what they are ranked, unless `ranked_by` (of RANKED_BY)
    does.
    """
    rows = connection.execute("select * from universe(%s, %s, %s)", (day, most, ranked_by))
    return pl.DataFrame(rows.fetchall(), UNIVERSE, orient="row")


def note_market_caps(
    connection: Connection, told: Mapping[int, Sequence[tuple[date, float]]], now: datetime
) -> int:
    """Keep market caps (by coin's key: UTC day, dollars) that were told at `now`, of days before.

    Returns how many are new. What is known of a day stays.
    """
    rows = [(day, coin, cap) for coin, caps in told.items() for day, cap in caps]
    given = {
        "days": [day for day, _, _ in rows],
        "coins": [coin for _, coin, _ in rows],
        "market_caps": [cap for _, _, cap in rows],
        "now": now,
    }
    return connection.execute(query("note_market_caps"), given).rowcount


def without_market_caps(connection: Connection, now: datetime, most: int) -> list[Coin]:
    """The coins whose market caps of the past year are to be asked for, best-ranked first."""
    given = {"now": now, "asked_before": now - ASKED_AGAIN, "most": most}
    return [Coin(*row) for row in connection.execute(query("without_market_caps"), given)]


def keep_market_caps(
    connection: Connection, coin: int, told: Sequence[tuple[date, float]], now: datetime
) -> int:
    """Keep a coin's market caps of the past year, and that they were asked for; how many are new.

    As `note_market_caps` does.
    """
    with connection.transaction():
        connection.execute("update coin set market_caps_asked_at = %s where key = %s", (now, coin))
        return note_market_caps(connection, {coin: told}, now)
