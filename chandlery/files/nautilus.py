"""NautilusTrader's data catalogue: bars, and an instrument a coin, as its version 1.231 reads them.

    data/bar/BTCUSDT.CHANDLERY-1-HOUR-LAST-EXTERNAL/<first>_<last>.parquet
    data/currency_pair/BTCUSDT.CHANDLERY/<epoch>_<epoch>.parquet

- A bar's time is when it is over. Stamped with its opening time it would be known an hour early.
- Prices and volumes are integers of 128 bits, in units of 1e-16. All have a precision of 16 digits,
  the instruments too: with fewer, prices finer than that would be 0.00.
- An unknown volume becomes 0, as there is no null. A volume beyond 34,028,236,692,093 has no room.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from chandlery.errors import Misuse
from chandlery.files.names import file_name
from chandlery.files.series import DURATIONS, Refused, Series
from chandlery.files.target import Layout, Place, Target
from chandlery.files.whole import Folder, opened
from chandlery.model import Window

PRECISION = 16
SCALE = 10**PRECISION
DIGITS = 15  # of a double: what follows is noise
MOST_PRICE, MOST_VOLUME = 17_014_118_346_046, 34_028_236_692_093
SPECS = {"1h": "1-HOUR", "4h": "4-HOUR", "1d": "1-DAY", "1w": "1-WEEK", "1M": "1-MONTH"}
PRICES = ("open", "high", "low", "close")
NUMBER = pa.binary(PRECISION)
BARS = pa.schema(
    [pa.field(name, NUMBER, nullable=False) for name in (*PRICES, "volume")]
    + [pa.field(name, pa.uint64(), nullable=False) for name in ("ts_event", "ts_init")]
)
_WORD = pa.dictionary(pa.int16(), pa.string())
INSTRUMENT = pa.schema(
    {
        "id": pa.dictionary(pa.int64(), pa.string()),
        "raw_symbol": pa.string(),
        "base_currency": _WORD,
        "quote_currency": _WORD,
        "price_precision": pa.uint8(),
        "size_precision": pa.uint8(),
        **dict.fromkeys(("price_increment", "size_increment", "multiplier", "lot_size"), _WORD),
        **dict.fromkeys(("max_quantity", "min_quantity", "max_notional", "min_notional"), _WORD),
        **dict.fromkeys(("max_price", "min_price"), _WORD),
        **dict.fromkeys(("margin_init", "margin_maint", "maker_fee", "taker_fee"), pa.string()),
        "info": pa.binary(),
        "ts_event": pa.uint64(),
        "ts_init": pa.uint64(),
    }
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = "%Y-%m-%dT%H-%M-%S-%f000Z"
INSTRUMENT_FILE = f"{EPOCH:{TIME}}_{EPOCH:{TIME}}.parquet"


@contextmanager
def _folder(place: Place) -> Iterator[Target]:
    if place.path is None:
        raise Misuse("NautilusTrader reads a folder: write --to catalog")
    with opened(place.path, place.ids) as folder:
        yield Target(partial(_put, folder), partial(_newest, folder))


def _instrument(series: Series) -> str:
    return f"{file_name(series.coin)}USDT.CHANDLERY"


def _bar_type(series: Series) -> str:
    return f"{_instrument(series)}-{SPECS[series.timeframe]}-LAST-EXTERNAL"


def _bars(folder: Folder, series: Series) -> Path:
    return folder.root / "data" / "bar" / _bar_type(series)


def _put(folder: Folder, series: Series, frame: pl.DataFrame, window: Window | None) -> None:
    """Add a file of what is newer than all there is, or write one file in the place of all."""
    held = _held(folder, series)
    window = window if all(held.values()) else None
    old = [_read(path) for path in held] if window is not None else []
    new = _encoded(series, frame)
    _write_instrument(folder, series)
    if old and _times(new)[0] > max(_times(each)[1] for each in old):
        _write(folder, _bars(folder, series), new, ())
        return
    kept = [_outside(series, each, window) for each in old if window is not None]
    rows = (
        pa.concat_tables([*kept, new])
        .sort_by("ts_init")
        .replace_schema_metadata(new.schema.metadata)
    )
    _write(folder, _bars(folder, series), rows, sorted(held))


def _write(folder: Folder, bars: Path, rows: pa.Table, instead: Sequence[Path]) -> None:
    """Write a file of bars in the place of others; no bar is ever there twice."""
    first, last = (EPOCH + timedelta(microseconds=at // 1000) for at in _times(rows))
    path = bars / f"{first:{TIME}}_{last:{TIME}}.parquet"
    with folder.whole(path) as part:
        pq.write_table(rows, part, compression="zstd")
        for other in instead[1:]:
            other.unlink()
        for one in instead[:1]:
            one.replace(path)


def _held(folder: Folder, series: Series) -> dict[Path, bool]:
    """The files that are there, all the series' own, and whether they can be gone on with."""
    found = sorted(_bars(folder, series).glob("*.parquet"))
    return {path: _is_of(folder, series, path) for path in found}


