"""`chandlery export`: options, what is told of the candles, and what is refused."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from pyarrow import feather

from chandlery import store
from chandlery.model import HOUR, SCHEMA
from chandlery.settings import Settings
from tests.cli.conftest import Run
from tests.command_line import ROOT

T0 = datetime(2026, 11, 20, tzinfo=UTC)
Frame = Callable[..., pl.DataFrame]


@pytest.fixture
def filled(settings: Settings, run: Run, frame: Frame) -> Run:
    """BTC and ETH with 48 hours each, ETH's of no known volume."""
    seen = {"id": ["bitcoin", "ethereum"], "ticker": ["BTC", "ETH"], "rank": [1, 2]}
    with store.connect(settings) as connection:
        store.learn_coins(connection, pl.DataFrame(seen).with_columns(name="id"), T0)
        hours = pl.datetime_range(T0, T0 + 47 * HOUR, "1h", time_zone="UTC", eager=True)
        rows = frame(range(48)).with_columns(open_time=hours).cast(dict(SCHEMA))
        unknown = rows.with_columns(volume=pl.lit(None, pl.Float64))
        for coin, candles, name in ((1, rows, "binance_spot"), (2, unknown, "coingecko")):
            store.write(connection, {coin: candles}, store.source_key(connection, name), now=T0)
        store.refresh(connection)
    return run


def confirmed(settings: Settings, hour: int, factor: float) -> None:
    with store.connect(settings) as connection:
        (btc,) = store.find(connection, ["BTC"])
        store.confirm_adjustment(connection, btc, T0 + hour * HOUR, factor, T0)


def files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_all_timeframes_go_into_one_folder(filled: Run, tmp_path: Path) -> None:
    to = tmp_path / "data"
    words = f"export --to {to} --layout freqtrade --timeframe all --now 2026-12-02 --json"
    done = filled(*words.split())
    assert done.returncode == 0
    assert files(to) == [
        f"{coin}_USDT-{timeframe}.feather"
        for coin in ("BTC", "ETH")
        for timeframe in ("1Mo", "1d", "1h", "1w", "4h")
    ]
    assert json.loads(done.stdout) == {
        "to": str(to), "layout": "freqtrade", "candles": 128, "coins": 2, "without_volume": 64,
        "left_out": {}, "redenominations": [],
    }  # fmt: skip
    assert done.stderr == "64 candles have no known volume: freqtrade takes it for 0\n"


def test_only_what_is_newer_is_written(filled: Run, tmp_path: Path) -> None:
    to = tmp_path / "data"
    words = f"export --symbols BTC --to {to} --layout freqtrade --newer".split()
    told = [filled(*words, "--end", f"2026-11-{day}").stdout for day in (21, 22, 22)]
    assert told == [f"{each} candles in {to}\n" for each in (24, 24, 0)]
    times = feather.read_table(to / "BTC_USDT-1h.feather")["date"].to_pylist()
    assert times == [T0 + each * HOUR for each in range(48)]


def test_the_best_coins_since_a_year_are_exported(filled: Run, tmp_path: Path) -> None:
    to = tmp_path / "a.parquet"
    assert (
        filled("export", "--max-coins", "1", "--start-year", "2026", "--to", str(to)).returncode
        == 0
    )
    assert pl.read_parquet(to)["symbol"].unique().to_list() == ["BTC"]
    done = filled("export", "--start-year", "2099", "--to", str(to))
    assert (done.returncode, "no such candles" in done.stderr) == (2, True)
    assert pl.read_parquet(to).height == 48


@pytest.mark.parametrize(
    ("span", "adjusted", "warned"),
    [
        ((), False, True),
        (("--start", "2026-11-20T05:00Z"), False, False),
        (("--end", "2026-11-20T05:00Z"), False, False),
        ((), True, False),
    ],
)
def test_a_redenomination_within_the_range_is_told_in_a_line(  # noqa: PLR0913, PLR0917
    filled: Run, settings: Settings, tmp_path: Path, span: tuple[str, ...],
    adjusted: bool, warned: bool,  # noqa: FBT001  a row of the table
) -> None:  # fmt: skip
    confirmed(settings, 5, 0.01)
    words = ("export", "--symbols", "BTC", "--to", str(tmp_path / "a.csv"), *span)
    done = filled(*words, *(["--adjusted"] if adjusted else []))
    told = (
        "redenominated: BTC 2026-11-20 05:00Z: prices before are in another unit"
        " (`chandlery adjust`, then --adjusted)\n"
    )
    assert (done.returncode, done.stderr) == (0, told if warned else "")


