"""Which coins there are: by CoinGecko's id, never by ticker."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.engine.spec import run_spec
from chandlery.model import instant
from chandlery.settings import Settings
from chandlery.symbology.learn import learn, learn_if_due
from chandlery.venues import in_order, load
from sandbox import Serving
from sandbox.coingecko_tickers import WORTH_OF_ALL
from sources._cryptocompare_coins import COINS

Open = Callable[..., AbstractContextManager[RunContext]]
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
    sources = {each.source for each in listings if each.coin == coins["tether"].key}
    assert sources == {"coingecko"}
    assert venues.requests()["total"] == 0


def test_cryptocompare_is_asked_for_curated_ids_only(
    at_sandbox: Settings, open_tools: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRYPTOCOMPARE_API_KEY", "a key")
    with open_tools(at_sandbox) as context:
        learn(context, NOW)
    with store.connect(at_sandbox) as connection:
        coins = {coin.key: coin.id for coin in store.find(connection)}
        known = store.listings(connection, store.find(connection))
    listed = {coins[each.coin]: each.symbol for each in known if each.source == "cryptocompare"}
    assert listed == {each: COINS[each] for each in COINS.keys() & coins.values()}
    assert {"bitcoin", "ethereum"} <= listed.keys()
    assert listed.keys() < set(coins.values())


def test_learning_again_changes_nothing(at_sandbox: Settings, open_tools: Open) -> None:
    def known() -> list[object]:
        with store.connect(at_sandbox) as connection:
            coins = store.find(connection)
            return [coins, store.listings(connection, coins)]

    before = known()
    with open_tools(at_sandbox) as context:
        learn(context, NOW)
    assert known() == before


def test_a_venue_that_does_not_answer_costs_its_listings_only(
    settings: Settings, venues: Serving, open_tools: Open
) -> None:
    venues.fault("403", source="binance_futures")
    with open_tools(settings.model_copy(update={"venues_url": venues.url})) as context:
        universe = learn(context, NOW)
    assert list(universe.failures) == ["binance_futures"]
    keyless = {name for name in in_order() if not load()[name].venue.key_required}
    assert universe.listings.keys() == keyless - {"binance_futures"}
    assert universe.listings["binance_spot"] == 9
    assert universe.coins == 12


def test_without_coingecko_what_venues_list_must_do_and_is_adopted_later(
    settings: Settings, venues: Serving, open_tools: Open
) -> None:
    venues.fault("403", source="coingecko")
    asked = settings.model_copy(update={"venues_url": venues.url})
    with open_tools(asked) as context:
        universe = learn(context, NOW)
        assert "coingecko" in universe.failures
        known = store.find(context.connection)
        before = [coin for coin in known if coin.id.endswith(":BTC")]
        assert {coin.id.split(":")[0] for coin in known} == {"unmapped"}
    venues.clear()
    with open_tools(asked) as context:
        context.connection.execute("truncate account")  # a minute later
        learn(context, NOW)
        (after,) = store.find(context.connection, ["bitcoin"])
        assert after.key in {coin.key for coin in before}
        assert after.symbol == "BTC"


def test_who_was_among_the_best_can_be_read_back(
    settings: Settings, venues: Serving, open_tools: Open
) -> None:
    asked = settings.model_copy(update={"venues_url": venues.url})
    with open_tools(asked) as context:
        learn(context, NOW)
        learn(context, NOW + timedelta(days=3))
        day = NOW.date()
        best = store.universe(context.connection, day + timedelta(days=1), 3)
        assert best["id"].to_list() == ["bitcoin", "ethereum", "tether"]
        assert best["market_cap"].to_list() == [WORTH_OF_ALL // rank for rank in (1, 2, 3)]
        assert best["ranked_on"].to_list() == [day] * 3
        assert store.universe(context.connection, day - timedelta(days=1)).is_empty()


def test_a_first_run_learns_by_itself_and_a_second_does_not(
    settings: Settings, venues: Serving, open_tools: Open
) -> None:
    wanted = run_spec(now=NOW, known_sources=load(), sources=("binance_spot",), max_coins=5)
    with open_tools(settings.model_copy(update={"venues_url": venues.url})) as context:
        learn_if_due(context, wanted)
        assert len(store.find(context.connection)) == 12
        asked = venues.requests()["total"]
        learn_if_due(context, wanted)
        assert venues.requests()["total"] == asked > 0
        # A clock that was ahead for a while learnt in 2099: nobody would have learnt again.
        context.connection.execute("update learnt set at = '2099-01-01Z'")
        learn_if_due(context, wanted)
        assert venues.requests()["total"] > asked
        (ahead,) = context.connection.execute(
            "select count(*) from learnt where at > %s", (NOW,)
        ).fetchall()
        assert ahead == (0,)
