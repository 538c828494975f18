"""Lists of symbols and coins with something odd in them: rows of the fault table."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from chandlery import store
from chandlery.model import Listing, instant
from chandlery.symbology.learn import Universe, learn
from chandlery.venues import catalogue, load
from chandlery.venues.verdicts import warn_once
from sandbox.front import whole
from sources import coingecko
from tests.fault_table import Happened
from tests.faults.conftest import Place

NOW = instant("2026-11-22T10:30Z")
LISTS = ("exchangeInfo", "instruments", "instruments-info")
HELD = ("binance_futures", "binance_spot", "okx", "bybit")
NAMES = {
    "binance_futures": ("symbol", "baseAsset", "onboardDate"),
    "binance_spot": ("symbol", "baseAsset", "status"),
    "okx": ("instId", "baseCcy", "expTime"),
    "bybit": ("symbol", "baseCoin", "launchTime"),
}
"""What each calls a symbol, its coin, and something that can be odd about it."""
Entries = list[Any]
Change = Callable[[str, Entries], None]


def lists(change: Change, path: tuple[str, ...] = LISTS) -> Callable[..., Iterator[bytes]]:
    """Spoil the entries of each source's list in place."""

    def spoil(name: str, answer: httpx.Response) -> Iterator[bytes]:
        if answer.request.url.path.endswith(path) and answer.is_success:
            body = answer.json()
            change(name, _entries(body))
            yield whole(answer, json.dumps(body).encode())
        else:
            yield whole(answer)

    return spoil


def _entries(body: Any) -> Entries:
    while isinstance(body, dict):
        body = next(body[name] for name in ("symbols", "data", "result", "list") if name in body)
    return body


def listings(place: Place, coin: str = "BTC") -> dict[str, Listing]:
    """A coin's listing at each source."""
    with store.connect(place.settings) as connection:
        found = store.listings(connection, store.find(connection, [coin]))
    return {each.source: each for each in found}


def learnt(place: Place, change: Change, path: tuple[str, ...] = LISTS) -> Universe:
    """Learn all coins and listings while lists are spoilt."""
    place.front.spoil, place.front.everything = lists(change, path), True
    with place.context() as context:
        return learn(context, NOW + timedelta(days=1))


@pytest.fixture
def afterwards(place: Place) -> Iterator[Place]:
    """The place. Afterwards lists are learnt as they are, and prices known to be their coins'."""
    yield place
    place.empty()
    with place.context() as context:
        for at in (NOW + timedelta(days=2), NOW):  # what is believed later, at the rows' own time
            learn(context, at)
    for source in HELD:
        assert place.collect(source).failed == {}


def odd(name: str, entries: Entries) -> None:
    if name in NAMES:
        symbol, base, other = NAMES[name]
        told = dict(entries[0])
        entries += [
            told | {symbol: "LISTING-SPOT-1", base: ""},
            told | {symbol: "ODD1", other: None if other == "status" else -1},
            told | {symbol: "ODD2", base: 7},
            7,
        ]


@pytest.mark.fault(
    "venue",
    "odd entries in a list of symbols: an empty base, no state, a time of 1969, a number as a name",
    "left out and known to be in the list, which stands",
)
def test_odd_entries(afterwards: Place, happened: Happened) -> None:
    before = listings(afterwards)
    universe = learnt(afterwards, odd)
    assert universe.failures == {}
    assert listings(afterwards) == before
    with afterwards.context() as context:
        told = {name: catalogue(context.client, load()[name]).odd for name in HELD}
    for found in told.values():
        assert [each.symbol for each in found] == ["LISTING-SPOT-1", "ODD1", "ODD2", None]
    happened(f"{len(HELD)} lists of which 4 entries each are odd; “{told['okx'][0].words}”; no end")


