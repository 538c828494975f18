r"""Load speed: `store.write` against psql's own binary `\copy`, same rows, same hypertable.

Timed for psql: its start, its connection, reading a binary file that pgpq made beforehand (psql's
fastest case; the file is in the page cache), one transaction. Timed for `store.write`: checking
every rule, encoding polars to binary, COPY, the note of what is stale, its transactions; the
connection is open already. "a flush at a time" is how the engine writes, the rest in one call. The
two writers are processes that have a half of the coins each, as two shards have, and write a flush
at a time too: whoever makes a chunk holds off all others from making one until its transaction
ends, so that of two that load everything in one call the second waits for the first.
"""

import argparse
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl
from pgpq import ArrowToPostgresBinaryEncoder

from bench import measure
from chandlery import store
from chandlery.engine.turn import FLUSH_ROWS
from chandlery.model.frame import SCHEMA
from chandlery.settings import Settings, settings
from chandlery.store.frames.write import COLUMNS

START = datetime(2020, 1, 1, tzinfo=UTC)
SOURCE = "bench"
COPY = r"psql \copy"
UPSERT = r"psql \copy, upsert, 1 % changed"
WRITE = "store.write"
AGAIN = "store.write, same rows again"
CHANGED = "store.write, 1 % changed"
FLUSHES = "store.write, a flush at a time"
TWO = "store.write, two writers, a flush at a time"
MUCH = 1_000_000  # rows from which on a goal holds: of fewer, most of the time goes into chunks
GOALS = {WRITE: 0.95, FLUSHES: 0.95, TWO: 1.2, AGAIN: 0.45, CHANGED: 0.45, UPSERT: None}
Frames = Mapping[int, pl.DataFrame]


def made_up(coins: int, hours: int) -> dict[int, pl.DataFrame]:
    """The same rows at every run; no two rows alike."""
    return {coin: _coin(coin, hours) for coin in range(1, coins + 1)}


def _coin(coin: int, hours: int) -> pl.DataFrame:
    hour = pl.int_range(hours)
    dice = [(hour + coin * hours).hash(seed) / 2.0**64 for seed in range(6)]
    price = 100.0 * coin + (hour / 500).sin() * 20
    return pl.select(
        (pl.lit(START) + pl.duration(hours=hour)).alias("open_time").cast(SCHEMA["open_time"]),
        (price + dice[0]).alias("open"),
        (price + dice[1] + 1).alias("high"),
        (price + dice[2] - 1).alias("low"),
        (price + dice[3]).alias("close"),
        (dice[4] * 1e4).alias("volume"),
        (dice[4] * 1e4 * price).alias("quote_volume"),
        (dice[5] * 1e5).cast(pl.Int64).alias("trades"),
        (dice[4] * 5e3).alias("taker_buy_volume"),
        (dice[4] * 5e3 * price).alias("taker_buy_quote_volume"),
    )


def learn(connection: store.Connection, coins: int) -> None:
    """Have so many coins, with the keys from 1 on."""
    names = [f"coin-{n}" for n in range(1, coins + 1)]
    ranked = {"id": names, "ticker": names, "name": names, "rank": range(1, coins + 1)}
    store.learn_coins(connection, pl.DataFrame(ranked), START)


def changed(frames: Frames) -> dict[int, pl.DataFrame]:
    """The same hours, every hundredth with another volume."""
    hundredth = pl.int_range(pl.len()) % 100 == 0
    volume = pl.when(hundredth).then(pl.col("volume") + 1).otherwise("volume").alias("volume")
    return {coin: frame.with_columns(volume) for coin, frame in frames.items()}


def flushes(frames: Frames) -> Iterator[Frames]:
    """The rows in pieces as the engine has them: coin after coin."""
    for coin, frame in frames.items():
        for piece in frame.iter_slices(FLUSH_ROWS):
            yield {coin: piece}


def binary(frames: Frames, source: int, path: Path) -> Path:
    """Write the file that psql copies from."""
    coins = [
        frame.with_columns(
            pl.lit(coin, pl.Int32).alias("coin"), pl.lit(source, pl.Int16).alias("source")
        )
        for coin, frame in frames.items()
    ]
    table = pl.concat(coins).select(COLUMNS).to_arrow()
    encoder = ArrowToPostgresBinaryEncoder(table.schema)
    batches = map(encoder.write_batch, table.to_batches())
    with path.open("wb") as file:
        file.write(encoder.write_header())
        file.writelines(batches)
        file.write(encoder.finish())
    return path


class Writer:
    """A process that writes its part of the coins when told to; its rows are ready before."""

    def __init__(self, current: Settings, coins: Sequence[int], hours: int) -> None:
        part = (current.database_url, current.home, coins, hours)
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _be_ready, part)
        self._pool.submit(_nothing).result()

    def write(self) -> Future[None]:
        """Begin."""
        return self._pool.submit(_write_part)

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


