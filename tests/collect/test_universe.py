"""Which coins there are: by CoinGecko's id, never by ticker."""

import pytest

import store
from candles import SourceError, instant
from candles.settings import Settings
from collect import learn, learn_if_empty, order, tools
from sandbox import Serving
from sources import load

NOW = instant("2026-11-22T10:30Z")


def test_listings_belong_to_the_coin_behind_the_symbol(
    at_sandbox: Settings, venues: Serving
) -> None:
    with store.connect(at_sandbox) as connection:
        coins = {coin.id: coin for coin in store.find(connection)}
        listings = store.listings(connection, coins.values())
    found = {(each.source, each.symbol): (each.coin, each.multiple) for each in listings}
    assert found["binance_futures", "1000PEPEUSDT"] == (coins["pepe"].key, 1000)
    assert found["binance_spot", "PEPEUSDT"] == (coins["pepe"].key, 1)
    assert found["binance_spot", "BTCUSDT"] == (coins["bitcoin"].key, 1)
    assert not [symbol for _, symbol in found if symbol in {"AAPLUSDT", "BTCDOMUSDT", "BTCUSDC"}]
    assert not [each for each in listings if each.coin == coins["tether"].key]
    assert venues.requests()["total"] == 0


def test_learning_again_changes_nothing(at_sandbox: Settings) -> None:
    def known() -> list[object]:
        with store.connect(at_sandbox) as connection:
            coins = store.find(connection)
            return [coins, store.listings(connection, coins)]

    before = known()
    with tools(at_sandbox) as at_hand:
        learn(at_hand, NOW)
    assert known() == before


def test_a_venue_that_does_not_answer_costs_its_listings_only(
    settings: Settings, venues: Serving
) -> None:
    venues.fault("403", source="binance_futures")
    with tools(settings.model_copy(update={"venues_url": venues.url})) as at_hand:
        universe = learn(at_hand, NOW)
    assert list(universe.failures) == ["binance_futures"]
    assert universe.listings == {"binance_spot": 9}
    assert universe.coins == 12


def test_without_coingecko_nothing_is_learnt_and_it_is_said(
    settings: Settings, venues: Serving
) -> None:
    venues.fault("403", source="coingecko")
    asked = settings.model_copy(update={"venues_url": venues.url})
    with tools(asked) as at_hand, pytest.raises(SourceError, match="coingecko"):
        learn(at_hand, NOW)


def test_a_first_run_learns_by_itself_and_a_second_does_not(
    settings: Settings, venues: Serving
) -> None:
    wanted = order(now=NOW, known_sources=load(), sources=("binance_spot",), max_coins=5)
    with tools(settings.model_copy(update={"venues_url": venues.url})) as at_hand:
        learn_if_empty(at_hand, wanted)
        assert len(store.find(at_hand.connection)) == 12
        asked = venues.requests()["total"]
        learn_if_empty(at_hand, wanted)
    assert venues.requests()["total"] == asked > 0
