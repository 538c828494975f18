"""The sandbox's answers of Binance beside those that were recorded."""

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox import Serving

SPOT = "/binance_spot/api/v3"
FUTURES = "/binance_futures/fapi/v1"


def recording(path: Path) -> Any:
    raw = path.read_bytes()
    return json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)


def get(sandbox: Serving, path: str, **query: object) -> Any:
    answer = sandbox.get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("name", "interval"),
    [
        ("BTCUSDT-1h-2023-03-01", "1h"),
        ("BTCUSDT-1h-2026-03-01", "1h"),
        ("BTCUSDT-4h-2023-01-01", "4h"),
        ("BTCUSDT-1d-2022-01-01", "1d"),
    ],
)
def test_spot_candles_come_as_recorded(
    shared: Path, replayed: Serving, name: str, interval: str
) -> None:
    recorded = recording(shared / f"recorded/binance/api_v3_klines/{name}.json")
    times = {"startTime": recorded[0][0], "endTime": recorded[-1][0]}
    served = get(
        replayed, f"{SPOT}/klines", symbol="BTCUSDT", interval=interval, limit=1000, **times
    )
    assert len(served) == len(recorded)
    for mine, theirs in zip(served, recorded, strict=True):
        # The market folder has no taker's volumes (9 and 10: made up), nor a last digit that no
        # float can hold (quote volumes over ten million have such).
        assert (*mine[:7], mine[8], mine[11]) == (*theirs[:7], theirs[8], theirs[11])
        assert float(mine[7]) == float(theirs[7])
        assert len(mine[7]) == len(theirs[7])


def test_futures_candles_have_the_types_of_the_recorded_ones(
    shared: Path, replayed: Serving
) -> None:
    folder = shared / "recorded/binance/gocryptotrader_recorded"
    recorded = recording(folder / "fapi_v1_klines__interval=1d_limit=5_symbol=BTCUSDT.json")
    served = get(replayed, f"{FUTURES}/klines", symbol="BTCUSDT", interval="1d", limit=5)
    assert [[type(x) for x in row] for row in served] == [
        [type(x) for x in row] for row in recorded
    ]


@pytest.mark.parametrize(
    ("source", "path", "symbol"),
    [
        ("binance_spot", f"{SPOT}/klines", "DOGEUSDT"),
        ("binance_spot", f"{SPOT}/klines", "BNXUSDT"),
        ("binance_futures", f"{FUTURES}/klines", "BNBUSDT"),
    ],
)
def test_a_replayed_number_reads_back_as_the_number_in_the_folder(
    shared: Path, replayed: Serving, source: str, path: str, symbol: str
) -> None:
    folder = pl.read_parquet(shared / f"market/{source}/{symbol}/1h.parquet").head(1000)
    start = int(folder["open_time"].dt.epoch("ms")[0])
    served = get(replayed, path, symbol=symbol, interval="1h", startTime=start, limit=1000)
    for place, column in enumerate(("open", "high", "low", "close", "volume"), 1):
        assert [float(row[place]) for row in served] == folder[column].to_list()


def test_every_hour_of_a_recording_is_served_once(shared: Path, replayed: Serving) -> None:
    folder = pl.read_parquet(shared / "market/binance_spot/BTCUSDT/1h.parquet")
    times: list[int] = []
    while page := get(
        replayed,
        f"{SPOT}/klines",
        symbol="BTCUSDT",
        interval="1h",
        startTime=times[-1] + 1 if times else 0,
        limit=1000,
    ):
        times += [row[0] for row in page]
    assert times == folder["open_time"].dt.epoch("ms").to_list()


@pytest.mark.parametrize(
    ("path", "name", "absent"),
    [
        (f"{SPOT}/exchangeInfo", "api_v3_exchangeInfo", {"timezone"}),
        (f"{FUTURES}/exchangeInfo", "fapi_v1_exchangeInfo", set[str]()),
    ],
)
def test_exchange_info_has_the_keys_and_types_of_the_recorded_one(
    shared: Path, replayed: Serving, path: str, name: str, absent: set[str]
) -> None:
    folder = shared / "recorded/binance/gocryptotrader_recorded"
    recorded, served = recording(folder / f"{name}.json.gz"), get(replayed, path)
    assert set(served) - absent == set(recorded) - absent
    mine, theirs = served["symbols"][0], recorded["symbols"][0]
    assert {key: type(value) for key, value in mine.items()} == {
        key: type(value) for key, value in theirs.items()
    }


@pytest.mark.parametrize("market", ["spot_2021-10-12", "usdm_2021-07-21"])
def test_exchange_info_keeps_the_order_of_keys(
    shared: Path, replayed: Serving, market: str
) -> None:
    recorded = recording(shared / f"recorded/binance/exchangeInfo_{market}_full.json.gz")
    path = SPOT if "spot" in market else FUTURES
    served = get(replayed, f"{path}/exchangeInfo")
    both = [key for key in served if key in recorded]
    assert both == [key for key in recorded if key in served]
    mine, theirs = list(served["symbols"][0]), list(recorded["symbols"][0])
    common = set(mine) & set(theirs)
    assert [key for key in mine if key in common] == [key for key in theirs if key in common]


def test_an_unknown_symbol_is_refused_in_the_recorded_words(
    shared: Path, replayed: Serving
) -> None:
    file = shared / "recorded/binance/errors/gct_fapi_v1_ticker_24hr__symbol=BTCUSD_201225.json"
    query = {"symbol": "NOPE", "interval": "1h"}
    answer = replayed.get(f"{FUTURES}/klines", **query)
    assert (answer.status_code, answer.json()) == (400, recording(file))


def test_a_symbol_that_means_two_coins_is_listed_once_and_trades(replayed: Serving) -> None:
    symbols = get(replayed, f"{SPOT}/exchangeInfo")["symbols"]
    lunas = [s for s in symbols if s["symbol"] == "LUNAUSDT"]
    assert [(s["baseAsset"], s["quoteAsset"], s["status"]) for s in lunas] == [
        ("LUNA", "USDT", "TRADING")
    ]


def test_a_perpetual_is_onboarded_with_its_first_candle(replayed: Serving) -> None:
    symbols = get(replayed, f"{FUTURES}/exchangeInfo")["symbols"]
    (bnb,) = (s for s in symbols if s["symbol"] == "BNBUSDT")
    assert bnb["onboardDate"] == 1672531200000
    assert (bnb["contractType"], bnb["underlyingType"]) == ("PERPETUAL", "COIN")
    assert bnb["deliveryDate"] == 4133404800000


def test_the_newest_row_is_the_hour_that_is_still_open(shared: Path, replayed: Serving) -> None:
    *_, closed, last = get(replayed, f"{SPOT}/klines", symbol="BTCUSDT", interval="1h")
    whole = pl.read_parquet(shared / "market/binance_spot/BTCUSDT/1h.parquet").row(-1, named=True)
    now = 1777519800000
    assert closed[6] < now < last[6]
    assert float(last[1]) == whole["open"]
    assert 0 < float(last[5]) < whole["volume"]
    assert 0 < last[8] < whole["trades"]
