"""Real coins, some that went wrong, replayed: all that is said of each, held to a table of truth.

The table is made from the recordings with polars alone. Nothing in it is asked of the database.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, instant, price, whole_hour
from chandlery.quality.check import Report, assess
from chandlery.settings import Settings
from chandlery.store.gaps import NOT_MISSING
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import serving

Open = Callable[..., AbstractContextManager[RunContext]]
SPOT = "binance_spot"
WHEN = {"trouble": instant("2023-12-30T19:00Z"), "market": instant("2026-04-30T04:00Z")}
BOUND, BACK = 0.405, 0.1  # of a jump, as a logarithm; of its way, what may be left of a wick
PRICES = ("open", "high", "low", "close")
UP, DOWN = pl.col("top") - pl.col("before"), pl.col("before") - pl.col("bottom")


class Row(NamedTuple):
    """One line of the table: a kind, whose it is, when, and in which words."""

    kind: str
    symbol: str
    at: datetime
    words: str


def lives(folder: Path, now: datetime) -> pl.DataFrame:
    """Every coin's closed hours, listing by listing: coin, listing, is_over, and the candle."""
    coins = json.loads((folder / "coins.json").read_bytes())
    parts = [
        pl.read_parquet(folder / SPOT / each["symbol"] / "1h.parquet")
        .filter(pl.col("open_time") >= instant(each.get("from", "2009-01-01T00:00Z")))
        .filter(pl.col("open_time") < instant(each.get("to", "2099-01-01T00:00Z")))
        .with_columns(
            coin=pl.lit(coin["symbol"].upper()),
            listing=pl.lit(each["symbol"]),
            is_over=pl.lit("to" in each),
        )
        for coin in coins
        for each in coin["listings"]
        if each["source"] == SPOT
    ]
    closed = pl.col("open_time") < whole_hour(now)
    return pl.concat(parts, how="diagonal").filter(closed).sort("coin", "open_time")


def holes(hours: pl.DataFrame) -> pl.DataFrame:
    """Where hours are missing between two candles of one listing, with the prices on both sides."""
    before = {"since": "open_time", "closed": "close"}
    return (
        hours.with_columns(
            pl.col(column).shift().over("coin", "listing").alias(name)
            for name, column in before.items()
        )
        .with_columns(
            since=pl.col("since") + HOUR,
            tens=(pl.col("open") / pl.col("closed")).log10().abs(),
        )
        .with_columns(hours=(pl.col("open_time") - pl.col("since")).dt.total_hours())
        .filter(pl.col("hours") > 0)
    )


def is_redenomination(hole: dict[str, Any]) -> bool:
    factor = 10 ** abs(hole["tens"] - round(hole["tens"]))
    return round(hole["tens"]) >= 1 and factor <= 1 / 0.92 and hole["hours"] <= 240


def has_company(hours: pl.DataFrame, hole: dict[str, Any]) -> bool:
    """Whether another symbol of the venue has candles in these hours."""
    then = pl.col("open_time").is_between(hole["since"], hole["open_time"], closed="left")
    return not hours.filter(then).is_empty()


def true_holes(hours: pl.DataFrame) -> Iterator[Row]:
    for hole in holes(hours).iter_rows(named=True):
        yield Row("gap", hole["coin"], hole["since"], f"{hole['hours']} hours")
        if is_redenomination(hole):
            prices = f"{price(hole['closed'])} -> {price(hole['open'])}"
            words = f"{prices} after {hole['hours']} hours"
            yield Row("redenomination", hole["coin"], hole["open_time"], words)
        elif hole["hours"] >= 24 and has_company(hours, hole):
            yield Row("halt", hole["coin"], hole["open_time"], f"{hole['hours']} hours")


def true_endings(hours: pl.DataFrame, now: datetime) -> Iterator[Row]:
    """Of a coin whose newest listing has no end, though it has no candle for four hours."""
    for last in hours.group_by("coin").agg(pl.all().last()).iter_rows(named=True):
        behind = (whole_hour(now) - last["open_time"]) // HOUR - 1
        if behind > 0 and not last["is_over"]:
            yield Row("gap", last["coin"], last["open_time"] + HOUR, f"{behind} hours")
            if behind > 3:
                yield Row("stale", last["coin"], last["open_time"], f"{behind} hours behind")


def days(hours: pl.DataFrame) -> pl.DataFrame:
    """How far the median coin went from each day's open, up and down, as logarithms."""
    traded = (pl.col("volume") > 0) | ~(pl.col("volume") > 0).any().over("coin", "day")
    bars = (
        hours.with_columns(day=pl.col("open_time").dt.truncate("1d"))
        .filter(traded)
        .group_by("coin", "day")
        .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min())
    )
    up, down = (pl.col("high") / pl.col("open")).log(), (pl.col("open") / pl.col("low")).log()
    return (
        bars.group_by("day")
        .agg(up=up.median(), down=down.median(), coins=pl.len())
        .with_columns(
            pl.when(pl.col("coins") < 3).then(0).otherwise(pl.col(name)).alias(name)
            for name in ("up", "down")
        )
    )


