"""What psycopg does all day, against the one session behind all clients."""

import contextlib

import psycopg
import pytest

from chandlery import embedded
from tests.embedded.conftest import Connect


def one(connection: psycopg.Connection, sql: str, *given: object) -> object:
    row = connection.execute(sql, given or None).fetchone()
    assert row
    return row[0]


def test_simple_and_extended_queries(connection: psycopg.Connection) -> None:
    assert one(connection, "select 1") == 1
    assert one(connection, "select %s::text || %s", "a", "b") == "ab"


def test_a_statement_used_often_is_prepared(connect: Connect) -> None:
    first, second = connect(), connect()
    for n in range(20):
        assert one(first, "select %s::int * 2", n) == n * 2
        assert one(second, "select %s::int * 3", n) == n * 3
    assert one(first, "select count(*) from pg_prepared_statements") == 2


def test_prepared_statements_go_with_their_client(connect: Connect) -> None:
    first = connect()
    for n in range(20):
        one(first, "select %s::int", n)
    first.close()
    assert one(connect(), "select count(*) from pg_prepared_statements") == 0


def test_an_unnamed_statement_outlives_anothers_turn(connect: Connect) -> None:
    first, second = connect(), connect()
    first.pgconn.prepare(b"", b"select 'first'")
    one(second, "select %s::text", "second")
    assert first.pgconn.exec_prepared(b"", []).get_value(0, 0) == b"first"


def test_an_error_leaves_the_connection_usable(connection: psycopg.Connection) -> None:
    for sql, given in [("select 1/0", None), ("select 1/%s", [0])]:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute(sql, given)
    with pytest.raises(psycopg.errors.SyntaxError):
        connection.execute("selekt %s", [1])
    assert one(connection, "select 1") == 1


def test_an_error_aborts_the_transaction_until_rollback(connection: psycopg.Connection) -> None:
    connection.execute("begin")
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("select 1/%s", [0])
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        connection.execute("select 1")
    connection.execute("rollback")
    assert one(connection, "select 1") == 1


def test_a_savepoint_survives_an_error(connection: psycopg.Connection) -> None:
    connection.execute("create table kept (n int)")
    with connection.transaction():
        connection.execute("insert into kept values (1)")
        connection.execute("savepoint before")
        connection.execute("insert into kept values (2)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("select 1/0")
        connection.execute("rollback to savepoint before")
    assert one(connection, "select sum(n) from kept") == 1


def test_a_pipeline(connection: psycopg.Connection) -> None:
    connection.execute("create table piped (n int)")
    with connection.pipeline():
        for n in range(1000):
            connection.execute("insert into piped values (%s)", [n])
        total = connection.execute("select count(*) from piped")
        assert total.fetchone() == (1000,)


def divide_by_zero_in_a_pipeline(connection: psycopg.Connection) -> None:
    with connection.pipeline():
        connection.execute("select 1/%s", [0])
        connection.execute("create table skipped ()")


def test_an_error_in_a_pipeline_skips_the_rest(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        divide_by_zero_in_a_pipeline(connection)
    assert one(connection, "select to_regclass('skipped')") is None


def test_a_large_answer_and_a_large_question(connection: psycopg.Connection) -> None:
    text = "x" * 20_000_000
    assert one(connection, "select %s::text", text) == text


def test_rows_by_a_server_side_cursor(connection: psycopg.Connection) -> None:
    with connection.transaction(), connection.cursor("rows") as cursor:
        cursor.execute("select generate_series(1, 10000)")
        assert sum(row[0] for row in cursor) == 50_005_000


def test_settings_of_one_client_are_not_anothers(engine: embedded.Status, connect: Connect) -> None:
    other = connect()
    with psycopg.connect(
        engine.dsn, autocommit=True, options="-c timezone=Asia/Tokyo", application_name="one's own"
    ) as tokyo:
        assert one(tokyo, "show timezone") == "Asia/Tokyo"
        assert one(other, "show timezone") == "UTC"
        assert one(tokyo, "show application_name") == "one's own"
        assert tokyo.info.parameter_status("TimeZone") == "Asia/Tokyo"
        assert other.info.parameter_status("TimeZone") == "UTC"


def test_psycopg_hears_of_a_changed_setting(connection: psycopg.Connection) -> None:
    connection.execute("set timezone = 'Europe/Rome'")
    connection.execute("select 1")
    assert connection.info.parameter_status("TimeZone") == "Europe/Rome"


def test_a_setting_nobody_knows_ends_the_connection(engine: embedded.Status) -> None:
    with (
        contextlib.closing(psycopg.connect(engine.dsn, options="-c no_such_thing=1")) as wrong,
        pytest.raises(psycopg.errors.UndefinedObject, match="no_such_thing"),
    ):
        wrong.execute("select 1")


def test_what_a_session_leaves_does_not_reach_another_client(connect: Connect) -> None:
    first, second = connect(), connect()
    first.execute("set work_mem = '9MB'")
    first.execute("create temp table left_over (n int)")
    first.execute("select pg_advisory_lock(1)")
    assert one(second, "show work_mem") == "4MB"
    assert one(second, "select to_regclass('left_over')") is None
    assert one(second, "select count(*) from pg_locks where locktype = 'advisory'") == 0


def test_a_transaction_keeps_its_own(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("set local work_mem = '9MB'")
        connection.execute("create temp table staging (n int) on commit drop")
        assert one(connection, "select pg_try_advisory_xact_lock(1)") is True
        assert one(connection, "show work_mem") == "9MB"
    assert one(connection, "show work_mem") == "4MB"
    assert one(connection, "select to_regclass('staging')") is None
