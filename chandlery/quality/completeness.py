"""What is held of some coins over time, by whom, and why the rest is not: what reports show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from chandlery import store
from chandlery.model import Coin, Window

BY_HOUR = timedelta(hours=96)  # windows of at most that are shown hour by hour
BY_DAY = timedelta(days=100)
EVERY: Mapping[store.Step, str] = {"hour": "1h", "day": "1d", "month": "1mo"}
COINS = pl.Schema(
    {
        "key": pl.Int64(),
        "symbol": pl.String(),
        "name": pl.String(),
        "rank": pl.Int64(),
        "id": pl.String(),
    },
)


@dataclass(frozen=True, slots=True)
class Survey:
    """Step by step (an hour, a day or a month of UTC), within a window or all of the coins' lives.

    `held` has a row a coin, by rank, and step that it lived in: id, symbol, at (the step's start),
    expected and present (hours). `shares` has a row a step and source: at, source, hours.
    `reasons` says by reason how many gaps there are, and of how many hours.
    """

    step: store.Step
    held: pl.DataFrame
    shares: pl.DataFrame
    reasons: Mapping[str, Mapping[str, int]]


def survey(
    connection: store.Connection, coins: Sequence[Coin], now: datetime, window: Window
) -> Survey:
    """Look at these coins within a window, as of `now`, by hour, day or month as it is long."""
    step = _step(window)
    keys = [coin.key for coin in coins]
    whole = window if step == "hour" else Window(_midnight(window.start, step), window.end)
    return seen(
        named(coins),
        store.measure(connection, keys, now),
        store.unlisted(connection, keys, now),
        store.shares(connection, keys, step, whole),
        store.gaps_by_reason(connection, now, window, keys),
        step=step,
        window=whole,
    )


def seen(  # noqa: PLR0913, PLR0917  each is a part of what is seen
    coins: pl.DataFrame,
    measured: pl.DataFrame,
    unlisted: pl.DataFrame,
    shared: pl.DataFrame,
    reasons: Mapping[str, Mapping[str, int]],
    step: store.Step = "month",
    window: Window | None = None,
) -> Survey:
    """A survey of frames that are at hand.

    As COINS, store.MEASURES, store.SPANS and store.SHARES have them. Hours that nobody could have
    (`unlisted`) are not expected.
    """
    lives = measured.filter(timeframe="1h").select("coin", "starts_at", "ends_at")
    if window is not None:
        lives, unlisted = _clipped(lives, window), _clipped(unlisted, window)
    nobodys = _steps(unlisted, step).group_by("coin", "at").agg(nobodys=pl.col("expected").sum())
    present = shared.group_by("coin", "at").agg(pl.col("hours").sum())
    held = (
        coins.with_row_index("row")
        .join(_steps(lives, step), left_on="key", right_on="coin")
        .join(nobodys, left_on=["key", "at"], right_on=["coin", "at"], how="left")
        .with_columns(pl.col("expected") - pl.col("nobodys").fill_null(0))
        .filter(pl.col("expected") > 0)
        .join(present, left_on=["key", "at"], right_on=["coin", "at"], how="left")
        .sort("row", "at")
        .select(
            "id",
            "symbol",
            "at",
            "expected",
            present=pl.min_horizontal(pl.col("hours").fill_null(0), "expected"),
        )
    )
    by_source = shared.group_by("at", "source").agg(pl.col("hours").sum()).sort("at", "source")
    return Survey(step, held, by_source, reasons)


def named(coins: Sequence[Coin]) -> pl.DataFrame:
    """The coins as a frame, in their order, as COINS has it."""
    rows = [(coin.key, coin.symbol, coin.name, coin.rank, coin.id) for coin in coins]
    return pl.DataFrame(rows, schema=COINS, orient="row")


def _clipped(spans: pl.DataFrame, window: Window) -> pl.DataFrame:
    """The parts of spans (starts_at, ends_at) that lie in the window."""
    return spans.with_columns(
        pl.col("starts_at").clip(lower_bound=window.start),
        pl.col("ends_at").clip(upper_bound=window.end),
    ).filter(pl.col("starts_at") < pl.col("ends_at"))


def _step(window: Window) -> store.Step:
    length = window.end - window.start
    return "hour" if length <= BY_HOUR else "day" if length <= BY_DAY else "month"


def _midnight(at: datetime, step: store.Step) -> datetime:
    first = at.day if step == "day" else 1
    return at.replace(day=first, hour=0)


def _steps(lives: pl.DataFrame, step: store.Step) -> pl.DataFrame:
    """A row a coin and step of its life: coin, at, and the hours of the step that lie in it."""
    every, at = EVERY[step], pl.col("at")
    begins = pl.max_horizontal(at, "starts_at")
    ends = pl.min_horizontal(at.dt.offset_by(every), "ends_at")
    return (
        lives.with_columns(
            at=pl.datetime_ranges(
                pl.col("starts_at").dt.truncate(every), "ends_at", interval=every, closed="left"
            )
        )
        .explode("at")
        .select("coin", "at", expected=(ends - begins).dt.total_hours())
    )