def moves(hours: pl.DataFrame) -> pl.DataFrame:
    """The hours in which a coin went half as far again beyond the median coin, wicks marked."""
    close = pl.col("close").log()
    following = hours.select("coin", pl.col("open_time") - HOUR, after=close, next_close="close")
    known = (
        hours.rolling("open_time", period="24h", closed="left", group_by="coin")
        .agg(known=pl.len())
        .unique(["coin", "open_time"])
    )
    return (
        hours.with_columns(day=pl.col("open_time").dt.truncate("1d"))
        .join(days(hours), on="day")
        .join(following, on=["coin", "open_time"], how="left")
        .join(known, on=["coin", "open_time"], how="left")
        .sort("coin", "open_time")
        .with_columns(
            top=pl.col("high").log(),
            bottom=pl.col("low").log(),
            was=pl.col("close").shift().over("coin"),
            before=close.shift().over("coin"),
            two_before=close.shift(2).over("coin"),
        )
        .with_columns(rose=UP - pl.col("up"), fell=DOWN - pl.col("down"))
        .with_columns(move=pl.max_horizontal("rose", "fell"))
        .with_columns(
            is_back=(pl.col("move").shift().over("coin") > BOUND)
            & (pl.col("top") - pl.col("two_before") <= BOUND)
            & (pl.col("two_before") - pl.col("bottom") <= BOUND),
            left=pl.min_horizontal(
                (close - pl.col("before")).abs(), (pl.col("after") - pl.col("before")).abs()
            ),
            reach=pl.when(pl.col("rose") >= pl.col("fell")).then(UP).otherwise(DOWN),
        )
        .filter(pl.col("move") > BOUND, pl.col("known") >= 12, ~pl.col("is_back"))
        .with_columns(is_wick=pl.col("left") <= BACK * pl.col("reach"))
    )


def true_jumps(hours: pl.DataFrame) -> Iterator[Row]:
    """Of a coin's day the largest wick, and what moved most from close to close."""
    kept = (pl.col("close") / pl.col("was")).log().abs()
    size = pl.when("is_wick").then("move").otherwise(kept)
    largest = (
        moves(hours)
        .sort(size, descending=True)
        .group_by("coin", "day", "is_wick", maintain_order=True)
        .first()
    )
    for each in largest.iter_rows(named=True):
        if each["is_wick"]:
            way = ("up", each["high"]) if each["rose"] >= each["fell"] else ("down", each["low"])
            how = f"a wick from {price(each['was'])} {way[0]} to {price(way[1])} and back"
        else:
            how = "rose" if each["close"] > each["was"] else "fell"
            how += f" from {price(each['was'])} to {price(each['close'])}"
        then = each["next_close"]
        after = "no candle in the next hour" if then is None else f"next close {price(then)}"
        prices = ", ".join([f"{name} {price(each[name])}" for name in PRICES] + [after])
        yield Row("jump", each["coin"], each["open_time"], f"{how} ({prices})")


def truth(folder: Path, now: datetime, held: Collection[str]) -> list[Row]:
    """The table of these coins, by ticker: of those the others are neighbours, too."""
    hours = lives(folder, now).filter(pl.col("coin").is_in(held))
    return sorted([*true_holes(hours), *true_endings(hours, now), *true_jumps(hours)])


SAID = {
    "redenomination": r"closed at (\S+), opened at (\S+) (after \d+ hours) without a candle",
    "halt": r"(\d+ hours) without a candle from .* on",
    "stale": r"(\d+ hours behind)",
    "jump": r"((?:rose|fell|a wick) from [^()]*\([^()]*\))(?:, the largest of \d+ that day)?; .*",
}
"""What of a finding's detail stands in the table; no other kind is among these coins."""


def words_of(kind: str, detail: str) -> str:
    told = re.fullmatch(SAID[kind], detail)
    assert told, (kind, detail)
    return "{} -> {} {}".format(*told.groups()) if kind == "redenomination" else told[1]


def said(connection: store.Connection, report: Report, now: datetime) -> list[Row]:
    found = report.open.select("symbol", "kind", "open_time", "detail")
    rows = [
        Row(kind, symbol, at, words_of(kind, detail))
        for symbol, kind, at, detail in found.iter_rows()
    ]
    rows += [
        Row("gap", gap.symbol, gap.window.start, f"{gap.window.hours} hours")
        for gap in store.gaps(connection, now=now)
        if gap.reason not in NOT_MISSING
    ]
    return sorted(rows)


@pytest.mark.parametrize("place", WHEN)
def test_what_is_said_of_real_coins_is_the_truth(
    place: str, settings: Settings, open_tools: Open, request: pytest.FixtureRequest
) -> None:
    folder, now = request.getfixturevalue(place), WHEN[place]
    with serving(market=folder, now=now, limits=False) as venues:
        asked = settings.model_copy(update={"venues_url": venues.url, "priority": (SPOT,)})
        with open_tools(asked) as context:
            learn(context, now)
            wanted = run_spec(now=now, known_sources=load(), sources=(SPOT,), start_year=2017)
            assert run(context, wanted).failed == {}
    with store.connect(asked) as connection:
        report = assess(connection, now)
        told = said(connection, report, now)
        outages = [each.window for each in store.outages(connection)]
    held = set(report.coins["symbol"])
    expected = truth(folder, now, held)
    assert told == expected
    assert all(window.hours < 24 for window in outages)
    assert set(lives(folder, now)["coin"]) - held <= {"BUSD"}  # delisted before anybody looked
