"""Candles out of the database into a frame: rows a second, against what a user would write.

`store.read` against polars' `read_database_uri` by ADBC and by connectorx and pandas' `read_sql`,
all of them the same rows of the same view, in the same order; and against COPY as CSV into polars,
which is what `store.read` was. The users' ways run in `.venv-bench`, and time themselves.
"""

import argparse
import json
import subprocess
from collections.abc import Sequence
from functools import partial

import polars as pl

from bench import measure
from bench.stored import make
from bench.venue_to_database import PYTHON
from chandlery import store
from chandlery.store.frames.read import SCHEMA

READ, CSV = "store.read", "COPY as CSV into polars"
THEIRS = ("adbc", "connectorx", "pandas")
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


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=40)
    parser.add_argument("--hours", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    if not PYTHON.exists():
        raise measure.Unfit("there is no .venv-bench: see bench/README.md")
    with measure.database() as current, store.connect(current) as connection:
        store.migrate(connection)
        make(connection, given.coins, given.hours)
        coins, url = store.find(connection), measure.dsn(current)
        ours = {READ: partial(store.read, connection, coins), CSV: partial(by_csv, connection)}
        frames = {way: read() for way, read in ours.items()}
        if not frames[READ].equals(frames[CSV]):
            raise RuntimeError("the two ways of ours read different candles")
        rows = frames[READ].height
        rates: dict[str, list[float]] = {way: [] for way in (*ours, *THEIRS)}
        for _ in range(given.rounds):
            for way, read in ours.items():
                rates[way].append(rows / measure.seconds(read))
            for way in THEIRS:
                found, seconds = theirs(way, url)
                if found != rows:
                    raise RuntimeError(f"{way} read {found:,} rows of {rows:,}")
                rates[way].append(rows / seconds)
        print(measure.about(connection), flush=True)
        measure.print_rates(rates, READ, rows)
    return [
        measure.Figure(
            f"reading {rows:,} rows against {way}", measure.ratios(rates[READ], rates[way])
        )
        for way in (CSV, *THEIRS)
    ]


if __name__ == "__main__":
    measure.run(main)
