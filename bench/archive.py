"""A market's whole history since 2020: by its files and its API at once, or by its API alone.

Some made-up contracts, with the travel that an answer has in the world and no limits; each
run is a process, from its start to its end, with checks, COPY and refreshed 4h and 1d candles. What
one contract more takes is the difference of two sizes. What the API's budget allows is counted and
not waited for: files are asked meanwhile.

    12 contracts take 12 s by both ways, 36 take 30 s: one takes 0.75 s, 592 take 447 s
    36 contracts' API requests weigh 720, of 2,400 a minute: those of 592 wait 296 s, which is less
    so it is 447 s; by the API alone they weigh 61 minutes, whatever else they take
"""

import argparse
import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl

from bench import measure, rate
from bench.builds import OURS, Build, Spent, compared
from bench.venue_to_database import empty, rows
from chandlery import store
from chandlery.settings import Settings
from sandbox.serving import Serving, serving

SINCE, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)
CONTRACTS = 592
SOURCE, TRAVEL = "binance_futures", 0.1  # seconds of each answer
AT_ONCE, ALONE, FIRST = "files and API at once", "the API alone", "files first"
WAYS = {AT_ONCE: [], ALONE: ["--no-archive"]}
BASE_WAYS = {FIRST: ["--archive"], ALONE: []}
"""Before there was an option for it, a backfill asked the API alone."""
LEAST_CPU = {AT_ONCE: 0.45, ALONE: 0.5}  # of the base build's
GOAL = 0.2  # of what the API's budget takes


def lay(folder: Path, contracts: int) -> list[str]:
    """Write down so many contracts that trade since 2020; their coins' ids."""
    ids = [f"coin{number}" for number in range(contracts)]
    coins = []
    for rank, each in enumerate(ids, start=1):
        symbol = f"{each.upper()}USDT"
        (folder / SOURCE / symbol).mkdir(parents=True)
        candles(random.Random(each)).write_parquet(folder / SOURCE / symbol / "1h.parquet")  # noqa: S311  made-up prices
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
    parser.add_argument("--contracts", default="12,36", help="two sizes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--travel", type=float, default=TRAVEL, metavar="SECONDS")
    measure.add_base(parser)
    options = parser.parse_args(arguments)
    few, many = map(int, options.contracts.split(","))
    with tempfile.TemporaryDirectory() as name, compared(options.base) as builds:
        coins = lay(Path(name), many)
        market = {"market": name, "now": NOW, "limits": False, "remember": True}
        with serving(process=True, **market) as sandbox, measure.databases(builds) as databases:
            runs = [
                Run(way, words, build, databases[build])
                for build in databases
                for way, words in (WAYS if build == OURS else BASE_WAYS).items()
            ]
            for turn in range(options.rounds + 1):
                if turn:
                    sandbox.fault("slow", seconds=options.travel)
                for run in runs:
                    for size in (few, many) if turn else (many,):
                        run.once(sandbox, coins[:size], count=turn > 0)
                sandbox.clear()
    if len(stored := {run.stored for run in runs}) > 1:
        raise measure.Unfit(f"the ways stored different numbers of rows: {sorted(stored)}")
    return list(figures(runs))


@dataclass
class Run:
    """A way of a build; what it took, and what its requests weigh at the API, by contracts."""

    way: str
    words: Sequence[str]
    build: Build
    database: Settings
    taken: dict[int, list[Spent]] = field(default_factory=dict)
    weighs: dict[int, float] = field(default_factory=dict)
    stored: int = 0

    def once(self, sandbox: Serving, coins: Sequence[str], *, count: bool) -> None:
        """Backfill these coins into an empty database, and count it if it counts."""
        with store.connect(self.database) as connection:
            empty(connection)
        sandbox.forget()
        verb = ["backfill", "--json", f"--sources={SOURCE}", "--start-year=2020", *self.words]
        verb += [f"--now={NOW.isoformat()}", f"--symbols={','.join(coins)}"]
        more = {"CHANDLERY_VENUES_URL": sandbox.url, "CHANDLERY_SOURCES": SOURCE}
        spent = self.build.spend(verb, self.build.environment(self.database, **more))
        with store.connect(self.database) as connection:
            self.stored = rows(connection, "candle_1h")
        self.weighs[len(coins)] = weight(sandbox)
        if count:
            self.taken.setdefault(len(coins), []).append(spent)

    @property
    def minutes(self) -> Sequence[float]:
        """What all contracts take, by round: as much as its work, or the API's budget."""
        few, many = self.taken
        bound = whole(self.weighs[few], self.weighs[many], (few, many), CONTRACTS)
        rounds = zip(self.taken[few], self.taken[many], strict=True)
        work = [whole(a.seconds, b.seconds, (few, many), CONTRACTS) / 60 for a, b in rounds]
        print(
            f"{self.build.name}, {self.way}: {bound / rate.BUDGET.most:.1f} minutes of budget,"
            f" {measure.spread(work, '.1f')} of all else"
        )
        return [max(bound / rate.BUDGET.most, each) for each in work]

    @property
    def cpu(self) -> Sequence[float]:
        """The client's seconds of processor time for one contract more, by round."""
        few, many = self.taken
        rounds = zip(self.taken[few], self.taken[many], strict=True)
        return [(b.cpu - a.cpu) / (many - few) for a, b in rounds]


def figures(runs: Sequence[Run]) -> Iterator[measure.Figure]:
    """Its lines of the table."""
    by = {(run.build == OURS, run.way): run for run in runs}
    both, alone = by[True, AT_ONCE], by[True, ALONE]
    minutes = {run.way: run.minutes for run in (both, alone)}
    before = {run.way: run for run in runs if run.build != OURS}
    yield measure.Figure(
        f"{CONTRACTS} contracts since 2020",
        minutes[AT_ONCE],
        "minutes",
        most=GOAL,
        of=measure.PEER,
        form=".1f",
        base=before[ALONE].minutes if before else (),
        peer="the API alone",
        theirs=minutes[ALONE],
    )
    for way, run, of_base in ((AT_ONCE, both, FIRST), (ALONE, alone, ALONE)):
        yield measure.Figure(
            f"a contract since 2020, {way}",
            run.cpu,
            "s of CPU",
            most=LEAST_CPU[way],
            of=measure.BASE,
            base=before[of_base].cpu if before else (),
        )
    memory = [each.megabytes for each in both.taken[max(both.taken)]]
    yield measure.Figure("contracts since 2020", memory, "MB", most=300.0, form=".0f")


if __name__ == "__main__":
    measure.run(main)
