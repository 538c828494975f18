"""Candles from files: what is stored, what is refused by which rule, and how it is told."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import feather

from chandlery import store
from chandlery.model import HOUR, SCHEMA
from chandlery.settings import Settings
from tests.cli.conftest import NOW, Run
from tests.command_line import ROOT
from tests.sources.shelf import packed

T0 = datetime(2026, 11, 20, tzinfo=UTC)
CLOSED = datetime(2026, 11, 22, 10, tzinfo=UTC)
Write = Callable[..., Path]
MAPPED = "open_time=Date,open=Open,high=High,low=Low,close=Close,volume=Vol"


@pytest.fixture
def known(run: Run) -> Run:
    """A database that knows what is listed, and has no candle."""
    assert run("coins", "--now", NOW).returncode == 0
    return run


@pytest.fixture
def feathered(tmp_path: Path) -> Write:
    """Write a file as freqtrade does: hours from T0 on, of these prices and volumes."""

    def write(name: str = "BTC_USDT-1h.feather", hours: int = 24, **more: Any) -> Path:
        values = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0, "volume": 10.0}
        times = [T0 + each * HOUR for each in range(hours)]
        frame = pl.DataFrame({"date": times} | values | more).with_columns(
            pl.col("date").dt.cast_time_unit("us").dt.replace_time_zone("UTC")
        )
        feather.write_feather(frame.to_arrow(), str(tmp_path / name), compression="lz4")
        return tmp_path / name

    return write


def binance(hours: Sequence[int], start: datetime = T0, unit: int = 10**6, **more: float) -> str:
    values = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0, "volume": 10.0, "quote": 25.0}
    told = ",".join(str(each) for each in ({**values, **more}).values())
    *prices, quote = told.split(",")
    opens = [int((start + each * HOUR).timestamp()) for each in hours]
    return "".join(
        f"{at * unit},{','.join(prices)},{(at + 3600) * unit - 1},{quote},17,6.1,15.5,0\n"
        for at in opens
    )


def statistics(done: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def held(settings: Settings, symbol: str) -> pl.DataFrame:
    with store.connect(settings) as connection:
        coins = store.find(connection, [symbol])
        return store.read(connection, coins[:1], "1h")


def bars(settings: Settings, symbol: str, timeframe: str) -> list[int]:
    with store.connect(settings) as connection:
        return store.read(connection, store.find(connection, [symbol])[:1], timeframe)[
            "hours"
        ].to_list()


def test_a_file_of_freqtrade_s_becomes_candles_of_its_source(
    known: Run, settings: Settings, feathered: Write
) -> None:
    file = feathered(volume=[None, *[10.0] * 23])
    words = ("import", str(file), "--source", "binance_spot", "--now", NOW)
    done = known(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1 of 1 file, 24 rows: 24 stored, 0 already there, 0 refused\n"
    found = held(settings, "BTC")
    assert found["timestamp"].to_list() == [T0 + each * HOUR for each in range(24)]
    assert found.select("open_price", "high_price", "low_price", "close_price").row(5) == (
        2,
        4,
        1,
        3,
    )
    assert found["volume"].to_list() == [None, *[10.0] * 23]
    assert set(found["source"]) == {"binance_spot"}
    assert found["quote_volume"].null_count() == 24
    assert bars(settings, "BTC", "4h") == [4] * 6
    assert bars(settings, "BTC", "1d") == [24]
    with store.connect(settings) as connection:
        assert connection.execute("select count(*) from stale").fetchone() == (0,)

    again = statistics(known(*words, "--json"))
    assert again == {
        "files": 1, "rows": 24, "stored": 0, "already_there": 24, "differing": 0, "refused": {},
        "coins": 0, "failed": {}, "findings": [],
    }  # fmt: skip
    assert held(settings, "BTC").equals(found)


def test_an_import_that_is_killed_is_gone_on_with(
    known: Run, settings: Settings, feathered: Write
) -> None:
    files = [feathered(f"{coin}_USDT-1h.feather") for coin in ("BTC", "ETH", "XRP", "BNB")]
    words = ("import", *map(str, files), "--source", "binance_spot", "--now", NOW)
    place = {"CHANDLERY_HOME": str(settings.home), "DATABASE_URL": settings.database_url or ""}
    third = files[2].read_bytes()
    files[2].unlink()
    os.mkfifo(files[2])
    running = subprocess.Popen(
        [sys.executable, "-m", "chandlery", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **place},
    )
    with files[2].open("wb"):  # once it is read from
        running.kill()
        assert running.wait() == -signal.SIGKILL
    files[2].unlink()
    files[2].write_bytes(third)
    done = known(*words)
    assert done.stdout.startswith("4 of 4 files, 96 rows: 48 stored, 48 already there")
    for coin in ("BTC", "BNB"):
        assert held(settings, coin).height == 24
        assert bars(settings, coin, "1d") == [24]
    with store.connect(settings) as connection:
        assert connection.execute("select count(*) from imported").fetchone() == (4,)
        assert connection.execute("select count(*) from stale").fetchone() == (0,)


def test_history_tells_that_a_candle_was_imported(
    known: Run, settings: Settings, feathered: Write, frame: Callable[..., pl.DataFrame]
) -> None:
    file = feathered(hours=3)
    known("import", str(file), "--source", "binance_spot", "--now", NOW)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    hour = f"{T0 + HOUR:%Y-%m-%dT%H:%MZ}"
    done = known("history", "BTC", hour, "--now", NOW)
    told = f"from BTC_USDT-1h.feather as binance_spot's BTCUSDT (sha256 {digest})"
    assert f"imported at 2026-11-22 10:30Z {told}" in done.stdout
    (one,) = statistics(known("history", "BTC", hour, "--now", NOW, "--json"))["imported"]
    assert one == {
        "source": "binance_spot", "symbol": "BTCUSDT", "file": "BTC_USDT-1h.feather",
        "sha256": digest, "imported_at": "2026-11-22T10:30:00+00:00",
    }  # fmt: skip
    assert "imported" not in known("history", "BTC", "2026-11-20T05:00Z", "--now", NOW).stdout
    with store.connect(settings) as connection:
        (btc, *_) = store.find(connection, ["BTC"])
        restated = frame([0]).with_columns(open_time=pl.lit(T0 + HOUR), close=2.5)
        store.write(
            connection,
            {btc.key: restated.cast(dict(SCHEMA))},
            store.source_key(connection, "binance_spot"),
        )
    done = known("history", "BTC", hour, "--now", NOW)
    assert f"imported at 2026-11-22 10:30Z {told}" in done.stdout


def test_a_traded_candle_is_left_whoever_has_it_and_an_indicative_one_gives_way(
    known: Run, settings: Settings, feathered: Write, frame: Callable[..., pl.DataFrame]
) -> None:
    with store.connect(settings) as connection:
        (btc, *_) = store.find(connection, ["BTC"])
        for hour, source in ((2, "binance_spot"), (3, "binance_futures"), (4, "coingecko")):
            there = frame([0]).with_columns(open_time=pl.lit(T0 + hour * HOUR), close=2.5)
            key = store.source_key(connection, source)
            store.write(connection, {btc.key: there.cast(dict(SCHEMA))}, key)
        store.note_kinds(connection, ["coingecko"])
    done = known("import", str(feathered(hours=6)), "--source", "binance_spot", "--now", NOW)
    assert "6 rows: 4 stored, 2 already there, 0 refused" in done.stdout
    assert "1 of those already there have another price in the files" in done.stdout
    assert "noted: BTC 2026-11-20 02:00Z: splice" not in done.stdout
    found = held(settings, "BTC")
    assert found["close_price"].to_list() == [3, 3, 2.5, 2.5, 3, 3]
    with store.connect(settings) as connection:
        rows = connection.execute("select starts_at, ends_at from imported order by 1").fetchall()
        (old,) = connection.execute("select open_time, close, source from restated").fetchall()
        assert old == (T0 + 4 * HOUR, 2.5, store.source_key(connection, "coingecko"))
    assert rows == [(T0, T0 + 2 * HOUR), (T0 + 4 * HOUR, T0 + 6 * HOUR)]


def test_rows_are_counted_by_the_rule_they_break(
    known: Run, settings: Settings, feathered: Write
) -> None:
    hours = 24
    times = [T0 + each * HOUR for each in range(hours)]
    times[20], times[21] = CLOSED, CLOSED + HOUR  # one that is open, one that is to come
    times[22] = T0 + 5 * HOUR  # the same row again
    high, close = [4.0] * hours, [3.0] * hours
    high[3], close[7] = 1.5, float("nan")
    file = feathered(hours=hours, date=times, high=high, close=close)
    told = statistics(
        known("import", str(file), "--source", "binance_spot", "--now", NOW, "--json")
    )
    assert told["refused"] == {
        "the hour has closed": 2,
        "a row is there once": 1,
        "high is highest": 1,
        "prices are finite and above zero": 1,
    }
    assert (told["rows"], told["stored"]) == (24, 19)
    assert T0 + 3 * HOUR not in held(settings, "BTC")["timestamp"].to_list()


def test_an_archive_s_zips_are_read_by_their_names_and_checksums(
    known: Run, settings: Settings, tmp_path: Path
) -> None:
    good, other = tmp_path / "BTCUSDT-1h-2026-11-20.zip", tmp_path / "BTCUSDT-1h-2026-11-21.zip"
    good.write_bytes(packed("BTCUSDT-1h-2026-11-20.csv", binance(range(24))))
    digest = hashlib.sha256(good.read_bytes()).hexdigest()
    (tmp_path / f"{good.name}.CHECKSUM").write_text(f"{digest}  {good.name}\n")
    other.write_bytes(packed("BTCUSDT-1h-2026-11-21.csv", binance(range(24, 48))))
    (tmp_path / f"{other.name}.CHECKSUM").write_text(f"{'0' * 64}  {other.name}\n")
    words = ("import", str(good), str(other), "--source", "binance_spot", "--now", NOW)
    done = known(*words)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"failed: {other}: the checksum of {other.name} is 000" in done.stderr
    assert "1 of 2 files, 24 rows: 24 stored" in done.stdout
    row = held(settings, "BTC").row(0, named=True)
    assert (row["volume"], row["quote_volume"], row["trades"]) == (10, 25, 17)
    assert (row["taker_buy_volume"], row["taker_buy_quote_volume"]) == (6.1, 15.5)


def test_a_symbol_of_a_thousand_coins_is_taken_for_a_thousand(
    known: Run, settings: Settings, tmp_path: Path, feathered: Write
) -> None:
    with store.connect(settings) as connection:
        many = [
            each for each in store.listings_of(connection, "binance_futures") if each.multiple > 1
        ]
        symbol, coin = many[0].symbol, many[0].coin
        (name,) = (
            connection.execute("select symbol from coin where key = %s", (coin,)).fetchone() or ()
        )
    assert symbol.startswith("1000")
    file = tmp_path / f"{symbol}-1h-2026-11-20.zip"
    text = binance(range(24), unit=1000)
    file.write_bytes(packed(f"{symbol}-1h-2026-11-20.csv", text))
    assert known("import", str(file), "--source", "binance_futures", "--now", NOW).returncode == 0
    row = held(settings, name).row(0, named=True)
    assert (row["close_price"], row["volume"], row["quote_volume"]) == (0.003, 10_000, 25)
    pair = f"{symbol.removesuffix('USDT')}_USDT_USDT-1h-futures.feather"
    done = known(
        "import", str(feathered(pair, hours=30)), "--source", "binance_futures", "--now", NOW
    )
    assert "30 rows: 6 stored, 24 already there" in done.stdout
    assert held(settings, name)["close_price"].to_list() == [0.003] * 30


CSVS = {
    "ISO 8601": ("%Y-%m-%dT%H:%M:%SZ", ()),
    "an offset": ("%Y-%m-%d %H:%M:%S+00:00", ()),
    "no zone": ("%Y-%m-%d %H:%M:%S", ("--utc",)),
    "seconds": ("%s", ("--times", "s")),
    "milliseconds": ("%s000", ("--times", "ms")),
    "microseconds": ("%s000000", ("--times", "us")),
    "nanoseconds": ("%s000000000", ("--times", "ns")),
}


def csv(
    path: Path, form: str, hours: int = 6, head: str = "Date,Open,High,Low,Close,Vol,Note"
) -> Path:
    def written(at: datetime) -> str:
        return f"{at:{form.replace('%s', str(int(at.timestamp())))}}"

    rows = [f"{written(T0 + each * HOUR)}, 2.0 ,4,1,3,10,x" for each in range(hours)]
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


@pytest.mark.parametrize("kind", CSVS)
def test_a_csv_s_columns_are_named_and_its_times_are_told(
    known: Run, settings: Settings, tmp_path: Path, kind: str
) -> None:
    form, options = CSVS[kind]
    file = csv(tmp_path / "mine.csv", form)
    words = (
        "import",
        str(file),
        "--source",
        "binance_spot",
        "--symbol",
        "BTCUSDT",
        "--map",
        MAPPED,
    )
    done = known(*words, *options, "--now", NOW)
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 rows: 6 stored" in done.stdout
    assert held(settings, "BTC")["timestamp"].to_list() == [T0 + each * HOUR for each in range(6)]


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_times_of_another_unit_are_not_guessed(known: Run, tmp_path: Path, unit: str) -> None:
    file = csv(tmp_path / "mine.csv", "%s000")
    words = (
        "import",
        str(file),
        "--source",
        "binance_spot",
        "--symbol",
        "BTCUSDT",
        "--map",
        MAPPED,
    )
    done = known(*words, "--times", unit, "--now", NOW)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "open_time is known (6 rows)" in done.stderr


def test_a_row_that_cannot_be_read_is_refused_and_the_others_are_not(
    known: Run, settings: Settings, tmp_path: Path
) -> None:
    file = csv(tmp_path / "mine.csv", "%Y-%m-%dT%H:%M:%SZ")
    lines = file.read_text().splitlines()
    lines[2] = lines[2].replace(",10,", ",many,")
    lines[3] = lines[3].replace(",10,", ",,")
    file.write_text("\n".join(lines))
    words = (
        "import",
        str(file),
        "--source",
        "binance_spot",
        "--symbol",
        "BTCUSDT",
        "--map",
        MAPPED,
    )
    told = statistics(known(*words, "--now", NOW, "--json"))
    assert (told["stored"], told["refused"]) == (5, {"prices are known": 1})
    assert held(settings, "BTC")["volume"].to_list() == [10, None, 10, 10, 10]


def bad(folder: Path, feathered: Write) -> dict[str, tuple[Path, tuple[str, ...], str]]:
    """Files that cannot be taken, with options, and what is said of them."""
    seven = feathered("ETH_USDT-1h.feather")
    table = feather.read_table(seven).rename_columns(["time", "o", "h", "l", "c", "v"])
    feather.write_feather(table, str(seven))
    naive = feathered("XRP_USDT-1h.feather")
    stripped = feather.read_table(naive)
    stripped = stripped.set_column(0, "date", stripped["date"].cast(pa.timestamp("us")))
    feather.write_feather(stripped, str(naive))
    made = {
        "none.feather": b"", "BNB_USDT-1h.feather": b"ARROW1", "BTCUSDT-1h-2026-11-19.zip": b"PK",
        "x.zip": b"PK", "x.csv": b"", "x.parquet": b"PAR1", "NOPE_USDT-1h.feather": None,
    }  # fmt: skip
    for name, content in made.items():
        if content is not None:
            (folder / name).write_bytes(content)
    wide = csv(folder / "wide.csv", "%Y-%m-%d %H:%M:%S")
    return {
        "other columns": (seven, (), "its columns are time, o, h, l, c, v, not date, open"),
        "no zone": (naive, (), "not times in UTC"),
        "no such file": (folder / "BTC_USDT-1h-x.zip", (), "cannot be read: No such file"),
        "a folder": (folder, (), "cannot be read: Is a directory"),
        "no name of freqtrade's": (folder / "none.feather", (), "has not the name of a file of"),
        "half a feather": (folder / "BNB_USDT-1h.feather", (), "not a feather file"),
        "no zip": (folder / "BTCUSDT-1h-2026-11-19.zip", (), "not a zip"),
        "no name of an archive's": (folder / "x.zip", (), "has not the name of an archive's file"),
        "an empty CSV": (folder / "x.csv", ("--symbol", "BTCUSDT"), "not CSV"),
        "another kind": (folder / "x.parquet", (), "its name ends in none of .feather, .zip, .csv"),
        "minutes": (feathered("BTC_USDT-5m.feather"), (), "its candles are of 5m: hours are"),
        "futures": (
            feathered("BTC_USDT_USDT-1h-futures.feather"), (),
            "it is of futures, and binance_spot is of spot",
        ),
        "a pair nobody lists": (feathered("NOPE_USDT-1h.feather"), (), "'NOPE_USDT' is not listed"),
        "columns nobody named": (wide, ("--symbol", "BTCUSDT"), "has no column open_time for"),
        "no symbol": (wide, ("--map", MAPPED, "--utc"), "nothing tells its symbol: say it by"),
        "times without a zone": (wide, ("--symbol", "BTCUSDT", "--map", MAPPED), "add --utc if"),
        "half of it broken": (
            feathered("SOL_USDT-1h.feather", high=[0.5] * 12 + [4.0] * 12), (),
            "high is highest (12 rows)",
        ),
    }  # fmt: skip


def test_a_bad_file_is_told_in_a_line_and_the_others_go_on(
    known: Run, settings: Settings, tmp_path: Path, feathered: Write
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    files = bad(folder, feathered)
    good = feathered()
    for kind, (file, options, words) in files.items():
        told = ("import", str(file), str(good), "--source", "binance_spot", *options, "--now", NOW)
        done = known(*told)
        failed = done.stderr.splitlines()
        assert done.returncode == 1, kind
        assert failed[0].startswith(f"failed: {file}: "), kind
        assert words in failed[0], kind
        assert len(failed) == 1, kind
    assert held(settings, "BTC").height == 24
    with store.connect(settings) as connection:
        assert connection.execute("select count(*) from candle_1h").fetchone() == (24,)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--source", "nowhere"), "no source nowhere: "),
        (("--source", "binance_spot_archive"), "write --source binance_spot"),
        (("--source", "coingecko"), "candles of coingecko are indicative"),
        (("--source", "okx"), "nothing is known to be listed at okx"),
        (("--source", "binance_spot", "--map", "when=Date"), "--map 'when=Date': write open_time="),
    ],
)
def test_a_source_that_cannot_be_meant_is_wrong_use(
    known: Run, feathered: Write, words: tuple[str, ...], said: str
) -> None:
    done = known("import", str(feathered()), *words, "--now", NOW)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_each_hour_goes_to_the_coin_that_was_listed_then(
    known: Run, settings: Settings, feathered: Write
) -> None:
    with store.connect(settings) as connection:
        connection.execute(
            "update listing set starts_at = %s from source where source.key = listing.source"
            " and source.name = 'binance_spot' and symbol = 'BTCUSDT'",
            (T0 + 10 * HOUR,),
        )
        connection.execute(
            "insert into listing (coin, source, symbol, starts_at, ends_at)"
            " select coin.key, source.key, 'BTCUSDT', null, %s from coin, source"
            " where coin.symbol = 'ETH' and source.name = 'binance_spot'",
            (T0 + 6 * HOUR,),
        )
    told = statistics(
        known("import", str(feathered()), "--source", "binance_spot", "--now", NOW, "--json")
    )
    assert (told["stored"], told["refused"]) == (20, {"the symbol was listed then": 4})
    assert (held(settings, "ETH").height, held(settings, "BTC").height) == (6, 14)


def test_a_price_of_another_power_of_ten_is_refused(
    known: Run, settings: Settings, feathered: Write
) -> None:
    with store.connect(settings) as connection:
        connection.execute(
            "update coin set price = 3000, priced_at = %s where symbol = 'BTC'", (T0 + 5 * HOUR,)
        )
    done = known("import", str(feathered()), "--source", "binance_spot", "--now", NOW)
    assert done.returncode == 1
    assert "some 10^-3 times as much: nothing of it is stored" in done.stderr
    assert held(settings, "BTC").height == 0
