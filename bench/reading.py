"""Candles out of the database into a frame, against what a user would write.

`store.read` against polars' `read_database_uri` by ADBC and by connectorx and pandas' `read_sql`,
all of them the same rows of the same view, in the same order; against COPY as CSV into polars,
which is what `store.read` was; and against binary COPY, whose bytes nobody parses. The users' ways
run in `.venv-bench`, and time themselves. `chandlery export` of the same rows is a process of its
own, and so of the base build too.
"""

import argparse
import json
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import polars as pl

from bench import measure
from bench.builds import OURS, Build, Spent, Taken, compared
from bench.stored import fill, make
from bench.venue_to_database import PYTHON
from chandlery import store
from chandlery.settings import Settings
from chandlery.store.frames.read import SCHEMA

READ, CSV, BINARY = "store.read", "COPY as CSV into polars", "binary COPY"
BEST, MOST = "the best of binary COPY and adbc", 1.3
HOST = "connectorx"  # which reads from no socket in a folder: not from the embedded database
THEIRS = ("adbc", HOST, "pandas")
COLUMNS = ", ".join(f'"{name}"' for name in SCHEMA.names())
QUERY = (
    f"select {COLUMNS} from market_data where timeframe = '1h'"  # noqa: S608 - our own columns
    ' order by symbol, "timestamp"'
)


def by_csv(connection: store.Connection) -> pl.DataFrame:
    """What a text can be parsed for."""
    copied = f"copy ({QUERY}) to stdout with (format csv)".encode()
    with connection.cursor() as cursor, cursor.copy(copied) as copy:
        text = b"".join(copy)
    plain = {**SCHEMA, "timestamp": pl.String()}
    return pl.read_csv(text, has_header=False, new_columns=list(plain), schema=plain).with_columns(
        pl.col("timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S%#z", time_unit="us")
    )


def by_binary(connection: store.Connection) -> int:
    """How many bytes the server sends: no frame is made of them."""
    copied = f"copy ({QUERY}) to stdout with (format binary)".encode()
    with connection.cursor() as cursor, cursor.copy(copied) as copy:
        return sum(map(len, copy))


def theirs(way: str, url: str) -> tuple[int, float]:
    """How many rows a user's way read, and its seconds."""
    script = measure.ROOT / "bench" / "read_as_a_user_would.py"
    done = subprocess.run(  # noqa: S603 - our own script
        [PYTHON, script, way, url, QUERY], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise measure.Unfit(f"{way}: {done.stderr.strip().splitlines()[-1]}")
    told = json.loads(done.stdout)
    return told["rows"], told["seconds"]


def read_times(
    connection: store.Connection, url: str, rounds: int
) -> tuple[Mapping[str, Sequence[float]], int]:
    """Seconds of each way in turn, round by round; and how many rows there are."""
    coins = store.find(connection)
    ours: dict[str, measure.Work] = {
        READ: partial(store.read, connection, coins),
        CSV: partial(by_csv, connection),
        BINARY: partial(by_binary, connection),
    }
    frame = store.read(connection, coins)
    if not frame.equals(by_csv(connection)):
        raise RuntimeError("the two ways of ours read different candles")
    rows = frame.height
    del frame
    users = [way for way in THEIRS if way != HOST or urlsplit(url).hostname]
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for way, work in ours.items():
            taken[way].append(measure.seconds(work))
        for way in users:
            found, seconds = theirs(way, url)
            if found != rows:
                raise RuntimeError(f"{way} read {found:,} rows of {rows:,}")
            taken[way].append(seconds)
    return taken, rows


def export_times(databases: Mapping[Build, Settings], rounds: int) -> Taken:
    """What `export` of all hours took of each build, in turn; the first time does not count."""
    spent: dict[Build, list[Spent]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        words = ["export", "--timeframe=1h", f"--to={Path(folder) / 'candles.parquet'}"]
        for turn in range(rounds + 1):
            for build, current in databases.items():
                took = build.spend(words, build.environment(current))
                if turn:
                    spent[build].append(took)
    return spent


def figures(
    taken: Mapping[str, Sequence[float]], exported: Taken, rows: int
) -> Iterator[measure.Figure]:
    """What the table has of it."""
    best = [min(pair) for pair in zip(taken[BINARY], taken["adbc"], strict=True)]
    what, read = f"reading {rows:,} rows", taken[READ]
    yield measure.Figure(what, read, "s", most=MOST, of=measure.PEER, peer=BEST, theirs=best)
    for way, each in taken.items():
        if way != READ:
            yield measure.Figure(what, read, "s", peer=way, theirs=each)
    what = f"chandlery export, {rows:,} rows"
    yield measure.spent(what, exported, "seconds")
    yield measure.spent(what, exported, "cpu")


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=40)
    parser.add_argument("--hours", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=5)
    measure.add_base(parser)
    given = parser.parse_args(arguments)
    if not PYTHON.exists():
        raise measure.Unfit("there is no .venv-bench: see bench/README.md")
    with ExitStack() as stack:
        builds = stack.enter_context(compared(given.base))
        databases = stack.enter_context(measure.databases(builds))
        connections = {
            build: stack.enter_context(store.connect(current))
            for build, current in databases.items()
        }
        for build, connection in connections.items():
            (make if build == OURS else fill)(connection, given.coins, given.hours)
        print(measure.about(connections[OURS]), flush=True)
        url = measure.dsn(databases[OURS])
        taken, rows = read_times(connections[OURS], url, given.rounds)
        exported = export_times(databases, given.rounds)
    rates = {way: [rows / each for each in seconds] for way, seconds in taken.items()}
    measure.print_rates(rates, READ, rows)
    return list(figures(taken, exported, rows))


if __name__ == "__main__":
    measure.run(main)
