"""Coins and listings, learnt again and again."""

from collections.abc import Callable
from datetime import UTC, datetime

import polars as pl

import store
from candles import HOUR
from store.coins import find, learn_coins, listings, note_start

Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
BTC, WRAPPED, ETH = ("bitcoin", "BTC"), ("wrapped-btc", "BTC"), ("ethereum", "ETH")


def listed(*rows: tuple[str, str, int, datetime | None]) -> pl.DataFrame:
    schema = {
        "id": pl.String,
        "symbol": pl.String,
        "multiple": pl.Int64,
        "end": pl.Datetime("us", "UTC"),
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def told(connection: store.Connection, source: str, seen: pl.DataFrame, now: datetime = T0) -> int:
    """A source tells of these listings, all of them trading."""
    dated = seen.with_columns(start=pl.lit(None, pl.Datetime("us", "UTC")))
    return store.learn_listings(
        connection, source, dated, now, seen.with_columns(trading=pl.lit(value=True))
    )


def named(connection: store.Connection) -> list[tuple[str, str]]:
    return [(coin.id, coin.symbol) for coin in find(connection)]


def test_coins_keep_their_keys_and_swap_their_symbols_with_their_ranks(
    connection: store.Connection, learn: Learn
) -> None:
    assert learn(BTC, ETH, WRAPPED) == 3
    first = find(connection)
    assert named(connection) == [BTC, ETH, ("wrapped-btc", "wrapped-btc")]
    learn(BTC, ETH, WRAPPED)
    assert find(connection) == first

    learn(WRAPPED, ETH, BTC)
    assert named(connection) == [WRAPPED, ETH, ("bitcoin", "bitcoin")]
    assert {coin.id: coin.key for coin in find(connection)} == {c.id: c.key for c in first}
    learn(ETH, ("wrapped-btc", "WBTC"))
    assert ("bitcoin", "BTC") in named(connection)
    assert ("wrapped-btc", "WBTC") in named(connection)

    unranked = pl.DataFrame({"id": ["x"], "ticker": ["ETH"], "name": ["X"], "rank": [None]})
    learn_coins(connection, unranked.cast({"rank": pl.Int64}), T0)
    assert named(connection)[-1] == ("x", "x")
    assert find(connection)[-1].rank is None


def test_coins_are_found_by_symbol_or_id_in_any_case_best_first(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH, WRAPPED, ("été", "Éa"), ("o'neil; drop table coin", "$%s%(x)s\\"))
    ids = [coin.id for coin in find(connection, ["eth", "BitCoin"])]
    assert ids == ["bitcoin", "ethereum"]
    assert [coin.id for coin in find(connection, ["btc"])] == ["bitcoin"]
    assert [coin.id for coin in find(connection, ["WRAPPED-BTC"])] == ["wrapped-btc"]
    assert [coin.id for coin in find(connection, ["Éa"])] == ["été"]
    assert find(connection, ["$%s%(x)s\\"])[0].name == "o'neil; drop table coin"
    assert find(connection, []) == []
    assert find(connection, ["nothing"]) == []
    assert [coin.id for coin in find(connection, most=2)] == ["bitcoin", "ethereum"]


def test_a_name_no_text_column_can_hold_loses_only_what_it_cannot(
    connection: store.Connection,
) -> None:
    odd = {"id": ["a"], "ticker": ["A\0"], "name": ["a\0b\n\t'\"\\,🪙"], "rank": [1]}
    learn_coins(connection, pl.DataFrame(odd), T0)
    (coin,) = find(connection)
    assert (coin.symbol, coin.name) == ("A", "ab\n\t'\"\\,🪙")


def test_listings_are_updated_and_keep_the_start_that_was_learnt(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    (btc,) = find(connection, ["BTC"])
    seen = listed(("bitcoin", "BTCUSDT", 1, None), ("nobody", "XUSDT", 1, None))
    assert told(connection, "binance_spot", seen) == 1
    assert told(connection, "binance_spot", seen) == 0
    assert listings(connection, find(connection, ["ETH"])) == []

    (known,) = listings(connection, [btc])
    assert (known.coin, known.source, known.symbol, known.start) == (
        btc.key,
        "binance_spot",
        "BTCUSDT",
        None,
    )
    note_start(connection, known, T0)
    changed = listed(("bitcoin", "BTCUSDT", 1000, T0 + 9 * HOUR))
    assert told(connection, "binance_spot", changed) == 1
    (known,) = listings(connection, [btc])
    assert (known.multiple, known.start, known.end) == (1000, T0, T0 + 9 * HOUR)
    told(connection, "binance_spot", seen)
    (known,) = listings(connection, [btc])
    assert (known.multiple, known.start, known.end) == (1, T0, None)


def test_an_end_before_the_start_that_was_learnt_costs_only_that_start(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    told(connection, "a", listed(("bitcoin", "X", 1, None), ("ethereum", "E", 1, None)))
    for known in listings(connection, find(connection)):
        note_start(connection, known, T0)
    both = listed(("bitcoin", "X", 1, T0 - HOUR), ("ethereum", "E", 1, T0 + HOUR))
    assert told(connection, "a", both) == 2
    found = {each.symbol: (each.start, each.end) for each in listings(connection, find(connection))}
    assert found == {"X": (None, T0 - HOUR), "E": (T0, T0 + HOUR)}


def test_one_symbol_can_be_two_coins_and_one_coin_at_two_sources(
    connection: store.Connection, learn: Learn
) -> None:
    learn(("terra-luna-2", "LUNA"), ("terra-luna", "LUNC"))
    for source in ("b", "a"):
        told(connection, source, listed(("terra-luna", "LUNAUSDT", 1, T0)))
        told(connection, source, listed(("terra-luna-2", "LUNAUSDT", 1, None)))
    found = listings(connection, find(connection))
    assert [(each.source, each.end) for each in found] == [
        ("a", None),
        ("b", None),
        ("a", T0),
        ("b", T0),
    ]
    keys = [store.source_key(connection, name) for name in ("b", "a", "b")]
    assert keys == [0, 1, 0]


def test_a_symbol_that_names_another_coin_now_is_the_new_ones_from_now_on(
    connection: store.Connection, learn: Learn
) -> None:
    learn(("old", "X"), ("new", "Y"))
    told(connection, "a", listed(("old", "XUSDT", 1, None)))
    told(connection, "a", listed(("new", "XUSDT", 1, None)), T0 + 5 * HOUR)
    found = {each.coin: (each.start, each.end) for each in listings(connection, find(connection))}
    assert found == {1: (None, T0 + 5 * HOUR), 2: (T0 + 5 * HOUR, None)}


def test_a_symbol_that_trades_no_more_ends_when_that_is_seen(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    both = listed(("bitcoin", "B", 1, None), ("ethereum", "E", 1, None))
    told(connection, "a", both)
    told(connection, "a", both.head(1), T0 + HOUR)
    found = {each.symbol: each.end for each in listings(connection, find(connection))}
    assert found == {"B": None, "E": T0 + HOUR}
    told(connection, "a", both, T0 + 2 * HOUR)
    assert {each.end for each in listings(connection, find(connection))} == {None}
