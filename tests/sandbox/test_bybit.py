import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sandbox import Serving

HOUR = 3_600_000
OPEN = 1795341600000  # 2026-11-22 10:00
KLINE = "/bybit/v5/market/kline"
INFO = "/bybit/v5/market/instruments-info"


def ask(sandbox: Serving, path: str = KLINE, **query: object) -> Any:
    basics = {"symbol": "BTCUSDT", "interval": "60"} if path == KLINE else {}
    answer = sandbox.get(path, **{"category": "linear"} | basics | query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def times(sandbox: Serving, **query: object) -> list[int]:
    return [int(row[0]) for row in ask(sandbox, **query)["result"]["list"]]


def shape(told: Any) -> Any:
    """What is left of JSON without its values."""
    if isinstance(told, dict):
        return {key: shape(value) for key, value in told.items()}
    return [shape(told[0])] if isinstance(told, list) and told else type(told)


def test_a_page_has_the_shape_of_the_recorded_one(shared: Path, made_up: Serving) -> None:
    file = shared / "recorded/bybit/v5_market_kline_BTCUSDT_1m_2026-09-30.json"
    recorded = json.loads(file.read_bytes())
    served = ask(made_up, limit=50)
    assert json.dumps(shape(served), default=str) == json.dumps(shape(recorded), default=str)
    assert {len(row) for row in served["result"]["list"]} == {7}


def test_an_unknown_symbol_is_refused_in_the_recorded_words(shared: Path, made_up: Serving) -> None:
    recorded = json.loads((shared / "recorded/bybit/errors/10001_symbol_invalid.json").read_bytes())
    for query in ({"symbol": "NOPE"}, {"category": "spot", "symbol": "NOPE"}, {"symbol": ""}):
        assert ask(made_up, **query) == recorded | {"time": OPEN + HOUR // 2}


@pytest.mark.parametrize("query", [{"interval": "61"}, {"category": "x"}, {"start": "yesterday"}])
def test_what_makes_no_sense_is_refused(made_up: Serving, query: dict[str, str]) -> None:
    assert ask(made_up, **query)["retCode"] == 10001


def test_both_ends_are_included_and_the_newest_comes_first(made_up: Serving) -> None:
    start, end = OPEN - 9 * HOUR, OPEN - 5 * HOUR
    assert times(made_up, start=start, end=end) == list(range(end, start - 1, -HOUR))
    assert times(made_up, start=start, end=end, limit=2) == [end, end - HOUR]
    assert times(made_up, start=start, limit=2) == [start + HOUR, start]
    assert times(made_up, end=end, limit=2) == [end, end - HOUR]
    assert times(made_up, limit=2) == [OPEN, OPEN - HOUR]


@pytest.mark.parametrize(
    ("limit", "rows"), [({}, 200), ({"limit": 1000}, 1000), ({"limit": 9999}, 1000)]
)
def test_a_page_has_200_rows_or_1000_at_most(
    made_up: Serving, limit: dict[str, int], rows: int
) -> None:
    page = times(made_up, **limit)
    assert page == [OPEN - i * HOUR for i in range(rows)]


def test_the_longer_intervals_have_names_of_their_own(made_up: Serving) -> None:
    assert times(made_up, interval="D", limit=1) == [OPEN // (24 * HOUR) * 24 * HOUR]


def test_a_contract_has_the_recorded_keys_in_their_order(shared: Path, made_up: Serving) -> None:
    file = shared / "recorded/bybit/v5_market_instruments-info_BTCUSDT_2023-10-02.json"
    recorded = json.loads(file.read_bytes())
    served = ask(made_up, INFO, symbol="BTCUSDT")
    (theirs,), (mine,) = recorded["result"]["list"], served["result"]["list"]
    assert list(mine)[: len(theirs)] == list(theirs)
    assert {key: shape(mine[key]) for key in theirs} == shape(theirs)
    assert list(served["result"]) == list(recorded["result"])
    assert (mine["launchTime"], mine["deliveryTime"]) == ("1585526400000", "0")


def test_contracts_come_page_by_page_until_the_cursor_is_empty(made_up: Serving) -> None:
    whole = [x["symbol"] for x in ask(made_up, INFO)["result"]["list"]]
    found, cursor = [], ""
    for _ in range(20):
        result = ask(made_up, INFO, limit=7, cursor=cursor)["result"]
        found += [x["symbol"] for x in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert found == whole
    assert len(set(found)) == len(found) > 20


def test_contracts_are_of_every_kind(made_up: Serving) -> None:
    found = {x["symbol"]: x for x in ask(made_up, INFO)["result"]["list"]}
    assert {x["status"] for x in found.values()} == {"Trading"}
    dated = [s for s, x in found.items() if x["contractType"] == "LinearFutures"]
    assert dated == ["BTCUSDT-25DEC26"]
    assert found[dated[0]]["deliveryTime"] == "1798185600000"
    assert [s for s, x in found.items() if x["symbolType"]] == ["AAPLUSDT"]
    assert found["SHIB1000USDT"]["baseCoin"] == "SHIB1000"
    assert found["BTCPERP"]["settleCoin"] == "USDC"


def test_what_was_delisted_is_listed_for_who_asks(made_up: Serving) -> None:
    closed = ask(made_up, INFO, status="Closed")["result"]["list"]
    assert closed
    for contract in closed:
        end = int(contract["deliveryTime"])
        assert contract["status"] == "Closed"
        assert times(made_up, symbol=contract["symbol"], limit=1) == [end - HOUR]


def test_a_bad_cursor_is_refused(made_up: Serving) -> None:
    assert ask(made_up, INFO, cursor="nonsense")["retCode"] == 10001


def test_a_replayed_number_reads_back_as_the_number_in_the_folder(
    shared: Path, replayed: Serving
) -> None:
    folder = pl.read_parquet(shared / "market/bybit/WIFUSDT/1h.parquet")
    rows: list[list[str]] = []
    start = 0
    while page := ask(replayed, symbol="WIFUSDT", start=start, limit=1000)["result"]["list"]:
        rows += reversed(page)
        start = int(page[0][0]) + 1
    assert [int(row[0]) for row in rows] == folder["open_time"].dt.epoch("ms").to_list()
    for place, column in enumerate(("open", "high", "low", "close", "volume"), 1):
        assert [float(row[place]) for row in rows] == folder[column].to_list()
