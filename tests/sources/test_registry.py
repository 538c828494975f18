"""What the registry says of all sources together: their order, their colours."""

import pytest

from chandlery.venues import colours, in_order, load, ranking
from chandlery.venues.source import Source

GUIDE = ("binance_futures", "binance_spot", "coingecko", "cryptocompare", "okx", "bybit")
"""The first places, as users of the first releases have them: no new source moves them."""

LISTS = {
    "binance_futures": ("binance_futures", False),
    "binance_spot": ("binance", False),
    "okx": ("okex", False),
    "bybit": ("bybit", False),
    "bybit_spot": ("bybit_spot", True),
    "coinbase": ("gdax", True),
    "gate": ("gate", True),
    "bitget": ("bitget", True),
    "mexc": ("mxc", True),
    "kucoin": ("kucoin", True),
}
"""By source: how CoinGecko calls the exchange, and whether hours without a trade are left out."""


@pytest.mark.parametrize("name", LISTS)
def test_a_venue_is_known_to_coingecko_and_fills_its_hours_or_not(name: str) -> None:
    source = load()[name]
    assert source.catalogue is not None
    assert (source.catalogue.exchange, source.sparse) == LISTS[name]


def test_the_order_begins_as_the_guides_and_goes_on_by_place() -> None:
    placed = {name: it.place for name, it in load().items() if it.place is not None}
    assert in_order()[: len(GUIDE)] == GUIDE
    assert in_order() == tuple(sorted(placed, key=placed.__getitem__))


def test_sources_that_are_named_are_asked_in_that_order() -> None:
    assert in_order(("okx", "coinbase")) == ("okx", "coinbase")


def test_no_two_sources_have_one_place_or_one_colour() -> None:
    places = [source.place for source in load().values() if source.place is not None]
    assert len(set(places)) == len(places)
    shown = {*colours().values(), Source.__dataclass_fields__["colour"].default}
    assert len(shown) == len(load()) + 1


def test_a_second_way_has_no_place_of_its_own() -> None:
    assert not [it.name for it in load().values() if it.serves and it.place is not None]


def test_one_source_alone_tells_which_coins_there_are() -> None:
    assert ranking().name == "coingecko"
