import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import Serving
from tests.sandbox.test_limits import Clock, ask

HOUR = 3_600_000
OPEN = 1795341600000  # 2026-11-22 10:00
KLINES = "/mexc/api/v3/klines"
INFO = "/mexc/api/v3/exchangeInfo"
OFFLINE = "/mexc/api/v3/symbol/offline"
BTC: dict[str, object] = {"symbol": "BTCUSDT", "interval": "60m"}


def rows(sandbox: Serving, **query: object) -> list[list[Any]]:
    answer = sandbox.get(KLINES, **BTC | query)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def times(sandbox: Serving, **query: object) -> list[int]:
    return [row[0] for row in rows(sandbox, **query)]


def test_a_row_has_the_types_of_the_recorded_one(shared: Path, made_up: Serving) -> None:
    recorded = json.loads((shared / "recorded/more/candle_rows.json").read_bytes())
    (row,) = (value for name, value in recorded.items() if name.startswith("mexc "))
    assert row[6] - row[0] == HOUR
    for served in rows(made_up):
        assert [type(x) for x in served] == [type(x) for x in row]
        assert served[6] - served[0] == HOUR


def test_the_start_is_included_and_the_end_is_not_and_the_oldest_comes_first(
    made_up: Serving,
) -> None:
    start, end = OPEN - 9 * HOUR, OPEN - 5 * HOUR
    inside = list(range(start, end, HOUR))
    assert times(made_up, startTime=start, endTime=end) == inside
    assert times(made_up, startTime=start, endTime=end + 1) == [*inside, end]
    assert times(made_up, startTime=start + 1, endTime=end) == inside[1:]
    assert times(made_up, startTime=start, endTime=end, limit=2) == inside[:2]
    assert times(made_up, startTime=end, endTime=end) == []


def test_an_end_alone_gives_what_is_before_it_and_a_start_alone_is_not_heeded(
    made_up: Serving,
) -> None:
    end = OPEN - 5 * HOUR
    assert times(made_up, endTime=end, limit=2) == [end - 2 * HOUR, end - HOUR]
    assert times(made_up, startTime=end, limit=2) == [OPEN - HOUR, OPEN]
    assert times(made_up, limit=2) == [OPEN - HOUR, OPEN]


@pytest.mark.parametrize(
    ("limit", "count"), [({}, 500), ({"limit": 499}, 499), ({"limit": 1000}, 500)]
)
def test_a_page_has_500_rows_at_most_without_a_word(
    made_up: Serving, limit: dict[str, int], count: int
) -> None:
    start = OPEN - 2000 * HOUR
    assert len(times(made_up, startTime=start, endTime=OPEN, **limit)) == count


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        (KLINES, {"symbol": "NOPEUSDT", "interval": "60m"}, -1121),
        (KLINES, {"symbol": "BTCUSDT", "interval": "1h"}, 33333),
        (KLINES, {"symbol": "BTCUSDT"}, 44444),
        (KLINES, {"interval": "60m"}, 44444),
        (KLINES, {"symbol": "BTCUSDT", "interval": "60m", "startTime": "x"}, 33333),
        (INFO, {"symbol": "NOPEUSDT"}, 10007),
        (INFO, {"symbols": "BTCUSDT,NOPEUSDT"}, 10007),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_code(
    made_up: Serving, path: str, query: dict[str, str], code: int
) -> None:
    answer = made_up.get(path, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_what_is_listed_are_coins_and_what_only_looks_like_it(made_up: Serving) -> None:
    found = {each["symbol"]: each for each in made_up.get(INFO).json()["symbols"]}
    assert set(found) == {"BTCUSDT", "ETHUSDT", "AAPLXUSDT", "BTC3LUSDT"}
    assert {each["status"] for each in found.values()} == {"1"}
    assert found["BTCUSDT"]["fullName"] == "Bitcoin"
    assert found["AAPLXUSDT"]["fullName"] == "AAPLX xStock"
    assert "Tokenized Stocks" in found["AAPLXUSDT"]["conceptPlates"]
    assert not found["ETHUSDT"]["isSpotTradingAllowed"]


def test_the_symbols_asked_for_are_listed_alone(made_up: Serving) -> None:
    for query, names in (({"symbol": "BTCUSDT"}, 1), ({"symbols": "BTCUSDT, ETHUSDT"}, 2)):
        assert len(made_up.get(INFO, **query).json()["symbols"]) == names


def test_nothing_is_offline_while_all_of_it_trades(made_up: Serving) -> None:
    assert made_up.get(OFFLINE).json() == {"data": []}


def test_each_endpoint_allows_500_weight_in_ten_seconds_of_its_own() -> None:
    pages, lists = [(KLINES, dict[str, object](limit=1))] * 501, [(INFO, dict[str, object]())] * 21
    told = ask([(path, BTC | query) for path, query in pages] + lists, clock=Clock())
    assert [each.status_code for each in told[:501]] == [200] * 500 + [429]
    assert [each.status_code for each in told[501:]] == [200] * 20 + [429]
    assert 0 < int(told[-1].headers["retry-after"]) <= 10
    assert told[-1].json() == {"code": 429, "msg": "Too Many Requests"}


def test_who_goes_on_is_banned() -> None:
    told = ask([(KLINES, BTC)] * 23, limits=1, clock=Clock())
    assert [each.status_code for each in told] == [200] + [429] * 20 + [418] * 2
    assert told[-1].headers["retry-after"] == "120"


def test_nothing_is_counted_where_limits_are_off() -> None:
    assert {each.status_code for each in ask([(KLINES, BTC)] * 3, limits=False)} == {200}
