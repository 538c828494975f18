"""The engine against sandbox venues: what it asks for, what it keeps, what it says."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chandlery import store
from chandlery.engine.result import RunResult
from chandlery.errors import Misuse
from chandlery.model import SCHEMA, Window, instant
from chandlery.settings import Settings
from sandbox import Serving

Collect = Callable[..., RunResult]
Rows = Callable[[str], list[tuple[Any, ...]]]
WEEK = {"start": "2026-11-15", "end": "2026-11-22"}
HELD, SOURCES = 9, 11  # columns of candle_1d
HOURS = 7 * 24


def asked(venues: Serving, word: str = "klines") -> list[dict[str, Any]]:
    return [each for each in venues.requests()["requests"] if word in each["path"]]


def test_every_hour_of_every_listed_coin_is_there_after_a_backfill(
    collect: Collect, rows: Rows
) -> None:
    result = collect(**WEEK)
    assert result.failed == {}
    assert sorted(result.unlisted) == ["LEO", "USDT"]
    assert result.records == len(rows("candle_1h")) == 10 * HOURS
    assert {row[SOURCES] for row in rows("candle_1d")} == {1, 2}  # bits: futures, spot
    assert [row[HELD] for row in rows("candle_1d")] == [24] * 70


def test_shards_have_all_of_it_between_them_and_begin_with_large_coins(
    collect: Collect, rows: Rows
) -> None:
    results = [collect(shard=f"{number}/3", **WEEK) for number in (1, 2, 3)]
    assert sum(result.records for result in results) == len(rows("candle_1h")) == 10 * HOURS
    coins = [[coin.symbol for coin in result.coins] for result in results]
    assert [names[0] for names in coins] == ["BTC", "ETH", "USDT"]
    assert [len(names) for names in coins] == [4, 4, 4]


def test_a_second_run_asks_for_nothing_and_changes_nothing(
    collect: Collect, rows: Rows, venues: Serving
) -> None:
    collect(**WEEK)
    before = [rows(table) for table in ("candle_1h", "candle_4h", "candle_1d")]
    venues.forget()
    result = collect(**WEEK)
    assert asked(venues) == []
    assert result.records == 0
    assert [rows(table) for table in ("candle_1h", "candle_4h", "candle_1d")] == before


def test_only_hours_that_are_missing_are_asked_for(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    collect(symbols=["BTC"], **WEEK)
    hole = Window(instant("2026-11-17T05:00Z"), instant("2026-11-17T08:00Z"))
    with store.connect(at_sandbox) as connection:
        connection.execute(
            "delete from candle_1h where open_time >= %s and open_time < %s",
            (hole.start, hole.end),
        )
    venues.forget()
    result = collect(symbols=["BTC"], **WEEK)
    (request,) = asked(venues)
    assert request["query"]["startTime"] == str(int(hole.start.timestamp() * 1000))
    assert request["query"]["endTime"] == str(int(hole.end.timestamp() * 1000) - 1)
    assert request["query"]["limit"] == "3"
    assert result.records == 3


def test_coins_are_fetched_by_market_cap_rank(collect: Collect, venues: Serving) -> None:
    collect(sources=("binance_futures",), max_coins=6, workers=1, **WEEK)
    symbols = [request["query"]["symbol"] for request in asked(venues)]
    assert symbols == ["BTCUSDT", "ETHUSDT", "XRPUSDT", "BNBUSDT", "SOLUSDT"]


def test_a_thousand_fold_contract_comes_in_plain_coins(collect: Collect, rows: Rows) -> None:
    futures = collect(symbols=["PEPE"], sources=("binance_futures",), **WEEK)
    assert futures.records == HOURS
    (open_,) = {row[1] < 0.001 for row in rows("candle_1h")}
    assert open_


def test_the_candle_still_open_is_never_stored(collect: Collect, rows: Rows) -> None:
    collect(symbols=["BTC"], hours=3)
    assert rows("candle_1h")[-1][0] == instant("2026-11-22T09:00Z")


def test_what_the_first_source_lacks_comes_from_the_next(
    collect: Collect, venues: Serving, rows: Rows
) -> None:
    venues.fault("500", source="binance_futures", symbol="BTCUSDT")
    result = collect(symbols=["BTC", "ETH"], **WEEK)
    assert result.failed == {}
    assert {name: len(coins) for name, coins in result.used.items()} == {
        "binance_futures": 1,
        "binance_spot": 1,
    }
    assert len(rows("candle_1h")) == 2 * HOURS


def test_a_blocked_source_is_left_alone_for_the_rest_of_the_run(
    collect: Collect, venues: Serving, rows: Rows
) -> None:
    venues.fault("451", source="binance_futures")
    result = collect(**WEEK)
    assert list(result.off) == ["binance_futures"]
    assert "restricted location" in result.off["binance_futures"]
    refused = [each for each in asked(venues) if each["source"] == "binance_futures"]
    assert len(refused) <= 25  # those under way at the first refusal
    assert set(result.failed) == {"XMR"}  # which spot does not list, and files come a day late
    assert result.rows["binance_futures_archive"] == 8 * (HOURS - 24)
    assert len(rows("candle_1h")) == 9 * HOURS + HOURS - 24


def test_with_every_source_down_nothing_is_written_and_all_is_said(
    collect: Collect, venues: Serving, rows: Rows
) -> None:
    venues.fault("403")
    result = collect(symbols=["BTC", "ETH"], **WEEK)
    assert set(result.failed) == {"BTC", "ETH"}
    assert result.statistics()["successful"] == 0
    assert rows("candle_1h") == []


def test_a_symbol_the_venue_refuses_fails_its_coin_and_no_other(
    collect: Collect, at_sandbox: Settings
) -> None:
    with store.connect(at_sandbox) as connection:
        connection.execute("update listing set symbol = 'GONEUSDT' where symbol = 'ETHUSDT'")
    result = collect(symbols=["BTC", "ETH"], **WEEK)
    assert list(result.failed) == ["ETH"]
    assert "-1121 Invalid symbol. (GONEUSDT)" in result.failed["ETH"]
    assert result.records == HOURS


def test_an_answer_that_is_no_candles_costs_its_page_and_nothing_else(
    collect: Collect, venues: Serving, rows: Rows
) -> None:
    venues.fault("html", source="binance_futures", symbol="BTCUSDT")
    result = collect(symbols=["BTC", "ETH"], sources=("binance_futures",), **WEEK)
    assert list(result.failed) == ["BTC"]
    assert len(rows("candle_1h")) == HOURS


def test_a_spot_listing_is_asked_once_when_it_began(collect: Collect, venues: Serving) -> None:
    year = {"start": "2025-01-01", "end": "2026-01-01"}
    collect(symbols=["BTC"], sources=("binance_spot",), **year)
    firsts = [each for each in asked(venues) if each["query"]["limit"] == "1"]
    assert len(firsts) == 1
    venues.forget()
    collect(symbols=["BTC"], sources=("binance_spot",), start="2024-01-01", end="2025-01-01")
    assert all(each["query"]["limit"] != "1" for each in asked(venues))


def test_no_hour_before_a_listing_is_asked_for(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    collect(symbols=["XRP"], start_year=2018)
    with store.connect(at_sandbox) as connection:
        (coin,) = store.find(connection, ["XRP"])
        known = store.listings(connection, [coin])
    starts = [each.start for each in known if each.source.startswith("binance")]
    begins = [int(start.timestamp() * 1000) for start in starts if start]
    pages = [each["query"] for each in asked(venues) if each["query"]["limit"] != "1"]
    # But for one page a listing: that nothing lies before it is looked at, once.
    before = [each for each in pages if int(each["endTime"]) + 1 - 3_600_000 in begins]
    assert len(before) == len(begins)
    stored = [int(each["startTime"]) for each in pages if each not in before]
    assert min(stored) == min(begins)
    venues.forget()
    collect(symbols=["XRP"], start_year=2018)
    assert asked(venues) == []


def test_what_a_killed_run_wrote_is_refreshed_by_the_next(
    collect: Collect, at_sandbox: Settings, rows: Rows
) -> None:
    collect(symbols=["BTC"], **WEEK)
    whole = rows("candle_1d")
    with store.connect(at_sandbox) as connection:
        hours = store.read(connection, store.find(connection, ["BTC"]))
        connection.execute("truncate candle_1h")
        store.refresh(connection)
        assert rows("candle_1d") == []
        # A run that is killed between its COPY and its refresh leaves this behind:
        names = {f"{price}_price": price for price in ("open", "high", "low", "close")}
        frame = hours.rename({"timestamp": "open_time", **names}).select(SCHEMA.names())
        key = store.source_key(connection, "binance_futures")
        (coin,) = store.find(connection, ["BTC"])
        store.write(connection, {coin.key: frame}, key)
    assert collect(symbols=["BTC"], **WEEK).records == 0
    assert rows("candle_1d") == whole


def test_late_hourly_runs_cost_one_collection(collect: Collect, venues: Serving) -> None:
    assert collect(symbols=["BTC"], hours=24).records == 24
    venues.forget()
    assert collect(symbols=["BTC"], hours=24).records == 0
    assert asked(venues) == []


def test_two_runs_at_once_do_no_harm_to_each_other(collect: Collect, rows: Rows) -> None:
    with ThreadPoolExecutor(2) as both:
        runs = [both.submit(collect, **WEEK) for _ in range(2)]
        results = [each.result() for each in runs]
    assert [result.failed for result in results] == [{}, {}]
    assert sum(result.records for result in results) == len(rows("candle_1h")) == 10 * HOURS
    assert [row[HELD] for row in rows("candle_1d")] == [24] * 70


def test_an_unknown_symbol_is_named_with_what_is_near(collect: Collect, venues: Serving) -> None:
    with pytest.raises(Misuse, match=r"no coin 'BTCUSDT' is known: did you mean .*BTC"):
        collect(symbols=["BTCUSDT"], **WEEK)
    assert asked(venues) == []
