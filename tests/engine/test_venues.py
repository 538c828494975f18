"""Every venue: falling back from one to the next, on real candles and made-up ones."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.result import RunResult
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, Window, instant
from chandlery.settings import Settings
from chandlery.symbology.learn import learn
from chandlery.venues import in_order, load
from sandbox import Serving, serving

NOW = instant("2026-04-30T04:00Z")
Open = Callable[..., AbstractContextManager[RunContext]]
Backfill = Callable[..., RunResult]
VENUES = ("binance_spot", "binance_futures", "okx", "bybit")


@pytest.fixture
def replayed(
    settings: Settings, market: Path, open_tools: Open
) -> Iterator[tuple[Settings, Serving]]:
    with serving(market=market, now=NOW, limits=False) as sandbox:
        asked = settings.model_copy(update={"venues_url": sandbox.url})
        with open_tools(asked) as context:
            learn(context, NOW)
        yield asked, sandbox


@pytest.fixture
def backfill(open_tools: Open) -> Backfill:
    """Run the engine against these settings' venues."""

    def once(current: Settings, **given: Any) -> RunResult:
        wanted = {"now": NOW, "known_sources": load(), "start_year": 2017} | given
        with open_tools(current) as context:
            return run(context, run_spec(**wanted))

    return once


def hours_of(market: Path, source: str, symbol: str) -> set[Any]:
    frame = pl.read_parquet(market / source / symbol / "1h.parquet")
    return set(frame["open_time"])


def test_every_hour_that_spot_lacks_and_another_has_is_filled_and_marked(
    replayed: tuple[Settings, Serving], market: Path, backfill: Backfill
) -> None:
    current, _ = replayed
    result = backfill(current, sources=VENUES, symbols=["BTC"])
    assert result.failed == {}
    with store.connect(current) as connection:
        held = store.read(connection, store.find(connection, ["BTC"]))
    symbols = {"okx": "BTC-USDT"}
    has = {name: hours_of(market, name, symbols.get(name, "BTCUSDT")) for name in VENUES}
    assert set(held["timestamp"]) == set().union(*has.values())
    best = {hour: next(name for name in VENUES if hour in has[name]) for hour in held["timestamp"]}
    assert dict(zip(held["timestamp"], held["source"], strict=True)) == best
    assert set(held["source"]) > {"binance_spot", "bybit"}


def test_one_symbol_that_was_two_coins_is_two_coins(
    replayed: tuple[Settings, Serving], market: Path, backfill: Backfill
) -> None:
    current, _ = replayed
    backfill(current, sources=("binance_spot",), symbols=["LUNA", "LUNC"])
    with store.connect(current) as connection:
        new = store.read(connection, store.find(connection, ["terra-luna-2"]))
        old = store.read(connection, store.find(connection, ["terra-luna"]))
    recorded = pl.read_parquet(market / "binance_spot/LUNAUSDT/1h.parquet")
    assert old["timestamp"].max() == instant("2022-05-13T00:00Z")
    assert new["timestamp"].min() == instant("2022-05-31T06:00Z")
    assert old.height + new.height == recorded.height
    assert old["close_price"][-1] < 0.001
    assert new["open_price"][0] == 1.0


def test_a_redenomination_is_noticed(
    replayed: tuple[Settings, Serving], backfill: Backfill
) -> None:
    current, _ = replayed
    result = backfill(current, sources=("binance_spot",), symbols=["BNX", "BTC"])
    (finding,) = result.findings
    assert "BNX 2023-02-22" in finding
    assert "redenomination" in finding
    assert backfill(current, sources=("binance_spot",), symbols=["BNX"]).findings == []


