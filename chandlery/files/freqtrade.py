"""freqtrade's data folder: a feather file a pair and timeframe, `user_data/data/<exchange>/`.

    BTC_USDT-1h.feather, BTC_USDT-1Mo.feather, wrapped-bitcoin_USDT-1d.feather

It has freqtrade's six columns, of which `date` is when a candle opened. freqtrade makes a null
volume 0, and fills hours that lack with flat candles without volume.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import feather

from chandlery.errors import Misuse
from chandlery.files.names import file_name
from chandlery.files.series import Refused, Series, merged, table
from chandlery.files.target import Layout, Place, Target
from chandlery.files.whole import Folder, opened
from chandlery.model import Window

COLUMNS = {
    "date": "timestamp",
    "open": "open_price",
    "high": "high_price",
    "low": "low_price",
    "close": "close_price",
    "volume": "volume",
}
"""freqtrade's names, in its order, and ours."""
NAMED_OTHERWISE = {"1M": "1Mo"}  # 1m and 1M are one name on some disks


@contextmanager
def _folder(place: Place) -> Iterator[Target]:
    if place.path is None:
        raise Misuse("freqtrade reads a folder: write --to user_data/data/binance")
    with opened(place.path, place.ids) as folder:
        yield Target(partial(_put, folder), partial(_newest, folder))


def _path(folder: Folder, series: Series) -> Path:
    timeframe = NAMED_OTHERWISE.get(series.timeframe, series.timeframe)
    return folder.root / f"{file_name(series.coin)}_USDT-{timeframe}.feather"


def _put(folder: Folder, series: Series, frame: pl.DataFrame, window: Window | None) -> None:
    path = _path(folder, series)
    new = frame.select(pl.col(ours).alias(theirs) for theirs, ours in COLUMNS.items())
    old = _read(folder, series)
    with folder.whole(path) as part:
        made = table(merged(old, new, window, "date"), series)
        feather.write_feather(made, str(part), compression="lz4")


def _read(folder: Folder, series: Series, columns: list[str] | None = None) -> pl.DataFrame | None:
    """What is there; None where nothing is, or it is adjusted by other factors."""
    path = _path(folder, series)
    if not path.exists():
        return None
    try:
        with pa.OSFile(str(path)) as file:
            told = pa.ipc.open_file(file).schema
            if not series.is_of(told.metadata, folder.ids, folder.told(path)):
                return None
        read = pl.from_arrow(feather.read_table(path, columns=columns, memory_map=False))
    except (OSError, ValueError) as error:  # pyarrow's own are ValueErrors
        raise Refused(f"{folder.told(path)} cannot be read ({error}): move it away") from None
    return read if isinstance(read, pl.DataFrame) else None


def _newest(folder: Folder, series: Series) -> datetime | None:
    read = _read(folder, series, ["date"])
    newest = None if read is None else read["date"].max()
    return newest if isinstance(newest, datetime) else None


LAYOUT = Layout("freqtrade", folder=_folder, own_columns=True, without_volume="0")
