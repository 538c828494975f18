"""What each look finds, what it leaves alone, and when a finding ends."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import polars as pl
import pytest

import store
from candles import HOUR, SCHEMA, Window
from candles.frame import RULES
from store import Absence
from store.findings import EVERYTHING
from store.listings import learn_listings

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOW = 24 * 30

STEADY = {"open": 2.0, "high": 2.1, "low": 1.9, "close": 2.0}
FLAT = {"open": 2.0, "high": 2.0, "low": 2.0, "close": 2.0, "volume": 0.0}


def times(factor: float, prices: Mapping[str, float] = STEADY) -> dict[str, float]:
    return {name: value * factor for name, value in prices.items()}


@pytest.fixture
def spot(connection: store.Connection, learn: Learn) -> int:
    """A source, and five coins that are there to be its candles' owners."""
    learn(*((name, name.upper()) for name in "abcde"))
    return store.source_key(connection, "spot")


def listed(connection: store.Connection, coin: str, end: datetime | None = None) -> None:
    listing = pl.DataFrame(
        {"id": [coin], "symbol": [f"{coin}USDT"], "multiple": [1], "start": [None], "end": [end]},
        schema_overrides={"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")},
    )
    others = pl.DataFrame({"symbol": [f"{name}USDT" for name in "abcde"]}).with_columns(
        trading=pl.lit(value=True), end=pl.lit(None, pl.Datetime("us", "UTC"))
    )
    learn_listings(connection, "spot", listing, T0, others)


def lacks(connection: store.Connection, source: int, *holes: tuple[int, int, int, str]) -> None:
    """What a source had none of, as (coin, first hour, end, outcome); outages are told from it."""
    told = [
        Absence(coin, Window(T0 + start * HOUR, T0 + end * HOUR), outcome, None, T0, T0, 1, None)
        for coin, start, end, outcome in holes
    ]
    store.replace_absences(connection, source, sorted({each.coin for each in told}), told)
    store.refresh(connection)
    store.find_outages(connection, Window(T0, T0 + NOW * HOUR))


def found(
    connection: store.Connection, *kinds: str, now: int = NOW
) -> list[tuple[str, str, str, str]]:
    """What holds then, as (kind, coin, day and hour, detail)."""
    store.refresh(connection)
    at = T0 + now * HOUR
    store.look_for(connection, [1, 2, 3, 4, 5], at)
    rows = store.open_findings(connection, [1, 2, 3, 4, 5], at).filter(
        pl.col("ended_at").is_null() & (pl.col("kind").is_in(kinds) | (len(kinds) == 0))
    )
    columns = ("kind", "symbol", "open_time", "detail")
    told = rows.select(columns).sort("open_time", "symbol", "kind").iter_rows()
    return [(kind, coin, f"{at:%d %H}", detail) for kind, coin, at, detail in told]


def test_the_looks_have_kinds_of_their_own() -> None:
    kinds = [kind for look in EVERYTHING for kind in look.kinds]
    assert len(kinds) == len(set(kinds)) == 10


