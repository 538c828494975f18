"""The recorded market's gaps: each with its reason, the venue's outages told from a coin's own."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import store
from candles import Window, instant
from candles.settings import Settings
from collect import Tools, assess, choose, learn, order, run
from sandbox import serving
from sources import load
from store import Connection, Gap

Open = Callable[..., AbstractContextManager[Tools]]
NOW = datetime(2026, 4, 30, 4, tzinfo=UTC)
SPOT = ("binance_spot",)
Backfill = Callable[..., None]


@pytest.fixture
def backfill(settings: Settings, open_tools: Open, market: Path) -> Iterator[Backfill]:
    """Runs against the recordings, with Binance's spot market alone."""
    with serving(market=market, now=NOW, limits=False) as venues:
        asked = settings.model_copy(update={"venues_url": venues.url, "priority": SPOT})
        with open_tools(asked) as at_hand:
            learn(at_hand, NOW)

            def once(*symbols: str) -> None:
                wanted = order(
                    now=NOW,
                    known_sources=load(),
                    sources=SPOT,
                    symbols=symbols,
                    start_year=2017,
                )
                assert run(at_hand, wanted).failed == {}

            yield once


def gaps(connection: Connection, symbol: str, window: Window | None = None) -> list[Gap]:
    (coin,) = choose(connection, [symbol])
    return store.gaps(connection, [coin.key], window, NOW)


def test_alone_each_of_bitcoins_gaps_has_a_reason_and_beside_others_outages_are_told(
    backfill: Backfill, connection: Connection
) -> None:
    backfill("BTC")
    alone = gaps(connection, "BTC")
    assert (len(alone), sum(gap.window.hours for gap in alone)) == (28, 128)
    assert {gap.reason for gap in alone} == {"no trades"}
    assert all(gap.evidence and gap.attempts == 1 for gap in alone)

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
    assert hours == {"no trades": 84, "outage at the venue": 44}
    outages = store.outages(connection)
    assert (len(outages), sum(each.window.hours for each in outages)) == (18, 44)
    assert outages[-1].coins == 4  # 2023-03-24, one outage and not four gaps


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
