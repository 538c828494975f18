"""What is held over time, step by step, and nothing outside of a coin's life."""

from datetime import UTC, datetime

import polars as pl
import pytest

from chandlery.model import HOUR, Window
from chandlery.quality.completeness import COINS, seen

T0 = datetime(2024, 2, 28, 20, tzinfo=UTC)  # four hours before the leap day
TIME = pl.Datetime("us", "UTC")


def coins(*names: str) -> pl.DataFrame:
    rows = [(key, name, name, key, name.lower()) for key, name in enumerate(names, 1)]
    return pl.DataFrame(rows, schema=COINS, orient="row")


def lives(*spans: tuple[int, int, int]) -> pl.DataFrame:
    """Rows (coin, first hour, end) counted from T0."""
    return pl.DataFrame(
        [(coin, "1h", T0 + start * HOUR, T0 + end * HOUR) for coin, start, end in spans],
        schema={"coin": pl.Int64(), "timeframe": pl.String(), "starts_at": TIME, "ends_at": TIME},
        orient="row",
    )


def unlisted(*spans: tuple[int, int, int]) -> pl.DataFrame:
    return lives(*spans).drop("timeframe")


def shared(*rows: tuple[int, datetime, str, int]) -> pl.DataFrame:
    schema = {"coin": pl.Int64(), "at": TIME, "source": pl.String(), "hours": pl.Int64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


FEBRUARY, MARCH = T0.replace(day=1, hour=0), datetime(2024, 3, 1, tzinfo=UTC)


def test_a_month_is_expected_as_far_as_the_coin_lived_in_it() -> None:
    held = seen(
        coins("BTC", "ETH"),
        lives((1, 0, 100), (2, 50, 60)),
        unlisted(),
        shared((1, FEBRUARY, "spot", 20), (1, FEBRUARY, "okx", 8), (1, MARCH, "okx", 1)),
        {},
    )
    assert held.held.rows() == [
        ("btc", "BTC", FEBRUARY, 28, 28),
        ("btc", "BTC", MARCH, 72, 1),
        ("eth", "ETH", MARCH, 10, 0),
    ]
    assert held.shares.rows() == [
        (FEBRUARY, "okx", 8),
        (FEBRUARY, "spot", 20),
        (MARCH, "okx", 1),
    ]


@pytest.mark.parametrize(
    ("step", "steps"), [("hour", [1] * 30), ("day", [4, 24, 2]), ("month", [28, 2])]
)
def test_a_window_is_cut_into_hours_days_or_months(step: str, steps: list[int]) -> None:
    window = Window(T0, T0 + 30 * HOUR)
    held = seen(coins("BTC"), lives((1, -1000, 1000)), unlisted(), shared(), {}, step, window)  # type: ignore[arg-type]
    assert held.held["expected"].to_list() == steps
    assert held.held["present"].to_list() == [0] * len(steps)


def test_a_coin_that_did_not_live_in_the_window_is_not_in_it() -> None:
    window = Window(T0, T0 + 30 * HOUR)
    held = seen(coins("BTC"), lives((1, -1000, 0)), unlisted(), shared(), {}, "day", window)
    assert held.held.is_empty()


def test_never_is_more_there_than_was_expected() -> None:
    """A day's hours are all counted, also those that lie beyond the end."""
    held = seen(coins("BTC"), lives((1, 0, 2)), unlisted(), shared((1, FEBRUARY, "spot", 99)), {})
    assert held.held.rows() == [("btc", "BTC", FEBRUARY, 2, 2)]


def test_hours_that_nobody_could_have_are_not_expected() -> None:
    """Twenty of a life's hundred, of which eight are the rest of February's last but one day."""
    gone = unlisted((1, 20, 40), (1, 76, 100))
    held = seen(coins("BTC"), lives((1, 0, 100)), gone, shared((1, MARCH, "okx", 9)), {}, "day")
    assert held.held.rows() == [
        ("btc", "BTC", T0.replace(hour=0), 4, 0),
        ("btc", "BTC", T0.replace(day=29, hour=0), 16, 0),
        ("btc", "BTC", MARCH, 12, 9),
        ("btc", "BTC", MARCH.replace(day=2), 24, 0),
    ]
