from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox import Serving
from tests.sandbox.test_limits import Clock, ask

HOUR = 3_600
OPEN = 1795341600  # 2026-11-22 10:00
CANDLES = "/coinbase/products/BTC-USD/candles"
HOURLY: dict[str, object] = {"granularity": "3600"}


def iso(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def rows(sandbox: Serving, **query: object) -> list[list[Any]]:
    answer = sandbox.get(CANDLES, **HOURLY | query)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_both_ends_are_included_and_the_newest_comes_first(made_up: Serving) -> None:
    start, end = OPEN - 9 * HOUR, OPEN - 5 * HOUR
    found = [row[0] for row in rows(made_up, start=iso(start), end=iso(end))]
    assert found == list(range(end, start - 1, -HOUR))


def test_a_row_has_low_and_high_ahead_of_open_and_close(made_up: Serving) -> None:
    for _, low, high, opened, close, volume in rows(made_up):
        assert low <= min(opened, close) <= max(opened, close) <= high
        assert volume > 0


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/coinbase/products/NOPE-USD/candles", {}, 404),
        (CANDLES, {"granularity": "61"}, 400),
        (CANDLES, {"start": iso(OPEN - 300 * HOUR), "end": iso(OPEN)}, 400),
        (CANDLES, {"start": "yesterday"}, 400),
    ],
)
def test_what_cannot_be_had_is_refused(
    made_up: Serving, path: str, query: dict[str, object], status: int
) -> None:
    assert made_up.get(path, **HOURLY | query).status_code == status


def test_three_hundred_candles_are_served(made_up: Serving) -> None:
    start = iso(OPEN - 299 * HOUR)
    assert len(rows(made_up, start=start, end=iso(OPEN))) == 300


def test_an_address_has_ten_requests_in_a_second() -> None:
    told = ask([(CANDLES, HOURLY)] * 11, clock=Clock())
    assert [each.status_code for each in told] == [200] * 10 + [429]
