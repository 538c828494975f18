"""`chandlery export`: candles into a file, a coin at a time.

Memory stays flat, and the file is whole or not there.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
import polars as pl
import pyarrow.parquet as pq

from chandlery import store
from chandlery.cli.options import END, NOW, START, SYMBOLS, at, options
from chandlery.engine.chosen import choose
from chandlery.errors import Misuse
from chandlery.model import Coin, window
from chandlery.settings import settings
from chandlery.store.frames.read import SCHEMA, TIMEFRAMES

Put = Callable[[pl.DataFrame], None]
Open = Callable[[Path], AbstractContextManager[Put]]


@click.command()
@options(SYMBOLS, START, END, NOW)
@click.option("--timeframe", type=click.Choice(TIMEFRAMES), default="1h", show_default=True)
@click.option("--adjusted", is_flag=True, help="Prices across redenominations in today's unit.")
@click.option("--to", "to", type=click.Path(path_type=Path), required=True, metavar="FILE")
def export(  # noqa: PLR0913  a verb's options
    *,
    symbols: list[str] | None,
    start: str | None,
    end: str | None,
    now: str | None,
    timeframe: str,
    adjusted: bool,
    to: Path,
) -> None:
    """Write candles to FILE.parquet or FILE.csv, by symbol and time (UTC)."""
    within, moment = window(start, end), None if now is None else at(now)
    with store.connect(settings()) as connection:

        def read(coin: Coin) -> pl.DataFrame:
            return store.read(connection, [coin], timeframe, within, moment, adjusted=adjusted)

        store.migrate(connection)
        coins = choose(connection, symbols)
        rows = _write(coins, read, to)
    click.echo(f"{rows:,} candles in {to}")


def _write(coins: Sequence[Coin], read: Callable[[Coin], pl.DataFrame], to: Path) -> int:
    """Write what `read` gives of each coin (store.read's frames), by symbol; return how many rows.

    Misuse if there are none, or the file cannot be.
    """
    form = FORMS.get(to.suffix.lower())
    if form is None:
        raise Misuse(f"{to} is of no kind known here: write FILE.parquet or FILE.csv")
    rows = 0
    with _whole(to) as part:
        with form(part) as put:
            for coin in sorted(coins, key=lambda each: each.symbol):
                frame = read(coin)
                put(frame)
                rows += frame.height
        if rows == 0:
            raise Misuse("there are no such candles: `chandlery status` shows what is there")
    return rows


@contextmanager
def _whole(to: Path) -> Iterator[Path]:
    """A file beside `to` that takes its name once it is complete."""
    try:
        with NamedTemporaryFile(dir=to.parent, prefix=f".{to.name}.", delete=False) as made:
            part = Path(made.name)
    except OSError as error:
        raise Misuse(f"cannot write {to}: {error.strerror}") from None
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        part.replace(to)
    except OSError as error:
        raise Misuse(f"cannot write {to}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def _parquet(path: Path) -> Iterator[Put]:
    with pq.ParquetWriter(path, SCHEMA.to_frame().to_arrow().schema, compression="zstd") as file:
        yield lambda frame: file.write_table(frame.to_arrow()) if frame.height else None


@contextmanager
def _csv(path: Path) -> Iterator[Put]:
    with path.open("wb") as file:
        file.write((",".join(SCHEMA.names()) + "\n").encode())
        yield lambda frame: frame.write_csv(
            file,
            include_header=False,
            datetime_format="%Y-%m-%dT%H:%M:%SZ",
        )


FORMS: dict[str, Open] = {".parquet": _parquet, ".csv": _csv}
