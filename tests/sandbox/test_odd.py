"""How odd a sandbox is: by rate, kind, period and seed; whatever is odd, it never fails itself."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import BadOption, Odd, Serving, odd, serving

Rude = Callable[..., Serving]

HOUR = 3_600_000
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
OPEN = 1795341600000  # 2026-11-22 10:00
DAY = {"startTime": OPEN - 24 * HOUR, "endTime": OPEN - 1}
TICKERS = {"include_tickers": "unexpired"}
ARCHIVE = "/binance_spot_archive/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2026-10.zip"
ASKS: list[tuple[str, dict[str, object]]] = [
    ("/binance_futures/fapi/v1/exchangeInfo", {}),
    ("/binance_spot/api/v3/exchangeInfo", {}),
    ("/binance_spot/api/v3/exchangeInfo", {"symbol": "BTCUSDT"}),
    ("/binance_spot/api/v3/exchangeInfo", {"symbol": "NOPE"}),
    ("/okx/api/v5/public/instruments", {"instType": "SPOT"}),
    ("/okx/api/v5/public/instruments", {"instType": "NOPE"}),
    ("/bybit/v5/market/instruments-info", {"category": "linear", "limit": 5}),
    ("/bybit/v5/market/instruments-info", {"category": "nope"}),
    ("/coingecko/api/v3/coins/list", {}),
    ("/coingecko/api/v3/coins/markets", {"vs_currency": "usd", "per_page": 5, "page": 2}),
    ("/coingecko/api/v3/exchanges/binance/tickers", {}),
    ("/coingecko/api/v3/exchanges/nowhere/tickers", {}),
    ("/coingecko/api/v3/derivatives/exchanges/bybit", TICKERS),
    ("/coingecko/api/v3/derivatives/exchanges/bybit", {}),
    ("/coingecko/api/v3/coins/solana/market_chart/range", {"vs_currency": "usd", "from": 1}),
    ("/binance_spot/api/v3/klines", {"symbol": "XRPUSDT", "interval": "1h", **DAY}),
    ("/binance_spot-mirror/api/v3/klines", {"symbol": "BNBUSDT", "interval": "1h", **DAY}),
    ("/binance_futures/fapi/v1/klines", {"symbol": "XRPUSDT", "interval": "1h", "limit": 3}),
    ("/binance_futures/fapi/v1/klines", {"symbol": "XRPUSDT", "interval": "4h", "limit": 3}),
    ("/binance_futures/fapi/v1/klines", {"symbol": "NOPEUSDT", "interval": "1h"}),
    ("/okx/api/v5/market/history-candles", {"instId": "SOL-USDT", "bar": "1H", "limit": 9}),
    ("/okx/api/v5/market/history-candles", {"instId": "NOPE-USDT", "bar": "1H"}),
    ("/bybit/v5/market/kline", {"category": "linear", "symbol": "SOLUSDT", "interval": 60}),
    ("/bybit/v5/market/kline", {"category": "linear", "symbol": "NOPE", "interval": 60}),
    ("/cryptocompare/data/v2/histohour", {"fsym": "BTC", "tsym": "USD"}),
    (ARCHIVE, {}),
    (f"{ARCHIVE}.CHECKSUM", {}),
    (ARCHIVE.replace("2026-10", "2026-13"), {}),
]
MOVING = [kind for kind in odd.KINDS if kind not in odd.STATIC]


def answers(sandbox: Serving) -> list[tuple[int, bytes, str]]:
    found = []
    for path, query in ASKS:
        try:
            got = sandbox.get(path, **query)
        except httpx.HTTPError:  # an answer that is cut
            found.append((0, b"", ""))
        else:
            found.append((got.status_code, got.content, got.headers["date"]))
    return found


def test_every_kind_is_told_of_in_the_modules_words() -> None:
    assert odd.__doc__ is not None
    left = [line.partition("  ")[0] for line in odd.__doc__.splitlines()]
    named = {kind for line in left for kind in (line, *line.split(", "))}
    assert set(odd.KINDS) <= named


@pytest.mark.parametrize(
    "settings", [0, None, {"rate": 0}, {"rate": 1, "kinds": []}, {"kinds": ["429=0"]}]
)
def test_nothing_is_odd_at_rate_0(clean: Serving, settings: Any) -> None:
    with serving(coins=12, seed=7, now=NOW, limits=False, odd=settings) as sandbox:
        assert answers(sandbox) == answers(clean)
        assert sandbox.odd() == []


def test_nothing_is_odd_before_the_period_and_requests_meet_nothing_after_it(
    clean: Serving, rude: Rude
) -> None:
    # A month ahead: what a venue announces it does a week before.
    before = rude(*MOVING, start="2026-12-22", end="2026-12-30")
    after = rude(*odd.HOURLY, *odd.LASTING, *odd.ONCE, start="2026-11-01", end=NOW)
    for sandbox in (before, after):
        assert answers(sandbox) == answers(clean)
        assert sandbox.odd() == []


def test_one_seed_is_one_plan_and_another_seed_another(rude: Rude) -> None:
    told = []
    for seed in (5, 5, 6):
        sandbox = rude(rate=0.3, coins=25, seed=seed)
        answers(sandbox)
        told.append(sandbox.odd())
    assert told[0] == told[1]
    assert told[0] != told[2]


def test_what_befalls_a_request_does_not_depend_on_the_order_of_requests(rude: Rude) -> None:
    forth, back = rude(rate=0.3, seed=5), rude(rate=0.3, seed=5)
    given = answers(forth)
    for path, query in reversed(ASKS):
        try:
            content = back.get(path, **query).content
        except httpx.HTTPError:
            content = b""
        assert content == given[ASKS.index((path, query))][1]


def test_a_further_request_is_another_one(rude: Rude) -> None:
    sandbox = rude("503", rate=0.5)
    asks = [sandbox.get("/binance_spot/api/v3/time").status_code for _ in range(40)]
    assert {200, 503} == set(asks)
    assert 8 < asks.count(503) < 32
    told = sandbox.odd()
    assert len(told) == asks.count(503)
    assert {(e["kind"], e["source"], e["requests"]) for e in told} == {("503", "binance_spot", 1)}


def test_an_hours_list_is_odd_for_all_who_ask_in_that_hour(rude: Rude) -> None:
    sandbox = rude("empty list", rate=0.5)
    hours = []
    for hour in range(24):
        sandbox.at(NOW + timedelta(hours=hour))
        told = [sandbox.get("/binance_futures/fapi/v1/exchangeInfo").json() for _ in range(3)]
        assert len({len(info["symbols"]) for info in told}) == 1
        hours.append(not told[0]["symbols"])
    assert 4 < hours.count(True) < 20
    events = sandbox.odd()
    assert [e["requests"] for e in events] == [3] * hours.count(True)
    assert [e["start"] for e in events] == [
        OPEN + hour * HOUR for hour, empty in enumerate(hours) if empty
    ]
    assert {e["end"] - e["start"] for e in events} == {HOUR}


def test_a_kind_may_have_a_rate_of_its_own(rude: Rude) -> None:
    sandbox = rude("502=1", "503", rate=0.0)
    assert [sandbox.get("/okx/api/v5/public/time").status_code for _ in range(3)] == [502] * 3


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (2, "from 0 to 1"),
        ({"rate": -1}, "from 0 to 1"),
        ({"rate": "much"}, "odd: "),
        ({"rate": 1, "kinds": ["nope"]}, "no such kind: nope"),
        ({"rate": 1, "kinds": ["429=x"]}, "odd: "),
        ({"rate": 1, "kinds": 3}, "odd: "),
        ({"rate": 1, "start": "tomorrow"}, "odd: "),
        ({"rate": 1, "start": "2026-11-02", "end": "2026-11-01"}, "ends before"),
        ({"rates": 1}, "no such setting: rates"),
        ([1], "odd: "),
    ],
)
def test_what_makes_no_sense_is_said(settings: Any, says: str) -> None:
    with pytest.raises(BadOption, match=says), serving(coins=1, odd=settings):
        pass


def test_it_may_be_set_in_a_process_of_its_own(rude: Rude) -> None:
    start, end = datetime(2026, 11, 15, tzinfo=UTC), "2026-12-05"
    kinds = ["id renamed", "empty list=0.5", "503"]
    settings = Odd(rate=0.3, seed=5, kinds=kinds, start=start, end=end)
    here = rude(*kinds, rate=0.3, seed=5)
    with serving(process=True, coins=12, seed=7, now=NOW, limits=False, odd=settings) as elsewhere:
        assert answers(elsewhere) == answers(here)
        assert elsewhere.odd() == here.odd() != []


def test_what_befalls_requests_may_be_set_over_http(clean: Serving, rude: Rude) -> None:
    sandbox = rude("503", rate=0.0)
    path = "/binance_spot/api/v3/time"
    assert sandbox.get(path).content == clean.get(path).content
    sandbox.client.post("/_odd", json={"rate": 1, "kinds": ["503"]})
    assert sandbox.get(path).status_code == 503
    assert [e["kind"] for e in sandbox.odd()] == ["503"]
    refused = sandbox.client.post("/_odd", json={"kinds": ["nope"]})
    assert (refused.status_code, "no such kind" in refused.text) == (400, True)
    sandbox.client.post("/_odd", json=0)
    assert sandbox.get(path).status_code == 200


def test_the_sandbox_itself_never_fails_whatever_is_odd(
    rude: Rude, capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox = rude(coins=25)
    for kind in (*odd.HOURLY, *odd.LASTING, *odd.ONCE):
        sandbox.client.post("/_odd", json={"rate": 1, "kinds": [kind]})
        assert not [x for _, x, _ in answers(sandbox) if b"sandbox made a mistake" in x]
    sandbox.client.post("/_odd", json=0.2)
    sandbox.at(NOW + timedelta(days=12))
    assert not [x for _, x, _ in answers(sandbox) if b"sandbox made a mistake" in x]
    assert capfd.readouterr().err == ""


def test_recorded_candles_may_be_odd_too(shared: Path) -> None:
    now = datetime(2026, 4, 20, 3, 30, tzinfo=UTC)
    settings = {"rate": 0.5, "start": "2026-04-01", "end": "2026-04-29"}
    options: dict[str, Any] = {"market": shared / "market", "now": now, "limits": False}
    with serving(**options) as clean, serving(**options, odd=settings) as sandbox:
        query = {"symbol": "ADAUSDT", "interval": "1h", "limit": 9}
        for _ in range(20):
            sandbox.get("/binance_spot/api/v3/exchangeInfo")
            with suppress(httpx.HTTPError):
                sandbox.get("/binance_spot/api/v3/klines", **query)
        sandbox.at(now + timedelta(days=9))
        kinds = {event["kind"] for event in sandbox.odd()}
        assert kinds & {*odd.PLANNED}
        assert kinds & {*odd.ONCE}
        befallen = {event["symbol"] for event in sandbox.odd() if event["kind"] in odd.PLANNED}
        for symbol in {"BTCUSDT", "ADAUSDT"} - befallen:
            about: dict[str, Any] = {"source": "binance_spot", "symbol": symbol}
            about["end"] = now - timedelta(hours=1)
            assert sandbox.truth(**about) == clean.truth(**about) != []


def test_a_fault_befalls_what_the_plan_made_of_an_answer(rude: Rude) -> None:
    sandbox = rude("id renamed", rate=0.1)
    sandbox.at(NOW + timedelta(days=12))
    (event,) = sandbox.odd()
    sandbox.fault("slow", seconds=0.01)
    told = sandbox.get("/coingecko/api/v3/coins/list").text
    assert event["detail"] in told
