"""The rules of a frame, each broken alone."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chandlery.errors import Malformed
from chandlery.model import HOUR, SCHEMA, check, empty
from chandlery.model.frame import ARRIVAL_RULES, RULES, broken, check_all, is_clear

T0 = datetime(2024, 1, 1, tzinfo=UTC)
GOOD = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0}
KNOWN, HOURLY, RISES, PRICED, POSITIVE, COMPARED, HIGHEST, LOWEST, AMOUNTS, SUMS, PART = (
    rule.name for rule in RULES
)


def frame(**columns: list[object]) -> pl.DataFrame:
    """Three candles that keep every rule, but for the columns given."""
    good = {
        "open_time": [T0, T0 + HOUR, T0 + 3 * HOUR],
        "open": [2.0, 2.0, 2.0],
        "high": [4.0, 4.0, 2.0],
        "low": [1.0, 1.0, 2.0],
        "close": [3.0, 3.0, 2.0],
        "volume": [0.0, None, 1e300],
        "quote_volume": [None, 0.0, None],
        "trades": [None, 0, 10**15],
        "taker_buy_volume": [None, None, None],
        "taker_buy_quote_volume": [None, None, None],
    }
    return pl.DataFrame(good | columns, schema=SCHEMA)


def test_a_good_frame_and_an_empty_one_pass_unchanged() -> None:
    good = frame()
    assert check(good) is good
    far = frame(low=[1e-30, 1.0, 2.0], high=[1e30, 4.0, 2.0])
    assert check(far) is far
    assert check(empty()).schema == SCHEMA


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        (KNOWN, 1, {"open_time": [T0, None, T0 + HOUR]}),
        (KNOWN, 3, {"open_time": [None, None, None]}),
        (HOURLY, 1, {"open_time": [T0, T0 + timedelta(microseconds=1), T0 + HOUR]}),
        (HOURLY, 1, {"open_time": [datetime(1969, 12, 31, 23, 30, tzinfo=UTC), T0, T0 + HOUR]}),
        (RISES, 1, {"open_time": [T0, T0, T0 + HOUR]}),
        (RISES, 1, {"open_time": [T0, T0 + 2 * HOUR, T0 + HOUR]}),
        (RISES, 2, {"open_time": [T0, T0, T0]}),
        *((PRICED, 1, {name: [good, None, 2.0]}) for name, good in GOOD.items()),
        *(
            (POSITIVE, 1, {name: [good, math.nan, 2.0]})
            for name, good in GOOD.items()
            if name != "low"  # which is not the lowest then either
        ),
        *((POSITIVE, 2, {"low": [low, 1.0, low]}) for low in (0.0, -0.0, -1.0, -math.inf)),
        (POSITIVE, 1, {"high": [math.inf, 4.0, 2.0]}),
        (COMPARED, 1, {"high": [math.nextafter(1e30, math.inf), 4.0, 2.0]}),
        (COMPARED, 2, {"low": [5e-324, 1.0, math.nextafter(1e-30, 0.0)]}),
        (HIGHEST, 1, {"high": [4.0, 2.9, 2.0]}),
        (HIGHEST, 1, {"open": [math.nextafter(4.0, 5.0), 2.0, 2.0]}),
        (LOWEST, 1, {"low": [1.0, 2.1, 2.0]}),
        (LOWEST, 1, {"close": [math.nextafter(1.0, 0.0), 3.0, 2.0]}),
        *(
            (AMOUNTS, 1, {"quote_volume": [None] * 3, name: [0.0, bad, None]})
            for name in ("volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume")
            for bad in (-5e-324, math.nan, math.inf, -math.inf)
        ),
        (AMOUNTS, 2, {"trades": [-1, 0, -(2**63)]}),
        (SUMS, 1, {"volume": [0.0, math.nextafter(1e300, math.inf), 1.0]}),
        (SUMS, 1, {"quote_volume": [0.0, 1.7e308, None]}),
        (SUMS, 2, {"trades": [2**63 - 1, 0, 10**15 + 1]}),
        (SUMS, 1, {"taker_buy_volume": [0.0, 1.7e308, None]}),
        (SUMS, 1, {"taker_buy_quote_volume": [1.7e308, 0.0, None]}),
        (PART, 1, {"taker_buy_volume": [5e-324, 1.0, 1e300]}),
        (PART, 1, {"volume": [None, 2.0, 10.0], "taker_buy_volume": [9.0, 2.0, 10.6]}),
        (PART, 1, {"quote_volume": [None, 2.0, None], "taker_buy_quote_volume": [1.0, 2.12, 1.0]}),
    ],
)
def test_a_rule_broken_alone_is_named_with_its_rows(
    name: str, rows: int, columns: dict[str, list[object]]
) -> None:
    with pytest.raises(Malformed) as told:
        check(frame(**columns))
    assert str(told.value) == f"{name} ({rows} rows)"


@pytest.mark.parametrize(
    ("volume", "quote_volume", "fits"),
    [
        (10.0, 10.0, True),  # at the low
        (10.0, 40.0, True),  # at the high
        (10.0, 9.5, True),
        (10.0, 42.0, True),
        (10.0, 9.0, False),
        (10.0, 42.1, False),
        (25.0, 10.0, False),  # swapped
        (10.0, 0.0, True),  # sent where it is not known
        (0.0, 10.0, True),
        (None, 10.0, True),
        (10.0, None, True),
        (0.001, 0.01, True),  # rounded to cents
        (1e300, 1e300, True),
        (5e-324, 5e-324, True),
    ],
)
def test_quote_volume_fits_the_prices(
    volume: float | None, quote_volume: float | None, *, fits: bool
) -> None:
    whole = frame(volume=[volume] * 3, quote_volume=[None, quote_volume, None])
    if fits:
        assert check(whole) is whole
    else:
        with pytest.raises(Malformed, match=r"^quote volume fits the prices \(1 rows\)$"):
            check(whole)


def priced(*factors: float | None, apart: int = 1) -> pl.DataFrame:
    """Candles an hour or more apart, each at so many times the price; None: no number."""
    times = [math.nan if each is None else each for each in factors]
    columns: dict[str, list[object]] = {
        name: [value * each for each in times] for name, value in GOOD.items()
    }
    columns["open_time"] = [T0 + apart * n * HOUR for n in range(len(times))]
    unknown = {name: [None] * len(times) for name in SCHEMA if name not in columns}
    return pl.DataFrame(columns | unknown, schema=SCHEMA)


BESIDE = "prices are near those of the hours beside"


@pytest.mark.parametrize(
    ("factors", "bad"),
    [
        ((1, 1e8, 1, 1), [1]),
        ((1, 1, 1e-8, 1), [2]),
        ((1, 1e8) * 4, [1, 2, 3, 4, 5, 6]),
        ((1, 80, 1, 1), []),  # nobody knows
        ((1, 1, 1e8, 1e8), []),  # nor which side of a step is wrong
        ((1e8, 1, 1, 1), []),
        ((1, None, 1, None, 1), []),  # these break another rule
    ],
)
def test_an_hour_far_from_both_beside_it_is_none(
    factors: tuple[float, ...], bad: list[int]
) -> None:
    told = priced(*factors)
    assert broken(told)[BESIDE].arg_true().to_list() == bad
    assert not (bad and is_clear(told))
    assert broken(told, RULES).width == len(RULES)


def test_hours_that_are_apart_are_not_compared() -> None:
    assert not broken(priced(1, 1e8, 1, apart=2))[BESIDE].any()


def test_takers_may_have_bought_all_of_it_and_a_rounding_more() -> None:
    amounts = {"volume": [10.0] * 3, "quote_volume": [0.01, 20.0, 20.0]}
    bought = {"taker_buy_volume": [0.0, 10.0, 10.4], "taker_buy_quote_volume": [0.02, 20.0, 20.9]}
    whole = frame(**amounts, **bought)
    assert check(whole, RULES) is whole


def test_a_row_that_could_not_be_read_is_told() -> None:
    nothing = {name: [None, value, value] for name, value in GOOD.items()}
    with pytest.raises(Malformed, match=r"prices are known \(1 rows\); a row can be read \(1 rows"):
        check(frame(**nothing))


def test_every_rule_that_is_broken_is_named() -> None:
    with pytest.raises(Malformed) as told:
        check(frame(high=[4.0, 1.0, 2.0], trades=[-1, 0, -1]))
    assert str(told.value) == f"{HIGHEST} (1 rows); {AMOUNTS} (2 rows)"


def test_a_price_that_is_no_number_is_told_whatever_else_follows_from_it() -> None:
    for name in GOOD:
        for bad in (math.nan, math.inf, -math.inf):
            with pytest.raises(Malformed, match=POSITIVE):
                check(frame(**{name: [2.0, bad, 2.0]}))


@pytest.mark.parametrize(
    "other",
    [
        lambda good: good.drop("trades"),
        lambda good: good.with_columns(more=pl.lit(1)),
        lambda good: good.select(reversed(good.columns)),
        lambda good: good.with_columns(pl.col("volume").cast(pl.Float32)),
        lambda good: good.with_columns(pl.col("open_time").dt.cast_time_unit("ms")),
        lambda good: good.with_columns(pl.col("open_time").dt.replace_time_zone(None)),
        lambda good: good.with_columns(pl.col("open_time").dt.convert_time_zone("Etc/UTC")),
    ],
)
def test_a_frame_of_other_columns_is_refused(other: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    with pytest.raises(Malformed, match="columns are "):
        check(other(frame()))


CLEAR = {
    "open_time": [T0, T0 + HOUR, T0 + 3 * HOUR],
    "volume": [10.0, 10.0, 10.0],
    "quote_volume": [20.0, 20.0, 20.0],
    "trades": [5, 5, 5],
    "taker_buy_volume": [5.0, 5.0, 5.0],
    "taker_buy_quote_volume": [10.0, 10.0, 10.0],
}
"""What makes a frame of candles that a glance clears."""
VALUES = (0.0, -0.0, -1.0, 5e-324, 0.5, 1.5, 4.5, 12.0, 25.0, 1e300, 2e300, 1.7e308)
UNKNOWN = (math.inf, -math.inf, math.nan, None)
TIMES = (T0, T0 + 2 * HOUR, T0 + 3 * HOUR, T0 + timedelta(microseconds=1), None)


@pytest.mark.parametrize("name", SCHEMA.names())
def test_one_odd_value_is_judged_by_the_rules_wherever_it_is(name: str) -> None:
    clear = frame(**CLEAR)
    assert is_clear(clear)
    whole = SCHEMA[name] == pl.Int64
    odd: tuple[object, ...] = (0, -1, 10**15, 10**15 + 1, 2**63 - 1, None) if whole else VALUES
    for value in TIMES if name == "open_time" else odd if whole else (*odd, *UNKNOWN):
        for row in range(3):
            changed = clear[name].to_list()
            changed[row] = value
            told = clear.with_columns(pl.Series(name, changed, SCHEMA[name]))
            breaks = broken(told).select(pl.any_horizontal(pl.all()).any()).item()
            assert not (is_clear(told) and breaks), (row, value)
            if breaks:
                with pytest.raises(Malformed):
                    check(told)
            else:
                assert check(told) is told


def test_frames_are_joined_as_they_come_and_each_is_checked_by_itself() -> None:
    later = frame(**CLEAR | {"open_time": [T0 + hour * HOUR for hour in (7, 8, 9)]})
    earlier = frame(**CLEAR)
    assert check_all([later, empty(), earlier]).equals(pl.concat([later, earlier]))
    assert check_all([]).equals(empty())
    twice = frame(**CLEAR | {"open_time": [T0, T0, T0 + HOUR]})
    for bad, name in ((twice, RISES), (frame(**CLEAR | {"low": [0.0, 1.0, 2.0]}), POSITIVE)):
        with pytest.raises(Malformed, match=rf"^{name} \(1 rows\)$"):
            check_all([later, bad, earlier], RULES)
    with pytest.raises(Malformed, match=r"^columns are "):
        check_all([earlier, earlier.drop("trades")])


TINY, HUGE = math.nextafter(0, 1), math.nextafter(1e300, math.inf)
ODD = [0.0, -0.0, -1.0, TINY, HUGE, 1e308, math.inf, -math.inf, math.nan, None]
NUMBERS = st.sampled_from([1.0, 2.0, 3.0, 4.0] * 5 + ODD)
AMOUNTS_TOLD = st.sampled_from([10.0, 15.0, 20.0, 20.5, 40.0, 40.3] * 3 + ODD)
TRADES_TOLD = st.sampled_from([0, 5, 10**15, 10**15 + 1, 2**63 - 1, -1, None])
STEPS = st.sampled_from([HOUR] * 8 + [timedelta(0), -HOUR, timedelta(microseconds=1), None])
ROWS = st.lists(
    st.tuples(STEPS, *[NUMBERS] * 4, *[AMOUNTS_TOLD] * 2, TRADES_TOLD, *[AMOUNTS_TOLD] * 2),
    max_size=3,
)
WHOLE = st.sampled_from(
    [
        (HOUR, 2.0, 4.0, 1.0, 3.0, 10.0, 20.0, 5, 10.0, 20.0),
        (HOUR, 2.0, 4.0, 1.0, 3.0, 10.0, 40.0, None, None, None),
        (HOUR, 2.0, 4.0, 1.0, 3.0, None, None, None, None, None),
    ]
)


@settings(max_examples=1500, deadline=None)
@given(ROWS, st.lists(WHOLE, max_size=2))
def test_what_is_clear_at_a_glance_breaks_no_rule(
    odd: list[tuple[object, ...]], whole: list[tuple[object, ...]]
) -> None:
    at, rows = T0, []
    for step, *values in [*whole, *odd]:
        at += step if isinstance(step, timedelta) else HOUR
        rows.append((None if step is None else at, *values))
    told = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    breaks = broken(told, ARRIVAL_RULES).select(pl.any_horizontal(pl.all()).any()).item()
    assert not (is_clear(told) and breaks)
    assert is_clear(told) or odd  # the rules are not looked at for nothing
    if breaks:
        with pytest.raises(Malformed):
            check(told)
    else:
        assert check(told) is told
