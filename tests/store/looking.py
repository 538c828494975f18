"""Candles to look through, what is known of them, and what the looks find."""

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from chandlery import store
from chandlery.model import HOUR, Window
from chandlery.store import Absence
from chandlery.store.frames.learn_listings import learn_listings

T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOW = 24 * 30

STEADY = {"open": 2.0, "high": 2.1, "low": 1.9, "close": 2.0}
FLAT = {"open": 2.0, "high": 2.0, "low": 2.0, "close": 2.0, "volume": 0.0}


def times(factor: float, prices: Mapping[str, float] = STEADY) -> dict[str, float]:
    return {name: value * factor for name, value in prices.items()}


def listed(connection: store.Connection, coin: str, end: datetime | None = None) -> None:
    listing = pl.DataFrame(
        {"id": [coin], "symbol": [f"{coin}USDT"], "multiple": [1], "start": [None], "end": [end]},
        schema_overrides={"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
    )
    others = pl.DataFrame({"symbol": [f"{name}USDT" for name in "abcde"]}).with_columns(
        trading=pl.lit(value=True), end=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    learn_listings(connection, "spot", listing, T0, others)


def lacks(connection: store.Connection, source: int, *holes: tuple[int, int, int, str]) -> None:
    """What a source had none of, as (coin, first hour, end, outcome); outages are told from it."""
    told = [
        Absence(coin, Window(T0 + start * HOUR, T0 + end * HOUR), outcome, None, T0, T0, 1, None)
        for coin, start, end, outcome in holes
    ]
    store.replace_absences(connection, source, sorted({each.coin for each in told}), told)
    store.refresh(connection)
    store.find_outages(connection, Window(T0, T0 + NOW * HOUR))


def found(
    connection: store.Connection, *kinds: str, now: int = NOW
) -> list[tuple[str, str, str, str]]:
    """What holds then, as (kind, coin, day and hour, detail)."""
    store.refresh(connection)
    at = T0 + now * HOUR
    store.look_for(connection, [1, 2, 3, 4, 5], at)
    rows = store.open_findings(connection, [1, 2, 3, 4, 5], at).filter(
        pl.col("ended_at").is_null() & (pl.col("kind").is_in(kinds) | (len(kinds) == 0))
    )
    columns = ("kind", "symbol", "open_time", "detail")
    told = rows.select(columns).sort("open_time", "symbol", "kind").iter_rows()
    return [(kind, coin, f"{at:%d %H}", detail) for kind, coin, at, detail in told]
