"""Many clients, and what happens to the others when one of them dies."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from chandlery import embedded
from tests.embedded.conftest import Connect

DIE_IN_TRANSACTION = """
import os, signal, sys, psycopg
connection = psycopg.connect(sys.argv[1])
connection.execute("insert into kept values (1)")
os.kill(os.getpid(), signal.SIGKILL)
"""

DIE_IN_COPY = """
import os, signal, sys, psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True)
with connection.cursor().copy("copy kept from stdin") as copy:
    for n in range(100_000):
        copy.write_row((n,))
    os.kill(os.getpid(), signal.SIGKILL)
"""

DIE_READING = """
import os, signal, sys, psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True)
with connection.cursor().copy("copy (select generate_series(1, 3000000)) to stdout") as copy:
    next(iter(copy))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def total(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from kept").fetchone()
    return int(row[0]) if row else -1


@pytest.fixture
def kept(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("create table kept (n int)")
    return connection


@pytest.mark.parametrize("script", [DIE_IN_TRANSACTION, DIE_IN_COPY, DIE_READING])
def test_a_client_that_is_killed_leaves_nothing_and_blocks_nobody(
    engine: embedded.Status, kept: psycopg.Connection, script: str
) -> None:
    done = subprocess.run([sys.executable, "-c", script, engine.dsn], check=False)
    assert done.returncode == -signal.SIGKILL
    assert total(kept) == 0


def test_a_client_that_hangs_up_in_an_extended_copy(
    engine: embedded.Status, kept: psycopg.Connection
) -> None:
    other = psycopg.connect(engine.dsn)
    other.pgconn.send_query_params(b"copy kept from stdin", [])
    other.pgconn.flush()
    other.pgconn.get_result()
    other.pgconn.put_copy_data(b"1\n")
    other.pgconn.flush()
    other.close()
    assert total(kept) == 0


def test_a_copy_by_the_extended_protocol(connection: psycopg.Connection) -> None:
    connection.execute("create table kept (n int)")
    for data, rows in [(b"1\n2\n", 2), (b"bad\n", 2), (b"3\n", 3)]:
        wire = connection.pgconn
        wire.send_query_params(b"copy kept from stdin", [])
        first = wire.get_result()
        assert first
        assert first.status == psycopg.pq.ExecStatus.COPY_IN
        wire.put_copy_data(data)
        wire.put_copy_end()
        while wire.get_result():
            pass
        assert total(connection) == rows


def test_ten_write_at_once(engine: embedded.Status, kept: psycopg.Connection) -> None:
    def write(writer: int) -> None:
        with psycopg.connect(engine.dsn) as connection:
            for part in range(5):
                with connection.cursor().copy("copy kept from stdin") as copy:
                    for n in range(1000):
                        copy.write_row((writer * 100_000 + part * 1000 + n,))
                connection.execute("select count(*) from kept where n < %s", [part])
                connection.commit()

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(write, range(10)))
    assert total(kept) == 50_000


def test_two_hundred_connections(connect: Connect) -> None:
    connections = [connect() for _ in range(200)]
    for n, connection in enumerate(connections):
        assert connection.execute("select %s::int", [n]).fetchone() == (n,)


def test_a_transaction_is_not_cut(kept: psycopg.Connection, connect: Connect) -> None:
    kept.execute("begin")
    kept.execute("insert into kept values (1)")
    other = connect()  # connecting takes no turn
    with ThreadPoolExecutor(1) as pool:
        counted = pool.submit(total, other)
        kept.execute("insert into kept values (2)")
        assert not counted.done()
        kept.execute("commit")
        assert counted.result() == 2


def test_the_one_who_waited_longest_is_next(kept: psycopg.Connection, connect: Connect) -> None:
    waiting = [connect() for _ in range(5)]
    kept.execute("begin")
    for connection in waiting:
        # Sent in order, one by one: the next is sent when the socket has taken this one.
        connection.pgconn.send_query(b"insert into kept select count(*) from kept")
        connection.pgconn.flush()
        kept.execute("select 1")
    kept.execute("commit")
    for connection in waiting:
        while connection.pgconn.get_result():
            pass
    assert [row[0] for row in kept.execute("select n from kept order by ctid")] == [0, 1, 2, 3, 4]


def test_a_cancel_request_is_taken_quietly(connection: psycopg.Connection) -> None:
    connection.cancel_safe()
    assert connection.execute("select 1").fetchone() == (1,)
