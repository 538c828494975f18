"""Views and functions: as their files say, whichever version a database comes from."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chandlery import store
from chandlery.errors import Misuse
from chandlery.settings import Settings
from chandlery.store.migrate import MIGRATIONS, OBJECTS
from tests.conftest import As

SCHEMA = """
select 'column', table_name || '.' || column_name, data_type || is_nullable || coalesce(column_default, '')
from information_schema.columns where table_schema = 'public'
union all
select 'index', indexname, indexdef from pg_indexes where schemaname = 'public'
union all
select 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
from pg_trigger where not tgisinternal and tgname not like 'ts\\_%' and tgrelid = 'candle_1h'::regclass
union all
select 'view', relname, regexp_replace(pg_get_viewdef(oid), '(?<=hypertable_|watermark.)[0-9]+', '', 'g')
from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace
union all
select 'function', oid::regprocedure::text, pg_get_functiondef(oid) || coalesce(proacl::text, '')
from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f' and proname not in (
    select proname from pg_proc join pg_depend on objid = pg_proc.oid and deptype = 'e'
)
order by 1, 2, 3
"""  # noqa: E501 - a line each
BARS = "024_bars.sql"
HOURS = """
insert into candle_1h (open_time, open, high, low, close, volume, coin, source)
select '2024-01-01Z'::timestamptz + n * interval '1 hour', 2, 3, 1, 2 + n % 7 / 10.0, n % 5, coin, 0
from generate_series(0, 24 * 720 - 1) n cross join generate_series(1, 2) coin
"""
COMPRESSED = """
select count(*), count(*) filter (where is_compressed)
from timescaledb_information.chunks where hypertable_name = 'candle_1h'
"""
NAMES = [path.name for path in sorted(MIGRATIONS.glob("*.sql"))]


def schema(connection: store.Connection) -> list[tuple[str, ...]]:
    return connection.execute(SCHEMA.encode()).fetchall()


def test_a_database_of_any_version_comes_to_be_as_a_new_one(
    bare: Settings, connection: store.Connection, tmp_path: Path
) -> None:
    """One is taken from version to version; from each, in what is undone, straight to the last."""
    new = schema(connection)
    assert {kind for kind, *_ in new} == {
        "column", "constraint", "function", "index", "trigger", "view",
    }  # fmt: skip
    nothing = tmp_path / "nothing"
    with store.connect(bare) as old:
        for name in NAMES:
            shutil.copy(MIGRATIONS / name, tmp_path)
            assert name in store.migrate(old, tmp_path, nothing)
            with old.transaction(force_rollback=True):
                store.migrate(old)
                assert schema(old) == new, name
        assert store.migrate(old) == [f"objects/{path.name}" for path in sorted(OBJECTS.iterdir())]
        assert schema(old) == new


@pytest.fixture
def old(bare: Settings, tmp_path: Path) -> Iterator[store.Connection]:
    """A database of the version before the bars were made anew."""
    folder = tmp_path / "old"
    folder.mkdir()
    for name in NAMES[: NAMES.index(BARS)]:
        shutil.copy(MIGRATIONS / name, folder)
    with store.connect(bare) as connection:
        store.migrate(connection, folder, tmp_path / "nothing")
        yield connection


def test_a_view_of_somebody_elses_is_named_where_a_migration_drops_what_it_is_made_from(
    old: store.Connection,
) -> None:
    old.execute("create view mine as select coin, close from candle_1d")
    with pytest.raises(Misuse, match=rf"^{BARS} makes views anew, .*view mine.*: drop that"):
        store.migrate(old)
    assert old.execute("select count(*) from mine").fetchone() == (0,)
    old.execute("drop view mine")
    assert BARS in store.migrate(old)


def test_compressed_candles_stay_so_and_bars_are_right_before_they_are_refreshed(
    old: store.Connection,
) -> None:
    def rows(statement: str) -> list[tuple[object, ...]]:
        return old.execute(statement.encode()).fetchall()

    old.execute(HOURS.encode())
    rows("select compress_chunk(c) from show_chunks('candle_1h') c")
    hours = rows("select coin, open_time, close, volume from candle_1h order by 1, 2")
    store.migrate(old)
    assert rows(COMPRESSED) == [(9, 9)]
    assert rows("select coin, open_time, close, volume from candle_1h order by 1, 2") == hours

    days = "select * from candle_1d order by coin, open_time"
    unmade = rows(days)
    assert len(unmade) == 2 * 720
    store.refresh(old)
    assert rows(days) == unmade
    assert rows("select count(*) from made_1d") == [(2 * 720,)]
    assert rows("select count(*) from stale") == [(0,)]


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    """A copy of the files, to be edited."""
    return shutil.copytree(OBJECTS, tmp_path / "objects")


def edit(folder: Path, name: str, old: str, new: str) -> str:
    (path,) = folder.glob(f"*_{name}.sql")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    return f"objects/{path.name}"


def migrate(connection: store.Connection, objects: Path) -> list[str]:
    return [*store.migrate(connection, objects=objects)]


def test_what_was_edited_is_made_anew_once(connection: store.Connection, objects: Path) -> None:
    assert migrate(connection, objects) == []
    edited = edit(objects, "hours", "/ 3600", "/ 1800")
    assert migrate(connection, objects) == [edited]
    assert migrate(connection, objects) == []
    half = connection.execute(
        "select hours(tstzmultirange(tstzrange('2026-01-01Z', '2026-01-02Z')))"
    ).fetchone()
    assert half == (48,)


def test_a_view_that_loses_a_column_is_made_anew_with_all_that_is_made_from_it(
    connection: store.Connection, objects: Path
) -> None:
    before = schema(connection)
    edited = edit(objects, "gap", "    coin.id as coin_id, known.coin,", "    known.coin,")
    assert migrate(connection, objects) == [edited]
    lost = set(before) - set(schema(connection))
    assert {re.sub(r"\..*", "", name) for _, name, _ in lost} == {"gap"}

    connection.execute("create view mine as select symbol from gap")
    with pytest.raises(Misuse, match=r"^the file of gap makes views anew, and .*view mine"):
        migrate(connection, OBJECTS)
    assert connection.execute("select * from mine").fetchall() == []
    connection.execute("drop view mine")
    assert migrate(connection, OBJECTS) == [edited]
    assert schema(connection) == before


def test_a_broken_file_changes_nothing(connection: store.Connection, objects: Path) -> None:
    before = schema(connection)
    edit(objects, "hours", "/ 3600", "/ 1800")
    edit(objects, "data_quality", "from coverage", "from nowhere")
    with pytest.raises(psycopg.errors.UndefinedTable):
        migrate(connection, objects)
    assert schema(connection) == before
    assert migrate(connection, OBJECTS) == []


def test_a_migration_may_drop_what_is_in_its_way(
    connection: store.Connection, tmp_path: Path
) -> None:
    before = schema(connection)
    for name in NAMES:
        shutil.copy(MIGRATIONS / name, tmp_path)
    (tmp_path / "900_other.sql").write_text("drop view data_quality; select 1")
    assert store.migrate(connection, tmp_path)[0] == "900_other.sql"
    assert schema(connection) == before


UNDESCRIBED = b"""
select relname, null from pg_class
where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and obj_description(oid, 'pg_class') is null
union all
select relname, attname from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0
where relnamespace = 'public'::regnamespace and relkind in ('r', 'v') and not attisdropped
    and col_description(attrelid, attnum) is null
"""  # noqa: E501 - a line each


LISTING_SYMBOL = b"""
select col_description(attrelid, attnum) from pg_attribute
where attrelid = 'listing'::regclass and attname = 'symbol'
"""


def test_every_table_view_and_column_says_what_it_holds(connection: store.Connection) -> None:
    assert connection.execute(UNDESCRIBED).fetchall() == []
    own = connection.execute(LISTING_SYMBOL).fetchone()
    assert own == ("The source's own symbol.",)


def test_views_that_are_handed_over_say_it_too(shared: As) -> None:
    with store.connect(shared("reader")) as connection:
        assert connection.execute(UNDESCRIBED).fetchall() == []


def test_nothing_is_described_that_there_is_not(connection: store.Connection) -> None:
    (file,) = OBJECTS.glob("*_described.sql")
    named = set(re.findall(r"^ +\('(\w+)', ", file.read_text(), re.MULTILINE))
    found = connection.execute(b"select relname from pg_class where relkind in ('r', 'v')")
    assert named <= {relation for (relation,) in found}
