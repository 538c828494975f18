"""A database into another: all of it, equal, and on from where it was."""

import signal
import subprocess
import sys

import pytest

from chandlery import store
from chandlery.errors import Misuse
from chandlery.moving import copy_database, tables
from chandlery.moving.copying import Unequal
from chandlery.settings import Settings
from tests.conftest import Frame
from tests.moving.conftest import HOURS, contents, reborn

KEYS = "select last_value from pg_sequences where sequencename = 'coin_key_seq'"
WITHOUT_ROWS = """
select table_name from information_schema.tables
where table_schema = current_schema() and table_type = 'BASE TABLE'
"""


def change(settings: Settings, *statements: str) -> None:
    with store.connect(settings) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_everything_arrives_and_nothing_is_sent_twice(filled: Settings, other: Settings) -> None:
    before = contents(filled)
    done = copy_database(filled, other)
    assert contents(other) == before
    again = copy_database(filled, other)
    assert (done.sent_hours, again.sent_hours, again.sent_rows) == (HOURS, 0, 0)
    assert again.hours == done.hours == HOURS
    assert contents(other) == before


def test_every_table_is_moved_or_named_with_its_reason(filled: Settings) -> None:
    """What is moved has rows in conftest.py, so that the other tests are about all of it."""
    with store.connect(filled) as connection:
        every = {name for (name,) in connection.execute(WITHOUT_ROWS.encode())}
        others, candles = tables.moved(connection)
        moved = {table.name for table in (*others, candles)}
        assert moved | {*tables.STAYS} == every
        assert {*tables.STAYS} == {"migration", "claim", "stale", "copied"}
        assert not moved & {*tables.STAYS}
        assert {*tables.NOT_IN_BACKUPS} <= moved
        assert {*tables.filled(connection, others)} == moved - {candles.name}
        for table in (*others, candles):
            assert table.key, f"{table.name} has no primary key: it cannot be gone on with"
            assert not table.unique or len(table.key) == 1, table.name


def test_a_table_of_a_later_migration_is_moved(filled: Settings, other: Settings) -> None:
    later = (
        "create table later (coin integer references coin, at timestamptz, words text[],"
        " primary key (coin, at))"
    )
    change(filled, later, "insert into later values (2, now(), '{a,null}')")
    change(other, later)
    copy_database(filled, other)
    assert contents(other)["later"] == contents(filled)["later"] != []


def test_numbers_go_on_after_those_that_there_are(filled: Settings, other: Settings) -> None:
    copy_database(filled, other)
    with store.connect(other) as connection:
        assert store.source_key(connection, "third") == 2
        connection.execute(
            "insert into coin (id, ticker, symbol, name, seen_at)"
            " values ('x', 'X', 'X', 'X', now())"
        )
        assert connection.execute("select key from coin where id = 'x'").fetchone() == (3,)


CHANGES = {
    "an hour came": "insert into candle_1h (coin, open_time, open, high, low, close, source)"
    " values (2, '2024-03-20Z', 1, 1, 1, 1, 0)",
    "an hour was replaced": "update candle_1h set close = 2.5, trades = 1"
    " where coin = 1 and open_time = '2024-03-05Z'",
    "names were swapped": "insert into coin_alias values ('btc', 1, now()), ('eth', 2, now());"
    " update coin set id = 'x' where key = 1; update coin set id = 'btc' where key = 2;"
    " update coin set id = 'eth' where key = 1",
    "evidence went": "delete from absence where coin = 1",
    "evidence changed": "update absence set attempts = 9, words = 'ü' where coin = 2",
    "a budget changed": """update account set version = 4, state = '{"b": 2}'""",
    "a coin came": "insert into coin (id, ticker, symbol, name, seen_at)"
    " values ('new', 'N', 'N', 'N', now()); insert into wanted values (3, '2024-01-01Z')",
}


def test_what_changed_since_is_sent_and_nothing_else(filled: Settings, other: Settings) -> None:
    copy_database(filled, other)
    sent = {}
    for name, statement in CHANGES.items():
        change(filled, statement)
        with store.connect(filled) as connection:
            connection.execute(
                "insert into stale (starts_at, ends_at, force)"
                " values ('2024-03-01Z', '2024-04-01Z', true)"
            )
            store.refresh(connection)
        done = copy_database(filled, other)
        sent[name] = (done.sent_hours, done.sent_rows)
        assert contents(other) == contents(filled), name
    assert sent == {
        "an hour came": (201, 0),
        "an hour was replaced": (492, 0),  # of one coin's two years
        "names were swapped": (0, 2 + 3),
        "evidence went": (0, 1),
        "evidence changed": (0, 1),
        "a budget changed": (0, 1),
        "a coin came": (0, 3 + 2),
    }


