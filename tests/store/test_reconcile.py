"""Hours that went without a trigger are found, and the days no longer count them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest
from psycopg import sql

from chandlery import store
from chandlery.model import Window
from chandlery.settings import Settings

Frame = Callable[..., pl.DataFrame]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 200  # three chunks: T0 lies 21 days before the end of the first
QUIETLY = "set session_replication_role = replica; {} ; reset session_replication_role"
"""No trigger runs, as in a restore."""
SWAP = """
    delete from candle_1h where coin = 2 and open_time = '2024-02-28 05:00Z';
    insert into candle_1h (coin, open_time, open, high, low, close, source)
    values (2, '2024-02-28 00:00Z', 1, 1, 1, 1, 0)
"""
COUNTED = """
    select
        (select count(*) from candle_1h),
        (select sum(hours)::bigint from candle_4h),
        (select sum(hours)::bigint from candle_1d)
"""


@pytest.fixture
def held(connection: store.Connection, frame: Frame) -> Frame:
    """Two coins, 200 days each but for an hour, counted by the days."""
    store.write(connection, {1: frame(range(DAYS * 24)), 2: frame(range(1, DAYS * 24))}, 0)
    store.refresh(connection)
    return frame


def chunks(connection: store.Connection) -> list[str]:
    rows = connection.execute(
        "select format('%I.%I', chunk_schema, chunk_name) from timescaledb_information.chunks"
        " where hypertable_name = 'candle_1h' order by range_start"
    )
    return [str(name) for (name,) in rows]


def found(connection: store.Connection) -> list[store.Mismatch]:
    """What each window tells, where it tells anything."""
    told = [store.reconcile(connection, each) for each in store.compared_windows(connection)]
    return [each for each in told if each.lost or each.uncounted]


def counted(connection: store.Connection) -> tuple[int | None, ...]:
    """The hours that there are, and that 4h and 1d count."""
    row = connection.execute(COUNTED).fetchone()
    assert row
    return row


@pytest.mark.usefixtures("held")
def test_what_agrees_is_not_touched(connection: store.Connection) -> None:
    assert found(connection) == []
    assert connection.execute("select from stale").fetchall() == []


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
@pytest.mark.parametrize(
    "loss",
    [
        "drop table {chunk}",
        "truncate {chunk}",
        QUIETLY.format("truncate {chunk}"),
        QUIETLY.format(
            "delete from candle_1h where open_time >= '2024-03-18Z' and open_time < '2024-06-16Z'"
        ),
    ],
    ids=["dropped", "truncated", "truncated quietly", "deleted quietly"],
)
@pytest.mark.usefixtures("held")
def test_a_chunk_that_is_gone_is_told_and_mended(
    connection: store.Connection, loss: str, *, compressed: bool
) -> None:
    if compressed:
        store.compress(connection, T0 + 400 * DAY)
    before = counted(connection)
    connection.execute(loss.format(chunk=chunks(connection)[1]).encode())
    (told,) = found(connection)
    hours = 2 * 90 * 24
    start, end = datetime(2024, 3, 18, tzinfo=UTC), datetime(2024, 6, 16, tzinfo=UTC)
    assert told == (hours, 2 * 90, [1, 2], start, end, 0)
    # SourceList once, and not compared until the refresh: whoever comes second has nothing to tell.
    assert found(connection) == []
    assert store.refresh(connection) == 90
    held = 2 * DAYS * 24 - 1
    assert before == (held, held, held)
    assert counted(connection) == (held - hours,) * 3
    assert found(connection) == []
    whole = [(1, Window(T0, T0 + DAYS * DAY))]
    assert store.missing(connection, whole) == [[Window(start, end)]]


@pytest.mark.usefixtures("held")
def test_drop_chunks_at_either_end_is_told(connection: store.Connection) -> None:
    connection.execute("select drop_chunks('candle_1h', older_than => '2024-04-01Z'::timestamptz)")
    connection.execute("select drop_chunks('candle_1h', newer_than => '2024-06-01Z'::timestamptz)")
    told = found(connection)
    first, last = datetime(2024, 3, 18, tzinfo=UTC), datetime(2024, 6, 16, tzinfo=UTC)
    assert [(each.start, each.end) for each in told] == [(T0, first), (last, T0 + DAYS * DAY)]
    assert sum(each.lost for each in told) == 2 * (DAYS - 90) * 24 - 1
    store.refresh(connection)
    assert counted(connection) == (2 * 90 * 24,) * 3


@pytest.mark.usefixtures("held")
def test_all_that_there_was_is_told(connection: store.Connection) -> None:
    connection.execute("select drop_chunks('candle_1h', newer_than => '2000-01-01Z'::timestamptz)")
    (told,) = found(connection)
    assert (told.lost, told.start, told.end) == (2 * DAYS * 24 - 1, T0, T0 + DAYS * DAY)
    store.refresh(connection)
    assert counted(connection) == (0, None, None)
    assert store.compared_windows(connection) == []


@pytest.mark.usefixtures("held")
def test_hours_of_one_day_are_told_both_ways(connection: store.Connection) -> None:
    """As many hours gone as come in: the counts agree, and the day is wrong all the same."""
    connection.execute(QUIETLY.format(SWAP).encode())
    (told,) = found(connection)
    assert told == (1, 1, [2], T0, T0 + DAY, 1)
    assert store.refresh(connection) == 1
    assert found(connection) == []
    row = connection.execute(
        "select present from candle_1d where coin = 2 and open_time = %s", (T0,)
    )
    assert row.fetchone() == ((1 << 24) - 1 - (1 << 5),)


@pytest.mark.parametrize("lost", ["candle_4h", "candle_1d"])
@pytest.mark.usefixtures("held")
def test_bars_that_a_restore_lost_are_made_again(connection: store.Connection, lost: str) -> None:
    before = counted(connection)
    name = connection.execute(
        "select materialization_hypertable_schema, materialization_hypertable_name"
        " from timescaledb_information.continuous_aggregates where view_name = %s",
        (lost,),
    ).fetchone()
    assert name
    delete = sql.SQL("delete from {} where open_time >= {} and open_time < {}").format(
        sql.Identifier(*name), T0 + 50 * DAY, T0 + 60 * DAY
    )
    connection.execute(QUIETLY.format(delete.as_string(connection)).encode())
    (told,) = found(connection)
    assert (told.lost, told.uncounted) == (0, 2 * 10 * 24)
    store.refresh(connection)
    assert counted(connection) == before


def test_what_is_being_written_is_not_lost(connection: store.Connection, held: Frame) -> None:
    late = held(range(DAYS * 24, DAYS * 24 + 30))
    store.write(connection, {1: late, 2: held([0])}, 0)
    assert found(connection) == []
    connection.execute("delete from candle_1h where coin = 1 and open_time < %s", (T0 + DAY,))
    assert found(connection) == []  # by hand: a trigger noted it
    store.refresh(connection)
    assert found(connection) == []


def test_two_at_once_tell_a_loss_once(
    connection: store.Connection, held: Frame, settings: Settings
) -> None:
    if settings.database_url is None:
        pytest.skip("the embedded database has one client at a time")
    connection.execute(f"truncate {chunks(connection)[1]}".encode())
    window = store.compared_windows(connection)[1]
    assert held is not None
    with psycopg.connect(settings.database_url) as other, store.connect(settings) as second:
        other.execute("select pg_advisory_xact_lock(hashtextextended('reconcile', 0))")
        second.execute("set lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            store.reconcile(second, window)
    assert store.reconcile(connection, window).lost == 2 * 90 * 24
    with store.connect(settings) as second:
        assert store.reconcile(second, window).lost == 0
