"""What a candle takes on the disk, before and after `chandlery maintain` has compressed it.

Recorded candles, as venues publish them; each symbol stands for several coins, as what is fixed in
a chunk would count for too much in one of a dozen coins.
"""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from bench import measure
from bench.golden import MARKET
from bench.load import learn
from chandlery import store
from chandlery.model.frame import SCHEMA

LARGEST = 16.0  # bytes


def recorded(market: Path) -> list[pl.DataFrame]:
    """The hours of every symbol, as model.SCHEMA."""
    files = sorted(market.glob("*/*/1h.parquet"))
    if not files:
        raise measure.Unfit(f"no recorded candles in {market}")
    return [
        pl.read_parquet(file).match_to_schema(SCHEMA, missing_columns="insert") for file in files
    ]


def main(arguments: Sequence[str] | None = None) -> Sequence[measure.Figure]:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--market", type=Path, default=MARKET, metavar="FOLDER")
    parser.add_argument("--coins", default="12,120", help="sizes, one after the other")
    options = parser.parse_args(arguments)
    frames = recorded(options.market.absolute())
    last = max(frame["open_time"][-1] for frame in frames)
    found: list[measure.Figure] = []
    for coins in map(int, options.coins.split(",")):
        before, after, what = sizes([frames[n % len(frames)] for n in range(coins)], last)
        print(f"{what}: {before:.1f} bytes each, compressed {after:.1f}", flush=True)
        found.append(measure.Figure(f"a candle, {what}", [before], "bytes", form=".1f"))
        goal = LARGEST if coins > len(frames) else None
        compressed = measure.Figure(
            f"a candle, compressed, {what}", [after], "bytes", most=goal, form=".1f"
        )
        found.append(compressed)
    return found


def sizes(frames: Sequence[pl.DataFrame], last: datetime) -> tuple[float, float, str]:
    """Bytes a candle before and after, and of what."""
    with measure.database() as current, store.connect(current) as connection:
        store.migrate(connection)
        learn(connection, len(frames))
        source = store.source_key(connection, "binance_spot")
        for coin, frame in enumerate(frames, start=1):
            store.write(connection, {coin: frame}, source)
        store.refresh(connection)
        packed = store.compress(connection, last)
        count = packed.candles
        what = f"{count / 1e6:.1f} million of {len(frames)} coins"
        print(measure.about(connection))
        return packed.bytes_before / count, packed.bytes_after / count, what


if __name__ == "__main__":
    measure.run(main)
