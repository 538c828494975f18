"""What the embedded engine's syncs cost: the same loads with them, and without.

Without, `fsync` and `fdatasync` do nothing, which is what PGlite alone does. Timed: a load a flush
at a time, as a backfill writes, and one of 500 rows at a time. Each piece is a commit. The engine
makes its own checkpoints.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import measure
from bench.load import Frames, flushes, learn, made_up
from chandlery import embedded, store
from chandlery.settings import Settings

SOURCE = "bench"
PAGE = 500
SYNCS, SYNCS_NOT = "synced", "not synced"
NO_SYNC = "import fs from 'node:fs'; fs.fsyncSync = fs.fdatasyncSync = () => {}"
ENGINES: Mapping[str, str] = {
    SYNCS: "",
    SYNCS_NOT: f"--import=data:text/javascript,{NO_SYNC.replace(' ', '%20')}",
}
"""The two engines, and what Node is given for them."""


@contextmanager
def connected(options: str) -> Iterator[store.Connection]:
    """An embedded database whose engine is started with these options of Node's."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        place = Path(home)
        before = os.environ.get("NODE_OPTIONS")
        os.environ["NODE_OPTIONS"] = options
        try:
            embedded.ensure(place, idle=None)
        finally:
            if before is None:
                del os.environ["NODE_OPTIONS"]
            else:
                os.environ["NODE_OPTIONS"] = before
        try:
            with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=place)) as connection:
                store.migrate(connection)
                yield connection
        finally:
            embedded.stop(place)


def pages(frames: Frames) -> Iterator[Frames]:
    """The first coins' rows, in pieces as small as a venue's page."""
    for coin, frame in list(frames.items())[: max(1, len(frames) // 8)]:
        for piece in frame.iter_slices(PAGE):
            yield {coin: piece}


WAYS = {"a flush at a time": flushes, "500 rows at a time": pages}


def load(connection: store.Connection, pieces: Iterator[Frames], source: int) -> None:
    """Write each piece in a transaction of its own."""
    for piece in pieces:
        store.write(connection, piece, source)


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--coins", type=int, default=8)
    parser.add_argument("--hours", type=int, default=25_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    frames = made_up(options.coins, options.hours)
    taken: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with ExitStack() as stack:
        engines = {name: stack.enter_context(connected(node)) for name, node in ENGINES.items()}
        for connection in engines.values():
            learn(connection, options.coins)
        for _ in range(options.rounds):
            for way, cut in WAYS.items():
                for name, connection in engines.items():
                    connection.execute("truncate candle_1h, stale; checkpoint")
                    source = store.source_key(connection, SOURCE)
                    seconds = measure.seconds(
                        lambda it=connection, cut=cut, source=source: load(it, cut(frames), source)
                    )
                    taken[way][name].append(seconds)
        print(measure.about(connection))
    return [
        measure.Figure(
            f"a load, {way}, {options.coins} coins of {options.hours:,} hours",
            by[SYNCS],
            "s",
            peer=SYNCS_NOT,
            theirs=by[SYNCS_NOT],
        )
        for way, by in taken.items()
    ]


if __name__ == "__main__":
    measure.run(main)
