"""What each look finds, what it leaves alone, and when a finding ends."""

from collections.abc import Callable, Mapping
from math import inf, nan
from typing import Any

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR, SCHEMA
from chandlery.model.frame import RULES
from chandlery.store.findings import EVERYTHING
from tests.store.looking import FLAT, NOW, STEADY, T0, found, listed, times

Frame = Callable[..., pl.DataFrame]


def test_the_looks_have_kinds_of_their_own() -> None:
    kinds = [kind for look in EVERYTHING for kind in look.kinds]
    assert len(kinds) == len(set(kinds)) == 12


# A candle as good as any but for what is given, and the rules it breaks.
BROKEN: Mapping[str, Mapping[str, Any]] = {
    "half past": {"open_time": T0.replace(minute=30)},
    "a price of nothing": {"low": 0.0},
    "a price below it": {"open": -1.0, "low": -2.0},
    "no end to a price": {"high": inf},
    "a price that is no number": {"close": nan},
    "a price too small to divide by": {"low": 5e-324},
    "a price too large to divide": {"high": 1e308},
    "a high that is not": {"high": 2.5},
    "a low that is not": {"low": 2.5},
    "swapped": {"high": 1.0, "low": 4.0},
    "less than no volume": {"volume": -1.0},
    "volume without end": {"volume": inf},
    "volume that is no number": {"quote_volume": nan},
    "less than no trades": {"trades": -1},
    "more than can be added up": {"volume": 1e305},
    "quotes that cannot be added up": {"quote_volume": 1e305},
    "trades that cannot be added up": {"trades": 10**16},
    "less than nothing bought": {"taker_buy_volume": -1.0},
    "bought without end": {"taker_buy_quote_volume": inf},
    "buys that cannot be added up": {"volume": None, "taker_buy_volume": 1e305},
    "more bought than there was": {"taker_buy_volume": 10.6},
    "more dollars paid than there were": {"taker_buy_quote_volume": 21.1},
    "two at once": {"trades": -1, "high": 2.5},
}


@pytest.mark.parametrize("columns", BROKEN.values(), ids=BROKEN)
def test_a_candle_that_breaks_rules_is_found_by_their_names(
    connection: store.Connection, spot: int, frame: Frame, columns: Mapping[str, Any]
) -> None:
    bad = frame([0], **columns)
    broken = bad.select(rule.broken.fill_null(value=False).alias(rule.name) for rule in RULES)
    names = [name for name, broke in broken.row(0, named=True).items() if broke]
    assert names
    store.write(connection, {1: frame([1], volume=None, trades=None)}, spot)
    connection.execute(
        "insert into candle_1h (open_time, open, high, low, close, volume, quote_volume, trades,"
        " taker_buy_volume, taker_buy_quote_volume, coin, source)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1, %s)",
        (*bad.row(0), spot),
    )
    ((kind, coin, _, detail),) = found(connection, "rules")
    assert (kind, coin) == ("rules", "A")
    told = detail.partition(": ")[2].partition(";")[0].split(", ")
    if any(value != value for value in columns.values()):  # noqa: PLR0124  nan
        assert set(names) <= set(told)  # where nan is concerned, the two have an order each
    else:
        assert told == names


def test_every_rule_that_the_table_does_not_keep_by_itself_is_looked_for() -> None:
    kept_by_the_table = {"open_time is known", "open_time rises", "prices are known"}
    good = {"open_time": T0, "open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0}
    good |= {"volume": 1.0, "quote_volume": 1.0, "trades": 1}
    frames = [pl.DataFrame([good | columns], schema=SCHEMA) for columns in BROKEN.values()]
    broken = {
        rule.name
        for each in frames
        for rule in RULES
        if each.select(rule.broken.fill_null(value=False).any()).item()
    }
    assert broken == {rule.name for rule in RULES} - kept_by_the_table


def test_good_candles_break_no_rule_and_a_mended_one_no_longer_does(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(5)), 2: frame(range(5), volume=None)}, spot)
    assert found(connection, "rules") == []
    connection.execute("update candle_1h set high = 1.5 where coin = 1")
    connection.execute("update candle_1h set low = 2.5, high = 2.6 where coin = 2")
    assert [row[1:] for row in found(connection, "rules")] == [
        ("A", "28 00", "5 hours do not keep: high is highest; the newest at 2024-02-28 04:00Z"),
        (
            "B",
            "28 00",
            "5 hours do not keep: high is highest, low is lowest; the newest at 2024-02-28 04:00Z",
        ),
    ]
    connection.execute("update candle_1h set high = 4 where coin = 1")
    assert [row[1] for row in found(connection, "rules", now=NOW + 6)] == ["B"]
    (ended,) = connection.execute("select ended_at from finding where coin = 1").fetchall()
    assert ended == (T0 + (NOW + 6) * HOUR,)
    connection.execute("update candle_1h set high = 1.5 where coin = 1")
    assert [row[1] for row in found(connection, "rules", now=NOW + 12)] == ["A", "B"]
    again = connection.execute("select found_at from finding where coin = 1").fetchall()
    assert again == [(T0 + (NOW + 12) * HOUR,)]


