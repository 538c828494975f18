from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from sandbox import Serving, serving

HOUR = 3600
OPEN = 1795341600  # 2026-11-22 10:00
KLINES = "/kucoin/api/v1/market/candles"
SYMBOLS = "/kucoin/api/v2/symbols"
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def data(sandbox: Serving, path: str = KLINES, **query: object) -> list[Any]:
    query = ({} if path == SYMBOLS else {"symbol": "BTC-USDT", "type": "1hour"}) | query
    answer = sandbox.get(path, **query)
    told = answer.json()
    assert (answer.status_code, list(told), told["code"]) == (200, ["code", "data"], "200000")
    return list(told["data"])


def times(sandbox: Serving, **query: object) -> list[int]:
    return [int(row[0]) for row in data(sandbox, **query)]


def test_a_row_is_time_open_close_high_low_and_two_amounts_in_strings(made_up: Serving) -> None:
    rows = data(made_up, startAt=OPEN - 99 * HOUR)
    assert {len(row) for row in rows} == {7}
    assert {type(x) for row in rows for x in row} == {str}
    for _, opened, close, high, low, volume, turnover in (map(float, row) for row in rows):
        assert low <= min(opened, close) <= max(opened, close) <= high
        assert low * volume * 0.99 <= turnover <= high * volume * 1.01
    for later, earlier in pairwise(rows):
        assert later[1] == earlier[2]  # it opens where the one before it closed


def test_the_start_is_included_and_the_end_is_not_and_the_newest_comes_first(
    made_up: Serving,
) -> None:
    start, end = OPEN - 9 * HOUR, OPEN - 6 * HOUR
    inside = [start + 2 * HOUR, start + HOUR, start]
    assert times(made_up, startAt=start, endAt=end) == inside
    assert times(made_up, startAt=start + 1, endAt=end + 1) == [end, *inside[:2]]


def test_the_newest_candle_is_the_open_one(made_up: Serving) -> None:
    assert times(made_up)[:2] == [OPEN, OPEN - HOUR]
    assert times(made_up, startAt=OPEN + HOUR) == []


@pytest.mark.parametrize(("hours", "rows"), [(1499, 1499), (1500, 1500), (1501, 1500)])
def test_a_page_has_1500_rows_at_most_and_the_oldest_are_left_out(
    made_up: Serving, hours: int, rows: int
) -> None:
    found = times(made_up, startAt=OPEN - hours * HOUR, endAt=OPEN)
    assert (len(found), found[0]) == (rows, OPEN - HOUR)


def test_without_a_start_there_are_100_rows(made_up: Serving) -> None:
    assert len(times(made_up)) == 100


def test_hours_without_a_trade_are_absent(made_up: Serving) -> None:
    (quiet,) = (x["symbol"] for x in data(made_up, SYMBOLS) if "59" in x["symbol"])
    found = times(made_up, symbol=quiet, startAt=OPEN - 1400 * HOUR, endAt=OPEN)
    assert 1300 < len(found) < 1400
    assert all(float(row[5]) > 0 for row in data(made_up, symbol=quiet, startAt=OPEN - 99 * HOUR))


def test_an_outage_and_a_halt_leave_their_hours_out(made_up: Serving) -> None:
    start = OPEN - 5 * HOUR
    made_up.fault("outage", source="kucoin", start=start * 1000, end=(start + HOUR) * 1000)
    found = times(made_up, startAt=start, endAt=OPEN)
    made_up.clear()
    assert found == [OPEN - n * HOUR for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"symbol": "NOPE-USDT"}, "This pair is not provided at present"),
        ({"symbol": "BTCUSDT"}, "This pair is not provided at present"),
        ({"type": "1h"}, "This type of Candlestick is currently not provided."),
        ({"startAt": "soon"}, "startAt is invalid"),
    ],
)
def test_what_makes_no_sense_is_one_code_and_http_200(
    made_up: Serving, query: dict[str, str], words: str
) -> None:
    answer = made_up.get(KLINES, **({"symbol": "BTC-USDT", "type": "1hour"} | query))
    assert (answer.status_code, answer.json()) == (200, {"code": "400100", "msg": words})


def test_symbols_are_of_every_kind(made_up: Serving) -> None:
    found = {x["symbol"]: x for x in data(made_up, SYMBOLS)}
    assert [name for name, x in found.items() if x["market"] == "ETF"] == ["BTC3L-USDT"]
    assert {type(x["tradingStartTime"]) for x in found.values()} == {int, type(None)}
    assert found["BTC-USDT"]["baseCurrency"] == "BTC"
    assert [x["symbol"] for x in data(made_up, SYMBOLS, market="ETF")] == ["BTC3L-USDT"]


def test_a_path_that_is_none_is_404000(made_up: Serving) -> None:
    answer = made_up.get("/kucoin/api/v9/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "404000")


@pytest.fixture
def strict() -> Iterator[Serving]:
    with serving(coins=1, now=NOW, limits=10, clock=lambda: 1_800_000_012.5) as sandbox:
        yield sandbox


def pool(answer: httpx.Response) -> list[str]:
    return [answer.headers[f"gw-ratelimit-{name}"] for name in ("limit", "remaining", "reset")]


def test_a_page_weighs_three_and_the_list_four_of_a_pool_of_thirty_seconds(
    strict: Serving,
) -> None:
    told = [strict.get(KLINES), strict.get(SYMBOLS), strict.get(KLINES), strict.get(KLINES)]
    assert [answer.status_code for answer in told] == [200, 200, 200, 429]
    assert [pool(answer) for answer in told] == [["10", n, "17500"] for n in ("7", "3", "0", "0")]
    assert told[-1].json() == {"code": "429000", "msg": "Too Many Requests"}


def test_who_goes_on_is_not_banned(strict: Serving) -> None:
    told = [strict.get(KLINES).status_code for _ in range(40)]
    assert set(told[3:]) == {429}
