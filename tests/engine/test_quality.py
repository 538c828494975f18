"""A check of what a run brought in: from sandbox venues with faults, and of the recorded market."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.golden import Recording, backfill
from chandlery import store
from chandlery.engine.result import RunResult
from chandlery.errors import Misuse
from chandlery.model import HOUR, instant
from chandlery.quality.check import Report, assess
from chandlery.quality.wording import SENTENCES, cut, sentence
from chandlery.settings import Settings
from chandlery.store.findings import EVERYTHING
from sandbox import Serving

Collect = Callable[..., RunResult]
Check = Callable[..., Report]
NOW = instant("2026-11-22T10:30Z")
WEEK = {"start": "2026-11-15", "max_coins": 8}


@pytest.fixture
def check(at_sandbox: Settings) -> Check:
    """The check as the command line does it."""

    def once(**given: Any) -> Report:
        with store.connect(at_sandbox) as connection:
            return assess(connection, **{"now": NOW} | given)

    return once


def odd(report: Report) -> list[tuple[str, str, str]]:
    rows = report.open.sort("symbol", "open_time").iter_rows(named=True)
    return [(row["symbol"], row["kind"], f"{row['open_time']:%m-%d %H}") for row in rows]


def test_a_clean_week_is_whole_and_has_no_findings(collect: Collect, check: Check) -> None:
    collect(**WEEK)
    report = check(symbols=["BTC", "ETH"])
    assert odd(report) == []
    assert report.coins["symbol"].unique().sort().to_list() == ["BTC", "ETH"]
    # The coins' lives began years before the week, of which no hour was wanted.
    assert not report.coins["has_gaps"].any()
    assert set(report.shares["source"]) == {"binance_futures"}
    assert report.shares["share"].to_list() == [1.0, 1.0]
    assert check(symbols=["BTC", "ETH"]).findings.is_empty()


def test_measures_are_those_that_the_views_tell(
    collect: Collect, check: Check, at_sandbox: Settings
) -> None:
    collect(**WEEK)
    report = check()
    with store.connect(at_sandbox) as connection, connection.transaction():
        connection.execute("select set_config('chandlery.now', %s, true)", (NOW.isoformat(),))
        told = connection.execute(
            "select coin_id, timeframe, completeness_percentage::float8, missing_records, has_gaps,"
            " expected_records, total_records from data_quality"
        ).fetchall()
    wanted = ("id", "timeframe", "completeness", "missing", "has_gaps", "expected", "total")
    assert sorted(report.coins.select(wanted).rows()) == sorted(told)
    assert len(told) > 9


def test_a_wrong_candle_of_a_venue_is_found_and_named_before_and_after(
    collect: Collect, check: Check, venues: Serving
) -> None:
    wrong = {"symbol": "ETHUSDT", "start": "2026-11-18T23:00Z", "by": 10}
    venues.fault("wrong", source="binance_futures", **wrong)
    collect(**WEEK)
    report = check()
    assert odd(report) == [("ETH", "jump", "11-18 23")]
    (words,) = report.sentences()
    assert words.startswith("ETH jumped at 2026-11-18 23:00Z: a wick from ")
    assert " and back (open " in words
    assert "; the median coin of that day ranged from " in words


def test_a_zombie_is_found_where_the_venue_hides_that_it_delisted(
    collect: Collect, check: Check, venues: Serving
) -> None:
    gone = {"symbol": "SOLUSDT", "end": "2026-11-19T05:00Z", "zombie": 1}
    venues.fault("delisted", source="binance_futures", **gone)
    collect(**WEEK, sources=("binance_futures",))
    report = check()
    assert odd(report) == [("SOL", "zombie", "11-19 05")]
    assert "SOL has stood still since 2026-11-19 05:00Z: 77 hours without" in report.sentences()[0]


def test_a_halt_and_a_stale_coin_are_found_and_end(
    collect: Collect, check: Check, venues: Serving
) -> None:
    days = {"symbols": ["BTC", "ETH"], "start": "2026-11-10", "sources": ("binance_spot",)}
    hours = {"start": "2026-11-12T06:00Z", "end": "2026-11-13T07:00Z"}
    venues.fault("halt", source="binance_spot", symbol="ETHUSDT", **hours)
    collect(**days, end="2026-11-22")
    first = check()
    stale = [("BTC", "stale", "11-21 23"), ("ETH", "stale", "11-21 23")]
    assert odd(first) == sorted([("ETH", "halt", "11-13 07"), *stale])
    assert first.open["new"].all()
    venues.clear()
    later = NOW + 2 * HOUR
    venues.at(later)
    collect(**days, now=later)
    second = check(now=later)
    assert odd(second) == []
    assert second.ended.select("kind").to_series().sort().to_list() == ["halt", "stale", "stale"]
    assert second.totals()["ended_findings"] == 3
    assert check(now=later + HOUR).ended.is_empty()


def test_hours_that_nobody_was_asked_for_are_no_halt(collect: Collect, check: Check) -> None:
    collect(symbols=["BTC", "ETH"], start="2026-11-10", end="2026-11-12T06:00Z")
    collect(symbols=["BTC"], start="2026-11-13T07:00Z")
    collect(symbols=["ETH"], start="2026-11-12T06:00Z")
    assert odd(check()) == []


def test_a_report_can_be_read_by_a_program_and_made_again(collect: Collect, check: Check) -> None:
    collect(symbols=["BTC"], start="2026-11-20", end="2026-11-22")
    told = check(symbols=["BTC", "USDT"]).statistics()
    again = check(symbols=["BTC", "USDT"]).statistics()
    assert {**told, "seconds": 0} == {**again, "seconds": 0}
    read = json.loads(json.dumps(told))
    assert read["total_symbols"] == read["without_candles"] == 1
    assert read["findings_by_kind"] == {"stale": 1}
    assert [row["timeframe"] for row in read["coins"]] == ["1h", "4h", "1d"]
    assert read["coins"][0] | {"expected_records": 0, "missing_records": 0} == read["coins"][0] | {
        "symbol": "BTC",
        "total_records": 48,
        "sources": {"binance_futures": 1.0},
        "expected_records": 0,
        "missing_records": 0,
    }
    (finding,) = read["findings"]
    assert finding["open_time"] == "2026-11-21T23:00:00+00:00"
    assert finding["new"] is True
    assert finding["sentence"].endswith("its newest hour is 2026-11-21 23:00Z: 10 hours behind.")


def test_wrong_use_is_told(check: Check) -> None:
    for given in ({"symbols": ["NOSUCH"]}, {"symbols": [" "]}, {"max_coins": 0}):
        with pytest.raises(Misuse):
            check(**given)


def test_whole_is_said_only_of_what_is_whole() -> None:
    assert [cut(each) for each in (100.0, 99.9999, 99.29, 0.0)] == [
        "100.00 %",
        "99.99 %",
        "99.29 %",
        "0.00 %",
    ]


def test_every_kind_has_a_sentence() -> None:
    kinds = {kind for look in EVERYTHING for kind in look.kinds}
    assert set(SENTENCES) == kinds
    assert sentence("X{0}", "jump", NOW, "50 {%}") == "X{0} jumped at 2026-11-22 10:30Z: 50 {%}."
    assert sentence("X", "odd", NOW, "so") == "X at 2026-11-22 10:30Z: odd: so."


MARKET_NOW = instant("2026-04-30T04:00Z")


def checked(settings: Settings, market: Path, *symbols: str) -> Report:
    """The recorded hours of these spot symbols, brought in and checked."""
    recordings = [
        Recording("binance_spot", symbol, market / "binance_spot" / symbol) for symbol in symbols
    ]
    backfill(settings, "binance_spot", recordings)
    with store.connect(settings) as connection:
        return assess(connection, MARKET_NOW)


def test_a_redenominated_coin_has_a_redenomination_and_no_halt(
    settings: Settings, market: Path
) -> None:
    report = checked(settings, market, "BNXUSDT", "ADAUSDT", "LINKUSDT")
    # It ends in 2023 here, and nobody said that it is listed no longer.
    bnx = report.open.filter(pl.col("symbol") == "BNX", pl.col("kind") != "stale")
    assert bnx.select("kind", "open_time").sort("kind").rows() == [
        ("redenomination", instant("2023-02-22T08:00Z")),
    ]
    detail = "closed at 175.5, opened at 1.755 after 149 hours without a candle"
    assert bnx["detail"].item() == detail


def test_four_years_of_the_best_known_coins_hold_no_jump(settings: Settings, market: Path) -> None:
    report = checked(settings, market, "BTCUSDT", "DOGEUSDT", "ADAUSDT", "LINKUSDT")
    best = report.open.filter(
        pl.col("symbol").is_in(["BTC", "DOGE", "ADA", "LINK"]), pl.col("kind") != "halt"
    )
    # Nothing since 2022, and nothing on 2020-03-12. In 2021 an order for DOGE went through all
    # others, down to 0.04, for less than an hour. (In 2018 Binance was closed for 33 hours.)
    assert best.select("symbol", "kind", "open_time").sort("open_time").rows() == [
        ("DOGE", "jump", instant("2021-01-29T06:00Z")),
    ]
    # A collapse that the market did not share is a finding, and cannot be told from a wrong candle.
    luna = report.open.filter(symbol="LUNC", kind="jump")["open_time"].dt.date().unique().sort()
    assert [f"{day}" for day in luna] == ["2022-05-11", "2022-05-12", "2022-05-13"]
