"""Migrations: once, in order, whole or not at all."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chandlery import store
from chandlery.errors import Misuse
from chandlery.settings import Settings
from chandlery.store.migrate import MIGRATIONS

As = Callable[[str], Settings]
OBJECTS = [f"objects/{path.name}" for path in sorted(MIGRATIONS.parent.glob("objects/*.sql"))]
NAMES = [path.name for path in sorted(MIGRATIONS.glob("*.sql"))] + OBJECTS


def test_the_tables_are_made_once_by_one_of_many(bare: Settings) -> None:
    """Three processes at once; the others find the work done."""
    program = (
        "import sys; from chandlery import store; from chandlery.settings import Settings\n"
        "with store.connect(Settings(DATABASE_URL=sys.argv[1])) as c: print(*store.migrate(c))"
    )
    with store.connect(bare) as connection:
        dsn = connection.info.dsn
        started = [
            subprocess.Popen(
                [sys.executable, "-c", program, dsn], stdout=subprocess.PIPE, text=True
            )
            for _ in range(3)
        ]
        told = [process.communicate()[0].split() for process in started]
        assert [process.returncode for process in started] == [0, 0, 0]
        assert sorted(name for names in told for name in names) == NAMES
        assert store.migrate(connection) == []
        applied = connection.execute("select name from migration order by applied_at, name")
        assert [name for (name,) in applied] == NAMES


def test_files_run_once_in_order_whole_or_not_at_all(bare: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    nothing = tmp_path / "nothing"
    (folder / "002_b.sql").write_text("insert into seen values ('b'), ('ü');")
    (folder / "001_a.sql").write_text(
        "create table seen (what text); insert into seen values ('a')"
    )
    (folder / "notes.txt").write_text("not a migration")
    with store.connect(bare) as connection:

        def table(name: str) -> list[str]:
            return [
                str(row[0])
                for row in connection.execute(
                    sql.SQL("select * from {}").format(sql.Identifier(name))
                )
            ]

        assert store.migrate(connection, folder, nothing) == ["001_a.sql", "002_b.sql"]
        assert store.migrate(connection, folder, nothing) == []
        assert table("seen") == ["a", "b", "ü"]

        (folder / "003_c.sql").write_text("insert into seen values ('c'); select 1 / 0")
        (folder / "004_d.sql").write_text("insert into seen values ('d')")
        with pytest.raises(psycopg.errors.DivisionByZero):
            store.migrate(connection, folder, nothing)
        assert table("seen") == ["a", "b", "ü"]
        assert table("migration") == ["001_a.sql", "002_b.sql"]
        (folder / "003_c.sql").write_text("insert into seen values ('c')")
        assert store.migrate(connection, folder, nothing) == ["003_c.sql", "004_d.sql"]
        assert table("seen") == ["a", "b", "ü", "c", "d"]

        (folder / "002_b.sql").write_text("insert into seen values ('b');")
        with pytest.raises(Misuse, match=r"^migration 002_b\.sql was edited after it ran: "):
            store.migrate(connection, folder, nothing)
        (folder / "002_b.sql").unlink()
        with pytest.raises(Misuse, match=r"^the database ran 002_b\.sql, which is not in this"):
            store.migrate(connection, folder, nothing)


def test_a_file_that_says_so_runs_outside_a_transaction(
    connection: store.Connection, tmp_path: Path
) -> None:
    for path in MIGRATIONS.glob("*.sql"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = "call refresh_continuous_aggregate('candle_4h', '2024-01-01', '2024-02-01');"
    (tmp_path / "900_refresh.sql").write_text(text)
    with pytest.raises(psycopg.errors.ActiveSqlTransaction):
        store.migrate(connection, tmp_path)
    (tmp_path / "900_refresh.sql").write_text(f"-- no transaction\n{text}\n")
    (tmp_path / "901_view.sql").write_text(
        "-- no transaction\n"
        "create materialized view if not exists candle_7d with (timescaledb.continuous) as"
        " select coin, time_bucket('7 days', open_time) as open_time, max(high) as high"
        " from candle_1h group by 1, 2 with data",
    )
    (tmp_path / "902_broken.sql").write_text("-- no transaction\nselect 1 / 0")
    with pytest.raises(psycopg.errors.DivisionByZero):
        store.migrate(connection, tmp_path)
    (tmp_path / "902_broken.sql").unlink()
    applied = connection.execute("select name from migration where name like '9%' order by name")
    assert [name for (name,) in applied] == ["900_refresh.sql", "901_view.sql"]
    assert store.migrate(connection, tmp_path) == OBJECTS  # no view was made after what failed
    assert store.migrate(connection, tmp_path) == []


def test_jit_is_off_for_whoever_reads(connection: store.Connection) -> None:
    found = connection.execute(
        "select setconfig from pg_db_role_setting join pg_database on pg_database.oid = setdatabase"
        " where datname = current_database() and setrole = 0"
    ).fetchone()
    assert found is not None
    assert "jit=off" in found[0]


def test_who_does_not_own_the_database_migrates_all_the_same(shared: As) -> None:
    with store.connect(shared("owner")) as connection:
        files = {name for (name,) in connection.execute("select name from migration").fetchall()}
    assert "028_jit.sql" in files
