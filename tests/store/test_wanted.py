"""Completeness from what was wanted on; hours that nobody could have are missing nowhere."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR, Window

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
TIME = pl.Datetime("us", "UTC")
Spans = list[tuple[int | None, int | None]]


def window(start: int, end: int) -> Window:
    return Window(T0 + start * HOUR, T0 + end * HOUR)


def list_spans(connection: store.Connection, spans: Spans) -> None:
    """Listings of the coin `btc` at `spot`, from and to these hours."""

    def at(hour: int | None) -> datetime | None:
        return None if hour is None else T0 + hour * HOUR

    rows = [("btc", f"S{n}", 1, at(start), at(end)) for n, (start, end) in enumerate(spans)]
    schema = {"id": pl.String, "symbol": pl.String, "multiple": pl.Int64, "start": TIME}
    seen = pl.DataFrame(rows, schema=schema | {"end": TIME}, orient="row")
    markets = seen.with_columns(trading=pl.col("end").is_null())
    store.learn_listings(connection, "spot", seen, T0, markets)


def quality(connection: store.Connection, now: int) -> dict[str, tuple[object, ...]]:
    with connection.transaction():
        moment = (T0 + now * HOUR).isoformat()
        connection.execute("select set_config('chandlery.now', %s, true)", (moment,))
        rows = connection.execute(
            "select timeframe, completeness_percentage, missing_records, expected_records"
            " from data_quality"
        ).fetchall()
    return {str(timeframe): tuple(rest) for timeframe, *rest in rows}


@pytest.fixture
def spot(connection: store.Connection, learn: Learn) -> int:
    learn(("btc", "BTC"))
    return store.source_key(connection, "spot")


def test_since_when_it_is_listed_is_known_or_nobody_asked(
    connection: store.Connection, frame: Frame, spot: int
) -> None:
    def unasked() -> list[bool]:
        return [each.unasked for each in store.held(connection, T0 + 48 * HOUR)]

    store.write(connection, {1: frame(range(48))}, spot)
    store.refresh(connection)
    assert unasked() == [False]  # by hand: no venue lists it
    connection.execute("insert into listing (coin, source, symbol) values (1, %s, 'A')", [spot])
    assert unasked() == [True]
    connection.execute("update listing set starts_at = %s", [T0])
    assert unasked() == [False]


def test_what_was_not_wanted_is_not_missing(
    connection: store.Connection, frame: Frame, spot: int
) -> None:
    list_spans(connection, [(-1000, None)])
    store.note_wanted(connection, [1], T0)
    store.write(connection, {1: frame(range(48))}, spot)
    store.refresh(connection)
    assert quality(connection, 48)["1h"] == (Decimal(100), 0, 48)
    assert store.gaps(connection, [1], None, T0 + 48 * HOUR) == []
    (held,) = store.held(connection, T0 + 48 * HOUR)
    assert (held.missing, held.unwanted, held.unasked) == (0, 1000, False)

    # SourceList to look there, it says that they were not wanted, and who fetches them.
    told = store.gaps(connection, [1], window(-1100, 48), T0 + 48 * HOUR)
    assert [(gap.window, gap.reason, gap.asked_by) for gap in told] == [
        (window(-1100, -1000), "not listed yet", None),
        (window(-1000, 0), "not wanted", "backfill"),
    ]

    # Wanted from earlier on, they are missing; later starts change nothing.
    store.note_wanted(connection, [1], T0 - 10 * HOUR)
    store.note_wanted(connection, [1], T0 + 40 * HOUR)
    assert quality(connection, 48)["1h"] == (Decimal("82.7586"), 10, 58)
    (gap,) = store.gaps(connection, [1], None, T0 + 48 * HOUR)
    assert (gap.window, gap.reason) == (window(-10, 0), "not tried")


def test_an_older_candle_is_part_of_the_life(
    connection: store.Connection, frame: Frame, spot: int
) -> None:
    list_spans(connection, [(-1000, None)])
    store.note_wanted(connection, [1], T0 + 20 * HOUR)
    store.write(connection, {1: frame([5, *range(20, 48)])}, spot)
    store.refresh(connection)
    assert quality(connection, 48)["1h"] == (Decimal("67.4419"), 14, 43)


def test_hours_between_two_listings_are_missing_nowhere(
    connection: store.Connection, frame: Frame, spot: int
) -> None:
    """Listed for 30 hours but from 05:00 to 12:00, and 13:00 lacks: the migration's example."""
    list_spans(connection, [(0, 5), (12, None)])
    store.note_wanted(connection, [1], T0)
    store.write(connection, {1: frame([*range(5), 12, *range(14, 30)])}, spot)
    store.refresh(connection)
    assert quality(connection, 30) == {
        "1h": (Decimal("95.6522"), 1, 23),
        "4h": (Decimal("83.3333"), 1, 6),
        "1d": (Decimal(0), 1, 1),
    }
    told = store.gaps(connection, [1], None, T0 + 30 * HOUR)
    assert [(gap.window, gap.reason) for gap in told] == [
        (window(5, 12), "delisted"),
        (window(13, 14), "not tried"),
    ]
    assert store.unlisted(connection, [1], T0 + 30 * HOUR).rows() == [
        (1, T0 + 5 * HOUR, T0 + 12 * HOUR)
    ]


