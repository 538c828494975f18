"""What lies where in each layout: names, columns, types; what is added, what is left alone."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from chandlery.errors import Misuse
from chandlery.files import LAYOUTS, Series, for_target
from chandlery.files.whole import SCRATCH, opened
from chandlery.model import Coin, Window
from chandlery.store.frames.read import SCHEMA
from tests.files.conftest import COINS, HOUR, IDS, T0, Send, candles

ROOT = Path(__file__).parents[2]
BTC, PEPE, *_ = COINS
INDICATIVE = next(coin for coin in COINS if coin.symbol == "IND")
FOLDERS = ("parquet", "freqtrade", "nautilus")
NEW_YEAR = T0 + 4 * HOUR


def files(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def times(folder: Path, layout: str) -> list[int]:
    """When the candles of all files open, in hours after T0, in order."""
    if layout == "parquet":
        found = [pq.read_table(folder / name)["timestamp"].to_pylist() for name in files(folder)]
    elif layout == "freqtrade":
        found = [feather.read_table(folder / name)["date"].to_pylist() for name in files(folder)]
    else:
        bars = [name for name in files(folder) if "/bar/" in name]
        ends = [pl.Series(pq.read_table(folder / name)["ts_init"].to_numpy()) for name in bars]
        over = [each.cast(pl.Int64).cast(pl.Datetime("ns", "UTC")).to_list() for each in ends]
        found = [[at - HOUR for at in each] for each in over]
    return [(at - T0) // HOUR for each in found for at in each]


def test_parquet_is_partitioned_by_timeframe_symbol_and_year(send: Send, tmp_path: Path) -> None:
    send(tmp_path, "parquet", coins=[BTC])
    assert files(tmp_path) == [
        f"timeframe=1h/symbol=BTC/year={year}/candles.parquet" for year in (2023, 2024)
    ]
    read = [pq.read_table(tmp_path / name) for name in files(tmp_path)]
    assert [each.num_rows for each in read] == [4, 8]
    names = [name for name in SCHEMA.names() if name not in {"symbol", "timeframe"}]
    assert read[0].column_names == names
    types = read[0].schema
    assert types.field("timestamp").type == pa.timestamp("us", "UTC")
    assert {types.field(name).type for name in names if "_price" in name} == {pa.float64()}


def test_chosen_columns_are_in_their_order(send: Send, tmp_path: Path) -> None:
    asked = ["close_price", "timestamp", "symbol"]
    for name in ("a.parquet", "a.csv", "a.arrow"):
        send(tmp_path / name, coins=[BTC], columns=asked)
    assert pl.read_parquet(tmp_path / "a.parquet").columns == asked
    assert pl.read_csv(tmp_path / "a.csv").columns == asked
    assert pl.read_ipc(tmp_path / "a.arrow").columns == asked
    send(tmp_path / "folder", "parquet", coins=[BTC], columns=asked)
    first, *_ = files(tmp_path / "folder")
    assert pq.read_table(tmp_path / "folder" / first).column_names == asked[:2]
    with pytest.raises(Misuse, match="needs the column timestamp"):
        send(tmp_path / "folder", "parquet", columns=["symbol"])
    done = send(
        tmp_path / "folder", "parquet", coins=[BTC], newer=True, window=Window(T0, T0 + HOUR)
    )
    assert (done.candles, done.refused) == (0, {})
    done = send(tmp_path / "folder", "parquet", coins=[BTC], window=Window(T0, T0 + HOUR))
    assert "has other columns: close_price,timestamp" in done.refused["BTC 1h"]


def test_csv_has_no_noise_of_floats_and_no_exponents(send: Send, tmp_path: Path) -> None:
    odd = {
        "open_price": [0.012345 / 1000, 0.1 + 0.2],
        "high_price": [1e-12, 2.5e-11 * 1.1],
        "volume": [1e16, None],
        "quote_volume": [123456789012.34567, 67123.1],
    }
    send(tmp_path / "a.csv", coins=[BTC], read=lambda series, _: candles(series, hours=2, **odd))
    head, *rows = (tmp_path / "a.csv").read_text().splitlines()
    assert head == ",".join(SCHEMA.names())
    values = [dict(zip(SCHEMA.names(), row.split(","), strict=True)) for row in rows]
    assert [each["timestamp"] for each in values] == [
        "2023-12-31T20:00:00Z",
        "2023-12-31T21:00:00Z",
    ]
    assert [[each[name] for name in odd] for each in values] == [
        ["0.000012345", "0.000000000001", "10000000000000000", "123456789012.346"],
        ["0.3", "0.0000000000275", "", "67123.1"],
    ]


def test_a_file_is_by_symbol_timeframe_and_time(send: Send, tmp_path: Path) -> None:
    coins = sorted(COINS, key=lambda coin: coin.symbol)
    for name in ("a.parquet", "a.csv", "a.arrow", "a.feather"):
        send(tmp_path / name, coins=coins, timeframes=["1h", "4h"])
    frames = [pl.read_parquet(tmp_path / "a.parquet"), pl.read_ipc(tmp_path / "a.arrow")]
    frames.append(pl.read_csv(tmp_path / "a.csv", schema_overrides=SCHEMA))
    frames.append(pl.from_arrow(feather.read_table(tmp_path / "a.feather")))
    for frame in frames:
        assert frame.schema == SCHEMA
        assert frame.height == len(COINS) * 15
        assert frame["symbol"].is_sorted()
        assert frame.filter(symbol="BTC")["timeframe"].to_list() == ["1h"] * 12 + ["4h"] * 3


def test_freqtrade_has_its_six_columns_under_its_names(send: Send, tmp_path: Path) -> None:
    send(tmp_path, "freqtrade", coins=[BTC, INDICATIVE], timeframes=["1h", "1M"], read=_month)
    assert files(tmp_path) == [
        "BTC_USDT-1Mo.feather",
        "BTC_USDT-1h.feather",
        "IND_USDT-1Mo.feather",
        "IND_USDT-1h.feather",
    ]
    read = feather.read_table(tmp_path / "BTC_USDT-1h.feather")
    assert read.column_names == ["date", "open", "high", "low", "close", "volume"]
    assert read.schema.field("date").type == pa.timestamp("us", "UTC")
    assert read["date"][0].as_py() == T0
    assert feather.read_table(tmp_path / "IND_USDT-1h.feather")["volume"].null_count == 12


def _month(series: Series, window: Window | None) -> pl.DataFrame:
    return candles(Series(series.coin, "1h"), window)


def test_nautilus_has_bars_that_are_known_when_they_are_over(send: Send, tmp_path: Path) -> None:
    send(tmp_path, "nautilus", coins=[PEPE, INDICATIVE])
    bars = "data/bar/PEPEUSDT.CHANDLERY-1-HOUR-LAST-EXTERNAL"
    span = "2023-12-31T21-00-00-000000000Z_2024-01-01T08-00-00-000000000Z"
    assert f"{bars}/{span}.parquet" in files(tmp_path)
    read = pq.read_table(tmp_path / bars / f"{span}.parquet")
    names = ["open", "high", "low", "close", "volume", "ts_event", "ts_init"]
    assert read.column_names == names
    assert read.schema.field("open").type == pa.binary(16)
    over = int((T0 + HOUR).timestamp()) * 10**9
    assert (read["ts_event"][0].as_py(), read["ts_init"][0].as_py()) == (over, over)
    assert int.from_bytes(read["open"][0].as_py(), "little") == 12 * 10**9  # 0.0000012
    assert read.schema.metadata[b"price_precision"] == b"16"
    folder = tmp_path / "data/bar/INDUSDT.CHANDLERY-1-HOUR-LAST-EXTERNAL"
    assert int.from_bytes(pq.read_table(folder)["volume"][0].as_py(), "little") == 0
    (instrument,) = (tmp_path / "data/currency_pair/PEPEUSDT.CHANDLERY").iterdir()
    told = pq.read_table(instrument).to_pylist()[0]
    assert (told["price_precision"], told["price_increment"]) == (16, "0.0000000000000001")


def test_nautilus_has_no_room_for_some_volumes_and_says_so(send: Send, tmp_path: Path) -> None:
    many = {"volume": 5e13}
    done = send(
        tmp_path, "nautilus", coins=[BTC, PEPE],
        read=lambda series, _: candles(series, **(many if series.coin is PEPE else {})),
    )  # fmt: skip
    assert done.candles == 12
    assert "a volume of 50,000,000,000,000 is beyond" in done.refused["PEPE 1h"]
    assert not list(tmp_path.rglob("*PEPE*/*"))


@pytest.mark.parametrize("layout", FOLDERS)
def test_only_what_is_newer_is_read_and_added(send: Send, tmp_path: Path, layout: str) -> None:
    asked: list[Window | None] = []

    def read(series: Series, window: Window | None) -> pl.DataFrame:
        asked.append(window)
        return candles(series, window, hours=len(asked) * 6)

    for each in range(3):
        done = send(tmp_path, layout, coins=[BTC], read=read, newer=True)
        assert done.candles == 6
        assert done.held == bool(each)
        assert times(tmp_path, layout) == list(range(6 * each + 6))
    assert [window and window.start - T0 for window in asked] == [
        None,
        timedelta(hours=5, microseconds=1),
        timedelta(hours=11, microseconds=1),
    ]
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    done = send(tmp_path, layout, coins=[BTC], newer=True, read=lambda *_: SCHEMA.to_frame())
    assert (done.candles, done.held) == (0, True)
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before


@pytest.mark.parametrize("layout", FOLDERS)
def test_a_window_takes_the_place_of_its_hours_alone(
    send: Send, tmp_path: Path, layout: str
) -> None:
    send(tmp_path, layout, coins=[BTC])
    part = Window(T0 + 2 * HOUR, T0 + 6 * HOUR)
    fewer = candles(Series(BTC, "1h"), part)[[0, 3]]
    assert send(tmp_path, layout, coins=[BTC], read=lambda *_: fewer, window=part).candles == 2
    assert times(tmp_path, layout) == [0, 1, 2, 5, *range(6, 12)]
    later = candles(Series(BTC, "1h"), Window(NEW_YEAR, NEW_YEAR + 2 * HOUR))
    send(tmp_path, layout, coins=[BTC], read=lambda *_: later)
    assert times(tmp_path, layout) == [4, 5]


@pytest.mark.parametrize("layout", FOLDERS)
def test_other_files_and_other_coins_are_left_alone(
    send: Send, tmp_path: Path, layout: str
) -> None:
    send(tmp_path, layout, coins=[BTC])
    (tmp_path / "notes.txt").write_text("mine")
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    heir = Coin(99, "bitcoin-2", "BTC", "the ticker is another's now")
    for again in (False, True):
        done = send(tmp_path, layout, coins=[heir, PEPE], newer=again)
        assert "holds another coin, bitcoin: move it away" in done.refused["BTC 1h"]
    renamed = Coin(1, "butcoin", "BTC", "the same coin, by another id")
    assert send(tmp_path, layout, coins=[renamed], newer=True).refused == {}
    after = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}
    assert before.items() <= after.items()


@pytest.mark.parametrize("layout", FOLDERS)
@pytest.mark.parametrize("foreign", [True, False])
def test_a_file_that_is_not_of_an_export_is_not_replaced(
    send: Send, tmp_path: Path, layout: str, *, foreign: bool
) -> None:
    send(tmp_path, layout, coins=[BTC])
    name = next(each for each in files(tmp_path) if "1h" in each or "1-HOUR" in each)
    if foreign and layout == "freqtrade":
        read = feather.read_table(tmp_path / name)
        feather.write_feather(read.replace_schema_metadata(None), str(tmp_path / name))
    elif foreign:
        read = pq.read_table(tmp_path / name)
        pq.write_table(read.replace_schema_metadata(None), tmp_path / name)
    else:
        (tmp_path / name).write_bytes(b"no such file")
    before = (tmp_path / name).read_bytes()
    for again in (False, True):
        done = send(tmp_path, layout, coins=[BTC, PEPE], newer=again)
        why = "was not exported by chandlery" if foreign else "cannot be read"
        assert why in done.refused["BTC 1h"]
        assert name in done.refused["BTC 1h"]
        assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize("layout", FOLDERS)
def test_prices_in_two_units_are_never_in_one_file(send: Send, tmp_path: Path, layout: str) -> None:
    factors = [(T0, 0.01)]
    send(tmp_path, layout, coins=[BTC], adjusted=[])
    done = send(tmp_path, layout, coins=[BTC])
    assert "has prices that are adjusted: export to another folder" in done.refused["BTC 1h"]
    part = Window(T0 + 6 * HOUR, T0 + 12 * HOUR)
    done = send(tmp_path, layout, coins=[BTC], adjusted=factors, newer=True, window=part)
    assert (done.candles, times(tmp_path, layout)) == (6, list(range(6, 12)))


@pytest.mark.parametrize("layout", FOLDERS)
def test_two_coins_of_one_symbol_are_never_in_one_file(
    send: Send, tmp_path: Path, layout: str
) -> None:
    twin = Coin(99, "twin", "BTC", "nobody ranks it")
    done = send(tmp_path, layout, coins=[BTC, twin])
    assert done.candles == 12
    assert list(done.refused) == ["BTC 1h"]


@pytest.mark.parametrize("layout", FOLDERS)
def test_where_there_is_no_candle_there_is_no_file(send: Send, tmp_path: Path, layout: str) -> None:
    done = send(tmp_path / "new", layout, read=lambda *_: SCHEMA.to_frame())
    assert (done.candles, done.held, list(tmp_path.iterdir())) == (0, False, [])
    send(tmp_path, layout, read=lambda *_: SCHEMA.to_frame())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.arrow"])
def test_nor_one_file(send: Send, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("the last one")
    send(tmp_path / name, read=lambda *_: SCHEMA.to_frame())
    assert (tmp_path / name).read_text() == "the last one"
    assert files(tmp_path) == [name]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from chandlery.files import Asked, Series, export, for_target
from chandlery.files.target import Place
from chandlery.store.frames.read import SCHEMA
from tests.files.conftest import COINS, IDS, candles

def read(series, window):
    if series.coin is COINS[3]:
        os.kill(os.getpid(), signal.SIGKILL)
    return candles(series, hours=2000)

to = Path(sys.argv[1])
_, opening = for_target(to, sys.argv[2] or None)
with opening(Place(to, SCHEMA.names(), IDS)) as target:
    export(Asked([Series(coin, "1h") for coin in COINS]), read, target)
"""


