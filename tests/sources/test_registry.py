"""What the registry says of all sources together: their order, their colours."""

from chandlery.venues import colours, in_order, load, ranking
from chandlery.venues.source import Source


def test_the_order_is_the_guides_while_nobody_sets_another() -> None:
    assert in_order() == (
        "binance_futures",
        "binance_spot",
        "coingecko",
        "cryptocompare",
        "okx",
        "bybit",
    )


def test_sources_that_are_named_are_asked_in_that_order() -> None:
    assert in_order(("okx", "coinbase")) == ("okx", "coinbase")


def test_no_two_sources_have_one_place_or_one_colour() -> None:
    places = [source.place for source in load().values() if source.place is not None]
    assert len(set(places)) == len(places)
    shown = {*colours().values(), Source.__dataclass_fields__["colour"].default}
    assert len(shown) == len(load()) + 1


def test_what_is_a_second_way_or_needs_to_be_chosen_has_no_place() -> None:
    assert [name for name, source in load().items() if source.place is None] == [
        "binance_futures_archive",
        "binance_spot_archive",
        "bitget",
        "coinbase",
        "coingecko_pro",
    ]


def test_one_source_alone_tells_which_coins_there_are() -> None:
    assert ranking().name == "coingecko"
