"""What the books need not keep goes, once, and what they said stays."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.model import HOUR, Window
from chandlery.settings import Settings

As = Callable[[str], Settings]
Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = T0 + 400 * DAY + 13 * HOUR
COINS = [1, 2]


@pytest.fixture
def known(connection: store.Connection, learn: Learn) -> None:
    """Two coins, a source of traded candles (0) and one of indicative ones (1)."""
    learn(("btc", "BTC"), ("eth", "ETH"))
    for name in ("spot", "prices"):
        store.source_key(connection, name)
    store.note_kinds(connection, ["prices"])


def checked(connection: store.Connection, coin: int, at: datetime, present: int = 1) -> None:
    connection.execute(
        "insert into quality (coin, timeframe, at, expected, present, total)"
        " select %s, timeframe, %s, 10, %s, %s from unnest('{1h,4h,1d}'::text[]) timeframe",
        (coin, at, present, present),
    )


def checks(connection: store.Connection) -> list[tuple[int, datetime]]:
    rows = connection.execute(
        "select coin, at from quality group by coin, at having count(*) = 3 order by coin, at"
    )
    return [(coin, at) for coin, at in rows]


@pytest.mark.usefixtures("known")
def test_of_old_checks_the_last_of_each_day_stays(connection: store.Connection) -> None:
    midnight = NOW.replace(hour=0) - 30 * DAY
    for at in range(-48, 48, 6):
        checked(connection, 1, midnight + at * HOUR, at + 100)
    for at in (-30, -29):
        checked(connection, 2, midnight + at * HOUR)
    month = Window(midnight - 10 * DAY, NOW)
    before = store.trend(connection, COINS, month)
    assert store.thin(connection, "quality", COINS, NOW) == 3 * (3 + 3 + 1)
    left = [*(-30, -6), *range(0, 48, 6)]
    assert checks(connection) == [
        *((1, midnight + at * HOUR) for at in left),
        (2, midnight - 29 * HOUR),
    ]
    assert store.trend(connection, COINS, month).equals(before)
    assert store.thin(connection, "quality", COINS, NOW) == 0


@pytest.mark.usefixtures("known")
def test_what_is_new_since_the_last_check_stays_so(connection: store.Connection) -> None:
    """The last check of a coin is kept, however old: findings are compared with it."""
    old = NOW - 100 * DAY
    for at in (old, old + 6 * HOUR):
        checked(connection, 1, at)
    connection.execute(
        "insert into finding (kind, coin, open_time, detail, found_at) values"
        " ('jump', 1, %(t)s, '', %(old)s + interval '1 hour'),"
        " ('halt', 1, %(t)s, '', %(old)s + interval '7 hours')",
        {"t": T0, "old": old},
    )
    before = store.open_findings(connection, COINS, NOW)
    assert store.thin(connection, "quality", COINS, NOW) == 3
    assert store.open_findings(connection, COINS, NOW).equals(before)
    assert before["new"].to_list() == [True, False]


def absent(coin: int, first: int, last: int, asked: datetime) -> store.Absence:
    window = Window(T0 + first * HOUR, T0 + last * HOUR)
    return store.Absence(coin, window, "edge", None, asked, asked, 2, None)


@pytest.mark.usefixtures("known")
def test_evidence_goes_when_its_hours_are_held(connection: store.Connection, frame: Frame) -> None:
    connection.execute("insert into source values (2, 'other')")
    other, old, new = 2, T0 + 2 * DAY, NOW - 10 * DAY
    store.write(connection, {1: frame([*range(10), *range(12, 40)])}, 0)
    store.write(connection, {1: frame([50, 51])}, 1)
    gone = [absent(1, 0, 10, old), absent(1, 12, 13, old)]
    stay = [
        absent(1, 13, 14, new),  # asked lately
        absent(1, 8, 15, old),  # an hour of it is missing still
        absent(1, 10, 12, old),
        absent(1, 39, 41, old),
        absent(1, 50, 52, old),  # a traded candle is still wanted
        absent(2, 0, 3, old),
    ]
    for each in [*gone, *stay]:
        keep_absence(connection, other, each)
    assert store.thin(connection, "absence", COINS, NOW) == len(gone)
    left = {(each.coin, each.window) for each in store.absences(connection, other, COINS)}
    assert left == {(each.coin, each.window) for each in stay}
    assert store.thin(connection, "absence", COINS, NOW) == 0


def keep_absence(connection: store.Connection, source: int, absence: store.Absence) -> None:
    connection.execute(
        "insert into absence"
        " (coin, source, starts_at, ends_at, outcome, first_at, last_at, attempts)"
        " values (%s, %s, %s, %s, %s, %s, %s, 1)",
        (
            absence.coin,
            source,
            absence.window.start,
            absence.window.end,
            absence.outcome,
            absence.first_at,
            absence.last_at,
        ),
    )


@pytest.mark.usefixtures("known")
def test_evidence_of_an_outage_stays(connection: store.Connection, frame: Frame) -> None:
    connection.execute("insert into source values (2, 'other')")
    store.write(connection, {1: frame(range(48)), 2: frame(range(48))}, 0)
    store.refresh(connection)
    for coin in COINS:
        keep_absence(connection, 2, absent(coin, 5, 8, T0 + DAY)._replace(outcome="hole"))
        keep_absence(
            connection, 2, absent(coin, 20 + coin, 22 + coin, T0 + DAY)._replace(outcome="failed")
        )
    days = Window(T0, T0 + 2 * DAY)
    assert store.find_outages(connection, days) == 1
    assert store.thin(connection, "absence", COINS, NOW) == 2
    assert store.find_outages(connection, days) == 1


@pytest.mark.usefixtures("known")
def test_traces_of_prices_go_and_those_of_trades_stay(
    connection: store.Connection, frame: Frame
) -> None:
    unknown = {"volume": None, "quote_volume": None, "trades": None}
    store.write(connection, {1: frame(range(4), **unknown)}, 1)
    store.write(connection, {2: frame(range(4))}, 0)
    store.write(connection, {1: frame(range(3)), 2: frame([0], close=2.5)}, 0, now=T0 + DAY)
    store.write(connection, {1: frame([3])}, 0, now=NOW - DAY)
    assert store.thin(connection, "restated", COINS, NOW) == 3
    rows = connection.execute("select coin, open_time from restated order by coin").fetchall()
    assert rows == [(1, T0 + 3 * HOUR), (2, T0)]
    assert store.thin(connection, "restated", COINS, NOW) == 0


@pytest.mark.usefixtures("known")
def test_a_finding_goes_a_year_after_it_ended(connection: store.Connection) -> None:
    for kind, ended in (("jump", NOW - 366 * DAY), ("halt", NOW - 364 * DAY), ("stale", None)):
        connection.execute(
            "insert into finding (kind, coin, open_time, detail, found_at, ended_at)"
            " values (%s, 1, %s, '', %s, %s)",
            (kind, T0, T0, ended),
        )
    assert store.thin(connection, "finding", COINS, NOW) == 1
    left = connection.execute("select kind from finding order by kind").fetchall()
    assert left == [("halt",), ("stale",)]


def test_a_writer_thins_and_cannot_take_a_trade_away(shared: As, frame: Frame) -> None:
    """Not even by calling the source that it is from indicative."""
    with store.connect(shared("writer")) as connection:
        seen = pl.DataFrame({"id": ["btc"], "ticker": ["BTC"], "name": ["Bitcoin"], "rank": [1]})
        store.learn_coins(connection, seen, T0)
        spot, prices = (store.source_key(connection, name) for name in ("spot", "prices"))
        store.note_kinds(connection, ["prices"])
        store.write(connection, {1: frame([0, 1])}, spot)
        store.write(connection, {1: frame([5], volume=None)}, prices)
        store.write(connection, {1: frame([0, 1, 5], close=2.5)}, spot, now=T0 + DAY)
        store.note_kinds(connection, ["spot", "prices"])
        removed = {table: store.thin(connection, table, COINS, NOW) for table in store.KEPT}
        assert removed == {"quality": 0, "absence": 0, "restated": 1, "finding": 0}
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from restated")
    with (
        store.connect(shared("reader")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        store.thin(connection, "restated", COINS, NOW)
