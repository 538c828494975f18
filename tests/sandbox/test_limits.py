import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import anyio
import httpx
import pytest

from sandbox import application, bybit, okx
from sandbox.limits import Meter

BTC = {"symbol": "BTCUSDT", "interval": "1h"}
SPOT = "/binance_spot/api/v3/klines"
FUTURES = "/binance_futures/fapi/v1/klines"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def ask(paths: list[tuple[str, dict[str, object]]], **options: object) -> list[httpx.Response]:
    """Ask a sandbox without a server, one request after the other."""
    paths = [(path, BTC | query if "klines" in path else query) for path, query in paths]
    transport = httpx.ASGITransport(application(coins=2, **options))  # type: ignore[arg-type]

    async def answers() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            return [await client.get(path, params=query) for path, query in paths]

    return anyio.run(answers)


def used(answers: list[httpx.Response]) -> list[int]:
    totals = [0, *(int(answer.headers["x-mbx-used-weight-1m"]) for answer in answers)]
    return [after - before for before, after in pairwise(totals)]


def test_futures_weigh_by_the_rows_asked_for() -> None:
    limits = (1, 99, 100, 499, 500, 1000, 1001, 1500)
    assert used(ask([(FUTURES, {"limit": limit}) for limit in limits])) == [
        1,
        1,
        2,
        2,
        5,
        5,
        10,
        10,
    ]


def test_500_rows_are_weighed_where_nobody_says_how_many() -> None:
    assert used(ask([(FUTURES, {})])) == [5]


def test_spot_weighs_two_whatever_the_rows_and_refusals_weigh_as_well() -> None:
    assert (
        used(ask([(SPOT, {"limit": 1}), (SPOT, {"limit": 1000}), (SPOT, {"symbol": "NO"})]))
        == [2] * 3
    )


def test_exchange_info_weighs_1_on_futures_and_20_on_spot() -> None:
    query = {"symbol": "BTCUSDT"}
    for path, weight in ((FUTURES, 1), (SPOT, 20)):
        (answer,) = ask([(path.replace("klines", "exchangeInfo"), query)])
        assert answer.headers["x-mbx-used-weight-1m"] == str(weight)


def test_spot_tells_the_weight_under_two_names() -> None:
    (answer,) = ask([(SPOT, {})])
    assert answer.headers["x-mbx-used-weight"] == answer.headers["x-mbx-used-weight-1m"] == "2"


def test_no_weight_is_counted_where_limits_are_off() -> None:
    (answer,) = ask([(SPOT, {})], limits=False)
    assert "x-mbx-used-weight-1m" not in answer.headers


def test_over_budget_comes_429_and_for_those_who_go_on_418() -> None:
    clock = Clock()
    answers = ask([(SPOT, {})] * 30, limits=4, clock=clock)
    assert [a.status_code for a in answers] == [200] * 2 + [429] * 20 + [418] * 8
    assert answers[2].json()["code"] == answers[-1].json()["code"] == -1003
    assert "IP banned until" in answers[-1].json()["msg"]
    assert int(answers[2].headers["retry-after"]) <= 60
    assert answers[-1].headers["retry-after"] == "120"


def test_exchange_info_tells_the_budget_in_force() -> None:
    for path, own in ((FUTURES, 2400), (SPOT, 6000)):
        for options, budget in (({}, own), ({"limits": 99}, 99), ({"limits": False}, own)):
            query = {"symbol": "BTCUSDT"}
            (answer,) = ask([(path.replace("klines", "exchangeInfo"), query)], **options)
            assert answer.json()["rateLimits"][0]["limit"] == budget


def test_futures_do_not_say_when_to_come_back() -> None:
    *_, answer = ask([(FUTURES, {})] * 3, limits=5)
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


def test_the_mirror_has_a_budget_of_its_own() -> None:
    mirror = SPOT.replace("spot", "spot-mirror")
    answers = ask([(SPOT, {})] * 2 + [(mirror, {})] * 2, limits=2)
    assert [a.status_code for a in answers] == [200, 429, 200, 429]


OKX = "/okx/api/v5/market/history-candles"
BYBIT = "/bybit/v5/market/time"
COINS = "/coingecko/api/v3/coins/list"


def test_okx_allows_20_pages_of_history_in_two_seconds(shared: Path) -> None:
    recorded = (shared / "recorded/okx/errors/50011_too_many_requests.json").read_bytes()
    query: dict[str, object] = {"instId": "BTC-USDT", "bar": "1H", "limit": 1}
    answers = ask([(OKX, query)] * 25, clock=Clock())
    assert [a.status_code for a in answers] == [200] * 20 + [429] * 5
    assert answers[-1].json() == json.loads(recorded)


def test_bybit_turns_away_for_ten_minutes_who_asks_over_600_times() -> None:
    clock = Clock()
    answers = ask([(BYBIT, {})] * 602, clock=clock)
    assert [a.status_code for a in answers] == [200] * 600 + [403] * 2
    assert "access too frequent" in answers[-1].text
    assert answers[-1].headers["content-type"].startswith("text/html")


def test_bybit_softly_says_too_many_in_the_recorded_words(shared: Path) -> None:
    file = shared / "recorded/bybit/errors/10006_too_many_visits.json"
    (answer,) = ask([(BYBIT, {})], faults=["429"])
    recorded = json.loads(file.read_bytes()) | {"time": answer.json()["time"]}
    assert (answer.status_code, answer.json()) == (200, recorded)


def test_coingecko_allows_30_requests_a_minute() -> None:
    answers = ask([(COINS, {})] * 32, clock=Clock())
    assert [a.status_code for a in answers] == [200] * 30 + [429] * 2
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


def test_a_ban_of_bybits_ends_after_ten_minutes(clock: Clock) -> None:
    meter = bybit.LIMITS["bybit"].meter(1, clock)
    assert [meter.spend(1).status for _ in range(3)] == [200, 418, 418]
    clock.now += 599
    assert meter.spend(1).status == 418
    clock.now += 1
    assert meter.spend(1).status == 200


def test_two_seconds_are_told_and_waited_for(clock: Clock) -> None:
    meter = okx.LIMITS["okx"].meter(None, clock)
    assert [meter.spend(2).status for _ in range(21)] == [200] * 20 + [429]
    assert 0 < meter.spend(2).wait <= 2
    clock.now += 2
    assert meter.spend(2).status == 200


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Callable[[], float]) -> Meter:
    return Meter(10, patience=2, clock=clock)


def test_a_new_minute_is_a_new_budget(clock: Clock, meter: Meter) -> None:
    assert [meter.spend(10).status for _ in range(2)] == [200, 429]
    clock.now += 60
    assert meter.spend(10).status == 200


def test_a_ban_outlasts_the_minute_and_the_next_is_longer(clock: Clock, meter: Meter) -> None:
    bans = []
    for _ in range(3):
        *_, last = (meter.spend(10) for _ in range(4))
        bans.append(last.wait)
        clock.now += 60
        assert meter.spend(1).status == 418
        clock.now += last.wait
    assert bans == [120, 240, 480]