@pytest.mark.parametrize(
    ("what", "spoil"),
    [
        pytest.param(
            what,
            spoil,
            id=what,
            marks=pytest.mark.fault(
                "venue", what, "the list refused in a line, what is known stays"
            ),
        )
        for what, spoil in (
            ("a list of symbols that is empty", lambda entries: entries.clear()),
            (
                "a list of symbols of which every entry is odd",
                lambda entries: entries.__setitem__(slice(None), [{}, 7]),
            ),
        )
    ],
)
def test_a_list_without_one_that_is_good(
    afterwards: Place, happened: Happened, what: str, spoil: Callable[[Entries], None]
) -> None:
    before = listings(afterwards)
    universe = learnt(afterwards, lambda name, entries: spoil(entries) if name in HELD else None)
    assert set(universe.failures) == set(HELD), what
    assert all("its list of symbols" in words for words in universe.failures.values())
    assert listings(afterwards) == before
    happened(f"“{universe.failures['okx']}”; no listing ended")


KINDS = {"okx": "instCategory", "bybit": "symbolType", "binance_futures": "underlyingType"}


def stocks(name: str, entries: Entries) -> None:
    if name in KINDS:
        told = dict(entries[0])
        symbol, base, _ = NAMES[name]
        for kind in ("etf", "mstocks", 3, "NEW"):
            entries.append(told | {symbol: f"{kind}-USDT", base: "BTC", KINDS[name]: kind})


@pytest.mark.fault(
    "venue",
    "stocks and funds in a list of symbols, of kinds known and new",
    "left out: a coin is what is known to be one; a new kind is told once",
)
def test_stocks(afterwards: Place, happened: Happened, caplog: pytest.LogCaptureFixture) -> None:
    warn_once.cache_clear()
    before = listings(afterwards)
    universe = learnt(afterwards, stocks)
    assert universe.failures == {}
    with afterwards.context() as context:
        for name in KINDS:
            told = catalogue(context.client, load()[name])
            assert not {"etf-USDT", "mstocks-USDT", "3-USDT", "NEW-USDT"} & {*told.frame["symbol"]}
    assert listings(afterwards) == before
    words = "bybit: its list has entries of a kind that is not known: NEW"
    assert caplog.messages.count(words) == 1
    happened(f"“{words}”")


def many(name: str, entries: Entries) -> None:
    if name == "binance_futures":
        (told,) = (each for each in entries if each["symbol"] == "BTCUSDT")
        told["baseAsset"] = "10000000BTC"


@pytest.mark.fault(
    "venue",
    "a contract on 10,000,000 coins, a multiple that nobody had before",
    "prices of one coin, amounts in coins",
)
def test_a_new_multiple(afterwards: Place, happened: Happened) -> None:
    assert learnt(afterwards, many).failures == {}
    listing = listings(afterwards)["binance_futures"]
    assert listing.multiple == 10**7
    afterwards.mend()
    assert "some 10^-7 times" in afterwards.collect("binance_futures").failed["BTC"]
    with store.connect(afterwards.settings) as connection:  # as it would be of such a coin
        connection.execute("update coin set price = price / 1e7 where id = 'bitcoin'")
    assert afterwards.collect("binance_futures").rows == {"binance_futures": 24}
    with store.connect(afterwards.settings) as connection:
        connection.execute("update coin set price = price * 1e7 where id = 'bitcoin'")
    stored, true = afterwards.stored(), afterwards.truth["binance_futures"]
    for hour, (_, *prices, volume) in true.items():
        assert stored[hour][1:] == (*(price / 10**7 for price in prices), volume * 10**7)
    happened(f"{listing.symbol} of {listing.multiple:,} coins; 24 candles in plain ones")


def odd_coin(name: str, entries: Entries) -> None:
    if name == "coingecko":
        entries[3] |= {"id": None}


@pytest.mark.fault(
    "venue", "CoinGecko tells a coin without an id", "left out and told, the other coins stand"
)
def test_an_odd_coin(
    afterwards: Place, happened: Happened, caplog: pytest.LogCaptureFixture
) -> None:
    afterwards.front.spoil = lists(odd_coin, ("/coins/markets",))
    afterwards.front.everything = True
    with caplog.at_level(logging.WARNING), afterwards.context() as context:
        found = coingecko.coins(context.client)
    assert found.height == 11
    (words,) = (each for each in caplog.messages if each.startswith("coingecko"))
    assert words == "coingecko: 1 of 12 left out: its id is None"
    happened(f"“{words}”")