def _be_ready(url: str | None, home: Path, coins: Sequence[int], hours: int) -> None:
    current = settings().model_copy(update={"database_url": url, "home": home})
    _READY["frames"] = {coin: _coin(coin, hours) for coin in coins}
    _READY["connection"] = _READY["stack"].enter_context(store.connect(current))


def _nothing() -> None: ...


def _write_part() -> None:
    connection, frames = _READY["connection"], _READY["frames"]
    source = store.source_key(connection, SOURCE)
    for piece in flushes(frames):
        store.write(connection, piece, source)


_READY: dict[str, Any] = {"stack": ExitStack()}  # of the process of a Writer


class Loads:
    """The ways to load, and the database they load into."""

    def __init__(
        self, connection: store.Connection, current: Settings, frames: Frames, folder: Path
    ) -> None:
        self._connection, self._dsn = connection, measure.dsn(current)
        self._psql = measure.needed("psql")
        self._source = store.source_key(connection, SOURCE)
        learn(connection, len(frames))  # what is replaced leaves a trace, which names its coin
        self._fresh, self._changed = frames, changed(frames)
        self._file = binary(self._fresh, self._source, folder / "fresh")
        self._changed_file = binary(self._changed, self._source, folder / "changed")
        hours = frames[1].height
        self._writers = [
            Writer(current, range(first, len(frames) + 1, 2), hours) for first in (1, 2)
        ]

    def close(self) -> None:
        """End the writers."""
        for writer in self._writers:
            writer.close()

    def round(self) -> Iterator[tuple[str, float]]:
        """Every way once, with its seconds; the colliding ones after a fresh one."""
        yield COPY, self._fresh_time(self._copy)
        yield UPSERT, measure.seconds(self._upsert)
        yield WRITE, self._fresh_time(lambda: self._write(self._fresh))
        yield AGAIN, measure.seconds(lambda: self._write(self._fresh))
        yield CHANGED, measure.seconds(lambda: self._write(self._changed))
        yield FLUSHES, self._fresh_time(self._write_flushes)
        yield TWO, self._fresh_time(self._write_together)

    def _fresh_time(self, work: measure.Work) -> float:
        """Time a load into the table after emptying it; every chunk is made again."""
        self._connection.execute("truncate candle_1h")
        self._connection.execute("truncate stale")
        self._connection.execute("truncate restated")
        self._connection.execute("checkpoint")
        return measure.seconds(work)

    def _write(self, frames: Frames) -> None:
        store.write(self._connection, frames, self._source)

    def _write_flushes(self) -> None:
        for piece in flushes(self._fresh):
            self._write(piece)

    def _write_together(self) -> None:
        for under_way in [writer.write() for writer in self._writers]:
            under_way.result()

    def _copy(self) -> None:
        self._run(self._copying("candle_1h", self._file))

    def _upsert(self) -> None:
        """What a user of psql writes where rows may be there already."""
        values = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS)
        self._run(
            "begin",
            "create temp table arrived (like candle_1h) on commit drop",
            self._copying("arrived", self._changed_file),
            "insert into candle_1h select * from arrived"  # noqa: S608  names from our own code
            f" on conflict (coin, open_time) do update set {values}",
            "commit",
        )

    @staticmethod
    def _copying(table: str, file: Path) -> str:
        return rf"\copy {table} ({', '.join(COLUMNS)}) from '{file}' with (format binary)"

    def _run(self, *commands: str) -> None:
        given = [f"--command={command}" for command in commands]
        subprocess.run(  # noqa: S603  psql, with our own words as a list
            [self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", self._dsn, *given], check=True
        )


def rates(rows_of: tuple[int, int], rounds: int) -> dict[str, list[float]]:
    """Rows a second of each way, round by round, for so many coins of so many hours."""
    coins, hours = rows_of
    found: dict[str, list[float]] = defaultdict(list)
    with (
        measure.database() as current,
        store.connect(current) as connection,
        tempfile.TemporaryDirectory() as folder,
    ):
        store.migrate(connection)
        loads = Loads(connection, current, made_up(coins, hours), Path(folder))
        print(f"{measure.about(connection)}; {rounds} rounds", flush=True)
        with closing(loads):
            for _ in range(rounds):
                for way, took in loads.round():
                    found[way].append(coins * hours / took)
    measure.print_rates(found, COPY, coins * hours)
    return found


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", default="4,20,100", help="sizes, one after the other")
    parser.add_argument("--hours", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    figures = []
    for coins in map(int, options.coins.split(",")):
        found = rates((coins, options.hours), options.rounds)
        rows = f"{coins * options.hours / 1e6:g} million rows"
        for way, least in GOALS.items():
            goal = least if coins * options.hours >= MUCH else None
            figure = measure.Figure(
                f"{way}, {rows}",
                found[way],
                "rows/s",
                least=goal,
                form=",.0f",
                of=measure.PEER,
                peer=COPY,
                theirs=found[COPY],
            )
            figures.append(figure)
    return figures


if __name__ == "__main__":
    measure.run(main)