def test_one_between_two_exports_is_told_too(
    filled: Run, settings: Settings, tmp_path: Path
) -> None:
    words = f"export --symbols BTC --to {tmp_path / 'data'} --layout parquet --newer".split()
    filled(*words, "--end", "2026-11-20T05:00Z")
    confirmed(settings, 5, 0.01)
    assert "redenominated: BTC" in filled(*words).stderr


def test_adjusted_prices_are_written_anew_when_another_factor_is_confirmed(
    filled: Run, settings: Settings, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    words = f"export --symbols BTC --to {to} --layout freqtrade --newer --adjusted".split()
    assert filled(*words).stdout == f"48 candles in {to}\n"
    assert filled(*words).stdout == f"0 candles in {to}\n"
    confirmed(settings, 5, 0.01)
    assert filled(*words).stdout == f"48 candles in {to}\n"
    close = feather.read_table(to / "BTC_USDT-1h.feather")["close"].to_pylist()
    assert close == [0.03] * 5 + [3.0] * 43
    done = filled(*words[:-1])
    assert done.returncode == 1
    assert done.stderr.startswith("left out: BTC 1h: BTC_USDT-1h.feather has prices that are adj")


def piped(settings: Settings, *words: str, head: int | None = None) -> tuple[int, bytes, bytes]:
    """Run in a process of its own, and read its stdout, or some lines of it."""
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    command = [sys.executable, "-m", "chandlery", "export", "--to", "-", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **place},
    ) as running:  # fmt: skip
        assert running.stdout
        assert running.stderr
        read = running.stdout.read() if head is None else running.stdout.readline()
        running.stdout.close()
        error = running.stderr.read()
    return running.returncode, read, error


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("layout", "read"),
    [
        (None, lambda it: pl.read_csv(it, try_parse_dates=True)),
        ("csv", lambda it: pl.read_csv(it, try_parse_dates=True)),
        ("arrow", pl.read_ipc_stream),
        ("parquet", pl.read_parquet),
    ],
)
def test_a_pipe_gets_candles_and_nothing_else(
    settings: Settings, layout: str | None, read: Callable[[io.BytesIO], pl.DataFrame]
) -> None:
    columns = ("--columns", "symbol,timestamp,close_price")
    code, out, error = piped(settings, *columns, *(["--layout", layout] if layout else []))
    assert (code, error) == (0, b"96 candles written\n")
    frame = read(io.BytesIO(out))
    assert frame.shape == (96, 3)
    assert frame["close_price"].sum() == 96 * 3


def test_whoever_reads_a_few_lines_only_ends_the_export_quietly(
    settings: Settings, filled: Run, frame: Frame
) -> None:
    del filled
    times = [T0 - each * HOUR for each in range(20_000, 0, -1)]
    many = frame(range(20_000)).with_columns(open_time=pl.Series(times, dtype=SCHEMA["open_time"]))
    with store.connect(settings) as connection:
        store.write(connection, {1: many}, store.source_key(connection, "binance_spot"), now=T0)
    code, line, error = piped(settings, head=1)
    assert line.startswith(b"symbol,timestamp")
    assert (code, error) == (0, b"")


ODD = {
    "--to a.csv --columns price": "--columns: 'price' is none of them: did you mean",
    "--to a.csv --columns volume,volume": "taker_buy_quote_volume,vwap, each once",
    "--to data --layout freqtrade --columns volume": "the layout freqtrade has columns of its own",
    "--to a.csv --newer": "--newer adds to a folder: write --to FOLDER and --layout",
    "--to - --newer": "--newer adds to a folder",
    "--to - --json": "--json and the candles would both be on stdout",
    "--to - --layout nautilus": "no target for the layout nautilus, which is a folder",
    "--to data --layout csv": "no target for the layout csv, which is one file",
    "--to data": "data is of no kind known here",
    "--to a.csv --timeframe 2h": "timeframe '2h' is not kept: write 1h, 4h, 1d, 1w, 1M or all",
    "--to a.csv --timeframe ,": "timeframe '' is not kept",
    "--to a.csv --start 2026-01-01 --start-year 2026": "write one of them",
    "--to a.csv --start-year 2100": "start year 2100 is out of range",
    "--to a.csv --max-coins 0": "max coins 0 is out of range",
}


@pytest.mark.parametrize("words", ODD)
def test_what_cannot_be_meant_is_a_line_and_exit_2(
    filled: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = filled("export", *words.split())
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert ODD[words] in done.stderr
    assert {each.name for each in tmp_path.iterdir()} <= {"home"}
