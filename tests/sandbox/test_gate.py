from typing import Any

import pytest

from sandbox import Serving
from tests.sandbox.test_limits import Clock, ask

HOUR = 3_600
OPEN = 1795341600  # 2026-11-22 10:00
CANDLES = "/gate/api/v4/spot/candlesticks"
PAIRS = "/gate/api/v4/spot/currency_pairs"
BTC: dict[str, object] = {"currency_pair": "BTC_USDT", "interval": "1h"}


def rows(sandbox: Serving, **query: object) -> list[list[str]]:
    answer = sandbox.get(CANDLES, **BTC | query)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_both_ends_are_included_in_seconds_and_the_oldest_comes_first(made_up: Serving) -> None:
    start, end = OPEN - 9 * HOUR, OPEN - 5 * HOUR
    found = [int(row[0]) for row in rows(made_up, **{"from": start, "to": end})]
    assert found == list(range(start, end + 1, HOUR))


def test_a_row_has_the_quote_ahead_of_the_prices_and_the_base_behind(made_up: Serving) -> None:
    for _, quote, close, high, low, opened, base, closed in rows(made_up, limit=50):
        assert float(low) <= min(float(opened), float(close)) <= float(high)
        assert float(low) * 0.99 <= float(quote) / float(base) <= float(high) * 1.01
        assert closed in {"true", "false"}
    assert [row[7] for row in rows(made_up, limit=3)] == ["true", "true", "false"]


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ({"currency_pair": "NOPE_USDT"}, "INVALID_CURRENCY_PAIR"),
        ({"interval": "61m"}, "INVALID_PARAM_VALUE"),
        ({"from": OPEN - HOUR, "to": OPEN, "limit": 2}, "INVALID_PARAM_VALUE"),
        ({"from": OPEN - 1000 * HOUR, "to": OPEN}, "INVALID_PARAM_VALUE"),
        ({"from": OPEN - 10_001 * HOUR, "to": OPEN - 10_000 * HOUR}, "INVALID_PARAM_VALUE"),
        ({"from": "yesterday", "to": OPEN}, "INVALID_PARAM_VALUE"),
    ],
)
def test_what_cannot_be_had_is_refused_by_a_label(
    made_up: Serving, query: dict[str, object], label: str
) -> None:
    answer = made_up.get(CANDLES, **BTC | query)
    assert (answer.status_code, answer.json()["label"]) == (400, label)


def test_a_thousand_points_counting_both_ends_are_served(made_up: Serving) -> None:
    assert len(rows(made_up, **{"from": OPEN - 999 * HOUR, "to": OPEN})) == 1000


def test_pairs_tell_names_and_seconds(made_up: Serving) -> None:
    told: list[dict[str, Any]] = list(made_up.get(PAIRS).json())
    (btc,) = (each for each in told if each["id"] == "BTC_USDT")
    assert (btc["base_name"], btc["trade_status"]) == ("Bitcoin", "tradable")
    assert btc["buy_start"] < OPEN
    assert "BTC3L_USDT" in {each["id"] for each in told}


def test_each_endpoint_allows_200_requests_in_ten_seconds_and_tells_what_is_left() -> None:
    told = ask([(CANDLES, BTC)] * 201 + [(PAIRS, {})], clock=Clock())
    assert [each.status_code for each in told] == [200] * 200 + [429, 200]
    left = [int(each.headers["X-Gate-RateLimit-Requests-Remain"]) for each in (told[0], told[-1])]
    assert left == [199, 199]
    assert told[200].json()["label"] == "TOO_MANY_REQUESTS"
