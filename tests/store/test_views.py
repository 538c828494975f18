"""What readers see: the promised columns, and counts that are right in any zone."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from chandlery import store
from chandlery.model import HOUR, Window
from chandlery.store import Absence
from chandlery.store.frames.learn_listings import learn_listings
from chandlery.store.listings import listings, note_start

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
PROMISED = {
    "market_data": "symbol timestamp timeframe open_price high_price low_price close_price"
    " volume source",
    "historical_data_range": "symbol timeframe earliest_date latest_date total_records is_complete",
    "data_quality": "symbol timeframe completeness_percentage missing_records has_gaps",
}


def ask(
    connection: store.Connection, statement: str, now: int, zone: str = "UTC"
) -> list[tuple[object, ...]]:
    """Ask as of this many hours after 2024-02-28, as a reader whose clock is in `zone`."""
    with connection.transaction():
        moment = (T0 + now * HOUR).isoformat()
        connection.execute("select set_config('chandlery.now', %s, true)", (moment,))
        connection.execute("select set_config('timezone', %s, true)", (zone,))
        return connection.execute(statement.encode()).fetchall()


RANGE = (
    "select timeframe, earliest_date, latest_date, total_records, is_complete"
    " from historical_data_range where symbol = 'BTC' order by timeframe collate \"C\""
)
QUALITY = (
    "select symbol, timeframe, completeness_percentage, missing_records, has_gaps"
    " from data_quality order by symbol, timeframe"
)


def quality(
    connection: store.Connection, now: int, zone: str = "UTC"
) -> dict[str, tuple[object, ...]]:
    return {str(row[1]): row[2:] for row in ask(connection, QUALITY, now, zone)}


def test_the_promised_columns_come_first_in_their_order(connection: store.Connection) -> None:
    for view, columns in PROMISED.items():
        found = connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0"
            " order by attnum",
            (view,),
        ).fetchall()
        assert " ".join(str(name) for (name,) in found).startswith(columns)


def test_market_data_names_coins_by_rank_and_both_sources_of_a_mixed_bar(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"), ("other", "BTC"))
    spot, futures = (store.source_key(connection, name) for name in ("spot", "futures"))
    store.write(connection, {1: frame([0, 1]), 2: frame([0], volume=None)}, futures)
    store.write(connection, {1: frame([2], close=2.5)}, spot)
    rows = (
        'select symbol, "timestamp", timeframe, open_price, high_price, low_price, close_price,'
        ' volume, source from market_data order by symbol, timeframe collate "C", 2'
    )
    found = connection.execute(rows).fetchall()
    prices = (2.0, 4.0, 1.0)
    assert found == [
        ("BTC", datetime(2024, 2, 1, tzinfo=UTC), "1M", *prices, 2.5, 30.0, "spot+futures"),
        ("BTC", T0, "1d", *prices, 2.5, 30.0, "spot+futures"),
        ("BTC", T0, "1h", *prices, 3.0, 10.0, "futures"),
        ("BTC", T0 + HOUR, "1h", *prices, 3.0, 10.0, "futures"),
        ("BTC", T0 + 2 * HOUR, "1h", *prices, 2.5, 10.0, "spot"),
        ("BTC", datetime(2024, 2, 26, tzinfo=UTC), "1w", *prices, 2.5, 30.0, "spot+futures"),
        ("BTC", T0, "4h", *prices, 2.5, 30.0, "spot+futures"),
        ("other", datetime(2024, 2, 1, tzinfo=UTC), "1M", *prices, 3.0, None, "futures"),
        ("other", T0, "1d", *prices, 3.0, None, "futures"),
        ("other", T0, "1h", *prices, 3.0, None, "futures"),
        ("other", datetime(2024, 2, 26, tzinfo=UTC), "1w", *prices, 3.0, None, "futures"),
        ("other", T0, "4h", *prices, 3.0, None, "futures"),
    ]
    learn(("other", "BTC"), ("bitcoin", "BTC"))
    swapped = connection.execute("select distinct symbol, coin_id from market_data order by 1")
    assert swapped.fetchall() == [("BTC", "other"), ("bitcoin", "bitcoin")]


SEEN = (
    "select coin.id, timeframe, bar.open_time, open, high, low, close, bar.volume, hours"
    " from (select '4h' as timeframe, * from candle_4h union all select '1d', * from candle_1d) bar"
    " join coin on coin.key = bar.coin order by 1, 2, 3"
)
SHOWN = (
    'select coin_id, timeframe, "timestamp", open_price, high_price, low_price, close_price,'
    " volume, hours from market_data where timeframe in ('4h', '1d') order by 1, 2, 3"
)


def test_market_data_has_the_bars_that_are_made_and_those_that_are_not_yet(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"), ("ether", "ETH"), ("late", "LATE"))
    source = store.source_key(connection, "spot")

    def equal(bars: int) -> None:
        shown = ask(connection, SHOWN, 400)
        assert shown == ask(connection, SEEN, 400)
        assert len(shown) == bars

    store.write(connection, {1: frame(range(30)), 2: frame(range(5))}, source)
    equal(8 + 2 + 2 + 1)
    store.refresh(connection)
    equal(8 + 2 + 2 + 1)
    store.write(connection, {1: frame(range(30, 51)), 2: frame(range(60, 80))}, source)
    store.write(connection, {3: frame(range(200, 203))}, source)
    equal(13 + 3 + 7 + 3 + 1 + 1)
    store.refresh(connection)
    equal(13 + 3 + 7 + 3 + 1 + 1)


def looked_at(plan: dict[str, Any]) -> int:
    """The rows that a plan took from tables of candles."""
    mine = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    here = mine * plan["Actual Loops"] if "_hyper_" in plan.get("Relation Name", "") else 0
    return int(here) + sum(map(looked_at, plan.get("Plans", ())))


def taken(connection: store.Connection, query: str) -> int:
    """The rows of candles that a query takes to answer, where it may read by the index."""
    for costly in ("hashjoin", "mergejoin", "seqscan"):  # what pays for so few rows
        connection.execute(f"set enable_{costly} = off".encode())
    row = connection.execute(f"explain (analyze, format json) {query}".encode()).fetchone()
    assert row
    return looked_at(row[0][0]["Plan"])


@pytest.fixture
def ten_coins(connection: store.Connection, frame: Frame, learn: Learn) -> None:
    """Ten coins with the same thirty days."""
    learn(*((f"coin-{n}", f"C{n}") for n in range(1, 11)))
    source = store.source_key(connection, "spot")
    store.write(connection, {key: frame(range(720)) for key in range(1, 11)}, source)
    store.refresh(connection)


@pytest.mark.usefixtures("ten_coins")
@pytest.mark.parametrize(
    ("timeframe", "bars", "kept"),
    [("1h", 720, 720), ("4h", 180, 180), ("1d", 30, 30), ("1w", 5, 30), ("1M", 2, 30)],
)
def test_one_coins_candles_are_read_without_a_look_at_the_others(
    connection: store.Connection, timeframe: str, bars: int, kept: int
) -> None:
    query = f"select * from market_data where symbol = 'C7' and timeframe = '{timeframe}'"  # noqa: S608
    assert len(connection.execute(query.encode()).fetchall()) == bars
    assert kept <= taken(connection, query) <= kept + 1  # and at its newest, made or not


@pytest.mark.usefixtures("ten_coins")
@pytest.mark.parametrize("view", ["data_quality", "historical_data_range"])
def test_one_coin_is_counted_without_a_look_at_the_others(
    connection: store.Connection, view: str
) -> None:
    query = f"select * from {view} where symbol = 'C7'"  # noqa: S608
    assert len(connection.execute(query.encode()).fetchall()) == 5
    assert taken(connection, query) == 30


def test_completeness_is_counted_at_each_reading_and_never_latched(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"), ("empty", "EMPTY"))
    source = store.source_key(connection, "spot")
    whole = (Decimal(100), 0, False)
    store.write(connection, {1: frame(range(2, 50))}, source)
    store.refresh(connection)
    for zone in ("UTC", "Asia/Kolkata", "America/St_Johns"):
        bars = dict.fromkeys(("1h", "4h", "1d", "1M"), whole)  # February's two days
        assert quality(connection, 50, zone) == bars
        assert ask(connection, RANGE, 50, zone) == [
            ("1M", T0.replace(day=1), T0.replace(day=1), 1, True),
            ("1d", T0, T0 + 24 * HOUR, 2, True),
            ("1h", T0 + 2 * HOUR, T0 + 49 * HOUR, 48, True),
            ("4h", T0, T0 + 44 * HOUR, 12, True),
        ]
        assert quality(connection, 51, zone)["1h"] == (Decimal("97.9592"), 1, True)
    assert quality(connection, 52)["4h"] == (Decimal("92.3077"), 1, True)
    assert quality(connection, 71)["1d"] == whole
    assert quality(connection, 72)["1d"] == (Decimal("66.6667"), 1, True)
    assert quality(connection, 0)["1h"] == whole  # a moment before the last candle

    connection.execute("delete from candle_1h where open_time = %s", (T0 + 30 * HOUR,))
    store.refresh(connection)
    assert quality(connection, 50) == {
        "1h": (Decimal("97.9167"), 1, True),
        "4h": (Decimal("91.6667"), 1, True),
        "1d": (Decimal("50.0000"), 1, True),
        "1M": (Decimal("0.0000"), 1, True),
    }
    assert quality(connection, 24 * 5, "Asia/Kolkata")["1w"] == (Decimal(0), 1, True)
    (held,) = store.held(connection, T0 + 50 * HOUR)
    assert (held.symbol, held.hours, held.missing) == ("BTC", 47, 1)
    assert (held.bars_4h, held.bars_1d, held.sources) == (12, 2, "spot")


def test_a_day_is_24_hours_to_a_reader_whose_clocks_change(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"))
    store.write(connection, {1: frame(range(31 * 24, 34 * 24))}, store.source_key(connection, "a"))
    store.refresh(connection)  # 30 March to 1 April; Berlin's 31 March has 23 hours
    lost = (Decimal("66.6667"), 1, True)
    assert quality(connection, 34 * 24, "Europe/Berlin")["1d"] == (Decimal(100), 0, False)
    connection.execute("delete from candle_1h where open_time = %s", (T0 + (32 * 24 + 5) * HOUR,))
    store.refresh(connection)
    assert quality(connection, 34 * 24, "Europe/Berlin")["1d"] == lost
    store.write(
        connection, {1: frame(range(242 * 24, 245 * 24))}, store.source_key(connection, "a")
    )
    connection.execute("delete from candle_1h where open_time < %s", (T0 + 200 * 24 * HOUR,))
    store.refresh(connection)  # 27 October in Berlin has 25 hours
    assert quality(connection, 245 * 24, "Europe/Berlin")["1d"] == (Decimal(100), 0, False)


def test_a_life_is_from_the_first_listing_to_the_last_end(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"))

    def list_until(source: str, end: datetime | None) -> None:
        one = {"id": ["bitcoin"], "symbol": ["X"], "multiple": [1], "start": [None], "end": [end]}
        times = {"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC")}
        listed = pl.DataFrame(one).cast(times)
        learn_listings(
            connection, source, listed, T0, listed.with_columns(trading=pl.lit(value=True))
        )

    def missing(now: int) -> object:
        return quality(connection, now)["1h"][1]

    list_until("a", T0 + 20 * HOUR)
    store.write(connection, {1: frame(range(5, 15))}, store.source_key(connection, "a"))
    assert missing(40) == 5  # delisted: nothing is expected after
    assert missing(17) == 2  # the end is announced, and has not come
    list_until("a", T0 + 10 * HOUR)
    assert missing(40) == 0  # candles past the end move it
    list_until("b", None)
    assert missing(40) == 25
    list_until("b", T0 + 30 * HOUR)
    assert missing(40) == 15
    note_start(connection, listings(connection, store.find(connection))[0], T0)
    assert missing(40) == 20
    assert quality(connection, 40)["4h"] == (Decimal("14.2857"), 6, True)


def test_a_life_that_is_to_begin_after_its_end_lacks_nothing(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"), ("early", "EARLY"))
    source = store.source_key(connection, "spot")
    store.write(connection, {1: frame(range(24))}, source)
    gone = Window(T0 + 10 * HOUR, T0 + 12 * HOUR)
    hole = Absence(2, gone, "hole", None, gone.start, gone.end, 1, None)
    store.replace_absences(connection, source, [2], [hole])
    connection.execute(
        "insert into listing (coin, source, symbol, starts_at) values (2, %s, 'E', %s)",
        (source, T0 + 90 * HOUR),
    )
    found = ask(connection, QUALITY, 48)
    assert found[-1] == ("EARLY", "1h", Decimal(100), 0, False)
    assert {row[0] for row in found} == {"BTC", "EARLY"}


def test_a_bar_is_shown_when_its_time_is_over(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    learn(("bitcoin", "BTC"))
    store.write(connection, {1: frame(range(30))}, store.source_key(connection, "spot"))
    coins = store.find(connection)
    for refreshed in (False, True):
        if refreshed:
            store.refresh(connection)
        for hour, shown in ((30, 7), (31, 7), (32, 8)):
            now = T0 + hour * HOUR
            assert store.read(connection, coins, "4h", now=now).height == shown
            assert store.read(connection, coins, "1d", now=now).height == 1
            assert store.read(connection, coins, "1h", now=now).height == 30