def test_two_days_without_a_trade_at_the_end_are_a_zombie(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {coin: frame(range(30), **STEADY) for coin in (1, 2, 3)}, spot)
    store.write(connection, {1: frame(range(30, 30 + 48), **FLAT)}, spot)
    store.write(connection, {2: frame(range(30, 30 + 47), **FLAT)}, spot)
    store.write(connection, {3: frame(range(30, 90), **FLAT)}, spot)
    store.write(connection, {3: frame([90], **STEADY)}, spot)
    expected = "48 hours without a trade, all at 2"
    assert found(connection, "zombie") == [("zombie", "A", "29 06", expected)]
    store.write(connection, {2: frame([77], **FLAT)}, spot)
    store.write(connection, {1: frame([78], **STEADY)}, spot)
    assert found(connection, "zombie", now=NOW + 6) == [("zombie", "B", "29 06", expected)]


def test_any_hour_without_a_trade_after_the_last_listings_end_is_a_zombie(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {coin: frame(range(30), **STEADY) for coin in (1, 2, 3)}, spot)
    listed(connection, "a", T0 + 31 * HOUR)
    listed(connection, "b", T0 + 32 * HOUR)
    listed(connection, "c", T0 + 30 * HOUR)
    store.write(connection, {coin: frame([30, 31], **FLAT) for coin in (1, 2)}, spot)
    store.write(connection, {3: frame([30, 31], **STEADY)}, spot)
    assert found(connection, "zombie") == [
        (
            "zombie",
            "A",
            "29 06",
            "2 hours without a trade, all at 2; its last listing ended at 2024-02-29 07:00Z",
        )
    ]


def test_a_coin_that_was_flat_from_the_first_hour_is_a_zombie(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(5, 60), **FLAT)}, spot)
    # A price that no trade made, but that moves, or whose volume nobody knows, is not one.
    store.write(connection, {2: frame(range(60), **FLAT | {"volume": None})}, spot)
    moving = pl.concat(frame([h], **times(1 + h, FLAT)) for h in range(60))
    store.write(connection, {3: moving.with_columns(volume=0.0)}, spot)
    assert [row[1:3] for row in found(connection, "zombie")] == [("A", "28 05")]


