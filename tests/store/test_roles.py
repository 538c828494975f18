"""Who writes cannot take away, who reads cannot write, and who may not is told in one line."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
import pytest

from chandlery import store
from chandlery.errors import Misuse
from chandlery.settings import Settings
from chandlery.store.roles import ROLES

As = Callable[[str], Settings]
Frame = Callable[..., pl.DataFrame]
T0 = datetime(2024, 2, 28, tzinfo=UTC)
MUCH_LATER = T0 + timedelta(days=400)
PROMISED = (
    "market_data", "market_data_adjusted", "newest", "historical_data_range", "data_quality", "gap",
    "candle_4h", "candle_1d",
)  # fmt: skip
TOLD = "select gap.starts_at, reason, quality.* from gap, data_quality quality"
HIDDEN = ("account", "claim")


def tables(connection: store.Connection) -> list[str]:
    rows = connection.execute("select tablename from pg_tables where schemaname = 'public'")
    return sorted(str(name) for (name,) in rows)


def refused(connection: store.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def keep(connection: store.Connection, candles: pl.DataFrame) -> None:
    store.learn_coins(
        connection,
        pl.DataFrame({"id": ["bitcoin"], "ticker": ["BTC"], "name": ["Bitcoin"], "rank": [1]}),
        T0,
    )
    store.write(connection, {1: candles}, store.source_key(connection, "spot"))


def test_a_writer_does_all_that_a_run_does(shared: As, frame: Frame) -> None:
    with store.connect(shared("writer")) as connection:
        assert store.migrate(connection) == []
        keep(connection, frame(range(240)))
        assert store.refresh(connection) == 10
        assert store.compress(connection, MUCH_LATER).chunks == 1
        # Into what is compressed, in the place of others, with a trace of them.
        assert store.write(connection, {1: frame(range(200, 260), close=2.5)}, 0) == 60
        assert connection.execute("select count(*) from restated").fetchone() == (40,)
        assert store.refresh(connection) == 3
        assert store.compress(connection, MUCH_LATER).chunks == 1
        store.tidy(connection)
        bars = connection.execute("select count(*), sum(hours) from candle_1d").fetchone()
        assert bars == (11, 260)


FORBIDDEN = (
    "delete from candle_1h",
    "truncate candle_1h",
    "drop table candle_1h cascade",
    "alter table candle_1h disable trigger all",
    "select drop_chunks('candle_1h', older_than => now())",
    "select compress_chunk(c) from show_chunks('candle_1h') c",
    "delete from restated",
    "update restated set close = 1",
    "update migration set checksum = ''",
    "drop view market_data",
    "create table mine ()",
    "create function mine() returns int language sql return 1",
    "drop table coin cascade",
)


def test_a_writer_takes_nothing_away_and_makes_nothing(shared: As, frame: Frame) -> None:
    with store.connect(shared("writer")) as connection:
        keep(connection, frame(range(24)))
        for statement in FORBIDDEN:
            refused(connection, statement)
        with pytest.raises(psycopg.errors.RaiseException, match="coin is no chunk of candle_1h"):
            connection.execute("select compress_candles('coin')")
        with connection.transaction():
            # What the caller has put first on its path is not what is called.
            connection.execute("create temp table candle_1h (x int)")
            connection.execute("set local search_path = pg_temp, public")
            done = connection.execute(
                "select compress_candles(c) from show_chunks('public.candle_1h') c"
            )
            assert done.rowcount == 1


def test_a_reader_reads_what_is_promised_and_writes_nothing(shared: As, frame: Frame) -> None:
    with store.connect(shared("writer")) as connection:
        keep(connection, frame(range(48)))
        store.refresh(connection)
        names = tables(connection)
    with store.connect(shared("reader")) as connection:
        assert store.migrate(connection) == []
        assert store.read(connection, store.find(connection), "4h").height == 12
        for name in PROMISED:
            connection.execute(f"table {name}".encode())
        for name in names:
            refused(connection, f"truncate {name}")
            refused(connection, f"insert into {name} default values")
            if name in HIDDEN:
                refused(connection, f"table {name}")
            else:
                connection.execute(f"table {name}".encode())
        refused(connection, "create table mine ()")
        refused(connection, "select compress_candles(c) from show_chunks('candle_1h') c")
        refused(connection, "call refresh_continuous_aggregate('candle_4h', null, null)")


def test_every_table_is_given_to_somebody(connection: store.Connection) -> None:
    text = (ROLES / "share.sql").read_text("utf-8")
    assert set(re.findall(r"^ +\('(\w+)', '", text, re.MULTILINE)) == set(tables(connection))


def test_roles_made_late_find_the_bars_as_they_were(owned: As, frame: Frame) -> None:
    with store.connect(owned("owner")) as connection:
        store.migrate(connection)
        keep(connection, frame(range(240)))
        store.refresh(connection)
        bars = connection.execute("select * from candle_1d order by open_time").fetchall()
        seen = connection.execute(TOLD).fetchall()
        for _ in range(2):
            store.make_roles(connection)
            store.share(connection)
        assert connection.execute("select count(*) from stale").fetchone() == (1,)
    with store.connect(owned("writer")) as connection:
        store.refresh(connection)
        after = connection.execute("select * from candle_1d order by open_time").fetchall()
        assert after == bars
    with store.connect(owned("owner")) as connection:
        assert connection.execute(TOLD).fetchall() == seen
        connection.execute("create view mine as select * from candle_1d")
        connection.execute("drop view mine")


def test_a_view_of_somebody_else_stops_the_handing_over_whole(owned: As, frame: Frame) -> None:
    with store.connect(owned("owner")) as connection:
        store.migrate(connection)
        keep(connection, frame(range(24)))
        connection.execute("create view mine as select * from market_data")
        store.make_roles(connection)
        with pytest.raises(Misuse, match=r"^the roles cannot be set up: .*view mine depends on"):
            store.share(connection)
        assert connection.execute("select count(*) from mine").fetchone() == (30 + 3,)
        connection.execute("drop view mine")
        store.share(connection)


def test_of_many_who_share_at_once_none_fails(owned: As) -> None:
    """As when every worker starts on a new version; a server refuses one of two who grant."""
    with store.connect(owned("owner")) as connection:
        store.migrate(connection)
        store.make_roles(connection)

    def share(_: int) -> None:
        with store.connect(owned("owner")) as own:
            for _ in range(5):
                store.share(own)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(share, range(4))) == [None] * 4


def test_who_may_not_migrate_is_told_who_is_to(owned: As) -> None:
    with store.connect(owned("owner")) as connection:
        store.make_roles(connection)
    for role in ("writer", "reader"):
        with store.connect(owned(role)) as connection:
            with pytest.raises(Misuse, match="run `chandlery migrate` with their owner's DATABASE"):
                store.migrate(connection)
            assert tables(connection) == []
    with store.connect(owned("owner")) as connection:
        store.migrate(connection)
        connection.execute("revoke select on migration from public")
        connection.execute("delete from migration where name like '016%'")
    with (
        store.connect(owned("writer")) as connection,
        pytest.raises(Misuse, match=r"^the tables are not up to date, and the user \w+_writer"),
    ):
        store.migrate(connection)


def test_a_stranger_is_told_what_to_be_made(shared: As) -> None:
    with store.connect(shared("owner")) as connection:
        name = connection.info.dbname
        connection.execute(f"revoke {name}_reader from {name}_owner".encode())
        connection.execute("revoke all on migration from public")
        connection.execute(f"revoke all on migration from {name}_reader".encode())
    told = r"may not read the tables: have their owner run `chandlery roles`"
    with store.connect(shared("reader")) as connection, pytest.raises(Misuse, match=told):
        store.migrate(connection)


def test_roles_are_not_for_who_may_not_make_them(owned: As) -> None:
    with store.connect(owned("owner")) as connection:
        store.migrate(connection)
        store.make_roles(connection)
    told = (
        r"^the roles cannot be set up: the tables are \w+_owner's to share out, and this is \w+_w"
    )
    with store.connect(owned("writer")) as connection, pytest.raises(Misuse, match=told):
        store.share(connection)
