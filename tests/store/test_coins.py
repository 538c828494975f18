"""Coins and listings, learnt again and again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from chandlery import store
from chandlery.errors import Misuse
from chandlery.model import HOUR, Window
from chandlery.settings import Settings
from chandlery.store.coins import find
from chandlery.store.frames.learn_coins import learn_coins
from chandlery.store.listings import listings, note_start

Frame = Callable[..., pl.DataFrame]
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
    markets = seen.with_columns(trading=pl.lit(value=True))
    return store.learn_listings(connection, source, dated, now, markets).changed


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


def ends(connection: store.Connection) -> dict[str, datetime | None]:
    return {each.symbol: each.end for each in listings(connection, find(connection))}


def test_a_symbol_that_names_another_coin_is_the_new_ones_once_that_is_told_again(
    connection: store.Connection, learn: Learn
) -> None:
    learn(("old", "X"), ("new", "Y"))
    old, new = (listed((name, "XUSDT", 1, None)) for name in ("old", "new"))

    def found() -> dict[int, tuple[datetime | None, datetime | None]]:
        known = listings(connection, find(connection))
        return {each.coin: (each.start, each.end) for each in known}

    told(connection, "a", old)
    for hours in (5, 7):  # twice, but not six hours apart: it may be one mistake
        told(connection, "a", new, T0 + hours * HOUR)
        assert found() == {1: (None, None)}
    told(connection, "a", new, T0 + 12 * HOUR)
    assert found() == {1: (None, T0 + 5 * HOUR), 2: (T0 + 5 * HOUR, None)}


def test_a_symbol_that_named_another_coin_once_stays_who_it_is(
    connection: store.Connection, learn: Learn
) -> None:
    learn(("old", "X"), ("new", "Y"))
    old, new = (listed((name, "XUSDT", 1, None)) for name in ("old", "new"))
    for hours, seen in enumerate((old, new, old, new, old)):
        told(connection, "a", seen, T0 + hours * 24 * HOUR)
    assert [(each.coin, each.end) for each in listings(connection, find(connection))] == [(1, None)]


def test_a_symbol_that_is_gone_ended_when_that_was_seen_first_once_it_is_seen_again(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    both = listed(("bitcoin", "B", 1, None), ("ethereum", "E", 1, None))
    told(connection, "a", both)
    told(connection, "a", both.head(1), T0 + HOUR + timedelta(minutes=30, seconds=12))
    assert ends(connection) == {"B": None, "E": None}
    told(connection, "a", both.head(1), T0 + 25 * HOUR)
    assert ends(connection) == {"B": None, "E": T0 + 2 * HOUR}
    told(connection, "a", both, T0 + 49 * HOUR)
    assert ends(connection) == {"B": None, "E": None}


def test_a_halt_that_a_venue_tells_of_one_symbol_is_believed_to_the_whole_hour(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    both = listed(("bitcoin", "B", 1, None), ("ethereum", "E", 1, None))
    told(connection, "a", both)
    dated = both.with_columns(start=pl.lit(None, pl.Datetime("us", "UTC")))
    markets = both.with_columns(trading=pl.col("symbol") != "E")
    now = T0 + timedelta(hours=1, minutes=30, seconds=12)
    learnt = store.learn_listings(connection, "a", dated, now, markets)
    assert (learnt.open, learnt.lost, learnt.shrank) == (2, 1, False)
    assert ends(connection) == {"B": None, "E": T0 + 2 * HOUR}
    store.learn_listings(connection, "a", dated, now + 30 * HOUR, markets)
    assert ends(connection) == {"B": None, "E": T0 + 2 * HOUR}
    told(connection, "a", both, now + 50 * HOUR)
    assert ends(connection) == {"B": None, "E": None}


def test_ends_and_starts_off_the_hour_are_those_of_their_candles(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC)
    begun, over = T0 + timedelta(minutes=17), T0 + timedelta(hours=9, minutes=17, seconds=1)
    seen = listed(("bitcoin", "B", 1, over)).with_columns(start=pl.lit(begun))
    store.learn_listings(connection, "a", seen, T0, seen.with_columns(trading=pl.lit(value=True)))
    (known,) = listings(connection, find(connection))
    assert (known.start, known.end, known.told_start) == (T0, T0 + 10 * HOUR, T0)


@pytest.mark.parametrize("how", ["gone", "halted"])
def test_a_list_that_shrank_is_told_and_believed_when_it_says_so_again(
    connection: store.Connection, learn: Learn, how: str
) -> None:
    names = [f"c{number}" for number in range(40)]
    learn(*((name, name.upper()) for name in names))
    all_of_them = listed(*((name, f"{name}USDT", 1, None) for name in names))
    told(connection, "a", all_of_them)
    half = all_of_them.head(20)
    dated = half.with_columns(start=pl.lit(None, pl.Datetime("us", "UTC")))
    markets = half.with_columns(trading=pl.lit(value=True))
    if how == "halted":
        markets = all_of_them.with_columns(trading=pl.int_range(pl.len()) < 20)

    def hear(hours: int) -> tuple[int, bool]:
        learnt = store.learn_listings(connection, "a", dated, T0 + hours * HOUR, markets)
        return learnt.lost, learnt.shrank

    assert (hear(24), set(ends(connection).values())) == ((20, True), {None})
    told(connection, "a", all_of_them, T0 + 48 * HOUR)
    assert (hear(72), set(ends(connection).values())) == ((20, True), {None})
    assert (hear(96), sum(map(bool, ends(connection).values()))) == ((20, True), 20)
    assert set(ends(connection).values()) == {None, T0 + 72 * HOUR}
    assert hear(120) == (0, False)


def test_a_symbol_whose_entry_could_not_be_read_is_not_gone(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    both = listed(("bitcoin", "B", 1, None), ("ethereum", "E", 1, None))
    told(connection, "a", both)
    one = both.head(1).with_columns(start=pl.lit(None, pl.Datetime("us", "UTC")))
    markets = one.with_columns(trading=pl.lit(value=True))
    for day in (1, 2, 3):
        store.learn_listings(connection, "a", one, T0 + day * 24 * HOUR, markets, ["E"])
    assert ends(connection) == {"B": None, "E": None}


def ranked(*rows: tuple[str, str, int | None]) -> pl.DataFrame:
    schema = {"id": pl.String, "ticker": pl.String, "rank": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(name="id")


def test_a_rank_is_not_lost_by_one_null(connection: store.Connection) -> None:
    whole = ranked(("bitcoin", "BTC", 1), ("wrapped-btc", "BTC", 12))
    hurt = ranked(("bitcoin", "BTC", None), ("wrapped-btc", "BTC", 12))
    for day, seen in enumerate((whole, hurt, whole, hurt)):
        learn_coins(connection, seen, T0 + day * 24 * HOUR)
        assert named(connection) == [BTC, ("wrapped-btc", "wrapped-btc")]
    learn_coins(connection, hurt, T0 + 4 * 24 * HOUR)  # a second time: it has none any more
    assert named(connection) == [("wrapped-btc", "BTC"), ("bitcoin", "bitcoin")]


def test_a_ticker_is_the_best_ranked_active_coins(connection: store.Connection) -> None:
    learn_coins(connection, ranked(("old", "FET", 30), ("bitcoin", "BTC", 1)), T0)
    alive = ranked(("new", "FET", 31), ("bitcoin", "BTC", 1))
    for day, (unseen, retired) in enumerate(((1, 0), (1, 1), (0, 0)), start=1):
        learn_coins(connection, alive, T0 + day * 24 * HOUR)
        told_of = store.retire_unseen(connection, T0 + day * 24 * HOUR)
        assert (told_of.unseen, told_of.retired) == (unseen, retired)
    assert named(connection) == [BTC, ("old", "old"), ("new", "FET")]


def test_a_run_that_comes_to_nothing_takes_no_number_of_63(connection: store.Connection) -> None:
    for n in range(70):
        with connection.transaction(force_rollback=True):
            store.source_key(connection, f"killed-{n}")
    assert [store.source_key(connection, name) for name in ("a", "b", "a")] == [0, 1, 0]


def test_sources_named_at_once_have_each_a_number(settings: Settings) -> None:
    def name(first: int) -> dict[str, int]:
        with store.connect(settings) as own:
            names = [f"venue-{n % 24}" for n in range(first, first + 24)]
            return {each: store.source_key(own, each) for each in names}

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(name, range(0, 24, 6))
    assert others == [first] * 3
    assert sorted(first.values()) == [*range(24)]


def test_one_source_more_than_there_are_bits_is_refused_and_the_last_one_is_told_apart(
    connection: store.Connection, frame: Frame
) -> None:
    learn_coins(connection, ranked(("bitcoin", "BTC", 1)), T0)
    keys = [store.source_key(connection, f"venue-{n}") for n in range(63)]
    assert keys == [*range(63)]
    with pytest.raises(Misuse, match=r"^the source one-more is one too many: .* leave it out of"):
        store.source_key(connection, "one-more")
    assert store.source_key(connection, "venue-62") == 62
    store.write(connection, {1: frame(range(24))}, 62)
    store.write(connection, {1: frame(range(24, 28))}, 31)
    store.write(connection, {1: frame(range(28, 48))}, 62)
    store.refresh(connection)
    later = T0 + timedelta(days=9)
    days = store.read(connection, find(connection), "1d", now=later)
    assert days["source"].to_list() == ["venue-62", "venue-31+venue-62"]
    shares = store.shares(connection, [1]).group_by("source").agg(pl.col("hours").sum())
    assert dict(shares.iter_rows()) == {"venue-62": 44, "venue-31": 4}
    asks = [(1, Window(T0, T0 + 48 * HOUR))]
    assert store.missing(connection, asks, without=[62]) == [
        [Window(T0, T0 + 24 * HOUR), Window(T0 + 28 * HOUR, T0 + 48 * HOUR)]
    ]


def test_a_renamed_coin_keeps_its_candles_and_answers_to_its_old_id(
    connection: store.Connection,
) -> None:
    learn_coins(connection, ranked(("fetch-ai", "FET", 30)), T0)
    (before,) = find(connection)
    told(connection, "coingecko", listed(("fetch-ai", "fetch-ai", 1, None)))
    store.rename_coins(connection, {"fetch-ai": "asi"}, T0)
    (after,) = find(connection, ["fetch-ai"])
    assert (after.key, after.id, find(connection, ["ASI"])) == (before.key, "asi", [after])
    assert [each.symbol for each in listings(connection, [after])] == ["asi"]
    assert store.ids(connection) == {"fetch-ai": 1, "asi": 1}
    store.rename_coins(connection, {"asi": "fetch-ai"}, T0)  # CoinGecko thought better of it
    assert store.ids(connection) == {"fetch-ai": 1, "asi": 1}
    assert find(connection, ["asi"])[0].id == "fetch-ai"


def described(*rows: tuple[str, str, str | None, str | None]) -> pl.DataFrame:
    seen = listed(*((id_, symbol, 1, None) for id_, symbol, _, _ in rows))
    words = pl.DataFrame(
        [row[2:] for row in rows], {"name": pl.String, "contract": pl.String}, orient="row"
    )
    return pl.concat([seen, words], how="horizontal")


def test_a_name_is_kept_and_another_one_makes_no_other_listing(
    connection: store.Connection, learn: Learn
) -> None:
    learn(BTC, ETH)
    (bitcoin, _) = find(connection)

    def kept() -> list[tuple[str | None, list[str]]]:
        found = store.where_listed(connection, bitcoin)
        return [(each.name, list(each.contracts)) for each in found]

    assert told(connection, "a", listed(("bitcoin", "BTC-USD", 1, None))) == 1
    assert kept() == [(None, [])]
    (listing,) = listings(connection, [bitcoin])
    note_start(connection, listing, T0, T0)
    named_ = described(("bitcoin", "BTC-USD", "Bitcoin", "0xa,0xb"))
    assert [told(connection, "a", named_) for _ in range(2)] == [1, 0]
    assert kept() == [("Bitcoin", ["0xa", "0xb"])]
    assert told(connection, "a", described(("bitcoin", "BTC-USD", "BTC", None))) == 1
    assert kept() == [("BTC", ["0xa", "0xb"])]
    assert told(connection, "a", described(("bitcoin", "BTC-USD", None, None))) == 0
    assert kept() == [("BTC", ["0xa", "0xb"])]
    (after,) = listings(connection, [bitcoin])
    assert (after.start, after.start_checked_at) == (T0, T0)
    assert told(connection, "a", listed(("bitcoin", "BTC-USD", 1000, None))) == 1
    assert kept() == [("BTC", ["0xa", "0xb"])]


TOKEN, OTHER, PLACEHOLDER = (f"0x{n:040x}" for n in (10, 11, 12))


@pytest.mark.parametrize(
    ("at_a", "at_b", "shared"),
    [
        (TOKEN, TOKEN, {TOKEN: "a ETH-A is ethereum, b ETH-B is wrapped-eth"}),
        (f"{OTHER},{TOKEN}", TOKEN, {TOKEN: "a ETH-A is ethereum, b ETH-B is wrapped-eth"}),
        (TOKEN, OTHER, {}),  # it may be another network's
        (TOKEN, None, {}),
        ("eth", "eth", {}),
        (PLACEHOLDER, PLACEHOLDER, {}),  # `a` tells it of bitcoin as well
    ],
)
def test_one_contract_taken_for_two_coins_is_told(
    connection: store.Connection,
    learn: Learn,
    at_a: str | None,
    at_b: str | None,
    shared: dict[str, str],
) -> None:
    learn(BTC, ETH, ("wrapped-eth", "WETH"))
    bitcoin = ("bitcoin", "BTC-A", None, PLACEHOLDER)
    told(connection, "a", described(bitcoin, ("ethereum", "ETH-A", None, at_a)))
    told(connection, "b", described(("wrapped-eth", "ETH-B", None, at_b)))
    assert store.shared_contracts(connection) == shared
    told(connection, "b", described(("ethereum", "ETH-B", None, at_b)), T0)
    told(connection, "b", described(("ethereum", "ETH-B", None, at_b)), T0 + 12 * HOUR)
    assert store.shared_contracts(connection) == {}