def test_within_a_window_only_its_hours_are_counted(
    connection: store.Connection, frame: Frame, spot: int
) -> None:
    list_spans(connection, [(0, 5), (12, None)])
    store.note_wanted(connection, [1], T0)
    store.write(connection, {1: frame([*range(5), 12, *range(14, 30)])}, spot)
    store.refresh(connection)
    (held,) = store.held(connection, T0 + 30 * HOUR, window(3, 20))
    assert (held.hours, held.missing) == (9, 1)
    (beyond,) = store.held(connection, T0 + 30 * HOUR, window(-50, 500))
    assert (beyond.hours, beyond.missing) == (22, 1)


@pytest.mark.parametrize(
    ("end", "asked_by"),
    [(24 * 40, "hourly"), (24 * 39, "fill-gaps"), (24 * 10, "backfill")],
)
def test_a_gap_names_the_schedule_that_asks_for_it(
    connection: store.Connection, frame: Frame, spot: int, end: int, asked_by: str
) -> None:
    store.write(connection, {1: frame(set(range(24 * 40)) - {end - 1})}, spot)
    store.refresh(connection)
    (gap,) = store.gaps(connection, [1], None, T0 + 24 * 40 * HOUR)
    assert gap.asked_by == asked_by


@pytest.mark.parametrize(
    ("most", "asked_by"),
    [({}, ["hourly"] * 2), ({"pools": 1}, ["hourly", "fill-gaps"]), ({"pools": 2}, ["hourly"] * 2)],
)
def test_where_an_hourly_run_asks_for_the_best_coins_only_gap_filling_asks_for_the_others(
    connection: store.Connection,
    frame: Frame,
    learn: Learn,
    most: dict[str, int],
    asked_by: list[str],
) -> None:
    learn(("btc", "BTC"), ("eth", "ETH"))
    pools = store.source_key(connection, "pools")
    for coin in (1, 2):
        connection.execute("insert into listing values (%s, %s, %s)", (coin, pools, f"P{coin}"))
    store.write(connection, {coin: frame(range(47)) for coin in (1, 2)}, pools)
    store.refresh(connection)
    now = T0 + 48 * HOUR
    store.note_hourly(connection, {"pools": 1}, now)
    store.note_hourly(connection, most, now)  # as it is today

    def told() -> list[str | None]:
        return [gap.asked_by for gap in store.gaps(connection, [1, 2], None, now)]

    assert told() == asked_by

    # Whoever else lists a coin is asked for it each hour, up to its end.
    spot = store.source_key(connection, "spot")
    connection.execute("insert into listing values (2, %s, 'ETHUSDT')", [spot])
    assert told() == ["hourly"] * 2
    connection.execute("update listing set ends_at = %s where source = %s", [T0, spot])
    assert told() == asked_by


def test_a_coin_without_a_candle_has_its_hours_missing(
    connection: store.Connection, spot: int
) -> None:
    list_spans(connection, [(-100, None)])
    store.note_wanted(connection, [1], T0 - 10 * HOUR)
    failed = store.Absence(1, window(-10, 0), "failed", "away", T0, T0, 1, None)
    store.replace_absences(connection, spot, [1], [failed])
    assert quality(connection, 0) == {"1h": (Decimal(0), 10, 10)}
    (held,) = store.held(connection, T0)
    assert (held.hours, held.missing, held.latest) == (0, 10, None)
    assert connection.execute("select count(*) from historical_data_range").fetchone() == (0,)


@pytest.mark.usefixtures("spot")
def test_how_much_a_run_has_to_fetch_is_rather_too_much_than_too_little(
    connection: store.Connection,
) -> None:
    """A run that had its hours, and asked on, stood at 100 % for a third of its time."""
    list_spans(connection, [(40, None)])
    assert store.wanted(connection, [1], window(0, 48)) == {1: 8}
    list_spans(connection, [(40, None), (None, None)])  # since when, nobody knows
    assert store.wanted(connection, [1], window(0, 48)) == {1: 48}
