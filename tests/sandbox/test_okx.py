import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox import Serving

HOUR = 3_600_000
OPEN = 1795341600000  # 2026-11-22 10:00
HISTORY = "/okx/api/v5/market/history-candles"
RECENT = "/okx/api/v5/market/candles"
INSTRUMENTS = "/okx/api/v5/public/instruments"


def data(sandbox: Serving, path: str = HISTORY, **query: object) -> list[Any]:
    query = ({} if path == INSTRUMENTS else {"instId": "BTC-USDT", "bar": "1H"}) | query
    answer = sandbox.get(path, **query)
    told = answer.json()
    assert (answer.status_code, list(told), told["code"]) == (200, ["code", "msg", "data"], "0")
    return list(told["data"])


def times(sandbox: Serving, path: str = HISTORY, **query: object) -> list[int]:
    return [int(row[0]) for row in data(sandbox, path, **query)]


def test_a_row_has_the_types_of_the_recorded_one(shared: Path, made_up: Serving) -> None:
    file = shared / "recorded/okx/market_candles_BTC-USDT-SWAP_1m_2025-05-13.json"
    recorded = json.loads(file.read_bytes())
    assert list(recorded) == ["code", "msg", "data"]
    kinds = [type(x) for x in recorded["data"][0]]
    for row in data(made_up, limit=300):
        assert [type(x) for x in row] == kinds
        assert not any(x.endswith(".0") for x in row)


def test_after_and_before_exclude_their_own_hour_and_the_newest_comes_first(
    made_up: Serving,
) -> None:
    after, before = OPEN - 5 * HOUR, OPEN - 9 * HOUR
    inside = [after - i * HOUR for i in (1, 2, 3)]
    assert times(made_up, after=after, before=before) == inside
    assert times(made_up, after=after + 1, before=before - 1) == [after, *inside, before]
    assert times(made_up, after=after, limit=2) == inside[:2]


def test_before_alone_gives_the_end_of_the_line(made_up: Serving) -> None:
    assert times(made_up, before=OPEN - 50 * HOUR, limit=2) == [OPEN, OPEN - HOUR]
    assert times(made_up, before=OPEN) == []


def test_the_open_hour_alone_is_not_confirmed(made_up: Serving) -> None:
    assert [row[8] for row in data(made_up, limit=3)] == ["0", "1", "1"]
    assert {row[8] for row in data(made_up, after=OPEN, limit=300)} == {"1"}


@pytest.mark.parametrize(
    ("limit", "rows"), [({}, 100), ({"limit": 300}, 300), ({"limit": 1000}, 300)]
)
def test_a_page_has_300_rows_at_most_without_a_word(
    made_up: Serving, limit: dict[str, int], rows: int
) -> None:
    assert len(data(made_up, **limit)) == rows


def test_recent_candles_go_back_1440_bars_only(made_up: Serving) -> None:
    oldest = OPEN - 1439 * HOUR
    assert times(made_up, RECENT, after=oldest + HOUR, limit=300) == [oldest]
    assert times(made_up, RECENT, after=oldest) == []


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        (HISTORY, {"instId": "NOPE-USDT", "bar": "1H"}, 200, "51001"),
        (HISTORY, {"instId": "BTC-USDT", "bar": "1h"}, 200, "51000"),
        (HISTORY, {"instId": "BTC-USDT", "bar": "6H"}, 200, "51000"),
        (HISTORY, {"instId": "BTC-USDT"}, 200, "51000"),
        (HISTORY, {"instId": "BTC-USDT", "bar": "1H", "after": "x"}, 200, "51000"),
        (HISTORY, {"bar": "1H"}, 400, "50014"),
        (INSTRUMENTS, {"instType": "NOPE"}, 200, "51000"),
        (INSTRUMENTS, {"instType": "SPOT", "instId": "NOPE-USDT"}, 200, "51001"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_code(
    made_up: Serving, path: str, query: dict[str, str], status: int, code: str
) -> None:
    answer = made_up.get(path, **query)
    assert (answer.status_code, answer.json()["code"], answer.json()["data"]) == (status, code, [])


def test_instruments_have_the_keys_and_types_of_the_recorded_ones(
    shared: Path, made_up: Serving
) -> None:
    file = shared / "recorded/okx/public_instruments_SPOT_2022-05-13_full.json.gz"
    recorded = json.loads(gzip.decompress(file.read_bytes()))["data"][0]
    for served in data(made_up, INSTRUMENTS, instType="SPOT"):
        assert [key for key in served if key != "instCategory"] == list(recorded)
        assert {type(value) for value in served.values()} == {str}


def test_instruments_are_of_every_kind(made_up: Serving) -> None:
    found = {x["instId"]: x for x in data(made_up, INSTRUMENTS, instType="SPOT")}
    assert found["BTC-USDT"]["listTime"] == "1548133413000"
    assert [i for i, x in found.items() if x["instCategory"] == "3"] == ["AAPL-USDT"]
    assert {x["state"] for x in found.values()} == {"live", "suspend"}
    assert (found["ETH-BTC"]["baseCcy"], found["ETH-BTC"]["quoteCcy"]) == ("ETH", "BTC")
    assert data(made_up, INSTRUMENTS, instType="SWAP") == []


def test_a_replayed_number_reads_back_as_the_number_in_the_folder(
    shared: Path, replayed: Serving
) -> None:
    folder = pl.read_parquet(shared / "market/okx/LTC-USDT/1h.parquet").reverse()
    rows: list[list[str]] = []
    while page := data(replayed, instId="LTC-USDT", limit=300, **after(rows)):
        rows += page
    assert [int(row[0]) for row in rows] == folder["open_time"].dt.epoch("ms").to_list()
    for place, column in enumerate(("open", "high", "low", "close", "volume"), 1):
        assert [float(row[place]) for row in rows] == folder[column].to_list()


def after(rows: list[list[str]]) -> dict[str, str]:
    return {"after": rows[-1][0]} if rows else {}
