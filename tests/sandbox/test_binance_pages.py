"""Which rows a page has, and what is said when there is no page."""

from typing import Any

import httpx
import pytest

from sandbox import Serving

HOUR = 3_600_000
NOW = 1795343400000  # 2026-11-22 10:30
OPEN = NOW - HOUR // 2
SPOT = "/binance_spot/api/v3/klines"
MIRROR = "/binance_spot-mirror/api/v3/klines"
FUTURES = "/binance_futures/fapi/v1/klines"


def ask(sandbox: Serving, path: str, **query: object) -> httpx.Response:
    return sandbox.get(path, **{"symbol": "BTCUSDT", "interval": "1h"} | query)


def times(sandbox: Serving, path: str, **query: object) -> list[int]:
    return [row[0] for row in ask(sandbox, path, **query).json()]


@pytest.mark.parametrize(("path", "most"), [(SPOT, 1000), (MIRROR, 1000), (FUTURES, 1500)])
def test_without_a_start_the_newest_rows_come_ascending(
    made_up: Serving, path: str, most: int
) -> None:
    for limit in (1, 2, 499, most):
        page = times(made_up, path, limit=limit)
        assert page == [OPEN - i * HOUR for i in reversed(range(limit))]


@pytest.mark.parametrize("path", [SPOT, FUTURES])
def test_500_rows_come_where_nobody_says_how_many(made_up: Serving, path: str) -> None:
    assert len(times(made_up, path)) == 500


def test_with_a_start_the_first_rows_from_it_come(made_up: Serving) -> None:
    start = OPEN - 100 * HOUR
    assert times(made_up, SPOT, startTime=start, limit=3) == [start + i * HOUR for i in range(3)]
    assert times(made_up, SPOT, startTime=start + 1, limit=1) == [start + HOUR]


def test_both_ends_are_included(made_up: Serving) -> None:
    start, end = OPEN - 9 * HOUR, OPEN - 5 * HOUR
    assert times(made_up, SPOT, startTime=start, endTime=end) == list(range(start, end + 1, HOUR))
    assert times(made_up, SPOT, startTime=start, endTime=end - 1)[-1] == end - HOUR
    assert times(made_up, SPOT, startTime=start, endTime=start) == [start]


def test_with_an_end_alone_the_rows_before_it_come(made_up: Serving) -> None:
    end = OPEN - 5 * HOUR
    assert times(made_up, SPOT, endTime=end, limit=2) == [end - HOUR, end]


def test_a_start_after_the_end_is_an_empty_page(made_up: Serving) -> None:
    assert times(made_up, SPOT, startTime=OPEN, endTime=OPEN - HOUR) == []


def test_the_open_hour_is_the_last_of_a_page_that_reaches_it(made_up: Serving) -> None:
    assert times(made_up, SPOT, startTime=OPEN - HOUR) == [OPEN - HOUR, OPEN]
    assert times(made_up, SPOT, startTime=OPEN - HOUR, limit=1) == [OPEN - HOUR]
    assert times(made_up, SPOT, startTime=OPEN + 1) == []


def test_a_page_across_an_outage_has_all_rows_asked_for(made_up: Serving) -> None:
    outage = 1679662800000  # 2023-03-24 13:00
    page = times(made_up, SPOT, startTime=outage - 2 * HOUR, limit=4)
    assert page == [outage + i * HOUR for i in (-2, -1, 1, 2)]
    page = times(made_up, SPOT, endTime=outage + HOUR, limit=3)
    assert page == [outage + i * HOUR for i in (-2, -1, 1)]


@pytest.mark.parametrize("interval", ["4h", "1d"])
def test_longer_bars_add_up_from_the_hours(made_up: Serving, interval: str) -> None:
    (bar,) = ask(made_up, SPOT, interval=interval, limit=1, endTime=OPEN - 48 * HOUR).json()
    hours = ask(made_up, SPOT, startTime=bar[0], endTime=bar[6]).json()
    assert (bar[1], bar[4]) == (hours[0][1], hours[-1][4])
    assert float(bar[2]) == max(float(row[2]) for row in hours)
    assert float(bar[5]) == pytest.approx(sum(float(row[5]) for row in hours))
    assert bar[8] == sum(row[8] for row in hours)


def test_the_open_day_is_made_of_the_hours_so_far(made_up: Serving) -> None:
    (day,) = ask(made_up, SPOT, interval="1d", limit=1).json()
    hours = ask(made_up, SPOT, startTime=day[0]).json()
    assert len(hours) == 11
    assert (day[1], day[4]) == (hours[0][1], hours[-1][4])
    assert float(day[2]) == max(float(row[2]) for row in hours)


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        (SPOT, {"symbol": "NOPE"}, -1121),
        (SPOT, {"symbol": ""}, -1102),
        (SPOT, {"interval": ""}, -1102),
        (SPOT, {"symbol": "BTC/USDT"}, -1100),
        (SPOT, {"startTime": "yesterday"}, -1100),
        (SPOT, {"interval": "61m"}, -1120),
        (SPOT, {"limit": 0}, -1130),
        (SPOT, {"unread": 1}, -1104),
        (FUTURES, {"symbol": "NOPE"}, -1121),
        (FUTURES, {"limit": 1501}, -1130),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_code(
    made_up: Serving, path: str, query: dict[str, Any], code: int
) -> None:
    answer = ask(made_up, path, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_spot_caps_a_limit_and_futures_ignore_what_they_do_not_read(made_up: Serving) -> None:
    assert len(times(made_up, SPOT, limit=5000)) == 1000
    assert len(times(made_up, FUTURES, limit=1, unread=1)) == 1


def test_a_symbol_that_is_not_listed_yet_is_unknown(replayed: Serving) -> None:
    answer = ask(replayed, FUTURES, symbol="BTCUSDT", endTime=1)
    assert (answer.status_code, answer.json()) == (200, [])
