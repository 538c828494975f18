"""What venues call a coin: kept with its listings, and its name where CoinGecko tells none."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from chandlery import store
from chandlery.engine.context import RunContext
from chandlery.model import HOUR, instant
from chandlery.settings import Settings
from sandbox import Serving, serving
from sandbox.front import fronting, whole
from sandbox.known import address
from tests.engine.replay import Place, coin, hours, lay, listed

Open = Callable[..., AbstractContextManager[RunContext]]
SOURCES = ("coinbase", "gate", "mexc", "kucoin", "coingecko")
SPELLED = {"gate": "{}_USDT", "coinbase": "{}-USD", "mexc": "{}USDT", "kucoin": "{}-USDT"}
IDS = {"BTC": "bitcoin", "ABC": "alphabet", "XYZ": "omega"}
FROM, TO = instant("2026-02-20"), instant("2026-03-02")


@pytest.fixture
def venues(tmp_path: Path) -> Iterator[Serving]:
    folder = tmp_path / "market"
    coins = []
    for rank, (ticker, id_) in enumerate(IDS.items(), start=1):
        symbols = {source: spelled.format(ticker) for source, spelled in SPELLED.items()}
        for source, symbol in symbols.items():
            lay(folder, source, symbol, hours(FROM, TO, float(rank)))
        told = coin(id_, ticker.lower(), rank, *(listed(*each) for each in symbols.items()))
        coins.append(told | {"name": id_.title()})
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=Place.NOW, limits=False) as sandbox:
        yield sandbox


@pytest.fixture
def place(settings: Settings, venues: Serving, open_tools: Open) -> Iterator[Place]:
    with fronting(venues) as front:
        front.everything = True
        yield Place(settings, venues, front, open_tools, SOURCES)


def names(place: Place) -> dict[str, str]:
    with store.connect(place.settings) as connection:
        return {each.id: each.name for each in store.find(connection)}


def told(place: Place, id_: str) -> dict[str, tuple[str | None, list[str]]]:
    """By source: the name and the contracts of a coin."""
    with store.connect(place.settings) as connection:
        (found,) = store.find(connection, [id_])
        where = store.where_listed(connection, found)
    return {each.source: (each.name, list(each.contracts)) for each in where}


def test_listings_have_what_their_venue_calls_the_coin(place: Place) -> None:
    assert place.learn().failures == {}
    token = address("token", "alphabet")
    assert told(place, "alphabet") == {
        "gate": ("Alphabet", []),
        "coinbase": ("Alphabet", [token]),
        "mexc": ("Alphabet", [token]),
        "kucoin": ("Alphabet", [token]),
        "coingecko": (None, []),
    }
    assert told(place, "bitcoin")["mexc"] == ("Bitcoin", [])


def test_without_coingecko_a_contract_makes_one_coin_of_several_and_a_name_does_not(
    place: Place, venues: Serving
) -> None:
    venues.fault("403", source="coingecko")
    universe = place.learn()
    assert list(universe.failures) == ["coingecko"]
    assert names(place) == {
        **{f"unmapped:{source}:BTC": "Bitcoin" for source in SPELLED},
        "unmapped:gate:ABC": "Alphabet",
        "unmapped:coinbase:ABC": "Alphabet",
        "unmapped:gate:XYZ": "Omega",
        "unmapped:coinbase:XYZ": "Omega",
    }
    assert universe.unmapped == 8
    assert universe.listings == dict.fromkeys(SPELLED, 3)
    assert told(place, "unmapped:coinbase:ABC").keys() == {"coinbase", "mexc", "kucoin"}


def test_one_coin_of_several_venues_is_adopted_with_all_its_listings(
    place: Place, venues: Serving
) -> None:
    venues.fault("403", source="coingecko")
    place.learn()
    with store.connect(place.settings) as connection:
        (before,) = store.find(connection, ["unmapped:coinbase:ABC"])
        connection.execute("truncate account")  # the block is over
    venues.clear()
    assert place.learn(place.NOW + 24 * HOUR).failures == {}
    with store.connect(place.settings) as connection:
        (after,) = store.find(connection, ["alphabet"])
    assert (after.key, after.name) == (before.key, "Alphabet")
    assert told(place, "alphabet").keys() == {"coinbase", "mexc", "kucoin", "coingecko"}


def swapped(source: str, answer: httpx.Response) -> Iterable[bytes]:
    """MEXC trades ABC under XYZ's contract."""
    if source != "mexc" or not str(answer.url).endswith("/exchangeInfo"):
        return [whole(answer)]
    body: dict[str, Any] = answer.json()
    for each in body["symbols"]:
        if each["baseAsset"] == "ABC":
            each["contractAddress"] = address("token", "omega")
        if each["baseAsset"] == "XYZ":
            each["contractAddress"] = ""
    return [whole(answer, orjson.dumps(body))]


def test_a_contract_that_is_another_coins_elsewhere_is_told(place: Place) -> None:
    place.front.spoil = swapped
    assert place.learn().shared_contracts == {
        address("token", "omega"): "coinbase XYZ-USD is omega, kucoin XYZ-USDT is omega,"
        " mexc ABCUSDT is alphabet"
    }


def test_names_that_do_not_come_cost_no_listing_and_are_kept(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.learn()
    before = told(place, "alphabet")

    def without(_: str, answer: httpx.Response) -> Iterable[bytes]:
        if "currencies" in str(answer.url):
            return [whole(answer, b"{}")]
        return [whole(answer)]

    place.front.spoil = without
    universe = place.learn(place.NOW + 24 * HOUR)
    assert universe.failures == {}
    assert told(place, "alphabet") == before
    assert "names and contracts are not learnt: kucoin: its answer has no code" in caplog.text


def test_a_delisted_coin_that_nobody_maps_is_called_as_its_venue_does(
    place: Place, tmp_path: Path
) -> None:
    folder, ended = tmp_path / "market", instant("2026-01-20T13:00Z")
    lay(folder, "gate", "OLD_USDT", hours(instant("2025-12-01"), ended, 4.0))
    coins = json.loads((folder / "coins.json").read_text())
    over = coin("old", "old", 9, listed("gate", "OLD_USDT", instant("2025-12-01"), ended))
    coins.append(over | {"name": "Old Coin", "inactive": True})
    (folder / "coins.json").write_text(json.dumps(coins))
    with serving(market=folder, now=Place.NOW, limits=False) as sandbox, fronting(sandbox) as front:
        later = Place(place.settings, sandbox, front, place.open_tools, SOURCES)
        assert later.learn().delisted_unmapped == 1
    with store.connect(place.settings) as connection:
        (old,) = (each.coin for each in store.left_out(connection))
    assert (old.id, old.name) == ("unmapped:gate:OLD", "Old Coin")
    assert told(place, old.id) == {"gate": ("Old Coin", [])}
