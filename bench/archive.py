"""A market's whole history since 2020: by its files and its API at once, or by its API alone.

Some made-up contracts, with the travel that an answer has in the world and no limits; each
run is a process, from its start to its end, with checks, COPY and refreshed 4h and 1d candles. What
one contract more takes is the difference of two sizes. What the API's budget allows is counted and
not waited for: files are asked meanwhile.

    8 contracts take 9 s by both ways, 24 take 21 s: one takes 0.75 s, 592 take 447 s
    24 contracts' API requests weigh 480, of 2,400 a minute: those of 592 wait 296 s, which is less
    so it is 447 s; by the API alone they weigh 61 minutes, whatever else they take
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl

from bench import measure, rate
from bench.venue_to_database import Spent, empty, rows, spend
from chandlery import store
from chandlery.settings import Settings
from sandbox.serving import Serving, serving

SINCE, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
CONTRACTS = 592
SOURCE, TRAVEL = "binance_futures", 0.1  # seconds of each answer
WAYS = {"files and API at once": [], "API alone": ["--no-archive"]}
GOAL = 0.2  # of what the API's budget takes


def lay(folder: Path, contracts: int) -> list[str]:
    """Write down so many contracts that trade since 2020; their coins' ids."""
    ids = [f"coin{number}" for number in range(contracts)]
    coins = []
    for rank, each in enumerate(ids, start=1):
        symbol = f"{each.upper()}USDT"
        (folder / SOURCE / symbol).mkdir(parents=True)
        candles(random.Random(each)).write_parquet(folder / SOURCE / symbol / "1h.parquet")  # noqa: S311
        listing = {"source": SOURCE, "symbol": symbol, "from": f"{SINCE:%FT%TZ}"}
        coins.append(
            {"id": each, "symbol": each, "name": each, "rank": rank, "listings": [listing]}
        )
    (folder / "coins.json").write_text(json.dumps(coins))
    return ids


def candles(dice: random.Random) -> pl.DataFrame:
    """The hours of one contract: prices that wander by a hundredth, amounts that go with them."""
    opened = pl.datetime_range(SINCE, NOW, "1h", closed="left", eager=True, time_unit="us")
    steps = pl.Series([dice.gauss(0, 0.01) for _ in range(len(opened))])
    close = (dice.uniform(0.1, 1000) * (steps.cum_sum() * 0.1).exp()).round(4)
    first = close.shift(1).fill_null(close[0])
    high, low = (first.zip_with(first > close, close), first.zip_with(first < close, close))
    volume = pl.Series([dice.lognormvariate(5, 1) for _ in range(len(opened))]).round(3)
    prices = {"open": first, "high": high, "low": low, "close": close}
    amounts = {"volume": volume, "quote_volume": (volume * (high + low) / 2).round(4)}
    return pl.DataFrame({"open_time": opened} | prices | amounts | {"trades": [100] * len(opened)})


def command(coins: Sequence[str], way: str) -> list[str]:
    """A backfill of these coins since 2020."""
    verb = [sys.executable, "-m", "chandlery", "backfill", "--json", f"--sources={SOURCE}"]
    ends = ["--start-year=2020", f"--now={NOW.isoformat()}", f"--symbols={','.join(coins)}"]
    return [*verb, *ends, *WAYS[way]]


def environment(current: Settings, venue: str) -> Mapping[str, str]:
    """Where chandlery finds the database and the venue; the rest is inherited."""
    return {
        **os.environ,
        "DATABASE_URL": current.database_url or "",
        "CHANDLERY_HOME": str(current.home),
        "CHANDLERY_VENUES_URL": venue,
        "CHANDLERY_SOURCES": SOURCE,
    }


def weight(sandbox: Serving) -> float:
    """What a run's requests of candles weigh at the API."""
    asked = [each for each in sandbox.requests()["requests"] if each["path"].endswith("v1/klines")]
    asks = [
        httpx.Request("GET", f"{rate.FUTURES.url}{each['path']}", params=each["query"])
        for each in asked
    ]
    return sum(map(rate.BUDGET.cost, asks))


def whole(few: float, many: float, sizes: Sequence[int], contracts: int) -> float:
    """What so many contracts take, by what two sizes took."""
    least, most = sizes
    one = (many - few) / (most - least)
    return few + one * (contracts - least)


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contracts", default="8,24", help="two sizes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--travel", type=float, default=TRAVEL, metavar="SECONDS")
    options = parser.parse_args(arguments)
    sizes = [int(each) for each in options.contracts.split(",")]
    spent: dict[tuple[str, int], list[Spent]] = {}
    stored: dict[int, set[int]] = {each: set() for each in sizes}
    weights: dict[tuple[str, int], float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        measure.database() as current,
        store.connect(current) as connection,
        ExitStack() as stack,
    ):
        store.migrate(connection)
        coins = lay(Path(folder), max(sizes))
        market = {"market": folder, "now": NOW, "limits": False, "remember": True}
        sandbox = stack.enter_context(serving(process=True, **market))
        print(f"{measure.about(connection)}; {options.rounds} rounds after one to warm up")
        for turn in range(options.rounds + 1):
            if turn:
                sandbox.fault("slow", seconds=options.travel)
            for way in WAYS:
                for size in sizes:
                    empty(connection)
                    sandbox.forget()
                    told = command(coins[:size], way)
                    took = spend(told, environment(current, sandbox.url))
                    stored[size].add(rows(connection, "candle_1h"))
                    weights[way, size] = weight(sandbox)
                    if turn:
                        spent.setdefault((way, size), []).append(took)
            sandbox.clear()
    if any(len(each) > 1 for each in stored.values()):
        raise measure.Unfit(f"the ways stored different numbers of rows: {stored}")
    return list(figures(spent, weights, sizes))


def figures(
    spent: Mapping[tuple[str, int], Sequence[Spent]],
    weights: Mapping[tuple[str, int], float],
    sizes: Sequence[int],
) -> Sequence[measure.Figure]:
    """The minutes that all contracts take, and what a contract takes of the processor."""
    found, minutes = [], {}
    few, many = sizes
    for way in WAYS:
        bound = whole(weights[way, few], weights[way, many], sizes, CONTRACTS) / rate.BUDGET.most
        rounds = zip(spent[way, few], spent[way, many], strict=True)
        work = [whole(a.seconds, b.seconds, sizes, CONTRACTS) / 60 for a, b in rounds]
        minutes[way] = [max(bound, each) for each in work]
        print(f"{way}: {bound:.1f} minutes of budget, {measure.spread(work, '.1f')} of all else")
        memory = [each.megabytes for each in spent[way, many]]
        cpu = [
            (b.cpu - a.cpu) / (many - few)
            for a, b in zip(spent[way, few], spent[way, many], strict=True)
        ]
        found.append(measure.Figure(f"archive, {way}", minutes[way], "minutes", form=".1f"))
        found.append(measure.Figure(f"archive, {way}, a contract", cpu, "s of CPU"))
        found.append(measure.Figure(f"archive, {way}", memory, "MB", most=300.0, form=".0f"))
    both, alone = (minutes[way] for way in WAYS)
    ratio = measure.ratios(both, alone)
    return [*found, measure.Figure("archive, of the API's time", ratio, most=GOAL)]


if __name__ == "__main__":
    measure.run(main)
