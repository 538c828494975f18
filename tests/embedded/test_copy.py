"""COPY, which streams: through buffers of fixed size, in both directions."""

import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chandlery import embedded

MB = 1_000_000
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


@pytest.fixture
def numbers(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("create table number (n int primary key, name text)")
    return connection


def count(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from number").fetchone()
    return int(row[0]) if row else -1


def send(connection: psycopg.Connection, pieces: Iterable[bytes], table: str = "number") -> None:
    with connection.cursor().copy(
        sql.SQL("copy {} from stdin").format(sql.Identifier(table))
    ) as copy:
        for piece in pieces:
            copy.write(piece)


def test_text_goes_in_and_out(numbers: psycopg.Connection) -> None:
    with numbers.cursor().copy("copy number from stdin") as copy:
        for row in [(1, "one"), (2, None), (3, "tab\tand\nnewline")]:
            copy.write_row(row)
    with numbers.cursor().copy("copy (select * from number order by n) to stdout") as copy:
        assert b"".join(copy) == b"1\tone\n2\t\\N\n3\ttab\\tand\\nnewline\n"


def test_binary_goes_in_and_out(numbers: psycopg.Connection) -> None:
    fields = struct.pack("!hii", 2, 4, 7) + struct.pack("!i5s", 5, b"seven")
    data = HEADER + fields + struct.pack("!h", -1)
    with numbers.cursor().copy("copy number from stdin (format binary)") as copy:
        copy.write(data)
    with numbers.cursor().copy("copy number to stdout (format binary)") as copy:
        assert b"".join(copy) == data


@pytest.mark.parametrize(
    "statement",
    [
        "copy number from stdin",
        "  COPY number\nFROM STDIN",
        "-- a comment\n/* and /* another */ */ copy number (n, name) from stdin",
    ],
)
def test_however_it_is_written(numbers: psycopg.Connection, statement: str) -> None:
    with numbers.cursor().copy(statement) as copy:
        copy.write("1\tone\n")
    assert count(numbers) == 1


def test_between_other_statements(numbers: psycopg.Connection) -> None:
    wire = numbers.pgconn
    before = b"insert into number values (0, null)"
    into_copy = wire.exec_(before + b"; copy number from stdin; delete from number where n = 2")
    assert into_copy.status == psycopg.pq.ExecStatus.COPY_IN
    wire.put_copy_data(b"1\tone\n2\ttwo\n")
    wire.put_copy_end()
    while result := wire.get_result():
        assert result.status == psycopg.pq.ExecStatus.COMMAND_OK
    assert count(numbers) == 2


def test_after_a_setting_in_the_same_query(numbers: psycopg.Connection) -> None:
    wire = numbers.pgconn
    into_copy = wire.exec_(b"set timezone = 'Europe/Rome'; copy number from stdin")
    assert into_copy.status == psycopg.pq.ExecStatus.COPY_IN
    wire.put_copy_data(b"1\tone\n")
    wire.put_copy_end()
    while wire.get_result():
        pass
    wire.send_query(
        b"set timezone = 'UTC'; select repeat('x', 1000) from generate_series(1, 20000)"
    )
    while result := wire.get_result():
        assert result.status in {
            psycopg.pq.ExecStatus.COMMAND_OK,
            psycopg.pq.ExecStatus.TUPLES_OK,
        }
    assert count(numbers) == 1


def test_a_copy_with_parameters(numbers: psycopg.Connection) -> None:
    numbers.execute("insert into number select n, n from generate_series(1, 9) n")
    copied = numbers.cursor().copy("copy (select n from number where n > %s) to stdout", [7])
    with copied as copy:
        assert b"".join(copy) == b"8\n9\n"


def test_no_rows_at_all(numbers: psycopg.Connection) -> None:
    with numbers.cursor().copy("copy number from stdin"):
        pass
    assert count(numbers) == 0


def test_a_copy_of_bad_rows_fails_and_leaves_none(numbers: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="invalid input syntax"):
        send(numbers, [b"1\tone\nnot a number\ttwo\n"])
    assert count(numbers) == 0


def test_a_copy_that_fails_early_ignores_the_rest(numbers: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        send(numbers, [b"not a number\ttwo\n" * 5000] * 200)
    assert count(numbers) == 0


def test_a_copy_into_no_table_says_so(numbers: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"):
        send(numbers, [b"1\tone\n"], table="nowhere")
    assert count(numbers) == 0


def test_a_copy_given_up_by_the_client_leaves_nothing(numbers: psycopg.Connection) -> None:
    def give_up() -> Iterator[bytes]:
        yield b"1\tone\n"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        send(numbers, give_up())
    assert count(numbers) == 0


def test_a_copy_that_fails_aborts_its_transaction(numbers: psycopg.Connection) -> None:
    numbers.execute("begin")
    numbers.execute("insert into number values (1, 'one')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        send(numbers, [b"1\tagain\n"])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        count(numbers)
    numbers.execute("rollback")
    assert count(numbers) == 0


def test_200_mb_go_through_little_memory(home: Path, resident: Callable[[int], int]) -> None:
    """What it takes for 200 MB is, but for 150, what it takes for twice and three times as much.

    An engine that has just started takes up to 150 more, and whenever its collector likes.
    """
    dsn = embedded.ensure(home, idle=None)
    running = embedded.status(home)
    assert running
    block, taken = b"x" * 99_999 + b"\n", []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table heap (x text)")
        connection.execute("alter table heap alter x set storage external")  # as it is: 100 kB
        for blocks, held in ((2000, 2000), (4000, 6000)):
            send(connection, [block] * blocks, table="heap")
            row = connection.execute("select count(*), sum(length(x)) from heap").fetchone()
            assert row == (held, held * 99_999)
            with connection.cursor().copy("copy heap to stdout") as copy:
                assert sum(map(len, copy)) == held * len(block)
            taken.append(resident(running.pid))
    assert taken[1] - taken[0] < 150 * MB


def test_a_row_too_large_to_hold_is_refused_and_the_engine_lives(home: Path) -> None:
    row = [b"1\t", *[b"x" * MB] * 600]
    with psycopg.connect(embedded.ensure(home, idle=None), autocommit=True) as connection:
        connection.execute("create table number (n int primary key, name text)")
        with pytest.raises((psycopg.errors.OutOfMemory, psycopg.errors.ProgramLimitExceeded)):
            send(connection, row)
        send(connection, [b"1\tone\n"])
        assert count(connection) == 1
