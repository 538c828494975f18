"""A day of hourly runs with faults: at its end, nothing is missing that the venues had.

Made-up venues, each request in twenty befallen by a fault; an hour after the other is collected as
`chandlery hourly` does, the sandbox's clock an hour further on each time. What should be there is
then told by the code that made the candles up, and compared hour by hour with the database.

The sandbox's limits are off: they go by the real clock, and whoever waits here moves a clock of its
own. CPU is that of this process, without the database's and the sandbox's.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

import polars as pl

from bench import measure
from bench.simulated_clock import SimulatedClock
from chandlery import store
from chandlery.engine.run import run
from chandlery.engine.spec import run_spec
from chandlery.model import HOUR, Window, whole_hour
from chandlery.settings import Settings
from chandlery.symbology.learn import learn, learn_if_due
from chandlery.venues import load
from sandbox import Serving, serving
from sandbox.made_up_market import MadeUpMarket

BEGIN = datetime(2026, 11, 20, 0, 5, tzinfo=UTC)
SEED = 1
FAULTS = ("429", "500", "503", "cut", "truncated", "html", "empty", "slow")
SOURCES = ("binance_futures", "binance_spot", "coingecko", "okx", "bybit")


@dataclass
class Day:
    """What came of it."""

    requests: int = 0
    befallen: Mapping[str, int] = field(default_factory=dict)  # requests by fault
    written: int = 0  # rows: a traded candle may come after an indicative one
    candles: int = 0
    expected: int = 0
    missing: dict[str, list[datetime]] = field(default_factory=dict)  # by coin id
    failed: Counter[str] = field(default_factory=Counter)  # runs by coin: what failed in them
    wall: list[float] = field(default_factory=list)  # seconds, an hour each
    cpu: list[float] = field(default_factory=list)


def switch_on(sandbox: Serving, every: int) -> None:
    """Have one request in `every` befallen, each time by the next fault."""
    for turn, kind in enumerate(FAULTS):
        settings = {"every": every * len(FAULTS), "after": every * (turn + 1 - len(FAULTS))}
        sandbox.fault(kind, **settings, seconds=1 if kind == "429" else 0.2)


def day(settings: Settings, sandbox: Serving, hours: int, every: int) -> Day:
    """Collect hour after hour; `settings` are those of an empty database and of the sandbox."""
    done, clock = Day(), SimulatedClock()
    with clock.context(settings) as context:
        learn(context, BEGIN)
    sandbox.forget()
    switch_on(sandbox, every)
    for hour in range(hours):
        now = BEGIN + hour * HOUR
        sandbox.at(now)
        began, worked = perf_counter(), process_time()
        with clock.context(settings) as context:
            asked = run_spec(now=now, known_sources=load(), sources=SOURCES, hours=24)
            learn_if_due(context, asked)
            result = run(context, asked)
        done.written += result.records
        done.failed.update(result.failed)
        done.wall.append(perf_counter() - began)
        done.cpu.append(process_time() - worked)
        print(f"{now:%H:%M} {done.wall[-1]:.1f} s, {result.records:,} rows", flush=True)
        clock.ahead += timedelta(hours=1).total_seconds()
    done.requests = sandbox.requests()["total"]
    done.befallen = {each["kind"]: each["done"] for each in sandbox.faults()}
    return done


def had(market: MadeUpMarket, window: Window) -> dict[str, set[datetime]]:
    """By coin id: the hours of which any venue has a candle, as the code that makes them says."""
    found: dict[str, set[datetime]] = {}
    ends = [int(at.timestamp() * 1000) for at in (window.start, window.end)]
    for source in SOURCES:
        for listing in market.listings(source):
            candles = market.candles(source, listing.symbol, "1h")
            if listing.coin is not None and candles is not None:
                times = candles.frame(*ends)["open_time"].cast(pl.Datetime("ms", "UTC"))
                found.setdefault(listing.coin, set()).update(times.to_list())
    return found


def compare(settings: Settings, done: Day, market: MadeUpMarket, hours: int) -> None:
    """Find what should be there and is not."""
    last = whole_hour(BEGIN + (hours - 1) * HOUR)
    expected = had(market, Window(whole_hour(BEGIN) - 24 * HOUR, last))
    with store.connect(settings) as connection:
        rows = connection.execute(
            "select coin.id, array_agg(open_time) from candle_1h"
            " join coin on coin.key = candle_1h.coin group by coin.id"
        ).fetchall()
    held = {coin: set(times) for coin, times in rows}
    done.candles = sum(map(len, held.values()))
    done.expected = sum(map(len, expected.values()))
    lacking = {coin: sorted(times - held.get(coin, set())) for coin, times in expected.items()}
    done.missing = {coin: times for coin, times in lacking.items() if times}


def told(done: Day, coins: int) -> Iterable[str]:
    """What is printed."""
    befallen = sum(done.befallen.values())
    yield f"{len(done.wall)} hours of {coins:,} coins"
    yield f"{done.requests:,} requests, {befallen:,} befallen: {dict(done.befallen)}"
    yield f"{done.befallen.get('429', 0):,} answers were 429"
    yield f"{done.candles:,} candles stored ({done.written:,} rows written)"
    yield f"{done.expected:,} hours of candles the venues had"
    yield f"{len(done.failed):,} coins failed in a run, {sum(done.failed.values())} times in all"
    yield f"{sum(map(len, done.missing.values())):,} hours of {len(done.missing):,} coins missing"
    yield f"an hour: {measure.spread(done.wall, '.1f')} s, of CPU {measure.spread(done.cpu, '.1f')}"


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Do it, and print; nothing must be missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=2000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--every", type=int, default=20, help="one request in so many is befallen")
    options = parser.parse_args(arguments)
    logging.getLogger("chandlery").setLevel(logging.ERROR)  # what befalls it is counted
    with ExitStack() as stack:
        sandbox = stack.enter_context(
            serving(process=True, coins=options.coins, seed=SEED, now=BEGIN, limits=False)
        )
        current = stack.enter_context(measure.database())
        current = current.model_copy(update={"venues_url": sandbox.url})
        done = day(current, sandbox, options.hours, options.every)
        market = MadeUpMarket(options.coins, SEED, int(BEGIN.timestamp() * 1000))
        compare(current, done, market, options.hours)
    for line in told(done, options.coins):
        print(line)
    for coin, times in list(done.missing.items())[:20]:
        print(f"missing of {coin}: {', '.join(f'{at:%d. %H:%M}' for at in times[:10])}")
    missing = sum(map(len, done.missing.values()))
    what = f"hours missing after {options.hours} hourly runs of {options.coins:,} coins with faults"
    return [measure.Figure(what, [missing], most=0.0, must=True, form=".0f")]


if __name__ == "__main__":
    measure.run(main)
