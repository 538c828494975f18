"""Runs that overlap: the same work is not done twice, and nobody waits for anybody."""

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

from chandlery import store
from chandlery.engine.result import RunResult
from chandlery.local.processes import until
from chandlery.model import Window, instant
from chandlery.settings import Settings
from sandbox import Serving

Collect = Callable[..., RunResult]
Rows = Callable[[str], list[tuple[Any, ...]]]
TABLES = ("candle_1h", "candle_4h", "candle_1d", "absence")
WEEK = {"start": "2026-11-15", "end": "2026-11-22"}
HOURS, COINS, RUNS = 7 * 24, 10, 4
AT_ONCE = 8  # requests that are surely under way together: no more than listings, or workers
PRICE_HOURS = 3
MILLISECOND = timedelta(milliseconds=1)
EPOCH = instant("1970-01-01")


def pages(venues: Serving) -> dict[tuple[str, str], list[Window]]:
    """By source and symbol: the windows that candles were asked for, by time."""
    found = defaultdict(list)
    for each in venues.requests()["requests"]:
        query = each["query"]
        if "klines" in each["path"]:
            start, end = (int(query[name]) for name in ("startTime", "endTime"))
            window = Window(EPOCH + start * MILLISECOND, EPOCH + (end + 1) * MILLISECOND)
            found[each["source"], query["symbol"]].append(window)
    return {key: sorted(each, key=lambda page: page.start) for key, each in found.items()}


def asked_twice(venues: Serving) -> list[tuple[Window, Window]]:
    """Pages that share hours. The newest are looked at for the price, by each run for itself."""
    return [
        (one, other)
        for each in pages(venues).values()
        for one, other in pairwise(each)
        if other.start < one.end and one.hours != PRICE_HOURS
    ]


@contextmanager
def held(venues: Serving, **which: str | int) -> Iterator[None]:
    """Candles are asked for, and not answered for as long as this lasts."""
    venues.fault("held", path="klines", **which)
    try:
        yield
    finally:
        venues.clear(kind="held")


def until_asked(venues: Serving, requests: int = 1) -> None:
    while sum(map(len, pages(venues).values())) < requests:
        pass


def all_tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with store.connect(settings) as connection:
        return {
            table: connection.execute(f"select * from {table} order by 1, 2, 3").fetchall()  # noqa: S608
            for table in TABLES
        }


def undisturbed(settings: Settings, collect: Collect, **given: Any) -> dict[str, Any]:
    """What one run alone leaves behind, in place of what is there."""
    with store.connect(settings) as connection:
        connection.execute("truncate candle_1h")
        connection.execute("delete from absence")
        store.refresh(connection)
    collect(**given)
    return all_tables(settings)


