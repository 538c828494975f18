"""From the venue into the database: `chandlery backfill` against ccxt and pandas' `to_sql`.

The same hours of the same coins from the same sandbox (a process of its own, no limits) into the
same empty database, each way as a process of its own, timed from its start to its end: so with
the interpreter's start, imports, and what each asks of the venue before the first candle. That of
chandlery also plans, checks every candle, writes quote volume and trades too, and leaves 4h and
1d candles refreshed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import httpx

import store
from bench import measure
from candles.settings import Settings
from sandbox.serving import serving

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OURS = "chandlery backfill"
TO_SQL = "ccxt, to_sql"
MULTI = 'ccxt, to_sql(method="multi")'
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

    def theirs(self, *options: str) -> list[str]:
        """The user's command."""
        script = str(measure.ROOT / "bench" / "as_a_user_would.py")
        ends = [str(int(at.timestamp()) * 1000) for at in (self.start, NOW)]
        symbols = [f"{coin}/USDT" for coin in self.coins]
        where = [self.venue, measure.dsn(self.database)]
        return [str(self.python), script, *where, *ends, *options, *symbols]

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
    with tempfile.TemporaryFile() as said:
        began = perf_counter()
        process = subprocess.Popen(  # noqa: S603  our own command, as a list
            command, env=environment, cwd=measure.ROOT, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        took = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise measure.Unfit(f"{command[1]} {command[2]} failed:\n{said.read().decode()}")
    return Spent(took, used.ru_utime + used.ru_stime, used.ru_maxrss / _RSS_UNITS)


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
    """Leave nothing of the round before."""
    connection.execute("truncate candle_1h, learnt, listing, coin cascade")
    connection.execute("drop table if exists candles")
    for aggregate in ("candle_1d", "candle_4h"):
        connection.execute(f"call refresh_continuous_aggregate('{aggregate}', null, null)")
    connection.execute("truncate stale")
    connection.execute("checkpoint")


def rows(connection: store.Connection, table: str) -> int:
    """How many there are."""
    found = connection.execute(f"select count(*) from {table}").fetchone()  # noqa: S608  our own name
    return int(found[0]) if found else 0


def measured(job: Job, rounds: int) -> tuple[dict[str, list[Spent]], int]:
    """Each way in turn, round by round; and the rows that each of them stored."""
    spent: dict[str, list[Spent]] = defaultdict(list)
    stored = set()
    ways = {
        OURS: ("candle_1h", job.ours()),
        TO_SQL: ("candles", job.theirs()),
        MULTI: ("candles", job.theirs("--multi")),
    }
    with store.connect(job.database) as connection:
        print(f"{measure.about(connection)}; {rounds} rounds after one to warm up", flush=True)
        for turn in range(rounds + 1):
            for way, (table, command) in ways.items():
                empty(connection)
                took = spend(command, job.environment())
                stored.add(rows(connection, table))
                if turn:
                    spent[way].append(took)
    if len(stored) > 1:
        raise measure.Unfit(f"the ways stored different numbers of rows: {sorted(stored)}")
    return spent, stored.pop()


def print_costs(spent: Mapping[str, Sequence[Spent]]) -> None:
    """Processor time and memory of the process itself, a line a way."""
    width = max(map(len, spent))
    print(f"{'':{width}}  {'CPU seconds':>30}  {'peak memory, MB':>30}")
    for way, each in spent.items():
        cpu = measure.spread([one.cpu for one in each], ".2f")
        memory = measure.spread([one.megabytes for one in each])
        print(f"{way:{width}}  {cpu:>30}  {memory:>30}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=10)
    parser.add_argument("--hours", type=int, default=8_760, help="a year")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bench-python", type=Path, default=PYTHON, help="one that has ccxt")
    options = parser.parse_args()
    if not options.bench_python.exists():
        raise measure.Unfit(f"no {options.bench_python}: see bench/README.md for how to make it")
    with (
        serving(process=True, coins=MADE_UP, now=NOW, limits=False) as sandbox,
        measure.database() as current,
    ):
        with store.connect(current) as connection:
            store.migrate(connection)
        start = NOW - timedelta(hours=options.hours)
        coins = trading(sandbox.url, options.coins)
        job = Job(sandbox.url, current, start, coins, options.bench_python)
        spent, stored = measured(job, options.rounds)
    rates = {way: [stored / one.seconds for one in each] for way, each in spent.items()}
    for theirs in (TO_SQL, MULTI):
        pair = {OURS: rates[OURS], theirs: rates[theirs]}
        measure.print_rates(pair, theirs, stored)
    print_costs(spent)
    return 0


if __name__ == "__main__":
    measure.run(main)
