"""Weeks and months: by the rule of every bar, from Monday and from the first, in UTC."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from math import isclose

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)  # a Wednesday
LAST = 24 * 70
SUMS = ("volume", "quote_volume", "trades", "taker_buy_volume")


def monday(at: datetime) -> datetime:
    return at.replace(hour=0) - timedelta(days=at.weekday())


def first_of_month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0)


OPENS = {"1w": monday, "1M": first_of_month}
OVER = {"1w": monday(T0 + LAST * HOUR), "1M": first_of_month(T0 + LAST * HOUR)}


def hours(frame: Frame) -> pl.DataFrame:
    """Ten weeks: a week without volume, a day and some hours that are missing, odd amounts."""
    quiet = range(24 * 12, 24 * 19)  # from Monday, 2024-03-11
    held = [h for h in range(LAST) if not 24 * 30 <= h < 24 * 31 and h % 97]
    volumes = [0.0 if h in quiet or h % 5 == 0 else h / 7 for h in held]
    prices = [1 + (h * 7919 % 101) / 10 for h in held]
    return frame(
        held,
        open=prices,
        high=[price + h % 3 for h, price in zip(held, prices, strict=True)],
        low=[price / (1 + h % 4) for h, price in zip(held, prices, strict=True)],
        close=prices,
        volume=volumes,
        quote_volume=[h / 3 for h in held],
        taker_buy_volume=[volume / 2 for volume in volumes],
    )


def bar(rows: list[dict[str, float]]) -> tuple[float, float, float, float]:
    heard = [row for row in rows if row["volume"]] or rows
    return (
        heard[0]["open"],
        max(row["high"] for row in heard),
        min(row["low"] for row in heard),
        rows[-1]["close"],
    )


def grouped(
    rows: Iterable[dict[str, float]], opens: Callable[[datetime], datetime]
) -> dict[datetime, list[dict[str, float]]]:
    found: dict[datetime, list[dict[str, float]]] = {}
    for row in rows:
        found.setdefault(opens(row["open_time"]), []).append(row)  # type: ignore[arg-type]
    return found


@pytest.fixture
def read(connection: store.Connection, learn: Learn, frame: Frame) -> Callable[..., pl.DataFrame]:
    """Read the bars of a coin that has these hours, as of the last hour's end."""
    learn(("a", "A"), ("b", "B"))
    source = store.source_key(connection, "spot")
    store.write(connection, {1: hours(frame), 2: frame(range(48))}, source)

    def bars(timeframe: str, now: datetime = T0 + LAST * HOUR) -> pl.DataFrame:
        return store.read(connection, store.find(connection, ["A"]), timeframe, now=now)

    return bars


@pytest.mark.parametrize("timeframe", OPENS)
def test_long_bars_equal_what_a_loop_over_the_hours_makes(
    connection: store.Connection,
    read: Callable[..., pl.DataFrame],
    frame: Frame,
    timeframe: str,
) -> None:
    """The same before a refresh and after, and to whoever lives where clocks change in March."""
    expected = {
        opened: rows
        for opened, rows in grouped(hours(frame).to_dicts(), OPENS[timeframe]).items()
        if opened < OVER[timeframe]
    }
    found = read(timeframe)
    assert found["timestamp"].to_list() == list(expected)
    for row, rows in zip(found.to_dicts(), expected.values(), strict=True):
        prices = tuple(row[f"{name}_price"] for name in ("open", "high", "low", "close"))
        assert prices == bar(rows)
        assert (row["hours"], row["timeframe"]) == (len(rows), timeframe)
        assert all(isclose(row[name], sum(it[name] for it in rows)) for name in SUMS)
        assert row["vwap"] == (row["quote_volume"] / row["volume"] if row["volume"] else None)
        assert row["taker_buy_quote_volume"] is None
    store.refresh(connection)
    assert read(timeframe).equals(found)
    connection.execute("set time zone 'America/New_York'")
    assert read(timeframe).equals(found)


def test_a_long_bar_is_shown_when_its_time_is_over(read: Callable[..., pl.DataFrame]) -> None:
    april = datetime(2024, 4, 1, tzinfo=UTC)  # a Monday
    before, after = april - timedelta(microseconds=1), april
    assert read("1M", before)["timestamp"].to_list() == [datetime(2024, 2, 1, tzinfo=UTC)]
    assert read("1M", after).height == 2
    assert (read("1w", before).height, read("1w", after).height) == (4, 5)


def test_one_hour_that_is_not_known_leaves_the_sum_of_its_bars_unknown(
    connection: store.Connection, read: Callable[..., pl.DataFrame]
) -> None:
    connection.execute(
        "update candle_1h set taker_buy_volume = null where coin = 1 and open_time = %s",
        (datetime(2024, 3, 7, 5, tzinfo=UTC),),
    )
    store.refresh(connection)
    for timeframe, unknown in (("4h", 1), ("1d", 1), ("1w", 1), ("1M", 1)):
        sums = read(timeframe)["taker_buy_volume"]
        assert sums.null_count() == unknown < len(sums)


@pytest.mark.parametrize("hours_on", [0, 1, 3, 24 * 3, 24 * 40])
def test_the_newest_bar_is_the_last_that_is_over(
    connection: store.Connection, learn: Learn, frame: Frame, hours_on: int
) -> None:
    """Of a coin with candles at each hour, of one that has had none for days, and of none."""
    learn(("a", "A"), ("b", "B"), ("c", "C"))
    source = store.source_key(connection, "spot")
    store.write(connection, {1: hours(frame), 2: frame([*range(24 * 38), 24 * 45 + 5])}, source)
    now = T0 + (LAST + hours_on) * HOUR + timedelta(minutes=30)
    connection.execute("select set_config('chandlery.now', %s, false)", (now.isoformat(),))
    found = connection.execute(
        'select symbol, timeframe, "timestamp", age from newest order by 1, 2'
    ).fetchall()
    expected = connection.execute(
        'select symbol, timeframe, max("timestamp") from market_data group by 1, 2 order by 1, 2'
    ).fetchall()
    assert [row[:3] for row in found] == expected
    assert [timeframe for symbol, timeframe, *_ in found if symbol == "A"] == sorted(
        ["1M", "1d", "1h", "1w", "4h"]
    )
    ages = {row[:2]: row[3] for row in found}
    assert ages["A", "1h"] == timedelta(hours=hours_on, minutes=30)
    assert ages["B", "1d"] == now - (T0 + timedelta(days=46))
