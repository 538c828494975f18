"""Faults of candles: hours that are gone, symbols that begin, end, are restated or disagree."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import BadOption, Serving, serving
from sandbox.faults import parse

HOUR = 3_600_000
OPEN = 1795341600000  # 2026-11-22 10:00
START, END = OPEN - 6 * HOUR, OPEN - 4 * HOUR
API = "/coingecko/api/v3"


def binance(sandbox: Serving, symbol: str = "BTCUSDT", source: str = "binance_spot") -> Any:
    query = {"symbol": symbol, "interval": "1h", "startTime": OPEN - 9 * HOUR}
    prefix = "fapi/v1" if source == "binance_futures" else "api/v3"
    rows = sandbox.get(f"/{source}/{prefix}/klines", **query, endTime=OPEN - 1).json()
    return {row[0]: [float(x) for x in row[1:6]] for row in rows}


def okx(sandbox: Serving, symbol: str = "BTC-USDT") -> Any:
    query = {"instId": symbol, "bar": "1H", "limit": 9, "after": OPEN}
    rows = sandbox.get("/okx/api/v5/market/history-candles", **query).json()["data"]
    return {int(row[0]): [float(x) for x in row[1:6]] for row in reversed(rows)}


def bybit(sandbox: Serving, symbol: str = "BTCUSDT") -> Any:
    query = {"category": "linear", "symbol": symbol, "interval": 60, "limit": 9, "end": OPEN - 1}
    rows = sandbox.get("/bybit/v5/market/kline", **query).json()["result"]["list"]
    return {int(row[0]): [float(x) for x in row[1:6]] for row in reversed(rows)}


ASK = {"binance_spot": binance, "okx": okx, "bybit": bybit}
BTC = {"binance_spot": "BTCUSDT", "okx": "BTC-USDT", "bybit": "BTCUSDT"}


@pytest.fixture
def sandbox(made_up: Serving) -> Iterator[Serving]:
    made_up.forget()
    yield made_up
    made_up.clear()


def test_venues_agree_about_a_coin_but_for_a_small_basis(sandbox: Serving) -> None:
    first, *others = (ask(sandbox) for ask in ASK.values())
    for other in others:
        for hour, candle in first.items():
            assert other[hour][3] == pytest.approx(candle[3], rel=0.001)
            assert other[hour] != candle


@pytest.mark.parametrize("source", ASK)
def test_a_venue_can_be_made_to_disagree(sandbox: Serving, source: str) -> None:
    before = ASK[source](sandbox)
    sandbox.fault("apart", source=source, by=1.1)
    after = ASK[source](sandbox)
    for hour, candle in before.items():
        assert after[hour][:4] == pytest.approx([x * 1.1 for x in candle[:4]], rel=1e-4)
        assert after[hour][4] == candle[4]


@pytest.mark.parametrize("source", ASK)
def test_an_outage_takes_hours_from_all_symbols_of_a_source(sandbox: Serving, source: str) -> None:
    sandbox.fault("outage", source=source, start=START, end=END)
    gone = {START, START + HOUR}
    assert not gone & set(ASK[source](sandbox))
    for other in ASK.keys() - {source}:
        assert gone < set(ASK[other](sandbox))


def test_an_outage_of_binance_is_one_of_its_mirror_too_and_its_day_has_fewer_hours(
    sandbox: Serving,
) -> None:
    query = {"symbol": "ETHUSDT", "interval": "1d", "limit": 1}
    (before,) = sandbox.get("/binance_spot/api/v3/klines", **query).json()
    sandbox.fault("outage", source="binance_spot", start=START, end=END)
    (after,) = sandbox.get("/binance_spot/api/v3/klines", **query).json()
    assert after[8] < before[8]
    assert START not in binance(sandbox, source="binance_spot-mirror")
    sandbox.clear()
    assert sandbox.get("/binance_spot/api/v3/klines", **query).json() == [before]


@pytest.mark.parametrize("source", ASK)
def test_a_halt_takes_hours_from_one_symbol(sandbox: Serving, source: str) -> None:
    eth = BTC[source].replace("BTC", "ETH")
    whole = set(ASK[source](sandbox, eth))
    sandbox.fault("halt", source=source, symbol=BTC[source], start=START, end=END)
    assert set(ASK[source](sandbox)) & whole == whole - {START, START + HOUR}
    assert set(ASK[source](sandbox, eth)) == whole


def test_a_symbol_may_begin_later(sandbox: Serving) -> None:
    sandbox.fault("listed", source="bybit", symbol="BTCUSDT", start=START)
    assert min(bybit(sandbox)) == START
    info = "/bybit/v5/market/instruments-info"
    told = sandbox.get(info, category="linear", symbol="BTCUSDT").json()["result"]["list"]
    assert [x["launchTime"] for x in told] == [str(START)]


def test_a_symbol_may_end(sandbox: Serving) -> None:
    sandbox.fault("delisted", source="binance_futures", symbol="ETHUSDT", end=END)
    assert max(binance(sandbox, "ETHUSDT", "binance_futures")) == END - HOUR
    told = sandbox.get("/binance_futures/fapi/v1/exchangeInfo").json()["symbols"]
    (eth,) = (x for x in told if x["symbol"] == "ETHUSDT")
    assert (eth["deliveryDate"], eth["status"]) == (END, "SETTLING")
    assert max(binance(sandbox, "BTCUSDT", "binance_futures")) == OPEN - HOUR


def test_a_zombie_goes_on_flat_and_without_a_trade(sandbox: Serving) -> None:
    real = binance(sandbox, "ETHUSDT", "binance_futures")
    sandbox.fault("delisted", source="binance_futures", symbol="ETHUSDT", end=END, zombie=1)
    found = binance(sandbox, "ETHUSDT", "binance_futures")
    close = real[END - HOUR][3]
    assert {t: c for t, c in found.items() if t < END} == {t: c for t, c in real.items() if t < END}
    assert [c for t, c in found.items() if t >= END] == [[close] * 4 + [0.0]] * 4


@pytest.mark.parametrize("source", ASK)
def test_one_candle_may_be_wrong_until_it_is_restated(sandbox: Serving, source: str) -> None:
    real = ASK[source](sandbox)
    sandbox.fault("wrong", source=source, symbol=BTC[source], start=START, by=1.5)
    wrong = ASK[source](sandbox)
    assert [t for t in real if wrong[t] != real[t]] == [START]
    assert wrong[START] == pytest.approx([x * 1.5 for x in real[START]], rel=1e-3)
    sandbox.clear(kind="wrong")
    assert ASK[source](sandbox) == real


@pytest.mark.parametrize("source", ASK)
def test_a_page_may_be_lost(sandbox: Serving, source: str) -> None:
    sandbox.fault("lost", source=source, symbol=BTC[source], count=1)
    assert ASK[source](sandbox, BTC[source].replace("BTC", "ETH"))
    assert ASK[source](sandbox) == {}
    assert len(ASK[source](sandbox)) == 9


def test_only_a_page_that_reaches_the_window_is_lost(sandbox: Serving) -> None:
    sandbox.fault("lost", start=OPEN - 500 * HOUR, end=OPEN - 499 * HOUR)
    query = {"symbol": "BTCUSDT", "interval": "1h"}
    path = "/binance_spot/api/v3/klines"
    assert len(sandbox.get(path, **query, limit=500).json()) == 500
    assert sandbox.get(path, **query, limit=501).json() == []
    assert sandbox.get("/binance_spot/api/v3/exchangeInfo").json()["symbols"]


def test_points_of_a_chart_may_be_absent(sandbox: Serving) -> None:
    sandbox.fault("halt", source="coingecko", symbol="bitcoin", start=START, end=END)
    query = {"vs_currency": "usd", "from": OPEN // 1000 - 200_000, "to": OPEN // 1000}
    told = sandbox.get(f"{API}/coins/bitcoin/market_chart/range", **query).json()
    assert not [t for t, _ in told["prices"] if START <= t < END]


def test_a_file_lacks_what_its_source_lacks(sandbox: Serving) -> None:
    sandbox.fault("outage", source="binance_spot", start="2026-11-20", end="2026-11-21T00:00Z")
    shelf = "/binance_archive/data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-"
    assert sandbox.get(f"{shelf}2026-11-20.zip").status_code == 404
    assert sandbox.get(f"{shelf}2026-11-21.zip").status_code == 200


@pytest.mark.parametrize(
    ("source", "path", "status"),
    [
        ("binance_futures", "/fapi/v1/klines", 451),
        ("bybit", "/v5/market/kline", 403),
        ("okx", "/api/v5/market/history-candles", 451),
        ("binance_spot-mirror", "/api/v3/time", 200),
        ("binance_archive", "/data/nothing", 404),
    ],
)
def test_a_region_is_turned_away_in_the_venues_own_way(
    sandbox: Serving, source: str, path: str, status: int
) -> None:
    sandbox.fault("geo", source=source)
    assert [sandbox.get(f"/{source}{path}").status_code for _ in range(3)] == [status] * 3


def test_faults_are_cleared_by_what_they_are(sandbox: Serving) -> None:
    sandbox.fault("wrong", symbol="BTCUSDT", start=START)
    sandbox.fault("wrong", symbol="ETHUSDT", start=START)
    sandbox.fault("503", symbol="ETHUSDT")
    sandbox.clear(kind="wrong", symbol="ETHUSDT")
    assert [(f["kind"], f["symbol"]) for f in sandbox.faults()] == [
        ("wrong", "BTCUSDT"),
        ("503", "ETHUSDT"),
    ]


def test_a_fault_may_be_there_from_the_start() -> None:
    spec = "outage:source=okx,start=2026-11-22T04:00,end=2026-11-22T06:00+00:00"
    now = parse("slow:start=2026-11-22T10:00Z")
    assert (parse(spec).begins, parse(spec).ends, now.begins) == (START, END, OPEN)
    with serving(coins=1, faults=[spec]) as sandbox:
        assert START not in okx(sandbox)


@pytest.mark.parametrize(
    "spec",
    [
        "outage:source=okx",
        "halt:start=1,end=2",
        "wrong:symbol=X",
        "delisted:symbol=X",
        "listed:start=x,symbol=X",
    ],
)
def test_a_fault_says_what_it_needs(spec: str) -> None:
    with pytest.raises(BadOption):
        parse(spec)


@pytest.mark.parametrize("source", ASK)
def test_a_symbol_may_begin_and_end_at_any_minute(sandbox: Serving, source: str) -> None:
    eth = BTC[source].replace("BTC", "ETH")
    sandbox.fault("listed", source=source, symbol=eth, start=START + 17 * 60_000)
    sandbox.fault("delisted", source=source, symbol=eth, end=END + 17 * 60_000)
    assert list(ASK[source](sandbox, eth)) == [START, START + HOUR, END]


def test_a_zombie_that_died_within_an_hour_goes_on_from_its_close(sandbox: Serving) -> None:
    real = binance(sandbox, "ETHUSDT", "binance_futures")
    end = END - HOUR // 2
    sandbox.fault("delisted", source="binance_futures", symbol="ETHUSDT", end=end, zombie=1)
    found = binance(sandbox, "ETHUSDT", "binance_futures")
    close = real[END - HOUR][3]
    assert found[END - HOUR] == real[END - HOUR]
    assert [c for t, c in found.items() if t >= END] == [[close] * 4 + [0.0]] * 4
