"""The frame that flows through every room, and the rules it is held to at both doors.

A rule's name is its error message: "high is highest (3 rows)".
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import polars as pl

from candles.errors import Malformed
from candles.time import Window

SCHEMA = pl.Schema(
    {
        "open_time": pl.Datetime("us", "UTC"),
        "open": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
        "close": pl.Float64(),
        "volume": pl.Float64(),  # base units; null where unknown
        "quote_volume": pl.Float64(),  # null where unknown
        "trades": pl.Int64(),  # null where unknown
    },
)
PRICES = ("open", "high", "low", "close")
AMOUNTS = ("volume", "quote_volume", "trades")


class Rule(NamedTuple):
    """What must hold, and the rows that break it."""

    name: str
    broken: pl.Expr


_price = pl.col(*PRICES)
_amount = pl.col(*AMOUNTS).cast(pl.Float64)

RULES: Sequence[Rule] = (
    Rule("open_time is known", pl.col("open_time").is_null()),
    Rule("open_time is on the hour", pl.col("open_time").dt.epoch("us") % 3_600_000_000 != 0),
    Rule("open_time rises", pl.col("open_time").diff().dt.total_microseconds() <= 0),
    Rule("prices are known", pl.any_horizontal(_price.is_null())),
    Rule(
        "prices are finite and above zero", pl.any_horizontal(~_price.is_finite() | (_price <= 0))
    ),
    Rule("high is highest", pl.col("high") < pl.max_horizontal("open", "low", "close")),
    Rule("low is lowest", pl.col("low") > pl.min_horizontal("open", "high", "close")),
    Rule(
        "amounts are finite and not below 0",
        pl.any_horizontal(~_amount.is_finite() | (_amount < 0)),
    ),
    Rule(  # one that cannot would stop the refresh of every coin's 4h and 1d candles
        "amounts can be added up",
        pl.any_horizontal(
            pl.col("volume", "quote_volume").is_between(1e300, inf, closed="none"),
            pl.col("trades") > 10**15,
        ),
    ),
)


def check(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `frame` if it has the schema and keeps every rule; Malformed names those broken."""
    if frame.schema != SCHEMA:
        raise Malformed(f"columns are {dict(frame.schema)}, not {dict(SCHEMA)}")
    counts = frame.select(
        rule.broken.fill_null(value=False).sum().alias(rule.name) for rule in RULES
    ).row(0, named=True)
    broken = [f"{name} ({count} rows)" for name, count in counts.items() if count]
    if broken:
        raise Malformed("; ".join(broken))
    return frame


def within(frame: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The candles that open in `window`."""
    return frame.filter(pl.col("open_time").is_between(window.start, window.end, closed="left"))


def empty() -> pl.DataFrame:
    """No candles."""
    return SCHEMA.to_frame()
