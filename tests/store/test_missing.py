"""Missing hours: asked of the database, in one query."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from chandlery import store
from chandlery.model import HOUR, SCHEMA, Window, instant

Frame = Callable[..., pl.DataFrame]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
Asks = list[tuple[int, Window]]


def window(start: str, end: str) -> Window:
    return Window(instant(start), instant(end))


def test_real_bitcoin_has_28_gaps_of_128_hours(connection: store.Connection, market: Path) -> None:
    recorded = pl.read_parquet(market / "binance_spot/BTCUSDT/1h.parquet")
    hours = recorded.match_to_schema(SCHEMA, missing_columns="insert")
    store.write(connection, {1: hours}, store.source_key(connection, "binance_spot"))
    whole = window("2017-08-17T04:00Z", "2026-04-30T04:00Z")
    before = store.missing(connection, [(1, whole)])
    store.refresh(connection)
    assert store.missing(connection, [(1, whole)]) == before
    assert len(before[0]) == 28
    assert sum(run.hours for run in before[0]) == 128


def runs(there: set[int], ask: Window) -> list[Window]:
    """The reference: hour by hour."""
    found: list[Window] = []
    for at in (ask.start + n * HOUR for n in range(ask.hours)):
        if (at - T0) // HOUR in there:
            continue
        if found and found[-1].end == at:
            found[-1] = Window(found[-1].start, at + HOUR)
        else:
            found.append(Window(at, at + HOUR))
    return found


def presence(dice: random.Random, first: int, last: int) -> set[int]:
    """Hours in runs of any length, with holes of any length."""
    there: set[int] = set()
    at = first
    while at < last:
        length = dice.choice([1, 2, 5, 24, 48, 100])
        if dice.random() < 0.6:
            there |= set(range(at, min(at + length, last)))
        at += length
    return there


def asked(dice: random.Random) -> Asks:
    """Windows of any alignment: inside, across and beyond what is there; some twice, one empty."""
    ends = [sorted(dice.sample(range(-300, 1000), 2)) for _ in range(30)]
    some = [(dice.randint(1, 4), Window(T0 + a * HOUR, T0 + b * HOUR)) for a, b in ends]
    whole = [(coin, Window(T0 - 300 * HOUR, T0 + 1000 * HOUR)) for coin in (1, 2, 3, 4, 1)]
    return [*some, *whole, (1, Window(T0, T0)), some[0]]


def test_what_is_missing_is_what_is_not_there_whatever_was_refreshed(
    connection: store.Connection, frame: Frame
) -> None:
    """Through writes, refreshes and deletions, against counting by hand; coin 4 has nothing."""
    there: dict[int, set[int]] = {1: set(), 2: set(), 3: set(), 4: set()}

    def check(dice: random.Random) -> None:
        asks = asked(dice)
        assert store.missing(connection, asks) == [runs(there[coin], ask) for coin, ask in asks]

    def put(dice: random.Random, first: int, last: int) -> None:
        new = {coin: presence(dice, first, last) for coin in (1, 2, 3)}
        store.write(connection, {coin: frame(hours) for coin, hours in new.items()}, 0)
        for coin, hours in new.items():
            there[coin] |= hours

    assert store.missing(connection, []) == []
    for seed in range(3):
        dice = random.Random(seed)  # noqa: S311  the same dice for everybody
        check(dice)
        put(dice, 0, 400)
        check(dice)
        store.refresh(connection)
        check(dice)
        put(dice, 200, 300)
        put(dice, 500, 700)
        put(dice, -200, -100)
        check(dice)
        store.refresh(connection)
        check(dice)
        lost = dice.sample(sorted(there[1]), 3)
        connection.execute("set time zone 'Europe/Berlin'")
        connection.execute(
            "delete from candle_1h where coin = 1 and open_time = any (%s)",
            ([T0 + hour * HOUR for hour in lost],),
        )
        connection.execute("set time zone 'UTC'")
        there[1] -= set(lost)
        check(dice)
        store.refresh(connection)
        check(dice)
        connection.execute("truncate candle_1h")
        there.update({coin: set() for coin in there})
        check(dice)


def test_a_day_of_23_hours_in_somebodys_zone_is_still_counted_whole(
    connection: store.Connection, frame: Frame
) -> None:
    """2024-03-31 in Berlin: what a deletion marks must reach the end of the day in UTC."""
    hours = range(31 * 24, 33 * 24)  # the 30th and the 31st
    store.write(connection, {1: frame(hours)}, 0)
    store.refresh(connection)
    connection.execute("set time zone 'Europe/Berlin'")
    connection.execute("delete from candle_1h where open_time = '2024-03-31T12:00Z'")
    connection.execute("set time zone 'UTC'")
    ask = window("2024-03-30", "2024-04-01")
    expected = [[window("2024-03-31T12:00Z", "2024-03-31T13:00Z")]]
    assert store.missing(connection, [(1, ask)]) == expected
    store.refresh(connection)
    assert store.missing(connection, [(1, ask)]) == expected