@pytest.mark.parametrize("layout", [*FOLDERS, "a.parquet", "a.csv", "a.arrow"])
def test_whoever_is_killed_leaves_no_half_file_under_its_name(
    send: Send, tmp_path: Path, layout: str
) -> None:
    one = "." in layout
    to = tmp_path / layout if one else tmp_path
    if one:
        to.write_text("the last one")
    command = [sys.executable, "-c", KILLED.format(root=str(ROOT)), str(to), "" if one else layout]
    done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == -signal.SIGKILL
    if one:
        assert to.read_text() == "the last one"
        assert send(to, coins=[BTC]).candles == 12
        return
    assert set(times(tmp_path, layout)) == set(range(2000))
    half = tmp_path / SCRATCH / ".half"
    half.write_bytes(b"of another that was killed")
    done_again = send(tmp_path, layout, newer=True, read=lambda s, w: candles(s, w, hours=2001))
    assert done_again.candles == 3 + (len(COINS) - 3) * 2001
    assert not half.parent.exists()


def test_one_export_at_a_time_writes_into_a_folder(send: Send, tmp_path: Path) -> None:
    with opened(tmp_path, IDS), pytest.raises(Misuse, match="another export writes into"):
        send(tmp_path, "freqtrade")
    assert send(tmp_path, "freqtrade", coins=[BTC]).candles == 12


@pytest.mark.parametrize(
    ("to", "layout", "words"),
    [
        ("a.txt", None, "of no kind known here: write FILE.parquet, FILE.csv, FILE.arrow"),
        ("folder", None, "or a folder and --layout"),
        ("folder", "csv", "no target for the layout csv, which is one file"),
        (None, "freqtrade", "no target for the layout freqtrade, which is a folder"),
    ],
)
def test_a_target_that_is_none_is_told_in_a_line(
    to: str | None, layout: str | None, words: str
) -> None:
    with pytest.raises(Misuse, match=words):
        for_target(None if to is None else Path(to), layout)


def test_a_folder_that_is_a_file_is_told_in_a_line(send: Send, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for layout in FOLDERS:
        with pytest.raises(Misuse, match="cannot write"):
            send(tmp_path / "file", layout)
    assert (tmp_path / "file").read_text() == "mine"
    assert set(LAYOUTS) == {"parquet", "csv", "arrow", "freqtrade", "nautilus"}
