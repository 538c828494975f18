# ruff: noqa: PLC0415, S608 - the tools are not ours to import
"""What other tools read of an exported folder, as JSON: run by their own interpreter.

    python reading.py TOOL FOLDER

By series, "BTC 1h": rows, the sums of open, high, low, close and volume, and the first and last
time (s since 1970). Exit code 3 where the tool is not there.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Seen = tuple[str, list[float]]
MISSING = 3
PRICES = ["open_price", "high_price", "low_price", "close_price"]
HOURS = {"1-HOUR": "1h", "4-HOUR": "4h", "1-DAY": "1d", "1-WEEK": "1w", "1-MONTH": "1M"}


def in_pandas(folder: Path) -> Iterator[Seen]:
    import pandas as pd

    frame = pd.read_parquet(folder)
    for (symbol, timeframe), part in frame.groupby(["symbol", "timeframe"], observed=True):
        times = part["timestamp"]
        sums = [part[name].sum() for name in [*PRICES, "volume"]]
        yield (
            f"{symbol} {timeframe}",
            [len(part), *sums, times.min().timestamp(), times.max().timestamp()],
        )


def in_polars(folder: Path) -> Iterator[Seen]:
    import polars as pl

    time = pl.col("timestamp").dt.epoch("s")
    found = pl.scan_parquet(folder).group_by("symbol", "timeframe")
    sums = [pl.col(name).sum() for name in [*PRICES, "volume"]]
    told = found.agg(
        pl.len().alias("rows"), *sums, time.min().alias("first"), time.max().alias("last")
    )
    for symbol, timeframe, *rest in told.collect().iter_rows():
        yield f"{symbol} {timeframe}", rest


def in_duckdb(folder: Path) -> Iterator[Seen]:
    import duckdb

    sums = ", ".join(f"sum({name})" for name in [*PRICES, "coalesce(volume, 0)"])
    asked = (
        f"select symbol, timeframe, count(*), {sums}, epoch(min(timestamp)),"
        f" epoch(max(timestamp)) from read_parquet('{folder}/**/*.parquet',"
        " hive_partitioning = true) group by all"
    )
    for symbol, timeframe, *rest in duckdb.sql(asked).fetchall():
        yield f"{symbol} {timeframe}", rest


def in_freqtrade(folder: Path) -> Iterator[Seen]:
    from freqtrade.data.history import get_datahandler
    from freqtrade.enums import TradingMode

    handler = get_datahandler(folder, "feather")
    for pair, timeframe, kind in handler.ohlcv_get_available_data(folder, TradingMode.SPOT):
        frame = handler.ohlcv_load(pair, timeframe, kind, fill_missing=False)
        times = frame["date"]
        sums = [frame[name].sum() for name in ("open", "high", "low", "close", "volume")]
        yield (
            f"{pair} {timeframe}",
            [len(frame), *sums, times.min().timestamp(), times.max().timestamp()],
        )


def in_nautilus(folder: Path) -> Iterator[Seen]:
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

    catalog = ParquetDataCatalog(str(folder))
    known = {str(each.id): each for each in catalog.instruments()}
    for kind in sorted((folder / "data" / "bar").iterdir()):
        bars = catalog.bars(bar_types=[kind.name])
        name, _, rest = kind.name.partition(".CHANDLERY-")
        instrument = known[f"{name}.CHANDLERY"]
        assert bars[0].open.precision == instrument.price_precision
        assert str(instrument.make_price(bars[0].open.as_double())) != "0.00"
        values = [
            [float(getattr(bar, of)) for bar in bars]
            for of in ("open", "high", "low", "close", "volume")
        ]
        times = [bar.ts_event / 1e9 for bar in bars]
        assert [bar.ts_init for bar in bars] == [bar.ts_event for bar in bars]
        timeframe = HOURS[rest.removesuffix("-LAST-EXTERNAL")]
        yield f"{name} {timeframe}", [len(bars), *map(sum, values), times[0], times[-1]]


TOOLS: Mapping[str, tuple[str, Callable[[Path], Iterator[Seen]]]] = {
    "pandas": ("pandas", in_pandas),
    "polars": ("polars", in_polars),
    "DuckDB": ("duckdb", in_duckdb),
    "freqtrade": ("freqtrade", in_freqtrade),
    "NautilusTrader": ("nautilus_trader", in_nautilus),
}


def main(tool: str, folder: str) -> Any:
    package, read = TOOLS[tool]
    if find_spec(package) is None:
        return MISSING
    logging.disable()
    sys.stdout.write(
        json.dumps({name: list(map(float, told)) for name, told in read(Path(folder))})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
