"""When a run brings 4h and 1d candles up to date, and by whose session."""

from collections.abc import Callable, Iterator
from threading import Event

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.engine.refreshing import SHARE, Refreshing
from chandlery.settings import Settings
from tests.waiting import PATIENCE

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]


class Clock:
    """Seconds, of which each look takes one."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def database(settings: Settings, connection: store.Connection) -> Iterator[store.Database]:
    del connection  # it has made the tables
    with store.Database(settings) as opened:
        yield opened


@pytest.fixture
def stored(connection: store.Connection, frame: Frame, learn: Learn) -> Callable[[], int]:
    """Store a day of a coin; what that leaves to refresh."""
    coin, key = learn(("a", "a")), store.source_key(connection, "okx")

    def store_one() -> int:
        store.write(connection, {coin: frame(range(24))}, key)
        return stale(connection)

    return store_one


def stale(connection: store.Connection) -> int:
    return len(connection.execute("select from stale").fetchall())


def test_it_is_due_when_it_is_a_tenth_of_the_time(
    database: store.Database, connection: store.Connection, stored: Callable[[], int]
) -> None:
    clock = Clock()
    refreshing = Refreshing(database, clock=clock)
    assert stored()
    refreshing.now()  # takes a second of that clock
    assert not stale(connection)
    connection.execute("delete from candle_1h")
    assert stored()
    clock.now += 1 / SHARE - 2
    refreshing.if_due()
    assert stale(connection)
    clock.now += 2
    refreshing.if_due()
    assert not stale(connection)


def test_beside_a_run_it_goes_on_alone_and_is_waited_for_at_the_end(
    settings: Settings,
    database: store.Database,
    connection: store.Connection,
    stored: Callable[[], int],
) -> None:
    opened, go = [0], Event()

    def beside() -> store.Database:
        opened[0] += 1
        assert go.wait(PATIENCE)
        return store.Database(settings)

    refreshing = Refreshing(database, beside, Clock())
    assert stored()
    refreshing.if_due()
    refreshing.if_due()  # one is under way
    go.set()
    refreshing.now()
    assert opened == [1]
    assert not stale(connection)
    refreshing.end()


def test_what_goes_wrong_beside_is_raised_by_the_run(database: store.Database) -> None:
    def beside() -> store.Database:
        raise psycopg.OperationalError("no more sessions")

    refreshing = Refreshing(database, beside, Clock())
    refreshing.if_due()
    with pytest.raises(psycopg.OperationalError, match="no more sessions"):
        refreshing.now()