def test_a_listed_coin_without_new_hours_is_stale_until_they_come(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in "abc":
        listed(connection, coin, T0 + 20 * HOUR if coin == "c" else None)
    hours = {1: frame(range(26)), 2: frame(range(27)), 3: frame(range(20)), 4: frame(range(20))}
    store.write(connection, hours, spot)
    # At 30 the last closed hour is 29, four after 25; C has ended, D is not listed.
    expected = ("stale", "A", "29 01", "4 hours behind")
    assert found(connection, "stale", now=30) == [expected]
    assert found(connection, "stale", now=30) == [expected]
    store.write(connection, {1: frame(range(26, 34)), 2: frame(range(27, 34))}, spot)
    assert found(connection, "stale", now=36) == []
    ((found_at, ended_at),) = connection.execute(
        "select found_at, ended_at from finding where kind = 'stale'"
    ).fetchall()
    assert (found_at, ended_at) == (T0 + 30 * HOUR, T0 + 36 * HOUR)


def restate(connection: store.Connection, hour: int, close: float, at: int, source: int) -> None:
    """Note that this hour's close was another until then."""
    connection.execute(
        "insert into restated (coin, open_time, open, high, low, close, source, replaced_at)"
        " values (1, %s, 2, 4, 1, %s, %s, %s)",
        (T0 + hour * HOUR, close, source, T0 + at * HOUR),
    )


def check(connection: store.Connection, now: int) -> list[tuple[str, str, str, str]]:
    """A check that is kept, as the quality flow does it."""
    rows = found(connection, "restated", now=now)
    at = T0 + now * HOUR
    measured = store.measure(connection, [1], at)
    store.keep_quality(connection, at, measured, store.shares(connection, [1]))
    return rows


def test_restated_values_are_told_once_for_a_check_and_for_a_week(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    okx = store.source_key(connection, "okx")
    store.write(connection, {1: frame(range(24))}, spot)
    restate(connection, 3, 3.0, 30, spot)  # the volume was another
    assert check(connection, 48) == []
    restate(connection, 4, 2.0, 50, spot)
    restate(connection, 4, 2.9, 51, spot)  # twice: from 2 to 3 in all
    restate(connection, 5, 2.9, 50, okx)  # a better source's has its place
    restate(connection, 6, 2.9, 70, spot)  # after this check
    expected = "1 hour closed otherwise before; the largest change, +50.00 %, at 2024-02-28 04:00Z"
    assert check(connection, 54) == [("restated", "A", "28 04", expected)]
    assert check(connection, 54) == [("restated", "A", "28 04", expected)]
    assert [row[2] for row in check(connection, 72)] == ["28 04", "28 06"]
    assert [row[2] for row in check(connection, 54 + 7 * 24)] == ["28 04", "28 06"]
    assert [row[2] for row in check(connection, 60 + 7 * 24)] == ["28 06"]
    assert check(connection, 80 + 7 * 24) == []


def test_an_absurd_price_that_the_venue_mended_stops_no_look(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    """As they were stored before prices had bounds: their quotient with any other is no double."""
    store.write(connection, {1: frame(range(24)), 2: frame(range(24))}, spot)
    restate(connection, 4, 5e-324, 50, spot)
    connection.execute("update restated set coin = 2")
    restate(connection, 5, 1e308, 50, spot)
    restate(connection, 6, 2.0, 50, spot)
    told = "closed otherwise before; the largest change,"
    assert [row[3] for row in check(connection, 54)] == [
        f"1 hour {told} beyond measure, at 2024-02-28 04:00Z",
        f"2 hours {told} +50.00 %, at 2024-02-28 06:00Z",
    ]


def test_a_finding_is_new_until_the_coins_next_check(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(60), **FLAT)}, spot)
    for now, new in ((60, True), (60, True), (66, False)):
        check(connection, now)
        rows = store.open_findings(connection, [1], T0 + now * HOUR)
        assert rows.select("kind", "new").rows() == [("zombie", new)]


def test_a_run_closes_what_it_looks_for_and_nothing_else(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(5)), 2: frame(range(60), **FLAT)}, spot)
    store.write(connection, {1: frame(range(9, 20), **times(0.014))}, spot)
    assert sorted(row[0] for row in found(connection)) == ["redenomination", "zombie"]
    store.write(connection, {1: frame(range(5, 9), **times(0.014))}, spot)
    store.refresh(connection)
    assert store.find_oddities(connection, [1, 2]) == []
    rows = connection.execute("select kind from finding where ended_at is null").fetchall()
    assert rows == [("zombie",)]


def test_candles_of_a_foreign_writer_stop_no_look(connection: store.Connection, spot: int) -> None:
    okx = store.source_key(connection, "okx")
    values = [0.0, -1.0, inf, -inf, nan, 1e308, 5e-324]
    for hour, value in enumerate(values * 6):
        connection.execute(
            "insert into candle_1h (open_time, open, high, low, close, coin, source)"
            " values (%s, %s, %s, %s, %s, 1, %s)",
            (
                T0 + hour * 5 * HOUR,
                value,
                values[hour % 5],
                values[hour % 3],
                values[hour % 4],
                (spot, okx)[hour % 2],
            ),
        )
    connection.execute("insert into stale (starts_at, ends_at) values ('-infinity', 'infinity')")
    restate(connection, 0, nan, 30, spot)
    restate(connection, 5, 0.0, 30, spot)
    assert "rules" in {row[0] for row in found(connection)}
