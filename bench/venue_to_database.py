"""From the venue into the database: `chandlery backfill` against what a user would use instead.

The same hours of the same coins from the same sandbox (a process of its own, no limits, answers
made once and kept, so that its work does not count) into the same empty database, each way as a
process of its own, timed from its start to its end: so with the interpreter's start, imports, and
what each asks of the venue before the first candle. That of chandlery also plans, checks every
candle, writes quote volume and trades too, and leaves 4h and 1d candles refreshed; freqtrade's
downloader writes files and no database. Once with answers at once, and once with the travel that
a request has in the world.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from time import perf_counter

import httpx
import polars as pl

from bench import measure
from chandlery import store
from chandlery.settings import Settings
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OURS = "chandlery backfill"
TO_SQL = "ccxt, to_sql"
FREQTRADE = "freqtrade download-data"
GOALS = {TO_SQL: 20.0, FREQTRADE: 10.0}
PYTHON = measure.ROOT / ".venv-bench" / "bin" / "python"
MADE_UP = 200  # coins in the sandbox, of which the first that trade on spot are taken


@dataclass(frozen=True)
class Job:
    """What is to be fetched, from where, into what."""

    venue: str
    database: Settings
    start: datetime
    coins: Sequence[str]
    python: Path

    def ours(self) -> list[str]:
        """The command of chandlery."""
        verb = [sys.executable, "-m", "chandlery", "backfill", "--json", "--sources=binance_spot"]
        when = [f"--start={self.start.isoformat()}", f"--now={NOW.isoformat()}"]
        return [*verb, *when, f"--symbols={','.join(self.coins)}"]

    def theirs(self) -> list[str]:
        """The user's command."""
        script = str(measure.ROOT / "bench" / "as_a_user_would.py")
        ends = [str(int(at.timestamp()) * 1000) for at in (self.start, NOW)]
        symbols = [f"{coin}/USDT" for coin in self.coins]
        where = [self.venue, measure.dsn(self.database)]
        return [str(self.python), script, *where, *ends, *symbols]

    def freqtrade(self, folder: Path) -> list[str]:
        """The downloader of freqtrade, which asks for pages at the same time, pair after pair."""
        public = {"urls": {"api": {"public": f"{self.venue}/binance_spot/api/v3"}}}
        markets = {"enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}}
        told = {
            "stake_currency": "USDT",
            "dry_run": True,
            "datadir": str(folder / "data"),
            "pairlists": [{"method": "StaticPairList"}],
            "entry_pricing": {"price_side": "other"},
            "exit_pricing": {"price_side": "other"},
            "exchange": {
                "name": "binance",
                "enable_ws": False,
                "only_from_ccxt": True,  # and not from the archive in the world
                "pair_whitelist": [f"{coin}/USDT" for coin in self.coins],
                "ccxt_config": public | markets,
            },
        }
        (folder / "config.json").write_text(json.dumps(told))
        when = f"--timerange={self.start.timestamp():.0f}-{NOW.timestamp():.0f}"
        verb = [str(self.python.parent / "freqtrade"), "download-data", "--erase", when]
        return [*verb, f"--userdir={folder}", f"--config={folder / 'config.json'}", "-t", "1h"]

    def environment(self) -> Mapping[str, str]:
        """Where chandlery finds the database and the venue; the rest is inherited."""
        return {
            **os.environ,
            "DATABASE_URL": self.database.database_url or "",
            "CHANDLERY_HOME": str(self.database.home),
            "CHANDLERY_VENUES_URL": self.venue,
            "CHANDLERY_SOURCES": "binance_spot",
        }


@dataclass(frozen=True)
class Spent:
    """What a process took; the database's and the sandbox's share is not in it, but for time."""

    seconds: float
    cpu: float
    megabytes: float


def spend(command: Sequence[str], environment: Mapping[str, str]) -> Spent:
    """Run a process to its end; what it had to say is shown if it failed."""
    with tempfile.NamedTemporaryFile() as told:
        child = [sys.executable, "-S", str(measure.ROOT / "bench" / "child.py"), told.name]
        began = perf_counter()
        done = subprocess.run(  # noqa: S603  our own command, as a list
            [*child, *command],
            env=environment,
            cwd=measure.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        took = perf_counter() - began
        if done.returncode:
            raise measure.Unfit(f"{' '.join(command[:4])} failed:\n{done.stdout}")
        used = json.load(told)
    return Spent(took, used["cpu"], used["rss"] / _RSS_UNITS)


_RSS_UNITS = 1024**2 if sys.platform == "darwin" else 1024


def trading(venue: str, most: int) -> list[str]:
    """The first coins that trade against USDT on the sandbox's spot market."""
    answer = httpx.get(f"{venue}/binance_spot/api/v3/exchangeInfo", timeout=60).json()
    found = [
        row["baseAsset"]
        for row in answer["symbols"]
        if row["quoteAsset"] == "USDT" and row["status"] == "TRADING"
    ]
    return found[:most]


def empty(connection: store.Connection) -> None:
    """Leave nothing of the round before; what it used of a budget neither, or the next waits."""
    connection.execute("truncate candle_1h, learnt, listing, coin, account cascade")
    connection.execute("drop table if exists candles")
    for aggregate in ("candle_1d", "candle_4h"):
        connection.execute(f"call refresh_continuous_aggregate('{aggregate}', null, null)")
    connection.execute("truncate stale")
    connection.execute("checkpoint")


def rows(connection: store.Connection, table: str) -> int:
    """How many there are."""
    found = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  our own name
    return int(found[0]) if found else 0


def in_files(folder: Path) -> int:
    """How many candles freqtrade has left in its files, up to the end that was asked for."""
    files = folder.glob("data/binance/*.feather")
    return sum(pl.read_ipc(file).filter(pl.col("date") < NOW).height for file in files)


def measured(job: Job, rounds: int) -> tuple[dict[str, list[Spent]], int]:
    """Each way in turn, round by round; and the rows that each of them stored."""
    spent: dict[str, list[Spent]] = defaultdict(list)
    stored = set()
    with store.connect(job.database) as connection, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        ways: dict[str, tuple[list[str], Callable[[], int]]] = {
            OURS: (job.ours(), lambda: rows(connection, "candle_1h")),
            TO_SQL: (job.theirs(), lambda: rows(connection, "candles")),
            FREQTRADE: (job.freqtrade(folder), lambda: in_files(folder)),
        }
        print(f"{measure.about(connection)}; {rounds} rounds after one to warm up", flush=True)
        for turn in range(rounds + 1):
            for way, (command, count) in ways.items():
                empty(connection)
                took = spend(command, job.environment())
                stored.add(count())
                if turn:
                    spent[way].append(took)
    if len(stored) > 1:
        raise measure.Unfit(f"the ways stored different numbers of rows: {sorted(stored)}")
    return spent, stored.pop()


def figures(spent: Mapping[str, Sequence[Spent]], case: str) -> Iterator[measure.Figure]:
    """How many times as long each way took as ours; and what ours took of the processor."""
    ours = [one.seconds for one in spent[OURS]]
    for way, least in GOALS.items():
        ratio = measure.ratios([one.seconds for one in spent[way]], ours)
        yield measure.Figure(f"venue to database, {case}: {way}", ratio, "times as long", least)
    cpu = [one.cpu for one in spent[OURS]]
    yield measure.Figure(f"venue to database, {case}: {OURS}", cpu, "s of CPU")
    memory = [one.megabytes for one in spent[OURS]]
    yield measure.Figure(f"venue to database, {case}: {OURS}", memory, "MB", most=300.0, form=".0f")


def print_costs(spent: Mapping[str, Sequence[Spent]], stored: int) -> None:
    """Speed, processor time and memory of the process itself, a line a way."""
    width = max(map(len, spent))
    print(f"{'':{width}}  {'seconds':>26}  {'rows/s':>28}  {'CPU seconds':>24}  {'peak MB':>20}")
    for way, each in spent.items():
        seconds = measure.spread([one.seconds for one in each], ".2f")
        rates = measure.spread([stored / one.seconds for one in each])
        cpu = measure.spread([one.cpu for one in each], ".2f")
        memory = measure.spread([one.megabytes for one in each])
        print(f"{way:{width}}  {seconds:>26}  {rates:>28}  {cpu:>24}  {memory:>20}", flush=True)


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", default="10,40", help="sizes, one after the other")
    parser.add_argument("--hours", type=int, default=8_760, help="a year")
    parser.add_argument("--travel", default="0,100", metavar="MS", help="of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench-python", type=Path, default=PYTHON, help="one that has ccxt")
    options = parser.parse_args(arguments)
    if not options.bench_python.exists():
        raise measure.Unfit(f"no {options.bench_python}: see bench/README.md for how to make it")
    found: list[measure.Figure] = []
    with (
        serving(process=True, coins=MADE_UP, now=NOW, limits=False, remember=True) as sandbox,
        measure.database() as current,
    ):
        with store.connect(current) as connection:
            store.migrate(connection)
        start = NOW - timedelta(hours=options.hours)
        for travel, coins in product(options.travel.split(","), options.coins.split(",")):
            sandbox.clear()
            if float(travel):
                sandbox.fault("slow", seconds=float(travel) / 1000)
            few = trading(sandbox.url, int(coins))
            job = Job(sandbox.url, current, start, few, options.bench_python)
            spent, stored = measured(job, options.rounds)
            case = f"{stored:,} rows, {travel} ms an answer"
            print(case)
            print_costs(spent, stored)
            found += figures(spent, case)
    return found


if __name__ == "__main__":
    measure.run(main)
