import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox import Serving

API = "/coingecko/api/v3"
DAY = 86_400
NOW = 1795343400  # 2026-11-22 10:30
NAMES = ("prices", "market_caps", "total_volumes")


def chart(sandbox: Serving, start: int, end: int = NOW, coin: str = "bitcoin") -> Any:
    query = {"vs_currency": "usd", "from": start, "to": end}
    answer = sandbox.get(f"{API}/coins/{coin}/market_chart/range", **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def times(points: list[tuple[int, float]]) -> list[int]:
    return [t for t, _ in points]


def test_a_chart_has_the_shape_of_the_documented_one(shared: Path, made_up: Serving) -> None:
    file = shared / "recorded/coingecko/official_openapi_examples.json"
    example = json.loads(file.read_bytes())["/coins/{id}/market_chart/range"]
    served = chart(made_up, NOW - DAY)
    assert tuple(served) == tuple(example) == NAMES
    for name in NAMES:
        assert {tuple(map(type, point)) for point in served[name]} == {(int, float)}
        assert times(served[name]) == times(served["prices"])


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        (NOW - DAY, NOW, 5),
        (NOW - 3_600, NOW, 5),
        (NOW - 3 * DAY, NOW - 2 * DAY, 60),
        (NOW - 2 * DAY, NOW, 60),
        (NOW - 90 * DAY, NOW, 60),
        (NOW - 360 * DAY, NOW - 280 * DAY, 60),
        (NOW - 91 * DAY, NOW, 24 * 60),
        (NOW - 365 * DAY, NOW, 24 * 60),
    ],
)
def test_points_are_as_far_apart_as_length_and_age_have_it(
    made_up: Serving, start: int, end: int, minutes: int
) -> None:
    found = times(chart(made_up, start, end)["prices"])
    step = minutes * 60_000
    assert start * 1000 <= found[0] < found[-1] <= end * 1000
    apart = [after // step - before // step for before, after in pairwise(found)]
    assert set(apart[:-1]) == {1}
    assert len(found) == pytest.approx((end - start) * 1000 / step, abs=2)


def test_daily_points_are_at_midnight_and_end_with_now(made_up: Serving) -> None:
    found = times(chart(made_up, NOW - 200 * DAY)["prices"])
    assert {t % (DAY * 1000) for t in found[:-1]} == {0}
    assert found[-1] == NOW * 1000


def test_a_price_is_within_the_hour_it_lies_in(made_up: Serving) -> None:
    for t, price in chart(made_up, NOW - 5 * DAY, NOW - 3 * DAY)["prices"]:
        query = {"symbol": "BTCUSDT", "interval": "1h", "startTime": t // 3_600_000 * 3_600_000}
        if t % 7 == 0:
            (hour,) = made_up.get("/binance_spot/api/v3/klines", **query, limit=1).json()
            assert float(hour[3]) * 0.999 < price < float(hour[2]) * 1.001


def test_the_volume_is_that_of_a_day_and_not_of_an_hour(made_up: Serving) -> None:
    found = [v for _, v in chart(made_up, NOW - 5 * DAY)["total_volumes"]]
    assert max(abs(after - before) for before, after in pairwise(found)) < min(found) / 2


def test_a_year_and_no_more_is_free(shared: Path, made_up: Serving) -> None:
    recorded = json.loads(
        (shared / "recorded/coingecko/errors/10012_time_range_401.json").read_bytes()
    )
    query = {"vs_currency": "usd", "from": NOW - 365 * DAY - 1, "to": NOW}
    answer = made_up.get(f"{API}/coins/bitcoin/market_chart/range", **query)
    told = answer.json()
    recorded["error"]["status"]["timestamp"] = told["error"]["status"]["timestamp"]
    assert (answer.status_code, told) == (401, recorded)


@pytest.mark.parametrize(
    ("coin", "query", "status"),
    [
        ("nope", {"vs_currency": "usd", "from": NOW - 1, "to": NOW}, 404),
        ("bitcoin", {"from": NOW - 1, "to": NOW}, 422),
        ("bitcoin", {"vs_currency": "usd", "to": NOW}, 422),
        ("bitcoin", {"vs_currency": "usd", "from": "yesterday", "to": NOW}, 422),
        ("bitcoin", {"vs_currency": "usd", "from": NOW, "to": NOW - 1}, 422),
    ],
)
def test_what_makes_no_sense_is_refused(
    made_up: Serving, coin: str, query: dict[str, object], status: int
) -> None:
    assert made_up.get(f"{API}/coins/{coin}/market_chart/range", **query).status_code == status


def test_a_date_may_be_written_out(made_up: Serving) -> None:
    query = {"vs_currency": "usd", "from": "2026-11-20T10:30", "to": "2026-11-22T10:30"}
    answer = made_up.get(f"{API}/coins/bitcoin/market_chart/range", **query)
    assert answer.json() == chart(made_up, NOW - 2 * DAY)


def test_a_coin_that_nobody_trades_has_a_chart(made_up: Serving) -> None:
    assert len(chart(made_up, NOW - 2 * DAY, coin="ethereum-made-up-twin")["prices"]) == 48


def test_the_week_in_small_has_168_hours_and_ends_with_the_price(made_up: Serving) -> None:
    query = {"vs_currency": "usd", "ids": "tether,bitcoin", "sparkline": "true"}
    found = made_up.get(f"{API}/coins/markets", **query).json()
    assert [coin["id"] for coin in found] == ["bitcoin", "tether"]
    for coin in found:
        prices = coin["sparkline_in_7d"]["price"]
        assert len(prices) == 168
        assert coin["current_price"] == prices[-1]
    (hour,) = made_up.get(
        "/binance_spot/api/v3/klines", symbol="BTCUSDT", interval="1h", limit=1
    ).json()
    assert found[0]["current_price"] == pytest.approx(float(hour[1]), rel=0.001)


@pytest.mark.parametrize(
    ("exchange", "name"), [("okex", "OKX"), ("bybit_spot", "Bybit"), ("kraken", "Kraken")]
)
def test_tickers_of_the_other_exchanges(made_up: Serving, exchange: str, name: str) -> None:
    told = made_up.get(f"{API}/exchanges/{exchange}/tickers").json()
    assert told["name"] == name
    assert "bitcoin" in {t["coin_id"] for t in told["tickers"]}


def test_coinbase_trades_against_dollars(made_up: Serving) -> None:
    told = made_up.get(f"{API}/exchanges/gdax/tickers").json()
    assert {t["target"] for t in told["tickers"]} == {"USD"}


def test_bybits_contracts_name_their_coins(made_up: Serving) -> None:
    query = {"include_tickers": "unexpired"}
    told = made_up.get(f"{API}/derivatives/exchanges/bybit", **query).json()
    behind = {t["symbol"]: t["coin_id"] for t in told["tickers"]}
    assert behind["SHIB1000USDT"] == "shiba-inu"
    assert behind["BTCPERP"] == "bitcoin"
    assert "AAPLUSDT" not in behind


def test_a_replayed_chart_is_made_of_the_recording(replayed: Serving) -> None:
    end = 1777000000
    found = chart(replayed, end - 5 * DAY, end)["prices"]
    assert len(found) == 120
    assert all(10_000 < price < 1_000_000 for _, price in found)
