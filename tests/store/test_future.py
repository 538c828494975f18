"""Moments in the future, column by column: what becomes of what a clock left that was ahead.

A column that is new has to have its line here: what does a moment to come do there?
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import polars as pl
import pytest

from chandlery import store
from chandlery.engine.trusted_clock import remove_future, trust_clock
from chandlery.errors import Misuse
from chandlery.model import HOUR, Window

NOW = datetime(2026, 4, 30, 4, tzinfo=UTC)
AHEAD = datetime(2029, 5, 1, tzinfo=UTC)
AGO = NOW - timedelta(days=3)
ROWS = {
    "absence": "(1, 0, {starts_at}, {ends_at}, 'edge', null, {first_at}, {last_at}, 1, {retry_at})",
    "adjustment": "(1, {open_time}, 0.01, {confirmed_at})",
    "coin_alias": "('old', 1, {until})",
    "finding": "('jump', 1, {open_time}, 'it rose', {found_at}, {ended_at})",
    "health": "(0, {answered_at}, {failed_at}, 'no')",
    "last_run": "('hourly', {ended_at}, {good_at}, 5, 5)",
    "learnt": "('universe', {at}, 12)",
    "outage": "(0, {starts_at}, {ends_at}, 2)",
    "quality": "(1, '1h', {at}, 10, 10, 10)",
    "spent": "('coingecko', {month}, 7)",
    "unconfirmed": "('coin gone', 'x', {first_at}, {last_at})",
}
UPDATED = ("coin", "listing")
"""Of these there is a row already."""
FORGOTTEN, UNKNOWN, BACK, DUE = "its row is forgotten", None, NOW, NOW - timedelta(days=1)


class Column(NamedTuple):
    """A column with a moment: what becomes of one in the future, or why it is left as it is.

    `also` are others that lie in the future with it, for the sake of a constraint.
    """

    name: str
    becomes: object = None
    left: str = ""
    also: tuple[str, ...] = ()


COLUMNS = (
    Column("absence.last_at", FORGOTTEN),
    Column("absence.first_at", FORGOTTEN, also=("last_at", "retry_at")),
    Column("absence.retry_at", FORGOTTEN, also=("last_at",)),
    Column("absence.starts_at", FORGOTTEN, also=("ends_at", "last_at")),
    Column("absence.ends_at", FORGOTTEN, also=("last_at",)),
    Column("adjustment.confirmed_at", BACK),
    Column("adjustment.open_time", left="the hour that a person confirmed"),
    Column("candle_1h.open_time", left="verbs refuse, and `maintain --remove-future` removes them"),
    Column("claim.starts_at", left="gone with its lease"),
    Column("claim.ends_at", left="gone with its lease"),
    Column("claim.lease_until", left="by the database's clock: the query claims passes it over"),
    Column("coin.seen_at", BACK),
    Column("coin.priced_at", BACK),
    Column("coin.market_caps_asked_at", UNKNOWN),
    Column("coin_alias.until", left="nobody reads it"),
    Column("coin_rank.day", left="no day to come is asked for, and on that day it is told again"),
    Column("coin_rank.told_on", left="a day that is over stays one that was told later"),
    Column("copied.born_at", left="names a database"),
    Column("copied.began_at", left="nobody reads it"),
    Column("copied.finished_at", left="only whether it is known matters"),
    Column("finding.open_time", left="a candle's"),
    Column("finding.found_at", BACK),
    Column("finding.ended_at", BACK),
    Column("health.answered_at", UNKNOWN),
    Column("health.failed_at", UNKNOWN),
    Column("imported.starts_at", left="a candle's"),
    Column("imported.ends_at", left="a candle's"),
    Column("imported.imported_at", left="a trace stays as it is, and `history` only shows it"),
    Column("last_run.ended_at", BACK),
    Column("last_run.good_at", BACK),
    Column("learnt.at", DUE),
    Column("listing.starts_at", UNKNOWN),
    Column("listing.ends_at", UNKNOWN),
    Column("listing.told_start", left="a venue's word"),
    Column("listing.start_checked_at", UNKNOWN),
    Column("listing.price_checked_at", UNKNOWN),
    Column("migration.applied_at", left="nobody reads it"),
    Column("outage.starts_at", FORGOTTEN, also=("ends_at",)),
    Column("outage.ends_at", FORGOTTEN),
    Column("quality.at", FORGOTTEN),
    Column("restated.open_time", left="a candle's"),
    Column("restated.replaced_at", left="a trace stays as it is, and `history` only shows it"),
    Column("spent.month", left="its requests are set to 0"),
    Column("stale.starts_at", left="days are refreshed, and the row is gone"),
    Column("stale.ends_at", left="days are refreshed, and the row is gone"),
    Column("unconfirmed.first_at", FORGOTTEN, also=("last_at",)),
    Column("unconfirmed.last_at", FORGOTTEN),
    Column("wanted.starts_at", left="the next run's is earlier, and counts"),
)
MENDED = [each for each in COLUMNS if not each.left]


@pytest.fixture
def known(connection: store.Connection, learn: Callable[..., int]) -> store.Connection:
    """A coin, listed at a source."""
    learn(("bitcoin", "BTC"))
    store.source_key(connection, "spot")
    connection.execute(
        "insert into listing (coin, source, symbol)"
        " select coin.key, source.key, 'BTCUSDT' from coin, source"
    )
    return connection


def columns(connection: store.Connection) -> set[str]:
    rows = connection.execute(
        "select table_name || '.' || column_name from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name)"
        " where table_schema = current_schema() and table_type = 'BASE TABLE'"
        " and data_type in ('date', 'timestamp with time zone', 'timestamp without time zone')"
    )
    return {name for (name,) in rows}


def test_every_column_with_a_moment_has_its_line(connection: store.Connection) -> None:
    assert sorted(columns(connection)) == sorted(each.name for each in COLUMNS)


def plant(connection: store.Connection, column: Column, at: datetime) -> None:
    """A row whose moments are past, but for this one."""
    table, _, name = column.name.partition(".")
    late = {name, *column.also}
    if table in UPDATED:
        for each in sorted(late):
            connection.execute(f"update {table} set {each} = %s".encode(), (at,))  # noqa: S608
        return
    names = [each.partition(".")[2] for each in columns(connection) if each.startswith(f"{table}.")]
    moments = {each: f"'{at if each in late else AGO}'" for each in names}
    if table in {"absence", "outage"} and "starts_at" in late:
        moments["ends_at"] = f"'{at + HOUR}'"
    elif "ends_at" in moments and "ends_at" not in late:
        moments["ends_at"] = f"'{AGO + HOUR}'"
    row = ROWS[table].format(**moments)
    connection.execute(f"insert into {table} values {row}".encode())  # noqa: S608


def value(connection: store.Connection, column: Column) -> Any:
    table, _, name = column.name.partition(".")
    row = connection.execute(f"select {name} from {table}".encode()).fetchone()  # noqa: S608
    return FORGOTTEN if row is None else row[0]


@pytest.mark.parametrize("column", MENDED, ids=[each.name for each in MENDED])
def test_a_moment_in_the_future_is_not_believed(known: store.Connection, column: Column) -> None:
    plant(known, column, AHEAD)
    done = store.forget_future(known, NOW)
    assert value(known, column) == column.becomes
    assert done.rows == {column.name.partition(".")[0]: 1}
    assert done.latest is not None
    assert done.latest >= AHEAD
    assert store.forget_future(known, NOW).rows == {}


@pytest.mark.parametrize("column", MENDED, ids=[each.name for each in MENDED])
def test_what_clocks_may_differ_by_is_left(known: store.Connection, column: Column) -> None:
    at = NOW + 20 * HOUR
    plant(known, column, at)
    assert store.forget_future(known, NOW).rows == {}
    assert value(known, column) == at


def test_a_moment_of_the_past_that_is_named_makes_no_future_of_what_came_after(
    known: store.Connection,
) -> None:
    later = NOW + timedelta(days=30)
    known.execute("insert into learnt values ('coins', %s, 12)", (later,))
    trust_clock(known, NOW, real=lambda: later + HOUR)
    assert known.execute("select at from learnt").fetchone() == (later,)
    trust_clock(known, NOW, real=lambda: NOW)
    assert known.execute("select at < %s from learnt", (NOW,)).fetchone() == (True,)


def test_by_a_clock_behind_the_database_itself_no_candle_is_removed(
    known: store.Connection, frame: Callable[..., pl.DataFrame]
) -> None:
    store.write(known, {1: frame(range(24))}, 0)
    behind = datetime(2017, 5, 1, tzinfo=UTC)
    with pytest.raises(Misuse, match="the clock is behind, and no candle is removed"):
        remove_future(known, behind, real=lambda: behind)
    held = known.execute("select count(*) from candle_1h").fetchone()
    assert held == (24,)


def test_of_a_month_to_come_nothing_is_spent(known: store.Connection) -> None:
    known.execute("insert into spent values ('coingecko', '2029-05-01', 7), ('x', '2026-04-01', 3)")
    assert store.forget_future(known, NOW).rows == {"spent": 1}
    rows = known.execute("select month, requests from spent order by month").fetchall()
    assert rows == [(date(2026, 4, 1), 3), (date(2029, 5, 1), 0)]


def test_a_lease_of_a_time_to_come_is_over(connection: store.Connection) -> None:
    day = Window(AGO, AGO + 24 * HOUR)
    elsewhere = store.Claimant(uuid4(), "a run", store.Process("another machine", 1, 1))
    ours = store.Claimant(uuid4(), "another", store.Process.ours())
    assert store.claim(connection, elsewhere, [1], day) == []
    assert store.claim(connection, ours, [1], day) == [store.Claim(1, day, elsewhere)]
    connection.execute("update claim set lease_until = lease_until + interval '3 years'")
    assert store.claim(connection, ours, [1], day) == []


def test_candles_ahead_say_that_the_clock_is_behind(
    known: store.Connection, frame: Callable[..., pl.DataFrame]
) -> None:
    store.write(known, {1: frame(range(24))}, 0)
    newest = datetime(2024, 2, 28, 23, tzinfo=UTC)
    for now in (newest + HOUR, newest - timedelta(days=1)):
        store.refuse_clock_behind(known, now)
    with pytest.raises(Misuse) as told:
        store.refuse_clock_behind(known, newest - timedelta(days=1, seconds=1))
    assert str(told.value) == (
        "now is 2024-02-27 22:59Z, and a candle of 2024-02-28 23:00Z is stored: set the clock, or"
        " --now, right; if they are, `chandlery maintain --remove-future` removes what is stored of"
        " a time to come"
    )
    assert store.remove_future(known, newest - HOUR) == 1
    store.refuse_clock_behind(known, newest - timedelta(days=1, seconds=1))
