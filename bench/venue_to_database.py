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
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

import httpx
import polars as pl

from bench import measure
from bench.builds import OURS, Build, Spent, compared, spend
from chandlery import store
from chandlery.settings import Settings
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BACKFILL = "chandlery backfill"
TO_SQL = "ccxt, to_sql"
FREQTRADE = "freqtrade download-data"
GOALS = {(TO_SQL, 0): 4.5, (FREQTRADE, 0): 1.6, (TO_SQL, 100): 8.0, (FREQTRADE, 100): 2.0}
"""How many times the rows a second, by milliseconds of travel; from so many rows on:"""
MUCH = 10 * 4 * 8_760
PYTHON = measure.ROOT / ".venv-bench" / "bin" / "python"
MADE_UP = 200  # coins in the sandbox, of which the first that trade on spot are taken


Spending = Mapping[Build | str, Sequence[Spent]]


@dataclass(frozen=True)
class Job:
    """What is to be fetched, and from where."""

    venue: str
    start: datetime
    coins: Sequence[str]
    python: Path

    def ours(self, build: Build, database: Settings) -> Spent:
        """What a build of chandlery takes."""
        verb = ["backfill", "--json", "--sources=binance_spot", f"--symbols={','.join(self.coins)}"]
        when = [f"--start={self.start.isoformat()}", f"--now={NOW.isoformat()}"]
        where = {"CHANDLERY_VENUES_URL": self.venue, "CHANDLERY_SOURCES": "binance_spot"}
        return build.spend([*verb, *when], build.environment(database, **where))

    def theirs(self, database: Settings) -> list[str]:
        """The user's command."""
        script = str(measure.ROOT / "bench" / "as_a_user_would.py")
        ends = [str(int(at.timestamp()) * 1000) for at in (self.start, NOW)]
        symbols = [f"{coin}/USDT" for coin in self.coins]
        return [str(self.python), script, self.venue, measure.dsn(database), *ends, *symbols]

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


def rows(connection: store.Connection, table: str = "candle_1h") -> int:
    """How many there are."""
    found = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  our own name
    return int(found[0]) if found else 0


def in_files(folder: Path) -> int:
    """How many candles freqtrade has left in its files, up to the end that was asked for."""
    files = folder.glob("data/binance/*.feather")
    return sum(pl.read_ipc(file).filter(pl.col("date") < NOW).height for file in files)


@dataclass(frozen=True)
class Way:
    """One way into a database: what is done, where nothing is before, and what counts the rows."""

    work: Callable[[], Spent]
    connection: store.Connection
    count: Callable[[], int]


def measured(job: Job, databases: Mapping[Build, Settings], rounds: int) -> tuple[Spending, int]:
    """Each way in turn, round by round; and the rows that each of them stored."""
    spent: dict[Build | str, list[Spent]] = defaultdict(list)
    stored = set()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "data").mkdir()
        connections = {
            build: stack.enter_context(store.connect(current))
            for build, current in databases.items()
        }
        theirs, environment = connections[OURS], OURS.environment(databases[OURS])
        ways: dict[Build | str, Way] = {
            build: Way(partial(job.ours, build, databases[build]), mine, partial(rows, mine))
            for build, mine in connections.items()
        }
        to_sql, downloaded = job.theirs(databases[OURS]), job.freqtrade(folder)
        ways[TO_SQL] = Way(
            partial(spend, to_sql, environment), theirs, partial(rows, theirs, "candles")
        )
        ways[FREQTRADE] = Way(
            partial(spend, downloaded, environment), theirs, partial(in_files, folder)
        )
        print(f"{measure.about(theirs)}; {rounds} rounds after one to warm up", flush=True)
        for turn in range(rounds + 1):
            for name, way in ways.items():
                empty(way.connection)
                took = way.work()
                stored.add(way.count())
                if turn:
                    spent[name].append(took)
    if len(stored) > 1:
        raise measure.Unfit(f"the ways stored different numbers of rows: {sorted(stored)}")
    return spent, stored.pop()


def figures(
    spent: Spending, stored: int, case: str, goals: Mapping[str, float]
) -> Iterator[measure.Figure]:
    """Rows a second against each user's way; and what ours took of processor and memory."""
    builds = {build: each for build, each in spent.items() if isinstance(build, Build)}
    what = f"venue to database, {case}"
    rates = {name: [stored / one.seconds for one in each] for name, each in spent.items()}
    base = [rate for build in builds if build != OURS for rate in rates[build]]
    for way in (TO_SQL, FREQTRADE):
        yield measure.Figure(
            what,
            rates[OURS],
            "rows/s",
            least=goals.get(way),
            form=",.0f",
            of=measure.PEER,
            base=base,
            peer=way,
            theirs=rates[way],
        )
    yield measure.spent(what, builds, "cpu")
    yield measure.spent(what, builds, "megabytes", most=300.0, form=".0f")


def named(way: Build | str) -> str:
    """What a line of costs begins with."""
    return f"{BACKFILL}, {way.name}" if isinstance(way, Build) else way


def print_costs(spent: Spending, stored: int) -> None:
    """Speed, processor time and memory of the process itself, a line a way."""
    width = max(len(named(way)) for way in spent)
    print(f"{'':{width}}  {'seconds':>26}  {'rows/s':>28}  {'CPU seconds':>24}  {'peak MB':>20}")
    for way, each in spent.items():
        seconds = measure.spread([one.seconds for one in each], ".2f")
        rates = measure.spread([stored / one.seconds for one in each])
        cpu = measure.spread([one.cpu for one in each], ".2f")
        memory = measure.spread([one.megabytes for one in each])
        print(
            f"{named(way):{width}}  {seconds:>26}  {rates:>28}  {cpu:>24}  {memory:>20}", flush=True
        )


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", default="10", help="sizes, one after the other")
    parser.add_argument("--hours", default="8760,35040", help="the same: a year, and four")
    parser.add_argument("--travel", default="0,100", metavar="MS", help="of each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench-python", type=Path, default=PYTHON, help="one that has ccxt")
    measure.add_base(parser)
    options = parser.parse_args(arguments)
    if not options.bench_python.exists():
        raise measure.Unfit(f"no {options.bench_python}: see bench/README.md for how to make it")
    sizes = [
        [int(each) for each in told.split(",")]
        for told in (options.travel, options.coins, options.hours)
    ]
    found: list[measure.Figure] = []
    with (
        compared(options.base) as builds,
        serving(process=True, coins=MADE_UP, now=NOW, limits=False, remember=True) as sandbox,
        measure.databases(builds) as databases,
    ):
        for travel, coins, hours in product(*sizes):
            sandbox.clear()
            if travel:
                sandbox.fault("slow", seconds=travel / 1000)
            few = trading(sandbox.url, coins)
            job = Job(sandbox.url, NOW - timedelta(hours=hours), few, options.bench_python)
            spent, stored = measured(job, databases, options.rounds)
            case = f"{stored:,} rows, {travel} ms an answer"
            print(case)
            print_costs(spent, stored)
            much = coins * hours >= MUCH
            goals = {way: least for (way, at), least in GOALS.items() if much and at == travel}
            found += figures(spent, stored, case, goals)
    return found


if __name__ == "__main__":
    measure.run(main)