@pytest.fixture
def venues() -> Iterator[Serving]:
    with serving(coins=12, seed=7, now=NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def at_sandbox(settings: Settings, venues: Serving, open_tools: Open) -> Settings:
    asked = settings.model_copy(update={"venues_url": venues.url, "priority": in_order()})
    with open_tools(asked) as context:
        learn(context, NOW)
    return asked


DAYS = {"start": "2026-04-27", "end": "2026-04-29"}


def test_a_traded_candle_takes_the_place_of_an_indicative_one(
    at_sandbox: Settings, venues: Serving, backfill: Backfill
) -> None:
    first = backfill(at_sandbox, sources=("coingecko",), symbols=["BTC"], start_year=None, **DAYS)
    assert first.rows["coingecko"] >= 46
    both = ("coingecko", "okx")
    second = backfill(at_sandbox, sources=both, symbols=["BTC"], start_year=None, **DAYS)
    assert second.rows["okx"] == 48
    with store.connect(at_sandbox) as connection:
        held = store.read(connection, store.find(connection, ["BTC"]))
    assert set(held["source"]) == {"okx"}
    venues.forget()
    third = backfill(at_sandbox, sources=both, symbols=["BTC"], start_year=None, **DAYS)
    assert (third.records, third.pages) == (0, 0)


def test_two_venues_that_disagree_where_they_join_are_noted(
    at_sandbox: Settings, venues: Serving, backfill: Backfill
) -> None:
    venues.fault("apart", source="okx", by=1.2)
    day = {"start": "2026-04-27", "end": "2026-04-28"}
    sources = ("binance_spot", "okx")
    backfill(at_sandbox, sources=sources[:1], symbols=["BTC"], start_year=None, **day)
    result = backfill(at_sandbox, sources=sources[1:], symbols=["BTC"], start_year=None, **DAYS)
    assert len(result.findings) == 1
    assert "BTC 2026-04-28 00:00Z: splice: binance_spot closed at" in result.findings[0]


def test_with_every_source_down_nothing_is_written_and_all_is_said(
    at_sandbox: Settings, venues: Serving, backfill: Backfill
) -> None:
    venues.fault("403")
    result = backfill(at_sandbox, sources=in_order(), max_coins=6, start_year=None, **DAYS)
    statistics = result.statistics()
    assert statistics["total_records"] == 0
    assert statistics["failed"] == statistics["total_symbols"] == 6
    assert all(result.failed.values())


def test_a_source_without_its_key_is_no_coins_failure(
    at_sandbox: Settings, backfill: Backfill
) -> None:
    result = backfill(
        at_sandbox, sources=("cryptocompare", "okx"), symbols=["BTC"], start_year=None, **DAYS
    )
    assert result.failed == {}
    assert result.rows == {"okx": 48}
    assert result.skipped == {"cryptocompare": "not configured: set CRYPTOCOMPARE_API_KEY"}


def test_the_hourly_run_asks_for_many_coins_at_once(
    at_sandbox: Settings, venues: Serving, backfill: Backfill
) -> None:
    venues.forget()
    result = backfill(at_sandbox, sources=("coingecko",), start_year=None, hours=6)
    asked = [each["path"] for each in venues.requests()["requests"]]
    assert asked.count("/api/v3/coins/markets") == 1
    assert len(result.used["coingecko"]) == 12
    hours = Window(NOW - 6 * HOUR, NOW).hours
    assert result.records <= 12 * hours
    assert len(asked) < 13


def test_a_delisted_symbol_comes_from_the_archive(at_sandbox: Settings, backfill: Backfill) -> None:
    with store.connect(at_sandbox) as connection:
        connection.execute(
            "update listing set ends_at = '2026-04-28Z' from source"
            " where source.key = listing.source and source.name = 'binance_spot'"
            " and symbol = 'BTCUSDT'"
        )
    result = backfill(
        at_sandbox,
        sources=("binance_spot",),
        symbols=["BTC"],
        archive=True,
        start_year=None,
        **DAYS,
    )
    assert result.rows == {"binance_spot_archive": 24}


def test_a_keys_requests_of_a_month_are_counted_across_runs(
    at_sandbox: Settings, monkeypatch: pytest.MonkeyPatch, backfill: Backfill
) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", "demo")
    wanted = {"sources": ("coingecko",), "symbols": ["BTC"], "start_year": None}
    assert backfill(at_sandbox, **wanted, **DAYS).failed == {}
    with store.connect(at_sandbox) as connection:
        assert store.spent(connection, "coingecko", NOW) == 1
        store.note_spent(connection, "coingecko", NOW, 9_999)
        assert store.spent(connection, "coingecko", NOW + 24 * HOUR) == 0
    result = backfill(at_sandbox, **wanted, start="2026-04-20", end="2026-04-21")
    assert result.failed == {"BTC": "coingecko: the key's 10,000 requests of April are used up"}
    assert result.pages == 0


def test_the_newest_hours_of_many_may_come_before_the_older_ones_of_each(
    at_sandbox: Settings, backfill: Backfill
) -> None:
    # A page and some hours: those are young enough to be asked for of both coins at once.
    start = f"{NOW - (89 * 24 + 20) * HOUR:%FT%RZ}"
    result = backfill(
        at_sandbox, sources=("coingecko",), symbols=["BTC", "ETH"], start_year=None, start=start
    )
    assert result.failed == {}
    assert result.records > 2 * 89 * 24
    assert result.pages == 3


def test_a_coin_with_two_listings_at_one_source_has_each_hour_once(
    at_sandbox: Settings, backfill: Backfill
) -> None:
    with store.connect(at_sandbox) as connection:
        connection.execute(
            "insert into listing (coin, source, symbol) select coin, source, 'BTCUSDC' from listing"
            " join source on source.key = listing.source"
            " where source.name = 'binance_spot' and symbol = 'BTCUSDT'"
        )
    result = backfill(
        at_sandbox, sources=("binance_spot",), symbols=["BTC"], start_year=None, **DAYS
    )
    assert (result.failed, result.records) == ({}, 48)
