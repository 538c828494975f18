"""The coins as they were ranked on a day: by what, and what that is worth."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR
from tests.conftest import T0, Frame

DAY = timedelta(days=1)
TODAY = T0.date()


def ranked(*coins: tuple[str, int, float | None]) -> pl.DataFrame:
    """Coins as CoinGecko tells them: id, rank, market cap."""
    schema = {"id": pl.String(), "rank": pl.Int64(), "market_cap": pl.Float64()}
    names = {"ticker": pl.col("id").str.to_uppercase(), "name": pl.col("id")}
    return pl.DataFrame(coins, schema, orient="row").with_columns(**names)


@pytest.fixture
def coins(connection: store.Connection) -> Sequence[int]:
    """Three coins, a to c, first told on TODAY, by their keys."""
    store.learn_coins(connection, ranked(("a", 1, 300.0), ("b", 2, 200.0), ("c", 3, None)), T0)
    found = {coin.id: coin.key for coin in store.find(connection)}
    return [found[id_] for id_ in "abc"]


def ids(connection: store.Connection, *given: object) -> list[str]:
    return store.universe(connection, *given)["id"].to_list()  # type: ignore[arg-type]


def trade(
    connection: store.Connection, frame: Frame, dollars: dict[int, float], source: str = "okx"
) -> None:
    """Let each coin (by key) trade for so many dollars, in the first hour of T0."""
    key = store.source_key(connection, source)
    frames = {coin: frame([0], quote_volume=each) for coin, each in dollars.items()}
    store.write(connection, frames, key)
    store.refresh(connection)


@pytest.mark.usefixtures("coins")
def test_ranks_told_on_a_day_hold_for_a_week(connection: store.Connection) -> None:
    again = ranked(("b", 1, 400.0), ("a", 2, 300.0))
    store.learn_coins(connection, again, T0 + 2 * DAY)
    first, second = TODAY, TODAY + 2 * DAY
    found = store.universe(connection, first)
    assert found.schema == store.UNIVERSE
    assert found.rows() == [
        (1, "a", "A", "a", 300.0, None, "market_cap", first, None),
        (2, "b", "B", "b", 200.0, None, "market_cap", first, None),
        (3, "c", "C", "c", None, None, "market_cap", first, None),
    ]
    assert ids(connection, first + DAY) == ["a", "b", "c"]
    assert ids(connection, second) == ids(connection, second + 6 * DAY) == ["b", "a"]
    assert ids(connection, second, 1) == ["b"]
    assert ids(connection, second + 7 * DAY) == ids(connection, first - DAY) == []


@pytest.mark.usefixtures("coins")
def test_a_day_of_which_only_the_best_were_told_gives_way_to_one_with_enough(
    connection: store.Connection,
) -> None:
    store.learn_coins(connection, ranked(("b", 1, 400.0)), T0 + DAY)
    tomorrow = TODAY + DAY
    for most, found in ((1, ["b"]), (3, ["a", "b", "c"]), (4, ["b"]), (None, ["b"])):
        assert ids(connection, tomorrow, most) == found


def test_before_that_it_is_by_what_was_traded_in_the_thirty_days_before(
    connection: store.Connection, coins: Sequence[int], frame: Frame
) -> None:
    a, b, c = coins
    trade(connection, frame, {a: 10.0, b: 30.0, c: 20.0})
    day = date(2024, 2, 29)
    connection.execute("update coin_rank set day = '2025-01-01', told_on = '2025-01-01'")
    found = store.universe(connection, day, 2)
    assert found.rows() == [
        (1, "b", "B", "b", None, 30.0, "volume_30d", day, 2),
        (2, "c", "C", "c", None, 20.0, "volume_30d", day, 2),
    ]
    assert ids(connection, TODAY) == []  # of the day itself nothing is known when it begins
    assert ids(connection, TODAY + 30 * DAY) == ["b", "c", "a"]
    assert ids(connection, TODAY + 31 * DAY) == []


def test_volume_without_dollars_is_worth_its_close_and_no_index_is_traded(
    connection: store.Connection, coins: Sequence[int], frame: Frame
) -> None:
    a, b, _ = coins
    index = store.source_key(connection, "cryptocompare")
    store.note_kinds(connection, ["cryptocompare"])
    store.write(connection, {b: frame([0])}, index)
    trade(connection, frame, {})
    okx = store.source_key(connection, "okx")
    unknown = frame([0, 1], volume=10.0, close=3.0).with_columns(quote_volume=None)
    store.write(connection, {a: unknown.cast({"quote_volume": pl.Float64()})}, okx)
    store.refresh(connection)
    found = store.universe(connection, TODAY + DAY, None, "volume_30d")
    assert found.select("id", "volume_30d").rows() == [("a", 60.0)]


def later(connection: store.Connection, caps: dict[int, float]) -> int:
    """Have a chart tell, ten days later, what coins (by key) were worth the day before TODAY."""
    yesterday = TODAY - DAY
    told = {coin: [(yesterday, cap), (TODAY + 10 * DAY, 1.0)] for coin, cap in caps.items()}
    return store.note_market_caps(connection, told, T0 + 10 * DAY)


def test_market_caps_told_later_are_ranked_once_nearly_all_have_one(
    connection: store.Connection, coins: Sequence[int], frame: Frame
) -> None:
    a, b, c = coins
    yesterday = TODAY - DAY
    volumes = {a: 10.0, b: 30.0, c: 20.0}
    for coin, dollars in volumes.items():
        earlier = frame([0], quote_volume=dollars).with_columns(pl.col("open_time") - 2 * DAY)
        store.write(connection, {coin: earlier}, store.source_key(connection, "okx"))
    store.refresh(connection)
    assert later(connection, {a: 5.0}) == 1
    part = store.universe(connection, yesterday)
    assert part["basis"].unique().to_list() == ["volume_30d"]
    assert part.select("id", "market_cap").rows() == [("b", None), ("c", None), ("a", 5.0)]
    assert part["without_market_cap"].unique().to_list() == [2]
    asked = store.universe(connection, yesterday, None, "market_cap")
    assert asked.select("id", "basis", "without_market_cap").rows() == [
        ("a", "market_cap_later", 2)
    ]
    assert later(connection, {a: 99.0, b: 7.0, c: 6.0}) == 2  # what is known stays
    whole = store.universe(connection, yesterday, 2)
    assert whole.rows() == [
        (1, "b", "B", "b", 7.0, 30.0, "market_cap_later", yesterday, 0),
        (2, "c", "C", "c", 6.0, 20.0, "market_cap_later", yesterday, 0),
    ]
    assert ids(connection, yesterday, 2, "volume_30d") == ["b", "c"]


def test_what_is_told_on_the_day_takes_the_place_of_what_was_told_later(
    connection: store.Connection, coins: Sequence[int]
) -> None:
    later(connection, {coins[0]: 5.0})
    store.learn_coins(connection, ranked(("a", 4, None)), T0 - DAY + 3 * HOUR)
    yesterday = TODAY - DAY
    row = store.universe(connection, yesterday).row(0)
    assert row == (4, "a", "A", "a", 5.0, None, "market_cap", yesterday, None)
    assert later(connection, {coins[0]: 6.0}) == 0
