import time
from concurrent.futures import ThreadPoolExecutor

from chandlery import store
from chandlery.settings import Settings


def test_an_account_is_kept_only_in_place_of_the_version_it_was_made_of(
    connection: store.Connection,
) -> None:
    assert store.read_account(connection, "place") == (None, 0)
    assert store.keep_account(connection, "place", '{"a":1}', 0)
    assert not store.keep_account(connection, "place", '{"a":2}', 0)
    assert store.keep_account(connection, "place", '{"a":3}', 1)
    assert not store.keep_account(connection, "place", '{"a":4}', 1)
    assert store.read_account(connection, "place") == ('{"a":3}', 2)
    assert store.read_account(connection, "elsewhere") == (None, 0)


def test_of_many_who_change_it_at_once_nobody_is_lost(settings: Settings) -> None:
    def count(times: int) -> None:
        with store.connect(settings) as connection:
            while times:
                text, version = store.read_account(connection, "place")
                times -= store.keep_account(connection, "place", str(int(text or 0) + 1), version)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, [50] * 4))
    with store.connect(settings) as connection:
        assert store.read_account(connection, "place") == ("200", 200)
        size = connection.execute("select pg_relation_size('account')").fetchone()
    assert size is not None
    assert size[0] <= 3 * 8192  # what was replaced is not kept


def test_the_database_s_clock_is_compared_with_ours(connection: store.Connection) -> None:
    began = time.time()
    ahead = store.clock_ahead(connection, time.time)
    assert (
        abs(ahead) < time.time() - began + 0.01
    )  # one machine's: no look is off by more than it took
