import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox import Serving

API = "/coingecko/api/v3"


def get(sandbox: Serving, path: str, **query: object) -> Any:
    answer = sandbox.get(API + path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def markets(sandbox: Serving, page: int, size: int) -> Any:
    query = {"vs_currency": "usd", "order": "market_cap_desc", "per_page": size, "page": page}
    return get(sandbox, "/coins/markets", **query)


def test_coins_come_by_rank_and_page_by_page_to_an_empty_one(made_up: Serving) -> None:
    pages = [markets(made_up, page, 25) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [25, 25, 10, 0]
    assert [coin["market_cap_rank"] for page in pages for coin in page] == list(range(1, 61))


def test_a_coin_has_the_keys_of_the_recorded_one_in_their_order(
    shared: Path, replayed: Serving
) -> None:
    raw = (shared / "recorded/coingecko/coins_markets_usd_2023.json.gz").read_bytes()
    recorded = json.loads(gzip.decompress(raw))
    seen = {key: {type(coin[key]) for coin in recorded} for key in recorded[0]}
    for coin in markets(replayed, 1, 250):
        assert list(coin) == list(recorded[0])
        odd = {key for key, value in coin.items() if type(value) not in seen[key]}
        assert odd <= {"current_price", "ath", "atl"}  # a coin never traded here has no price


def test_all_coins_of_the_folder_are_ranked_listed_here_or_not(
    shared: Path, replayed: Serving
) -> None:
    folder = json.loads((shared / "market/coins.json").read_bytes())
    ranked = [coin["id"] for coin in sorted(folder, key=lambda coin: coin["rank"])]
    assert [coin["id"] for coin in markets(replayed, 1, 250)] == ranked


def test_a_ticker_has_the_keys_and_types_of_the_documented_one(
    shared: Path, replayed: Serving
) -> None:
    file = shared / "recorded/coingecko/official_openapi_examples.json"
    example = json.loads(file.read_bytes())["/exchanges/{id}/tickers"]["tickers"][0]
    answer = get(replayed, "/exchanges/binance/tickers")
    assert answer["name"] == "Binance"
    for ticker in answer["tickers"]:
        assert list(ticker) == list(example)
        for key in ("base", "target", "market", "last", "trust_score", "coin_id", "timestamp"):
            assert type(ticker[key]) is type(example[key])


def test_a_ticker_names_the_coin_its_symbol_means_now(replayed: Serving) -> None:
    tickers = get(replayed, "/exchanges/binance/tickers")["tickers"]
    behind = {ticker["base"]: ticker["coin_id"] for ticker in tickers}
    assert behind["LUNA"] == "terra-luna-2"
    assert behind["BNX"] == "binaryx"
    assert {ticker["target_coin_id"] for ticker in tickers} == {"tether"}


def test_derivatives_name_the_coin_behind_each_contract(replayed: Serving) -> None:
    answer = get(replayed, "/derivatives/exchanges/binance_futures", include_tickers="unexpired")
    assert {(t["symbol"], t["base"], t["coin_id"]) for t in answer["tickers"]} == {
        ("BTCUSDT", "BTC", "bitcoin"),
        ("BNBUSDT", "BNB", "binancecoin"),
    }
    assert {t["contract_type"] for t in answer["tickers"]} == {"perpetual"}


def test_derivatives_come_without_tickers_unless_asked_for(made_up: Serving) -> None:
    assert "tickers" not in get(made_up, "/derivatives/exchanges/binance_futures")


def test_a_quarterly_contract_is_no_perpetual_and_a_stock_has_no_ticker(made_up: Serving) -> None:
    answer = get(made_up, "/derivatives/exchanges/binance_futures", include_tickers="all")
    kinds = {t["symbol"]: t["contract_type"] for t in answer["tickers"]}
    assert kinds["BTCUSDT_261225"] == "futures"
    assert kinds["1000PEPEUSDT"] == "perpetual"
    assert "AAPLUSDT" not in kinds


def test_two_coins_may_have_one_ticker(made_up: Serving) -> None:
    eths = [coin["id"] for coin in markets(made_up, 1, 250) if coin["symbol"] == "eth"]
    assert len(eths) == 2
    tickers = get(made_up, "/exchanges/binance/tickers")["tickers"]
    assert {t["coin_id"] for t in tickers if t["base"] == "ETH"} == {"ethereum"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/coins/markets", 422), ("/exchanges/nowhere/tickers", 404), ("/nothing", 404)],
)
def test_what_is_not_there_is_said(made_up: Serving, path: str, status: int) -> None:
    assert made_up.get(API + path).status_code == status