def _is_of(folder: Folder, series: Series, path: Path) -> bool:
    try:
        metadata = pq.read_schema(path).metadata
    except (OSError, ValueError) as error:  # pyarrow's own are ValueErrors
        raise Refused(f"{folder.told(path)} cannot be read ({error}): move it away") from None
    return series.is_of(metadata, folder.ids, folder.told(path))


def _read(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read()


def _times(rows: pa.Table) -> tuple[int, int]:
    """When the first and the last bar are over, in nanoseconds."""
    found = pa.compute.min_max(rows["ts_init"]).as_py()
    return found["min"], found["max"]


def _opened(series: Series, ends: pa.ChunkedArray) -> pl.Series:
    """When bars opened that are over at these nanoseconds."""
    over = pl.Series(ends.to_numpy()).cast(pl.Int64).cast(pl.Datetime("ns", "UTC"))
    return over.dt.cast_time_unit("us").dt.offset_by(f"-{DURATIONS[series.timeframe]}")


def _outside(series: Series, rows: pa.Table, window: Window) -> pa.Table:
    opened = _opened(series, rows["ts_init"])
    inside = opened.is_between(window.start, window.end, closed="left")
    return rows.filter(pa.array((~inside).to_list()))


def _newest(folder: Folder, series: Series) -> datetime | None:
    held = _held(folder, series)
    if not held or not all(held.values()):
        return None
    ends = [_times(_read(path))[1] for path in held]
    newest = _opened(series, pa.chunked_array([pa.array(ends)])).max()
    return newest if isinstance(newest, datetime) else None


def _encoded(series: Series, frame: pl.DataFrame) -> pa.Table:
    """The candles as bars."""
    ends = frame.select(series.ends.dt.epoch("ns").cast(pl.UInt64)).to_series().to_arrow()
    prices = [_numbers(frame[f"{name}_price"], MOST_PRICE) for name in PRICES]
    volume = _numbers(frame["volume"].fill_null(0.0), MOST_VOLUME)
    told = {
        "bar_type": _bar_type(series),
        "instrument_id": _instrument(series),
        "price_precision": str(PRECISION),
        "size_precision": str(PRECISION),
    }
    schema = BARS.with_metadata(told | series.mark())
    return pa.table([*prices, volume, ends, ends], schema=schema)


def _numbers(values: pl.Series, most: int) -> pa.Array:
    largest = max(values, default=0.0)
    if largest > most:
        raise Refused(
            f"a {values.name} of {largest:,.0f} is beyond {most:,}, the most that NautilusTrader"
            " has room for"
        )
    packed = b"".join(_units(value).to_bytes(PRECISION, "little") for value in values)
    return pa.FixedSizeBinaryArray.from_buffers(NUMBER, len(values), [None, pa.py_buffer(packed)])


def _units(value: float) -> int:
    """A number in units of 1e-16, by its first 15 digits: 0.3 of what is 0.30000000000000004."""
    digits, _, power = f"{value:.{DIGITS - 1}e}".partition("e")
    number, places = int(digits.replace(".", "")), int(power) - (DIGITS - 1) + PRECISION
    return round(number * 10.0**places) if places < 0 else number * int(10**places)


def _write_instrument(folder: Folder, series: Series) -> None:
    """An instrument of 16 digits, in dollars, for what is needed to test a strategy."""
    name, least = file_name(series.coin), f"{10**-PRECISION:.{PRECISION}f}"
    path = folder.root / "data" / "currency_pair" / _instrument(series) / INSTRUMENT_FILE
    if path.exists():
        return
    row = dict.fromkeys(INSTRUMENT.names) | {
        "id": _instrument(series),
        "raw_symbol": f"{name}USDT",
        "base_currency": name,
        "quote_currency": "USDT",
        "price_precision": PRECISION,
        "size_precision": PRECISION,
        "price_increment": least,
        "size_increment": least,
        "multiplier": "1",
        **dict.fromkeys(("margin_init", "margin_maint", "maker_fee", "taker_fee"), "0"),
        "info": b"null",
        "ts_event": 0,
        "ts_init": 0,
    }
    columns = [pa.array([row[field.name]]).cast(field.type) for field in INSTRUMENT]
    schema = INSTRUMENT.with_metadata({"class": "CurrencyPair"})
    with folder.whole(path) as part:
        pq.write_table(pa.table(columns, schema=schema), part)


LAYOUT = Layout("nautilus", folder=_folder, own_columns=True, without_volume="0")
