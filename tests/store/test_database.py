"""A connection that outlives what comes between."""

import psycopg
import pytest

from chandlery import store
from chandlery.settings import Settings


def interrupted(connection: store.Connection) -> None:
    """Ctrl-C between a query and its answer, in a transaction."""
    with connection.transaction():
        connection.pgconn.send_query(b"select 1")
        raise KeyboardInterrupt


def one(connection: store.Connection) -> tuple[int] | None:
    return connection.execute("select 1").fetchone()


def test_after_ctrl_c_between_a_query_and_its_answer_all_can_be_tidied_up(
    settings: Settings,
) -> None:
    with store.Database(settings) as database:
        with pytest.raises(KeyboardInterrupt):
            database.do(interrupted)
        assert database.do(one) == (1,)


def test_an_error_that_takes_the_place_of_ctrl_c_is_not_asked_again_for(settings: Settings) -> None:
    """As psycopg has it where the server's answer to a cancelled query is one."""
    calls = []

    def lost(_: store.Connection) -> None:
        calls.append(1)
        try:
            stop()
        finally:
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    def stop() -> None:
        raise KeyboardInterrupt

    with store.Database(settings) as database:
        with pytest.raises(KeyboardInterrupt):
            database.do(lost)
        assert calls == [1]


@pytest.mark.parametrize(
    ("error", "is_damage"),
    [
        ("raise exception 'could not read block 7' using errcode = 'data_corrupted'", True),
        ("raise exception 'tuple concurrently updated' using errcode = 'internal_error'", False),
        ("raise exception 'one' using errcode = 'unique_violation', table = 'pg_statistic'", True),
        ("raise exception 'one' using errcode = 'unique_violation', table = 'pg_authid'", False),
    ],
)
def test_damage_is_told_from_what_passes(
    connection: store.Connection, error: str, *, is_damage: bool
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(f"do $$ begin {error}; end $$".encode())
    assert store.is_damage(caught.value) is is_damage