def test_what_one_run_is_at_work_on_another_leaves_to_it(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    with ThreadPoolExecutor(1) as hand:
        with held(venues):
            first = hand.submit(collect, **WEEK, name="the first")
            until_asked(venues)
            second = collect(**WEEK)
        done = first.result()
    assert (second.records, second.pages, second.failed) == (0, 0, {})
    assert second.leaving() == [f"10 coins left to the first (process {os.getpid()}), under way"]
    told = second.statistics()
    assert (told["successful"], told["failed"]) == (0, 0)
    assert told["left_to_other_runs"] == {f"the first (process {os.getpid()})": COINS}
    assert (done.records, done.leaving()) == (COINS * HOURS, [])
    assert asked_twice(venues) == []
    assert all_tables(at_sandbox) == undisturbed(at_sandbox, collect, **WEEK)


def test_an_hour_that_has_closed_since_is_not_left_to_a_backfill(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    with ThreadPoolExecutor(1) as hand:
        with held(venues, count=AT_ONCE):
            backfill = hand.submit(collect, start="2026-11-15", now=instant("2026-11-22T09:30Z"))
            until_asked(venues, AT_ONCE)
            hourly = collect(hours=24)
        assert backfill.result().records == COINS * (HOURS + 9)
    assert (hourly.records, len(hourly.unfinished)) == (COINS, COINS)
    assert asked_twice(venues) == []
    assert all_tables(at_sandbox) == undisturbed(at_sandbox, collect, start="2026-11-15")


def test_where_listings_begin_is_not_asked_for_twice(collect: Collect, venues: Serving) -> None:
    with ThreadPoolExecutor(1) as hand:
        with held(venues, count=AT_ONCE):
            first = hand.submit(collect, start="2026-09-01")
            while venues.requests()["total"] < AT_ONCE:
                pass
            venues.forget()
            assert collect(start="2026-09-01").pages == 0
            assert venues.requests()["total"] == 0
        first.result()


def test_what_is_seen_again_is_left_to_another_too(collect: Collect, venues: Serving) -> None:
    collect(**WEEK)
    again = {"recheck_hours": 24} | WEEK
    venues.forget()
    with ThreadPoolExecutor(1) as hand:
        with held(venues):
            first = hand.submit(collect, **again)
            until_asked(venues)
            assert collect(**again).pages == 0
        first.result()
    assert len(pages(venues)) == COINS
    assert asked_twice(venues) == []


def test_the_claim_of_a_run_that_was_killed_ends_with_it(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    week = [f"--{name}={value}" for name, value in WEEK.items()]
    command = [sys.executable, "-m", "chandlery", "backfill", "--now=2026-11-22T10:30Z", *week]
    environment = {
        **os.environ,
        "CHANDLERY_HOME": str(at_sandbox.home),
        "DATABASE_URL": at_sandbox.database_url or "",
        "CHANDLERY_VENUES_URL": venues.url,
    }
    with held(venues), subprocess.Popen(command, env=environment) as process:
        until_asked(venues, AT_ONCE)
        assert len(collect(**WEEK).unfinished) == COINS
        process.send_signal(signal.SIGKILL)
        venues.clear(kind="held")
        assert collect(**WEEK).records == COINS * HOURS
    assert process.returncode == -signal.SIGKILL


def test_a_batch_that_takes_its_time_keeps_its_claim(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    minutes = count(0, 120).__next__  # two go by between one page and the next

    def lease() -> datetime:
        with store.connect(at_sandbox) as connection:
            return (connection.execute("select min(lease_until) from claim").fetchone() or ())[0]

    with ThreadPoolExecutor(1) as hand:
        with held(venues, symbol="BTCUSDT"), held(venues, symbol="ETHUSDT"):
            first = hand.submit(
                collect, sources=("binance_futures",), workers=1, clock=minutes, **WEEK
            )
            until_asked(venues, 1)
            before = lease()
            venues.clear(symbol="BTCUSDT")
            assert until(lambda: lease() > before or None, 30)
        first.result()


def test_many_runs_at_once_end_and_ask_for_nothing_twice(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    """Other coins and other weeks each, some of them the same."""
    chance = random.Random(14)  # noqa: S311
    halt = Window(instant("2026-11-15T07:00Z"), instant("2026-11-16T09:00Z"))
    ends = {"start": halt.start.isoformat(), "end": halt.end.isoformat()}
    venues.fault("halt", symbol="BTCUSDT", **ends)
    with store.connect(at_sandbox) as connection:
        coins = {coin.symbol: coin.key for coin in store.find(connection)}
    listed = sorted(coins.keys() - {"LEO", "USDT"})
    asked = [
        {
            "symbols": chance.sample(listed, 7),
            "start": f"2026-11-{chance.randint(10, 14)}",
            "end": f"2026-11-{chance.randint(17, 21)}",
        }
        for _ in range(RUNS)
    ]
    with ThreadPoolExecutor(RUNS) as workers:
        results = list(workers.map(lambda given: collect(**given), asked))
    assert [result.failed for result in results] == [{}] * RUNS
    assert asked_twice(venues) == []
    asks = [
        (coins[symbol], Window(instant(each["start"]), instant(each["end"])))
        for each in asked
        for symbol in each["symbols"]
    ]
    with store.connect(at_sandbox) as connection:
        lacking = {part for runs in store.missing(connection, asks) for part in runs}
        (rows,) = connection.execute("select count(*) from candle_1h").fetchone() or ()
        assert overlapping(connection) == []
    assert [part for part in lacking if part.clip(halt) != part] == []
    assert sum(result.records for result in results) == rows


def test_absences_keep_what_runs_that_overlap_saw(
    collect: Collect, venues: Serving, at_sandbox: Settings
) -> None:
    """Each asks again for another day of an outage that is known as one."""
    venues.fault("outage", source="binance_futures", start="2026-11-16", end="2026-11-21")
    futures = {"sources": ("binance_futures",), "patient": False}
    collect(**WEEK, **futures)

    def day(number: int) -> RunResult:
        return collect(start=f"2026-11-{number}", end=f"2026-11-{number + 1}", **futures)

    with ThreadPoolExecutor(RUNS) as workers:
        list(workers.map(day, range(17, 17 + RUNS)))
    with store.connect(at_sandbox) as connection:
        assert overlapping(connection) == []
        known = connection.execute("select sum(ends_at - starts_at) from absence group by coin")
        assert known.fetchall() == [(timedelta(days=5),)] * 8


def overlapping(connection: store.Connection) -> list[tuple[Any, ...]]:
    """What the absences say twice."""
    return connection.execute(
        "select one, two from absence one join absence two using (coin, source)"
        " where one.starts_at < two.starts_at and two.starts_at < one.ends_at"
    ).fetchall()
