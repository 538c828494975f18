"""The recorded market's gaps: each with its reason, the venue's outages told from a coin's own."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from chandlery import store
from chandlery.cli.gaps import evidence
from chandlery.engine.chosen import choose
from chandlery.engine.context import RunContext
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import Window, instant
from chandlery.quality.check import assess
from chandlery.settings import Settings
from chandlery.store import Connection, Gap
from chandlery.symbology.learn import learn
from chandlery.venues import load
from sandbox import Serving, serving

Open = Callable[..., AbstractContextManager[RunContext]]
NOW = datetime(2026, 4, 30, 4, tzinfo=UTC)
SPOT = ("binance_spot",)
Backfill = Callable[..., None]
HOLE = "binance_spot has none between candles that it has"
ALONE = f"{HOLE}, only this coin was asked (asked once)"


@pytest.fixture
def venues(market: Path) -> Iterator[Serving]:
    """The recordings."""
    with serving(market=market, now=NOW, limits=False) as recorded:
        yield recorded


@pytest.fixture
def backfill(settings: Settings, open_tools: Open, venues: Serving) -> Backfill:
    """Runs against the recordings, with Binance's spot market alone."""
    asked = settings.model_copy(update={"venues_url": venues.url, "priority": SPOT})
    with open_tools(asked) as context:
        learn(context, NOW)

    def once(*symbols: str, now: datetime = NOW, year: int = 2017) -> None:
        given = {"sources": SPOT, "symbols": symbols, "start_year": year}
        with open_tools(asked) as context:
            assert run(context, run_spec(now=now, known_sources=load(), **given)).failed == {}

    return once


def requests(venues: Serving, symbol: str) -> int:
    """How often the venue was asked for candles of it since this was asked last."""
    asked = venues.requests()["requests"]
    venues.forget()
    return sum(each["query"].get("symbol") == symbol for each in asked if "klines" in each["path"])


def gaps(connection: Connection, symbol: str, window: Window | None = None) -> list[Gap]:
    (coin,) = choose(connection, [symbol])
    return store.gaps(connection, [coin.key], window, NOW)


def test_alone_each_of_bitcoins_gaps_has_a_reason_and_beside_others_outages_are_told(
    backfill: Backfill, connection: Connection
) -> None:
    backfill("BTC")
    alone = gaps(connection, "BTC")
    assert (len(alone), sum(gap.window.hours for gap in alone)) == (28, 128)
    # Ethereum, which it would be compared with, is not in the recordings.
    assert {gap.reason for gap in alone} == {"no source has it"}
    assert all(gap.attempts == 1 for gap in alone)
    assert {evidence(gap)[0] for gap in alone} == {ALONE}

    backfill("DOGE", "ADA", "LINK")
    beside = gaps(connection, "BTC")
    assert [gap.window for gap in beside] == [gap.window for gap in alone]
    theirs = {gap.window for other in ("DOGE", "ADA", "LINK") for gap in gaps(connection, other)}
    since_doge = instant("2019-07-05T12:00Z")
    for gap in beside:
        shared = any(gap.window.clip(other) for other in theirs)
        assert (gap.reason == "outage at the venue") == shared
        assert shared == (gap.window.start >= since_doge)
    hours = Counter[str]()
    for gap in beside:
        hours[gap.reason] += gap.window.hours
    assert hours == {"no source has it": 84, "outage at the venue": 44}
    outages = store.outages(connection)
    assert (len(outages), sum(each.window.hours for each in outages)) == (18, 44)
    assert outages[-1].coins == 4  # 2023-03-24, one outage and not four gaps


def test_held_alone_a_coins_holes_are_compared_with_bitcoins(
    backfill: Backfill, connection: Connection, venues: Serving
) -> None:
    """Dogecoin's 44 hours of outage were told as hours without trades, which nobody had looked at.

    Its 18 holes lie on pages of 1,000 hours so that 11 requests show all of them.
    """
    backfill("DOGE")
    assert requests(venues, "BTCUSDT") == 11
    alone = gaps(connection, "DOGE")
    assert (len(alone), sum(gap.window.hours for gap in alone)) == (18, 44)
    assert {gap.reason for gap in alone} == {"outage at the venue"}
    assert {evidence(gap)[0] for gap in alone} == {f"{HOLE}, nor has it BTC's (asked once)"}
    outages = store.outages(connection)
    assert [each.window for each in outages] == [gap.window for gap in alone]
    assert {each.coins for each in outages} == {2}
    held = connection.execute("select distinct symbol from market_data").fetchall()
    assert held == [("DOGE",)]  # what is asked to compare is not stored

    backfill("DOGE", now=NOW + timedelta(minutes=30))  # its holes are not asked for again yet
    assert requests(venues, "BTCUSDT") == 0

    # Bitcoin itself tells the same, and is counted once.
    backfill("BTC")
    beside = gaps(connection, "DOGE")
    assert [(gap.window, gap.reason) for gap in beside] == [
        (gap.window, gap.reason) for gap in alone
    ]
    assert {each.coins for each in store.outages(connection)} == {2}


def test_a_halt_is_told_by_what_bitcoin_has_meanwhile(
    backfill: Backfill, connection: Connection
) -> None:
    backfill("BNX", year=2023)
    halt, outage = gaps(connection, "BNX", Window(instant("2023-02-01"), instant("2023-04-01")))
    assert (halt.window.hours, halt.reason) == (149, "no trades")
    assert evidence(halt) == [f"{HOLE}, and has BTC's (asked once)"]
    assert (outage.window.hours, outage.reason) == (1, "outage at the venue")


def test_lunas_eighteen_days_are_a_delisting(backfill: Backfill, connection: Connection) -> None:
    backfill("LUNC", "LUNA")
    between = Window(instant("2022-05-13T01:00Z"), instant("2022-05-31T06:00Z"))
    (old,) = gaps(connection, "LUNC", between)
    assert (old.window, old.reason, old.next_attempt) == (between, "delisted", None)
    assert old.window.hours == 437
    (new,) = gaps(connection, "LUNA", between)
    assert (new.window, new.reason) == (between, "not listed yet")


def test_bnxs_halt_and_redenomination_are_one_finding(
    backfill: Backfill, connection: Connection
) -> None:
    backfill("BNX")
    report = assess(connection, NOW)
    then = report.open.filter(pl.col("open_time").dt.strftime("%Y-%m") == "2023-02")
    assert then["kind"].to_list() == ["redenomination"]
    (halt,) = gaps(connection, "BNX", Window(instant("2023-02-01"), instant("2023-03-01")))
    assert (halt.window.hours, halt.reason) == (149, "no trades")