# A candle as good as any but for what is given, and the rules it breaks.
BROKEN: Mapping[str, Mapping[str, Any]] = {
    "half past": {"open_time": T0.replace(minute=30)},
    "a price of nothing": {"low": 0.0},
    "a price below it": {"open": -1.0, "low": -2.0},
    "no end to a price": {"high": inf},
    "a price that is no number": {"close": nan},
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
        " coin, source) values (%s, %s, %s, %s, %s, %s, %s, %s, 1, %s)",
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
        ("A", "28 00", "5 hours do not keep: high is highest; the newest at 2024-02-28 04:00"),
        (
            "B",
            "28 00",
            "5 hours do not keep: high is highest, low is lowest; the newest at 2024-02-28 04:00",
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
            "2 hours without a trade, all at 2; its last listing ended at 2024-02-29 07:00",
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


def test_a_candle_that_is_ten_times_too_high_is_one_wick(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    hours = [h for h in range(96) if h != 47]  # 23:00: the way back is on another day
    for coin in (1, 2, 3, 4, 5):
        store.write(connection, {coin: frame(hours, **STEADY)}, spot)
    store.write(connection, {1: frame([47], **times(10)), 2: frame([47], **times(1.4))}, spot)
    store.write(connection, {coin: frame([47], **STEADY) for coin in (3, 4, 5)}, spot)
    detail = (
        "a wick from 2 up to 21 and back (open 20, high 21, low 19, close 20, next close 2);"
        " the median coin of that day ranged from 5.0 % below its open to 5.0 % above"
    )
    assert found(connection, "jump") == [("jump", "A", "29 23", detail)]


NOBODY = "with fewer than three coins that day there is nobody to compare with"

# One hour among steady ones at 2, the close after it (None: no such hour), and what is told.
Case = tuple[Mapping[str, float], float | None, str | None]
HOURS: Mapping[str, Case] = {
    "it stays": (
        {"open": 2.0, "high": 3.6, "low": 1.9, "close": 3.5},
        3.4,
        "rose from 2 to 3.5 (open 2, high 3.6, low 1.9, next close 3.4)",
    ),
    "half of it stays (QUICK 2021-12-28 13:00)": (
        {"open": 2.0, "high": 4.4, "low": 2.0, "close": 3.2},
        2.97,
        "rose from 2 to 3.2 (open 2, high 4.4, low 2, next close 2.97)",
    ),
    "back by its close": (
        {"open": 2.0, "high": 4.4, "low": 2.0, "close": 2.03},
        2.5,
        "a wick from 2 up to 4.4 and back (open 2, high 4.4, low 2, close 2.03, next close 2.5)",
    ),
    "back by the next": (
        {"open": 2.0, "high": 2.1, "low": 0.9, "close": 1.0},
        1.95,
        "a wick from 2 down to 0.9 and back (open 2, high 2.1, low 0.9, close 1, next close 1.95)",
    ),
    "most of it came back, but not all": (
        {"open": 2.0, "high": 2.1, "low": 0.9, "close": 1.0},
        1.7,
        "fell from 2 to 1 (open 2, high 2.1, low 0.9, next close 1.7)",
    ),
    "it reached down and closed above (AEUR 2023-12-05 18:00)": (
        {"open": 2.0, "high": 2.8, "low": 0.92, "close": 2.5},
        2.5,
        "rose from 2 to 2.5 (open 2, high 2.8, low 0.92, next close 2.5)",
    ),
    "its last hour": (
        {"open": 2.0, "high": 3.6, "low": 1.9, "close": 3.5},
        None,
        "rose from 2 to 3.5 (open 2, high 3.6, low 1.9, no candle in the next hour)",
    ),
    "fractions of a hundredth of a cent": (
        {"open": 2.0, "high": 2.0, "low": 5e-05, "close": 0.1 + 0.2},
        0.25689999999,
        "fell from 2 to 0.3 (open 2, high 2, low 0.00005, next close 0.2569)",
    ),
    "too little": ({"open": 2.0, "high": 2.9, "low": 1.9, "close": 2.8}, 2.8, None),
}


@pytest.mark.parametrize("case", HOURS.values(), ids=HOURS)
def test_a_jump_is_told_by_its_prices_and_a_wick_is_what_came_back(
    connection: store.Connection, spot: int, frame: Frame, case: Case
) -> None:
    hour, after, told = case
    store.write(connection, {1: frame(range(30), **STEADY)}, spot)
    store.write(connection, {1: frame([30], **hour)}, spot)
    if after is not None:
        flat = dict.fromkeys(STEADY, after)
        store.write(connection, {1: frame(range(31, 34), **flat)}, spot)
    else:
        store.write(connection, {1: frame(range(35, 40), **dict.fromkeys(STEADY, 3.5))}, spot)
    expected = [] if told is None else [("jump", "A", "29 06", f"{told}; {NOBODY}")]
    assert found(connection, "jump") == expected


def test_a_price_that_stays_elsewhere_is_one_jump(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2, 3):
        store.write(connection, {coin: frame(range(50), **STEADY)}, spot)
    store.write(connection, {1: frame(range(50, 96), **times(0.4))}, spot)
    ((_, coin, at, detail),) = found(connection, "jump")
    assert (coin, at) == ("A", "01 02")
    assert detail.startswith("fell from 2 to 0.8 (open 0.8, high 0.84, low 0.76, next close 0.8)")


def test_of_a_day_the_largest_move_by_closes_is_told_and_the_largest_wick(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    """AEUR 2023-12-05: twice its price at 17:00, a quarter more by way of half of it at 18:00."""
    store.write(connection, {1: frame(range(24), **FLAT)}, spot)
    moves = {
        24: {"open": 2.0, "high": 4.0, "low": 2.0, "close": 4.0},
        25: {"open": 4.0, "high": 5.6, "low": 1.8, "close": 5.0},
        30: {"open": 5.0, "high": 11.0, "low": 5.0, "close": 5.0},
        31: {"open": 5.0, "high": 12.0, "low": 5.0, "close": 5.0},
        32: {"open": 5.0, "high": 9.0, "low": 5.0, "close": 5.0},
    }
    flat = dict.fromkeys(STEADY, 5.0)
    for hour in range(24, 40):
        store.write(connection, {1: frame([hour], **moves.get(hour, flat))}, spot)
    rose = "rose from 2 to 4 (open 2, high 4, low 2, next close 5), the largest of 2 that day"
    wick = (
        "a wick from 5 up to 12 and back (open 5, high 12, low 5, close 5, next close 5),"
        " the largest of 3 that day"
    )
    told = [(at, detail.partition(";")[0]) for *_, at, detail in found(connection, "jump")]
    assert told == [("29 00", rose), ("29 07", wick)]


def test_what_befalls_the_whole_market_is_no_jump(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2, 3, 4, 5):
        store.write(connection, {coin: frame(range(50), **STEADY)}, spot)
    for coin, factor in ((1, 0.5), (2, 0.55), (3, 0.45), (4, 0.9), (5, 0.1)):
        store.write(connection, {coin: frame(range(50, 96), **times(factor))}, spot)
    # The median coin lost half; only the one that lost nine tenths lost far more.
    assert [row[1] for row in found(connection, "jump")] == ["E"]


def test_the_first_hours_of_a_coin_and_those_after_a_halt_are_not_judged(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    listing_day = pl.concat(frame([h], **times(3 if h % 2 else 1)) for h in range(12))
    store.write(connection, {1: listing_day}, spot)
    after = pl.concat(frame([h], **times(3 if h % 2 else 1)) for h in range(100, 111))
    store.write(connection, {1: after}, spot)
    assert found(connection, "jump") == []
    store.write(connection, {1: frame([111, 112], **times(9))}, spot)
    assert found(connection, "jump") == []
    store.write(connection, {1: frame([113], **STEADY)}, spot)
    assert [row[2] for row in found(connection, "jump")] == ["03 17"]


@pytest.fixture
def others(connection: store.Connection, spot: int, frame: Frame) -> None:
    """A coin that the source has all hours of: what it lacks of the others is no outage."""
    store.write(connection, {5: frame(range(400), **STEADY)}, spot)


@pytest.mark.usefixtures("others")
def test_a_redenomination_is_told_once(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    """As a jump too when the halt is short; as a halt too when it is long."""
    for coin, halt in ((1, 4), (2, 149)):
        store.write(connection, {coin: frame(range(40), **STEADY)}, spot)
        store.write(connection, {coin: frame(range(40 + halt, 250), **times(0.01))}, spot)
    lacks(connection, spot, (1, 40, 44, "hole"), (2, 40, 189, "hole"))
    assert [row[:2] for row in found(connection)] == [
        ("redenomination", "A"),
        ("redenomination", "B"),
    ]


@pytest.mark.usefixtures("others")
def test_another_coin_after_a_halt_is_told_once(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame(range(40), **STEADY)}, spot)
    store.write(connection, {1: frame(range(189, 250), **times(3))}, spot)
    lacks(connection, spot, (1, 40, 189, "hole"))
    assert [row[0] for row in found(connection)] == ["suspected reuse"]


@pytest.mark.usefixtures("others")
def test_a_day_without_a_candle_in_mid_life_is_a_halt(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame([*range(30), *range(54, 60)])}, spot)  # across two days
    store.write(connection, {2: frame([*range(30), *range(53, 60)])}, spot)
    store.write(connection, {3: frame([*range(30), *range(149 + 30, 185)])}, spot)
    lacks(connection, spot, (1, 30, 54, "hole"), (2, 30, 53, "hole"), (3, 30, 179, "between"))
    listed(connection, "c")
    assert found(connection, "halt") == [
        ("halt", "A", "01 06", "24 hours without a candle from 2024-02-29 06:00 on"),
        ("halt", "C", "06 11", "149 hours without a candle from 2024-02-29 06:00 on"),
    ]
    store.write(connection, {1: frame([40])}, spot)
    assert [row[1] for row in found(connection, "halt", now=NOW + 6)] == ["C"]


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize("outcome", [None, "failed", "lost", "refused", "edge", "malformed"])
def test_hours_that_no_venue_says_it_has_none_of_are_no_halt(
    connection: store.Connection, spot: int, frame: Frame, outcome: str | None
) -> None:
    """Nobody was asked, or they did not answer, or nothing tells that the answer was whole."""
    store.write(connection, {1: frame([*range(30), *range(90, 99)])}, spot)
    if outcome is not None:
        lacks(connection, spot, (1, 30, 90, outcome))
    assert found(connection, "halt") == []


@pytest.mark.usefixtures("others")
def test_a_halt_is_as_long_as_the_venue_was_asked_for(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2):
        store.write(connection, {coin: frame([*range(30), *range(90, 99)])}, spot)
    lacks(connection, spot, (1, 60, 90, "hole"), (2, 30, 60, "hole"))
    # A's first 30 hours nobody was asked for; B's last 30, so that nobody knows when it went on.
    assert found(connection, "halt") == [
        ("halt", "A", "02 18", "30 hours without a candle from 2024-03-01 12:00 on")
    ]


def test_an_outage_of_the_venue_is_no_halt(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    for coin in (1, 2):
        store.write(connection, {coin: frame([*range(30), *range(90, 99)])}, spot)
    lacks(connection, spot, (1, 30, 90, "hole"), (2, 30, 90, "hole"))
    assert found(connection, "halt") == []


@pytest.mark.usefixtures("others")
def test_hours_between_two_listings_are_no_halt(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    store.write(connection, {1: frame([*range(10), *range(100, 110)])}, spot)
    lacks(connection, spot, (1, 10, 100, "hole"))
    listed(connection, "a", T0 + 10 * HOUR)
    assert found(connection, "halt") == []
    listed(connection, "a", T0 + 105 * HOUR)
    assert [row[1] for row in found(connection, "halt")] == ["A"]
    connection.execute("update listing set starts_at = %s", (T0 + 11 * HOUR,))
    assert [row[3] for row in found(connection, "halt", now=NOW + 6)] == [
        "89 hours without a candle from 2024-02-28 11:00 on"
    ]
    connection.execute("update listing set starts_at = %s", (T0 + 99 * HOUR,))
    assert found(connection, "halt", now=NOW + 12) == []


def test_prices_are_written_as_people_write_them(
    connection: store.Connection, spot: int, frame: Frame
) -> None:
    tiny = 5e-05 / 2
    store.write(connection, {1: frame(range(60), **times(tiny, FLAT))}, spot)  # zombie
    okx = store.source_key(connection, "okx")
    store.write(connection, {2: frame(range(5), **times(128.449999995))}, spot)  # splice
    store.write(connection, {2: frame(range(5, 9), **times(tiny))}, okx)
    store.write(connection, {3: frame(range(5), **times(tiny))}, spot)  # redenomination, price
    store.write(connection, {3: frame(range(9, 20), **times(tiny * 1000))}, spot)
    connection.execute(
        "update coin set price = 1.23e-07, priced_at = %s where key = 3", (T0 + 20 * HOUR,)
    )
    told = {(kind, coin): detail for kind, coin, _, detail in found(connection)}
    assert told["zombie", "A"] == "60 hours without a trade, all at 0.00005"
    assert told["splice", "B"] == "spot closed at 256.9, okx opened at 0.00005"
    expected = "closed at 0.00005, opened at 0.05 after 4 hours without a candle"
    assert told["redenomination", "C"] == expected
    expected = "closed at 0.05, and CoinGecko said 0.000000123 within the hour"
    assert told["price", "C"] == expected


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
    expected = "1 hour closed otherwise before; the largest change, +50.00 %, at 2024-02-28 04:00"
    assert check(connection, 54) == [("restated", "A", "28 04", expected)]
    assert check(connection, 54) == [("restated", "A", "28 04", expected)]
    assert [row[2] for row in check(connection, 72)] == ["28 04", "28 06"]
    assert [row[2] for row in check(connection, 54 + 7 * 24)] == ["28 04", "28 06"]
    assert [row[2] for row in check(connection, 60 + 7 * 24)] == ["28 06"]
    assert check(connection, 80 + 7 * 24) == []


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
