"""A connection that outlives what comes between."""

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
