from typing import Any

import pytest

from sandbox import Serving, serving

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 1795343400000  # 2026-11-22 10:30
OPEN = NOW - HOUR // 2
NEWEST = "/bitget/api/v2/spot/market/candles"
OLDER = "/bitget/api/v2/spot/market/history-candles"
SYMBOLS = "/bitget/api/v2/spot/public/symbols"
REFUSED = 400


def data(sandbox: Serving, path: str, **query: object) -> list[Any]:
    query = ({} if path == SYMBOLS else {"symbol": "BTCUSDT", "granularity": "1h"}) | query
    answer = sandbox.get(path, **query)
    told = answer.json()
    assert (answer.status_code, told["code"], told["msg"]) == (200, "00000", "success")
    assert list(told) == ["code", "msg", "requestTime", "data"]
    assert told["requestTime"] == NOW
    return list(told["data"])


def times(sandbox: Serving, path: str, **query: object) -> list[int]:
    return [int(row[0]) for row in data(sandbox, path, **query)]


@pytest.mark.parametrize("path", [NEWEST, OLDER])
def test_a_page_is_the_rows_before_its_end_the_oldest_first(made_up: Serving, path: str) -> None:
    end = OPEN - 5 * HOUR
    assert times(made_up, path, endTime=end, limit=3) == [end - n * HOUR for n in (3, 2, 1)]
    assert times(made_up, path, endTime=end + 1, limit=2) == [end - HOUR, end]
    assert len(times(made_up, path, endTime=end)) == 100


@pytest.mark.parametrize(("path", "most"), [(NEWEST, 1000), (OLDER, 200)])
def test_a_page_has_so_many_rows_and_no_more(made_up: Serving, path: str, most: int) -> None:
    assert len(times(made_up, path, endTime=OPEN, limit=most)) == most
    query = {"symbol": "BTCUSDT", "granularity": "1h", "endTime": OPEN, "limit": most + 1}
    assert made_up.get(path, **query).status_code == REFUSED


def test_the_bar_that_is_open_comes_with_the_newest_alone(made_up: Serving) -> None:
    assert times(made_up, NEWEST, limit=2) == [OPEN - HOUR, OPEN]
    assert times(made_up, OLDER, endTime=NOW, limit=2) == [OPEN - 2 * HOUR, OPEN - HOUR]


def test_a_start_is_heeded_by_the_newest_alone(made_up: Serving) -> None:
    asked = {"startTime": OPEN - 2 * HOUR, "endTime": OPEN, "limit": 5}
    assert len(times(made_up, NEWEST, **asked)) == 2
    assert len(times(made_up, OLDER, **asked)) == 5


def test_the_newest_are_of_sixty_days_and_a_page_beyond_is_empty(made_up: Serving) -> None:
    end = NOW - 60 * DAY + 300 * HOUR
    assert len(times(made_up, NEWEST, endTime=end, limit=300)) == 300
    assert times(made_up, NEWEST, endTime=end, limit=301) == []
    assert len(times(made_up, OLDER, endTime=NOW - 900 * DAY, limit=200)) == 200


def test_a_row_is_of_strings_with_both_volumes(made_up: Serving) -> None:
    for row in data(made_up, NEWEST, limit=1000):
        assert [type(x) for x in row] == [str] * 8
        assert row[6] == row[7]
    for row in data(made_up, NEWEST, symbol="ETHBTC", limit=10):
        assert float(row[6]) == pytest.approx(60_000 * float(row[7]), rel=1e-3)


@pytest.mark.parametrize(
    ("path", "changed", "code"),
    [
        (NEWEST, {"symbol": "NOPEUSDT"}, "40034"),
        (NEWEST, {"symbol": ""}, "40019"),
        (NEWEST, {"granularity": "1H"}, "400171"),
        (NEWEST, {"granularity": "6h"}, "400171"),
        (NEWEST, {"endTime": "soon"}, "40020"),
        (NEWEST, {"limit": "0"}, "40020"),
        (OLDER, {}, "40019"),
        (SYMBOLS, {"symbol": "NOPEUSDT"}, "42016"),
        ("/bitget/api/v2/spot/market/nothing", {}, "40404"),
    ],
)
def test_what_makes_no_sense_is_refused_by_code(
    made_up: Serving, path: str, changed: dict[str, str], code: str
) -> None:
    usual = {} if path == SYMBOLS else {"symbol": "BTCUSDT", "granularity": "1h"}
    answer = made_up.get(path, **usual | changed)
    assert (answer.status_code, answer.json()["code"]) == (REFUSED, code)
    assert answer.json()["data"] is None


def test_what_is_removed_is_refused_and_not_listed(made_up: Serving) -> None:
    gone = [x for x in made_up.truth() if x["source"] == "bitget" and x["until"]]
    listed = {x["symbol"] for x in data(made_up, SYMBOLS)}
    names = {x["symbol"] for x in gone}
    assert names
    assert not names & listed
    for name in names:
        answer = made_up.get(NEWEST, symbol=name, granularity="1h")
        assert answer.json()["code"] == "40309"


def test_symbols_have_the_keys_of_the_documented_one(made_up: Serving) -> None:
    (told,) = data(made_up, SYMBOLS, symbol="BTCUSDT")
    assert [
        told[name] for name in ("baseCoin", "quoteCoin", "status", "areaSymbol", "offTime")
    ] == [
        *("BTC", "USDT", "online", "no", ""),
    ]
    assert {type(value) for value in told.values()} == {str}


def test_each_endpoint_allows_twenty_in_a_second() -> None:
    with serving(coins=3, clock=lambda: 1000.0) as sandbox:
        answers = [sandbox.get(SYMBOLS) for _ in range(21)]
        other = sandbox.get(OLDER, symbol="BTCUSDT", granularity="1h", endTime=NOW)
    assert [each.status_code for each in answers] == [200] * 20 + [429]
    assert answers[-1].json()["code"] == "429"
    assert other.status_code == 200
