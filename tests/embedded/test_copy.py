"""COPY, which streams: through buffers of fixed size, in both directions."""

from __future__ import annotations

import struct
from pathlib import Path

import psycopg
import pytest

import embedded

MB = 1_000_000
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


def resident(pid: int) -> int:
    """Give a process's memory, in bytes, as `ps` has it."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("no /proc here to read a process's memory from")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


@pytest.fixture
def numbers(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("create table number (n int primary key, name text)")
    return connection


def count(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from number").fetchone()
    assert row
    return row[0]


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
    "sql",
    [
        "copy number from stdin",
        "  COPY number\nFROM STDIN",
        "-- a comment\n/* and /* another */ */ copy number (n, name) from stdin",
    ],
)
def test_however_it_is_written(numbers: psycopg.Connection, sql: str) -> None:
    with numbers.cursor().copy(sql) as copy:
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
    wire.send_query(b"set timezone = 'UTC'; select repeat('x', 1000) from generate_series(1, 20000)")
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
    with (
        pytest.raises(psycopg.errors.InvalidTextRepresentation, match="invalid input syntax"),
        numbers.cursor().copy("copy number from stdin") as copy,
    ):
        copy.write("1\tone\nnot a number\ttwo\n")
    assert count(numbers) == 0


def test_a_copy_that_fails_early_ignores_the_rest(numbers: psycopg.Connection) -> None:
    with (
        pytest.raises(psycopg.errors.InvalidTextRepresentation),
        numbers.cursor().copy("copy number from stdin") as copy,
    ):
        for _ in range(200):
            copy.write(b"not a number\ttwo\n" * 5000)
    assert count(numbers) == 0


def test_a_copy_into_no_table_says_so(numbers: psycopg.Connection) -> None:
    with (
        pytest.raises(psycopg.errors.UndefinedTable, match="nowhere"),
        numbers.cursor().copy("copy nowhere from stdin") as copy,
    ):
        copy.write("1\tone\n")
    assert count(numbers) == 0


def test_a_copy_given_up_by_the_client_leaves_nothing(numbers: psycopg.Connection) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        numbers.cursor().copy("copy number from stdin") as copy,
    ):
        copy.write("1\tone\n")
        raise ZeroDivisionError
    assert count(numbers) == 0


def test_a_copy_that_fails_aborts_its_transaction(numbers: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation), numbers.transaction():
        numbers.execute("insert into number values (1, 'one')")
        with numbers.cursor().copy("copy number from stdin") as copy:
            copy.write("1\tagain\n")
    assert count(numbers) == 0


def test_200_mb_go_through_little_memory(home: Path) -> None:
    dsn = embedded.ensure(home, idle=None)
    running = embedded.status(home)
    assert running
    block = b"x" * 99_999 + b"\n"
    with psycopg.connect(dsn, autocommit=True) as connection:
        # A trigger drops the rows: what is tested is the way in, not the disk.
        connection.execute("create table sink (x text)")
        connection.execute("alter table sink alter x set storage external")
        before = resident(running.pid)
        with connection.cursor().copy("copy sink from stdin") as copy:
            for _ in range(2000):
                copy.write(block)
        row = connection.execute("select count(*), sum(length(x)) from sink").fetchone()
        assert row == (2000, 2000 * 99_999)
        assert resident(running.pid) - before < 150 * MB
        taken = 0
        with connection.cursor().copy("copy sink to stdout") as copy:
            for piece in copy:
                taken += len(piece)
        assert taken == 200 * MB
        assert resident(running.pid) - before < 150 * MB


def test_a_row_too_large_to_hold_is_refused_and_the_engine_lives(home: Path) -> None:
    dsn = embedded.ensure(home, idle=None)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table number (n int primary key, name text)")
        with (
            pytest.raises((psycopg.errors.OutOfMemory, psycopg.errors.ProgramLimitExceeded)),
            connection.cursor().copy("copy number from stdin") as copy,
        ):
            copy.write(b"1\t")
            for _ in range(600):
                copy.write(b"x" * MB)
        assert count(connection) == 0
    assert embedded.status(home)
