"""Parquet: one file of all, or a folder that is partitioned by timeframe, symbol and year.

    candles/timeframe=1h/symbol=BTC/year=2024/candles.parquet

DuckDB, polars, pandas and Spark make columns of the folders' names. So the files have none of
these three. `coin_id` stays, which is a coin's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow.parquet as pq

from chandlery.errors import Misuse
from chandlery.files.names import folder_value
from chandlery.files.one_file import Put, opening
from chandlery.files.series import Refused, Series, merged, table
from chandlery.files.target import Layout, Place, Target
from chandlery.files.whole import Folder, opened
from chandlery.model import Window

PATHS = {"symbol", "timeframe"}
FILE = "candles.parquet"
PACKED = "zstd"


@contextmanager
def _rows(file: BinaryIO, schema: pl.Schema) -> Iterator[Put]:
    with pq.ParquetWriter(file, table(schema.to_frame()).schema, compression=PACKED) as writer:
        yield lambda frame: writer.write_table(table(frame))


@contextmanager
def _folder(place: Place) -> Iterator[Target]:
    if place.path is None or "timestamp" not in place.columns:
        raise Misuse("a folder of parquet needs the column timestamp: add it to --columns")
    columns = [name for name in place.columns if name not in PATHS]
    with opened(place.path, place.ids) as folder:
        yield Target(partial(_put, folder, columns), partial(_newest, folder))


def _years(folder: Folder, series: Series) -> Path:
    value = folder_value(series.coin.symbol)
    return folder.root / f"timeframe={series.timeframe}" / f"symbol={value}"


def _put(
    folder: Folder, columns: list[str], series: Series, frame: pl.DataFrame, window: Window | None
) -> None:
    """Write the file of each year; where nothing is to stay, remove those of years without one."""
    held = _held(folder, series)
    window = window if all(held.values()) else None
    dated = frame.with_columns(year=pl.col("timestamp").dt.year())
    written = set()
    for (year,), new in dated.partition_by("year", as_dict=True).items():
        path = _years(folder, series) / f"year={year}" / FILE
        old = _read(folder, series, path) if window and path in held else None
        if old is not None and old.columns != columns:
            raise Refused(f"{folder.told(path)} has other columns: {','.join(old.columns)}")
        with folder.whole(path) as part:
            made = table(merged(old, new.select(columns), window), series)
            pq.write_table(made, part, compression=PACKED)
        written.add(path)
    for path in held.keys() - written if window is None else ():
        path.unlink()
        path.parent.rmdir()


def _held(folder: Folder, series: Series) -> dict[Path, bool]:
    """The files that are there, all the series' own, and whether they can be gone on with."""
    found = sorted(_years(folder, series).glob(f"year=*/{FILE}"))
    return {path: _read(folder, series, path, columns=[]) is not None for path in found}


def _read(
    folder: Folder, series: Series, path: Path, columns: list[str] | None = None
) -> pl.DataFrame | None:
    """What a file holds; None where that is adjusted by other factors."""
    try:
        with pq.ParquetFile(path) as file:
            if not series.is_of(file.schema_arrow.metadata, folder.ids, folder.told(path)):
                return None
            read = pl.from_arrow(file.read(columns))
    except (OSError, ValueError) as error:  # pyarrow's own are ValueErrors
        raise Refused(f"{folder.told(path)} cannot be read ({error}): move it away") from None
    return read if isinstance(read, pl.DataFrame) else None


def _newest(folder: Folder, series: Series) -> datetime | None:
    held = _held(folder, series)
    if not held or not all(held.values()):
        return None
    read = _read(folder, series, max(held), ["timestamp"])
    newest = None if read is None else read["timestamp"].max()
    return newest if isinstance(newest, datetime) else None


LAYOUT = Layout("parquet", file=opening(_rows), folder=_folder, suffixes=(".parquet",))