MINE = {
    "rows of its own": (
        "insert into learnt values ('coins', now(), 1)",
        "the target has data of its own and is no copy of this database: give an empty one",
    ),
    "hours of its own": (
        (
            "insert into candle_1h (coin, open_time, open, high, low, close, source)"
            " values (2, '2024-03-20Z', 1, 1, 1, 1, 0)"
        ),
        "the target has data of its own and is no copy of this database: give an empty one",
    ),
}
MORE = {
    "more hours of a year": (
        (
            "insert into candle_1h (coin, open_time, open, high, low, close, source)"
            " values (2, '2024-03-20Z', 1, 1, 1, 1, 0)"
        ),
        (
            "the target has 1 hours of ETH from 2024-01-01 00:00Z on that the source has not:"
            " copy the other way, or give an empty database"
        ),
    ),
    "another hour in place of one": (
        (
            "delete from candle_1h where coin = 2 and open_time = '2024-03-04Z';"
            " insert into candle_1h (coin, open_time, open, high, low, close, source)"
            " values (2, '2024-03-20Z', 1, 1, 1, 1, 0)"
        ),
        (
            "the target has 1 hours of ETH from 2024-03-20 00:00Z on that the source has not:"
            " copy the other way, or give an empty database"
        ),
    ),
    "another coin": (
        "insert into coin (id, ticker, symbol, name, seen_at) values ('x', 'X', 'X', 'X', now())",
        (
            "the target has the coin x, which the source has not:"
            " copy the other way, or give an empty database"
        ),
    ),
    "another source": (
        "insert into source values (2, 'third')",
        (
            "the target has the source third, which the source database has not under that key:"
            " copy the other way, or give an empty database"
        ),
    ),
}


@pytest.mark.parametrize("what", MINE)
def test_a_target_with_data_of_its_own_is_refused(
    filled: Settings, other: Settings, what: str
) -> None:
    statement, told = MINE[what]
    change(other, statement)
    before = contents(other)
    with pytest.raises(Misuse) as refused:
        copy_database(filled, other)
    assert str(refused.value) == told
    assert contents(other) == before


@pytest.mark.parametrize("what", MORE)
def test_a_copy_that_went_its_own_way_is_refused(
    filled: Settings, other: Settings, what: str
) -> None:
    statement, told = MORE[what]
    copy_database(filled, other)
    change(other, statement)
    before = contents(other)
    with pytest.raises(Misuse) as refused:
        copy_database(filled, other)
    assert str(refused.value) == told
    assert contents(other) == before


def test_the_way_back_takes_what_came_since(
    filled: Settings, other: Settings, frame: Frame
) -> None:
    """The old database is a part of its copy: only what is new is sent."""
    reborn(filled)
    copy_database(filled, other)
    with store.connect(other) as connection:
        store.write(connection, {1: frame(range(7500, 7600), volume=0.1)}, 0)
        store.refresh(connection)
    done = copy_database(other, filled)
    assert (done.sent_hours, done.sent_rows) == (108 + 100, 0)
    assert contents(filled) == contents(other)


def test_a_database_is_not_copied_into_itself(filled: Settings) -> None:
    with pytest.raises(Misuse, match="the target is the source itself"):
        copy_database(filled, filled)


def test_what_comes_meanwhile_is_left_for_the_next_time(
    request: pytest.FixtureRequest, filled: Settings, other: Settings, frame: Frame
) -> None:
    """A source and hours come after the snapshot was taken. The embedded one has no turn before."""
    came = []
    during = "refreshing" if request.config.getoption("--server") is None else "copying"

    def collect(what: str) -> None:
        if what == during:
            with store.connect(filled) as connection:
                key = store.source_key(connection, "third")
                came.append(store.write(connection, {2: frame(range(300, 310))}, key))

    done = copy_database(filled, other, collect)
    assert (came, done.hours) == ([10], HOURS)
    assert len(contents(other)["source"]) == 2
    assert copy_database(filled, other).sent_hours == 210
    with store.connect(filled) as connection:
        store.refresh(connection)
    assert contents(other) == contents(filled)


def test_another_writer_in_the_target_is_told(
    filled: Settings, other: Settings, frame: Frame
) -> None:
    """Both would have the same hours."""

    def write(what: str) -> None:
        if what == "copying":
            with store.connect(other) as connection:
                store.write(connection, {1: frame(range(1))}, 0)

    with pytest.raises(Unequal) as told:
        copy_database(filled, other, write)
    assert "something else writes to the target" in str(told.value)
    assert "then the same command goes on" in str(told.value)


KILLED = """
import os, signal, sys
from pathlib import Path
from chandlery.moving import copy_database
from chandlery.settings import Settings
made = lambda url, home: Settings(DATABASE_URL=url or None, CHANDLERY_HOME=Path(home))
def move(done, total):
    print(done, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
def say(what):
    if what == sys.argv[5]:
        print(what, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
moves = [move] if sys.argv[5] == "moving" else []
copy_database(made(*sys.argv[1:3]), made(*sys.argv[3:5]), say, *moves)
"""


def killed(source: Settings, target: Settings, at: str) -> str:
    places = [str(it) for each in (source, target) for it in (each.database_url or "", each.home)]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *places, at], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout.strip()


def test_killed_it_goes_on_where_it_was(filled: Settings, other: Settings) -> None:
    """At the first part, at the second, at the third, and before the refresh."""
    assert killed(filled, other, "copying") == "copying"
    sent = [killed(filled, other, "moving") for _ in range(2)]
    assert sent == ["600", "200"]
    assert killed(filled, other, "refreshing") == "refreshing"
    done = copy_database(filled, other)
    assert (done.sent_hours, done.sent_rows) == (0, 0)
    assert done.refreshed_days > 0
    assert contents(other) == contents(filled)
