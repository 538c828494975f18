"""Odd lists of symbols and coins, each on the wire, written down, and no part of the truth."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import Serving

Rude = Callable[..., Serving]
Entry = dict[str, Any]

HOUR = 3_600_000
NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
OPEN = 1795341600000  # 2026-11-22 10:00
API = "/coingecko/api/v3"
LISTS: dict[str, tuple[str, dict[str, object], tuple[str, ...], str]] = {
    "binance_futures": ("/fapi/v1/exchangeInfo", {}, ("symbols",), "symbol"),
    "binance_spot": ("/api/v3/exchangeInfo", {}, ("symbols",), "symbol"),
    "binance_spot-mirror": ("/api/v3/exchangeInfo", {}, ("symbols",), "symbol"),
    "okx": ("/api/v5/public/instruments", {"instType": "SPOT"}, ("data",), "instId"),
    "bybit": (
        "/v5/market/instruments-info",
        {"category": "linear", "limit": 1000},
        ("result", "list"),
        "symbol",
    ),
}
venues = pytest.mark.parametrize("source", LISTS)


def entries(sandbox: Serving, source: str) -> list[Entry]:
    path, query, keys, _ = LISTS[source]
    answer = sandbox.get(f"/{source}{path}", **query)
    assert answer.status_code == 200
    told = answer.json()
    assert told.get("code", "0") == "0"
    assert told.get("retCode", 0) == 0
    for key in keys:
        told = told[key]
    return list(told)


def names(sandbox: Serving, source: str) -> list[str]:
    return [str(entry[LISTS[source][3]]) for entry in entries(sandbox, source)]


def event(sandbox: Serving, kind: str, source: str, hours: int = 1) -> Entry:
    (told,) = sandbox.odd()
    assert (told["kind"], told["source"]) == (kind, source.removesuffix("-mirror"))
    assert told["end"] - told["start"] == hours * HOUR
    assert told["start"] <= OPEN < told["end"]
    assert told["at"] == OPEN + HOUR // 2
    return dict(told)


def same_truth(clean: Serving, sandbox: Serving) -> bool:
    return clean.truth() == sandbox.truth()


@venues
def test_a_list_may_be_empty(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("empty list")
    assert entries(sandbox, source) == []
    assert "empty: 0 of" in event(sandbox, "empty list", source)["detail"]
    assert same_truth(clean, sandbox)


@venues
def test_a_list_may_be_halved(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("half list")
    whole = names(clean, source)
    assert names(sandbox, source) == whole[: -(-len(whole) // 2)]
    event(sandbox, "half list", source)
    assert same_truth(clean, sandbox)


@venues
def test_a_list_may_be_short_for_six_hours(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("short list")
    whole, left = names(clean, source), names(sandbox, source)
    gone = len(whole) - len(left)
    assert [name for name in whole if name in left] == left
    assert 0 < gone < 0.8 * len(whole)
    begun = event(sandbox, "short list", source, hours=6)["start"]
    sandbox.at(datetime.fromtimestamp(begun / 1000 + 6 * 3600 - 1, UTC))
    assert names(sandbox, source) == left
    assert [e["requests"] for e in sandbox.odd()] == [2]
    assert same_truth(clean, sandbox)


def test_a_list_is_whole_again_in_another_hour(clean: Serving, rude: Rude) -> None:
    sandbox = rude("empty list", rate=0.3)
    found = set()
    for hour in range(24):
        sandbox.at(NOW + timedelta(hours=hour))
        found.add(tuple(names(sandbox, "okx")))
    assert found == {(), tuple(names(clean, "okx"))}


def test_single_symbols_are_told_as_they_are(clean: Serving, rude: Rude) -> None:
    sandbox = rude("empty list", "half list", "short list", "odd entry")
    for query in ({"symbol": "BTCUSDT"}, {"symbols": '["BTCUSDT","ETHUSDT"]'}):
        path = "/binance_spot/api/v3/exchangeInfo"
        assert sandbox.get(path, **query).content == clean.get(path, **query).content


@venues
def test_odd_entries_stand_beside_the_real_ones(clean: Serving, rude: Rude, source: str) -> None:
    sandbox = rude("odd entry")
    _, _, _, name = LISTS[source]
    real, told = entries(clean, source), entries(sandbox, source)
    odd = [entry for entry in told if entry not in real]
    assert [entry for entry in told if entry in real] == real
    assert not {x[name] for x in odd} & {x[name] for x in real}
    base = {"okx": "baseCcy", "bybit": "baseCoin"}.get(source, "baseAsset")
    state = "state" if source == "okx" else "status"
    assert "" in [x[base] for x in odd]
    assert 7 in [x[base] for x in odd]
    assert sum(state not in x for x in odd) == 1
    if "spot" not in source:
        begins = {"okx": "listTime", "bybit": "launchTime"}.get(source, "onboardDate")
        ends = {"okx": "expTime", "bybit": "deliveryTime"}.get(source, "deliveryDate")
        assert "-1" in [str(x[begins]) for x in odd]
        assert "253402300799000" in [str(x[ends]) for x in odd]
        assert {type(x[begins]) for x in odd} == {type(x[begins]) for x in real}
    assert "LISTING-SPOT-" in event(sandbox, "odd entry", source)["detail"]
    assert same_truth(clean, sandbox)


def ranking(sandbox: Serving, size: int = 4) -> list[list[Entry]]:
    query = {"vs_currency": "usd", "order": "market_cap_desc", "per_page": size}
    return [
        list(sandbox.get(f"{API}/coins/markets", **query, page=page).json()) for page in range(1, 6)
    ]


def ids(pages: list[list[Entry]]) -> list[list[str]]:
    return [[coin["id"] for coin in page] for page in pages]


def test_a_page_of_coins_may_come_twice(clean: Serving, rude: Rude) -> None:
    sandbox = rude("coins page twice")
    real = ids(ranking(clean))
    assert ids(ranking(sandbox)) == [real[0], *real[:-1]]
    assert event(sandbox, "coins page twice", "coingecko")["requests"] == 4
    assert same_truth(clean, sandbox)


def test_a_page_of_coins_may_be_empty_though_more_follow(clean: Serving, rude: Rude) -> None:
    sandbox = rude("coins page empty")
    real, told = ids(ranking(clean)), ids(ranking(sandbox))
    (empty,) = [i for i in range(3) if not told[i]]
    assert empty < 2
    assert [page for i, page in enumerate(told) if i != empty] == [
        page for i, page in enumerate(real) if i != empty
    ]
    assert event(sandbox, "coins page empty", "coingecko")["detail"] == f"page {empty + 1} of 3"


def test_the_only_page_of_coins_may_be_empty(rude: Rude) -> None:
    assert ids(ranking(rude("coins page empty"), 250))[0] == []


def test_a_tenth_of_the_coins_may_be_left_out(clean: Serving, rude: Rude) -> None:
    sandbox = rude("coins cut")
    (real, *_), (told, *_) = ids(ranking(clean, 250)), ids(ranking(sandbox, 250))
    gone = set(real) - set(told)
    assert len(gone) == 2  # of twelve
    detail = event(sandbox, "coins cut", "coingecko")["detail"]
    assert all(coin in detail for coin in gone)
    assert same_truth(clean, sandbox)


def test_a_well_ranked_coin_may_have_no_rank(clean: Serving, rude: Rude) -> None:
    sandbox = rude("rank null")
    (real, *_), (told, *_) = ranking(clean, 250), ranking(sandbox, 250)
    (odd,) = [row for row in told if row not in real]
    assert odd["market_cap_rank"] is None
    assert odd["id"] == event(sandbox, "rank null", "coingecko")["coin"]
    assert {**odd, "market_cap_rank": int(sandbox.odd()[0]["detail"][5:])} in real


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/exchanges/binance/tickers", "binance_spot"),
        ("/exchanges/okex/tickers", "okx"),
        ("/derivatives/exchanges/binance_futures", "binance_futures"),
        ("/derivatives/exchanges/bybit", "bybit"),
    ],
)
def test_a_ticker_may_name_another_coin(clean: Serving, rude: Rude, path: str, source: str) -> None:
    sandbox = rude("wrong coin")
    query = {"include_tickers": "unexpired"}
    real, told = (s.get(API + path, **query).json()["tickers"] for s in (clean, sandbox))
    ((right, wrong),) = [(a, b) for a, b in zip(real, told, strict=True) if a != b]
    assert {**wrong, "coin_id": right["coin_id"]} == right
    written = event(sandbox, "wrong coin", source)
    assert written["coin"] == right["coin_id"]
    assert written["detail"] == f"{wrong['coin_id']} instead of {right['coin_id']}"
    symbols = {(x["symbol"], x["coin"]) for x in clean.truth() if x["source"] == source}
    assert (written["symbol"], written["coin"]) in symbols
    assert same_truth(clean, sandbox)
