"""The database that tests share: nothing of one reaches the next, and what cannot go is seen."""

import pytest

from chandlery import store
from tests import emptied
from tests.conftest import T0, Frame, Learn

HELD = b"""
select (select count(*) from coin), (select count(*) from source), (select count(*) from candle_1h),
    (select count(*) from candle_4h), (select count(*) from candle_1d), (select count(*) from stale)
"""


def test_rows_go_and_numbers_begin_anew(
    connection: store.Connection, frame: Frame, learn: Learn
) -> None:
    for _ in range(2):
        learn(("btc", "BTC"), ("eth", "ETH"))
        assert connection.execute("select key from coin order by 1").fetchall() == [(1,), (2,)]
        key = store.source_key(connection, "here")
        store.write(connection, {1: frame(range(60))}, key, now=T0)
        store.refresh(connection)
        assert connection.execute(HELD).fetchall() == [(2, 1, 60, 15, 3, 0)]
        store.write(connection, {2: frame(range(9))}, key, now=T0)
        emptied.empty(connection)
        assert connection.execute(HELD).fetchall() == [(0, 0, 0, 0, 0, 0)]


@pytest.mark.parametrize(
    "change",
    [
        "create table more (n int)",
        "alter table coin add column more int",
        "grant select on coin to public",
        "create trigger more after insert on coin execute function mark_all_stale()",
        "alter table coin disable trigger all",
        "drop function vwap cascade",
        "alter function vwap(double precision, double precision) volatile",
        "create or replace view market_data_adjusted as select * from market_data",
        "create role somebody",
        "alter database postgres set work_mem = '9MB'",
        "update migration set name = 'more' where name like '001%'",
    ],
)
def test_what_is_no_row_is_seen(connection: store.Connection, change: str) -> None:
    before = connection.execute(emptied.SHAPE).fetchall()
    with connection.transaction(force_rollback=True):
        connection.execute(change.encode())
        assert connection.execute(emptied.SHAPE).fetchall() != before
    assert connection.execute(emptied.SHAPE).fetchall() == before
