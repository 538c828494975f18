"""What befalls listings and coins at odd minutes: on the wire, and in the truth where it stays."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from sandbox import Serving

Rude = Callable[..., Serving]
Entry = dict[str, Any]

HOUR, MINUTE = 3_600_000, 60_000
START, END = 1794700800000, 1796428800000  # 2026-11-15, 2026-12-05
API = "/coingecko/api/v3"
UNEXPIRED = {"include_tickers": "unexpired"}
LISTS: dict[str, tuple[str, dict[str, object], tuple[str, ...], str]] = {
    "binance_futures": ("/fapi/v1/exchangeInfo", {}, ("symbols",), "symbol"),
    "binance_spot": ("/api/v3/exchangeInfo", {}, ("symbols",), "symbol"),
    "okx": ("/api/v5/public/instruments", {"instType": "SPOT"}, ("data",), "instId"),
    "bybit": (
        "/v5/market/instruments-info",
        {"category": "linear", "limit": 1000},
        ("result", "list"),
        "symbol",
    ),
}
TICKERS = {
    "binance_spot": "/exchanges/binance/tickers",
    "okx": "/exchanges/okex/tickers",
    "binance_futures": "/derivatives/exchanges/binance_futures",
    "bybit": "/derivatives/exchanges/bybit",
}
venues = pytest.mark.parametrize("source", LISTS)


def at(sandbox: Serving, ms: int) -> None:
    sandbox.at(datetime.fromtimestamp(ms / 1000, UTC))


def entry(sandbox: Serving, source: str, symbol: str, /, **more: object) -> Entry | None:
    path, query, keys, name = LISTS[source]
    told = sandbox.get(f"/{source}{path}", **query, **more).json()
    for key in keys:
        told = told[key]
    return next((dict(x) for x in told if x[name] == symbol), None)


def hours(sandbox: Serving, source: str, symbol: str, start: int, end: int) -> list[int]:
    """The hours that a venue tells of a symbol, newest first or last."""
    if source == "okx":
        query = {"instId": symbol, "bar": "1H", "before": start - 1, "after": end, "limit": 300}
        rows = sandbox.get("/okx/api/v5/market/history-candles", **query).json()["data"]
    elif source == "bybit":
        query = {"symbol": symbol, "interval": 60, "start": start, "end": end - 1, "limit": 1000}
        rows = sandbox.get("/bybit/v5/market/kline", **query).json()["result"]["list"]
    else:
        prefix = "fapi/v1" if source == "binance_futures" else "api/v3"
        query = {"symbol": symbol, "interval": "1h", "startTime": start, "endTime": end - 1}
        rows = sandbox.get(f"/{source}/{prefix}/klines", **query).json()
    return sorted(int(row[0]) for row in rows)


def behind(sandbox: Serving, source: str) -> set[tuple[str, str, str]]:
    told = sandbox.get(API + TICKERS[source], **UNEXPIRED).json()["tickers"]
    return {(t["base"], t["target"], t["coin_id"]) for t in told}


def planned(sandbox: Serving, kind: str, source: str) -> list[Entry]:
    """All of a kind at a venue: those that have begun by the end of the period."""
    at(sandbox, END)
    found = [e for e in sandbox.odd() if (e["kind"], e["source"]) == (kind, source)]
    assert found
    assert all(START <= e["start"] < END for e in found)
    return found


def listing(sandbox: Serving, event: Entry) -> Entry:
    about = event["source"], event["symbol"]
    (found,) = [x for x in sandbox.truth() if (x["source"], x["symbol"]) == about]
    return dict(found)


@venues
def test_a_symbol_is_delisted_at_an_odd_minute_in_its_venues_words(rude: Rude, source: str) -> None:
    sandbox = rude("delisted", coins=25)
    for event in planned(sandbox, "delisted", source)[:4]:
        symbol, end = event["symbol"], event["start"]
        last = end // HOUR * HOUR
        assert end % HOUR
        at(sandbox, end - MINUTE)
        assert entry(sandbox, source, symbol) is not None
        truth = listing(sandbox, event)
        assert truth["until"] is None
        at(sandbox, end + 2 * HOUR)
        assert max(hours(sandbox, source, symbol, last - 5 * HOUR, end + 9 * HOUR)) == last
        assert [row[0] for row in sandbox.truth(source, symbol, last - HOUR)] == [last - HOUR, last]
        assert listing(sandbox, event)["until"] == end
        told = entry(sandbox, source, symbol)
        if source == "binance_spot":
            assert told is not None
            assert told["status"] == "BREAK"
        if source == "binance_futures":
            assert told is not None
            assert (told["status"], told["deliveryDate"]) == ("SETTLING", end)
        if source == "okx":
            gone = "left out" in event["detail"]
            assert told is None if gone else told is not None and told["state"] == "suspend"
        if source == "bybit":
            assert told is None
            closed = entry(sandbox, source, symbol, status="Closed")
            assert closed is not None
            assert (closed["status"], closed["deliveryTime"]) == ("Closed", str(end))
        assert event["coin"] not in {coin for _, _, coin in behind(sandbox, source)}


def test_okx_tells_some_delistings_and_leaves_others_out(rude: Rude) -> None:
    told = {e["detail"] for e in planned(rude("delisted", coins=25), "delisted", "okx")}
    assert told == {"left out of the list", "told in the venue's words"}


def test_the_end_of_a_contract_is_announced_a_week_before(rude: Rude) -> None:
    sandbox = rude("delisted", coins=25)
    for source, name in (("binance_futures", "deliveryDate"), ("bybit", "deliveryTime")):
        event = planned(sandbox, "delisted", source)[-1]
        found = []
        for days in (8, 6):
            at(sandbox, event["start"] - days * 24 * HOUR)
            told = entry(sandbox, source, event["symbol"])
            assert told is not None
            found.append(int(told[name]) == event["start"])
        assert found == [False, True]


def test_spot_says_break_for_an_hour_or_three_and_trading_goes_on(rude: Rude) -> None:
    sandbox = rude("break", coins=25)
    for event in planned(sandbox, "break", "binance_spot")[:5]:
        symbol, start, end = event["symbol"], event["start"], event["end"]
        begun, back = (int(x) for x in event["detail"].split() if x.isdecimal())
        assert end - start in {HOUR, 2 * HOUR, 3 * HOUR}
        assert start - HOUR < begun < start < end < back < end + HOUR
        said = []
        for now in (begun - MINUTE, begun, back - MINUTE, back):
            at(sandbox, now)
            told = entry(sandbox, "binance_spot", symbol)
            assert told is not None
            path = "/binance_spot/api/v3/exchangeInfo"
            assert sandbox.get(path, symbol=symbol).json()["symbols"] == [told]
            said.append(told["status"])
        assert said == ["TRADING", "BREAK", "BREAK", "TRADING"]
        at(sandbox, back + 2 * HOUR)
        around = hours(sandbox, "binance_spot", symbol, start - 2 * HOUR, end + 2 * HOUR)
        assert around == [start - 2 * HOUR, start - HOUR, end, end + HOUR]
        real = sandbox.truth("binance_spot", symbol, start - 2 * HOUR, end + 2 * HOUR)
        assert [row[0] for row in real] == around
        assert listing(sandbox, event)["until"] is None


@venues
def test_a_symbol_goes_for_days_and_comes_back(rude: Rude, source: str) -> None:
    sandbox = rude("relisted", coins=25)
    for event in planned(sandbox, "relisted", source)[:3]:
        symbol, start, end = event["symbol"], event["start"], event["end"]
        gone, back = (int(x) for x in event["detail"].split() if x.isdecimal())
        assert gone % HOUR
        assert back % HOUR
        assert 40 * HOUR < end - start < 6 * 24 * HOUR
        assert back < END
        before = listing(sandbox, event)
        pair = symbol.partition("USD")[0].rstrip("-"), event["coin"]
        moments = (gone - MINUTE, True), (gone, False), (back - MINUTE, False), (back, True)
        for now, there in moments:
            at(sandbox, now)
            assert (entry(sandbox, source, symbol) is not None) == there
            assert (pair in {(base, coin) for base, _, coin in behind(sandbox, source)}) == there
        at(sandbox, back + 2 * HOUR)
        left = {start - HOUR, end, end + HOUR}
        near = {*hours(sandbox, source, symbol, start - HOUR, start + 2 * HOUR)}
        assert near | {*hours(sandbox, source, symbol, end - HOUR, end + 2 * HOUR)} == left
        real = sandbox.truth(source, symbol, start - HOUR, end + 2 * HOUR)
        assert {row[0] for row in real} == left
        assert listing(sandbox, event) == before


def test_coingecko_calls_a_coin_by_a_new_id_everywhere(rude: Rude) -> None:
    sandbox = rude("id renamed", rate=0.1, coins=12)
    (event,) = planned(sandbox, "id renamed", "coingecko")
    old, new, moment = event["coin"], event["detail"], event["start"]
    assert moment % HOUR

    def known() -> list[set[str]]:
        markets = {"vs_currency": "usd", "per_page": 250}
        told = [
            {c["id"] for c in sandbox.get(f"{API}/coins/markets", **markets).json()},
            {c["id"] for c in sandbox.get(f"{API}/coins/list").json()},
            *({coin for *_, coin in behind(sandbox, source)} for source in LISTS),
        ]
        return [ids & {old, new} for ids in told if ids & {old, new}]

    def charts() -> list[int]:
        ends = {"vs_currency": "usd", "from": moment // 1000 - 9 * 3600, "to": moment // 1000}
        return [
            sandbox.get(f"{API}/coins/{id_}/market_chart/range", **ends).status_code
            for id_ in (old, new)
        ]

    def chosen(id_: str) -> int:
        query = {"vs_currency": "usd", "ids": id_}
        return len(sandbox.get(f"{API}/coins/markets", **query).json())

    def truth() -> tuple[set[str], list[Entry]]:
        found = [x for x in sandbox.truth() if old in {each["id"] for each in x["ids"]}]
        return {x["coin"] for x in found}, found[0]["ids"]

    at(sandbox, moment - MINUTE)
    before, symbols = known(), {x["symbol"] for x in sandbox.truth()}
    assert before == [{old}] * len(before)
    assert (charts(), chosen(old), chosen(new), truth()[0]) == ([200, 404], 1, 0, {old})
    at(sandbox, moment)
    assert known() == [{new}] * len(before)
    assert (charts(), chosen(old), chosen(new), truth()[0]) == ([404, 200], 0, 1, {new})
    assert [(x["id"], x["until"] == moment) for x in truth()[1]] == [(old, True), (new, False)]
    assert {x["symbol"] for x in sandbox.truth()} == symbols
    day = moment - 24 * HOUR, moment
    assert sandbox.truth("coingecko", old, *day) == sandbox.truth("coingecko", new, *day) != []
    (told,) = [e for e in sandbox.odd() if e["kind"] == "id renamed"]
    assert told["at"] == moment
    assert told["requests"] > 3


def test_the_best_known_coins_live_on_and_no_listing_has_two_lives(rude: Rude) -> None:
    sandbox = rude("delisted", "relisted", "break", "id renamed", rate=0.4, coins=60)
    at(sandbox, END)
    events = sandbox.odd()
    assert {e["kind"] for e in events} == {"delisted", "relisted", "break", "id renamed"}
    assert not {e["coin"] for e in events} & {"bitcoin", "ethereum"}
    befallen = [(e["source"], e["symbol"]) for e in events if e["symbol"]]
    assert len(befallen) == len(set(befallen))


def test_as_many_are_befallen_as_the_rate_says_and_one_at_least(rude: Rude) -> None:
    counts = []
    for rate in (0.001, 0.1, 0.3):
        sandbox = rude("delisted", rate=rate, coins=60)
        at(sandbox, END)
        counts.append(len(sandbox.odd()))
    assert counts[0] == 1
    assert counts[2] == pytest.approx(3 * counts[1], abs=2)


def test_a_symbol_of_futures_was_another_coins_until_long_before(rude: Rude) -> None:
    sandbox = rude("reused", coins=25)
    old, new = [e for e in sandbox.odd() if e["kind"] == "reused"]
    symbol = new["symbol"]
    assert old["symbol"] == symbol
    assert old["coin"] != new["coin"]
    assert new["start"] - old["end"] > 28 * 24 * HOUR
    assert START - old["end"] == pytest.approx(300 * 24 * HOUR, abs=24 * HOUR)
    told = entry(sandbox, "binance_futures", symbol)
    assert told is not None
    assert (told["status"], told["onboardDate"]) == ("TRADING", new["start"])
    named = behind(sandbox, "binance_futures")
    assert {coin for base, _, coin in named if base == told["baseAsset"]} == {new["coin"]}
    query = {"symbol": symbol, "interval": "1h", "startTime": old["end"] - 3 * HOUR, "limit": 6}
    rows = sandbox.get("/binance_futures/fapi/v1/klines", **query).json()
    assert [row[0] for row in rows] == [
        *(old["end"] - i * HOUR for i in (3, 2, 1)),
        *(new["start"] + i * HOUR for i in (0, 1, 2)),
    ]
    jump = float(rows[3][1]) / float(rows[2][4])
    assert not 1 / 3 < jump < 3
    about = "binance_futures", symbol
    truth = [x for x in sandbox.truth() if (x["source"], x["symbol"]) == about]
    assert [(x["coin"], x["since"], x["until"]) for x in truth] == [
        (old["coin"], old["start"], old["end"]),
        (new["coin"], new["start"], None),
    ]


@pytest.mark.parametrize(
    ("source", "symbol", "multiple"),
    [
        ("binance_futures", "10000000AIDOGEUSDT", 10**7),
        ("bybit", "10000000AIDOGEUSDT", 10**7),
        ("binance_futures", "1KBONKUSDT", 10**3),
        ("binance_futures", "1BMOGUSDT", 10**9),
        ("binance_futures", "100SATSUSDT", 10**2),
    ],
)
def test_a_symbol_may_be_many_coins_in_one(
    rude: Rude, source: str, symbol: str, multiple: int
) -> None:
    sandbox = rude("many in one", coins=25)
    (truth,) = [x for x in sandbox.truth() if (x["source"], x["symbol"]) == (source, symbol)]
    assert truth["multiple"] == multiple
    price = sandbox.truth(source, symbol, 1795341600000 - 9 * HOUR)[-1][4]
    coins = sandbox.get(f"{API}/coins/markets", vs_currency="usd", ids=truth["coin"]).json()
    assert price / multiple == pytest.approx(coins[0]["current_price"], rel=0.02)
    tickers = sandbox.get(API + TICKERS[source], **UNEXPIRED).json()["tickers"]
    (ticker,) = [t for t in tickers if t["symbol"] == symbol]
    assert ticker["last"] == pytest.approx(price, rel=0.02)
    assert ticker["coin_id"] == truth["coin"]
    assert symbol in {e["symbol"] for e in sandbox.odd() if e["kind"] == "many in one"}


@pytest.mark.parametrize("source", ["binance_spot", "binance_futures"])
def test_a_symbol_may_be_in_other_letters(rude: Rude, source: str) -> None:
    sandbox, symbol = rude("letters", coins=25), "币安人生USDT"
    told = entry(sandbox, source, symbol)
    assert told is not None
    assert told["baseAsset"] == "币安人生"
    start = 1795341600000 - 9 * HOUR
    assert len(hours(sandbox, source, symbol, start, start + 9 * HOUR)) == 9
    assert len(sandbox.truth(source, symbol, start)) == 9
    assert "币安人生" in {base for base, *_ in behind(sandbox, source)}
    shelf = "spot" if source == "binance_spot" else "futures/um"
    coded = quote(symbol)
    file = f"/binance_archive/data/{shelf}/daily/klines/{coded}/1h/{coded}-1h-2026-11-20.zip"
    assert sandbox.get(file).status_code == 200
    assert sandbox.get(f"{file}.CHECKSUM").text.endswith(f"  {symbol}-1h-2026-11-20.zip\n")
    assert {e["symbol"] for e in sandbox.odd()} == {symbol}


def test_other_letters_may_be_asked_for_by_name(rude: Rude) -> None:
    sandbox = rude("letters", coins=25)
    path = "/binance_spot/api/v3/exchangeInfo"
    for query in ({"symbol": "币安人生USDT"}, {"symbols": '["BTCUSDT","币安人生USDT"]'}):
        told = sandbox.get(path, **query).json()["symbols"]
        assert told[-1]["symbol"] == "币安人生USDT"
    refused = sandbox.get(path, symbols='["btcusdt"]')
    assert (refused.status_code, refused.json()["code"]) == (400, -1100)


def test_stocks_and_funds_trade_and_are_no_coins(rude: Rude) -> None:
    sandbox = rude("stock", coins=25)
    said = {
        ("binance_futures", "NVDAUSDT", "underlyingType"): "EQUITY",
        ("binance_futures", "XAUUSDT", "underlyingType"): "TRADIFI",
        ("okx", "NVDAX-USDT", "instCategory"): "3",
        ("okx", "SPYX-USDT", "instCategory"): 3,
        ("bybit", "SPYUSDT", "symbolType"): "etf",
        ("bybit", "NVDAUSDT", "symbolType"): "mstocks",
        ("bybit", "TSLAUSDT", "symbolType"): "stock",
    }
    truth = {(x["source"], x["symbol"]): x["coin"] for x in sandbox.truth()}
    events = {(e["source"], e["symbol"]) for e in sandbox.odd() if e["kind"] == "stock"}
    for (source, symbol, name), word in said.items():
        told = entry(sandbox, source, symbol)
        assert told is not None
        assert told[name] == word
        assert type(told[name]) is type(word)
        assert truth[source, symbol] is None
        assert (source, symbol) in events
        assert len(hours(sandbox, source, symbol, START, START + 9 * HOUR)) == 9
        # CoinGecko names a coin behind it that trades nowhere.
        base = symbol.removesuffix("USDT").rstrip("-")
        assert base in {b for b, *_ in behind(sandbox, source)}
