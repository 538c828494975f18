"""That the golden comparison sees what it is there to see."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from bench.golden import differences, in_venue_units
from chandlery.model import HOUR, SCHEMA

STEP = timedelta(hours=4)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
LAST_HOUR = FIRST + 3 * STEP - HOUR


def bars(count: int = 3, start: datetime = FIRST, **values: float | None) -> pl.DataFrame:
    row: dict[str, float | None] = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0}
    row |= {"volume": 10.0, "quote_volume": 25.0, "trades": 7, **values}
    rows = [{"open_time": start + n * STEP, **row} for n in range(count)]
    return pl.DataFrame(rows, schema=SCHEMA)


def test_equal_bars_do_not_differ() -> None:
    assert differences(bars(), bars(), STEP, LAST_HOUR).is_empty()


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
def test_a_price_that_is_off_by_its_last_bit_differs(column: str) -> None:
    theirs = bars().with_columns(pl.col(column) * (1 + 2**-52))
    found = differences(bars(), theirs, STEP, LAST_HOUR)
    assert found["differs"].to_list() == [[column]] * 3


@pytest.mark.parametrize("column", ["volume", "quote_volume"])
def test_amounts_may_differ_by_a_billionth_and_no_more(column: str) -> None:
    near, far = (bars().with_columns(pl.col(column) * (1 + part)) for part in (5e-10, 2e-9))
    assert differences(bars(), near, STEP, LAST_HOUR).is_empty()
    assert differences(bars(), far, STEP, LAST_HOUR).height == 3


def test_trades_are_exact() -> None:
    assert differences(bars(), bars(trades=8), STEP, LAST_HOUR).height == 3


def test_before_2022_quote_volume_and_trades_are_not_held_against_us() -> None:
    before = datetime(2021, 1, 1, tzinfo=UTC)
    ours = bars(start=before, quote_volume=24.99, trades=None)
    last = before + 3 * STEP - HOUR
    assert differences(ours, bars(start=before), STEP, last).is_empty()
    assert differences(ours, bars(start=before, volume=11.0), STEP, last).height == 3


def test_what_the_venue_did_not_tell_is_not_compared_and_what_we_lack_is() -> None:
    assert differences(bars(), bars(quote_volume=None, trades=None), STEP, LAST_HOUR).is_empty()
    assert differences(bars(trades=None), bars(), STEP, LAST_HOUR).height == 3
    assert differences(bars(volume=None), bars(), STEP, LAST_HOUR).height == 3


def test_a_bar_that_one_side_lacks_differs() -> None:
    assert differences(bars(2), bars(), STEP, LAST_HOUR).height == 1
    assert differences(bars(), bars(2), STEP, LAST_HOUR).height == 1


def test_a_bar_that_reaches_past_the_last_hour_is_left_out() -> None:
    theirs = bars().with_columns(close=pl.Series([3.0, 3.0, 2.5]))
    assert differences(bars(), theirs, STEP, LAST_HOUR - HOUR).is_empty()
    assert differences(bars(), theirs, STEP, LAST_HOUR).height == 1


def test_bars_before_the_first_hour_are_left_out() -> None:
    earlier = bars(5, FIRST - 2 * STEP)
    assert differences(bars(), earlier, STEP, LAST_HOUR, FIRST).is_empty()
    assert differences(bars(), earlier, STEP, LAST_HOUR).height == 2


def test_a_first_bar_partly_filled_counts_where_the_coin_begins_and_not_amid_its_life() -> None:
    theirs, born = bars(volume=11.0), FIRST + HOUR
    assert differences(bars(), theirs, STEP, LAST_HOUR, born).height == 3
    amid = bars(5, FIRST - 2 * STEP, volume=11.0)
    assert differences(bars(), amid, STEP, LAST_HOUR, born).height == 2


@pytest.mark.parametrize("form", ["column", "number"])
def test_prices_of_one_coin_are_compared_in_the_venues_units(form: str) -> None:
    prices = pl.Series([n / 1e7 for n in range(100_000, 110_000)])
    times = FIRST + pl.int_range(len(prices)) * STEP
    theirs = (
        bars(1).drop("open_time", "open").join(pl.select(open_time=times, open=prices), how="cross")
    )
    by = pl.repeat(1000.0, len(prices), eager=True) if form == "column" else 1000.0
    ours = theirs.with_columns(pl.col("open", "high", "low", "close") / by, pl.col("volume") * 1000)
    last = FIRST + len(prices) * STEP
    assert differences(in_venue_units(ours, 1000), theirs, STEP, last).is_empty()
    off = theirs.with_columns(pl.col("open") + 1e-7)
    assert differences(in_venue_units(ours, 1000), off, STEP, last).height == len(prices)
