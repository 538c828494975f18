"""A database in which every table has rows, and another one beside it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from chandlery import embedded, store
from chandlery.moving import tables
from chandlery.settings import Settings
from tests.conftest import Frame

BTC = (*range(400), *range(7300, 7500))  # after 2024-02-28: 492 of that year, 108 of the next
HOURS = len(BTC) + 200
EVERYTHING = """
    insert into coin (id, ticker, symbol, name, rank, seen_at)
    values ('btc', 'BTC', 'BTC', 'Bitcoin, "the" first', 1, now()), ('eth', 'ETH', 'ETH', '', 2, now());
    insert into source values (0, 'here'), (1, 'there');
    insert into coin_alias values ('bitcoin-old', 1, now());
    insert into coin_rank (day, coin, rank, market_cap, told_on)
    values ('2024-02-28', 1, 1, 1e12, '2024-02-28'), ('2024-02-28', 2, null, 0.1::float8 + 0.2, '2024-03-01');
    insert into listing (coin, source, symbol, multiple, starts_at, name)
    values (1, 0, 'BTCUSDT', 1, '2024-01-01Z', null), (2, 1, '1000ETH', 1000, null, E'a\\nb\\\\c');
    insert into absence (coin, source, starts_at, ends_at, outcome, words, first_at, last_at, attempts)
    values (1, 0, '2024-01-01Z', '2024-01-02Z', 'hole', null, now(), now(), 1),
        (2, 1, '2024-01-01Z', '2024-01-02Z', 'failed', '', now(), now(), 3);
    insert into outage values (0, '2024-01-01Z', '2024-01-01 05:00Z', 2);
    insert into health values (0, now(), null, 'no answer');
    insert into learnt values ('coins', now(), 12);
    insert into unconfirmed values ('coin gone', 'eth', now(), now());
    insert into wanted values (1, '2024-01-01Z');
    insert into spent values ('here', '2024-01-01', 7);
    insert into account values ('host key', 3, '{"b": 1,  "a": [1.5]}');
    insert into adjustment values (1, '2024-03-01 05:00Z', 0.001, now());
    insert into finding (kind, coin, open_time, detail) values ('jump', 2, '2024-03-01Z', 'ä "quoted", text');
    insert into quality values (1, '1h', now(), 10, 9, 9, '{"here": 9}');
    insert into restated (coin, open_time, open, high, low, close, source, replaced_at)
    values (1, '2024-02-28 05:00Z', 1, 1, 1, 1, 1, now());
    insert into imported values (1, 0, 'BTCUSDT', '2024-02-28Z', '2024-02-29Z', 'b,c.csv', 'f00', now());
    insert into last_run values ('hourly', now(), null, 3, 1);
    insert into claim values (gen_random_uuid(), 1, now(), now(), 'a run', 'here', 1, 1, now());
"""  # noqa: E501


@pytest.fixture
def filled(settings: Settings, frame: Frame) -> Settings:
    """Settings with a database in which every table has rows, and no day waits for a refresh."""
    with store.connect(settings) as connection:
        connection.execute(EVERYTHING.encode())
        write(connection, frame)
    return settings


def write(connection: store.Connection, frame: Frame) -> None:
    """Hours of two coins; amounts that are unknown, and sums that depend on their order."""
    one = frame(BTC, volume=0.1, quote_volume=None, trades=None)
    store.write(connection, {1: one, 2: frame(range(100, 200), taker_buy_volume=0.3)}, 0)
    store.write(connection, {2: frame(range(200, 300))}, 1)
    store.refresh(connection)


@pytest.fixture
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with another database, empty and up to date."""
    yield from another(request, tmp_path)


def another(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    home = tmp_path / f"other-{uuid4().hex[:8]}"
    server = request.config.getoption("--server")
    if server is None:
        template = request.getfixturevalue("template")
        shutil.copytree(template / "pgdata", home / "pgdata")
        made = Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
        reborn(made)
        yield made
        embedded.stop(home)
        return
    name = f"chandlery_test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name}".encode())
    made = Settings(DATABASE_URL=make_conninfo(server, dbname=name), CHANDLERY_HOME=home)
    with store.connect(made) as connection:
        store.migrate(connection)
    yield made
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)".encode())


def reborn(settings: Settings) -> None:
    """Not made at the moment at which the template was, of which tests' databases are copies."""
    with store.connect(settings) as connection:
        connection.execute("update migration set applied_at = now() + interval '1 second'")


def contents(settings: Settings) -> dict[str, list[str]]:
    """All rows of all tables that are moved, as text, in order, and of what is made from them."""
    with store.connect(settings) as connection:
        others, candles = tables.moved(connection)
        names = [table.name for table in (*others, candles)]
        return {name: _rows(connection, name) for name in (*names, "candle_4h", "candle_1d")}


def _rows(connection: store.Connection, name: str) -> list[str]:
    with connection.transaction():
        connection.execute("set local extra_float_digits = 3")
        found = connection.execute(
            sql.SQL("select it::text from {} it order by 1").format(sql.Identifier(name))
        )
        return [row for (row,) in found]
