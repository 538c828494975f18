"""The engine's life: started once, shared, killed, reopened, stopped, gone when nobody needs it."""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from chandlery import embedded
from chandlery.embedded import place
from tests.waiting import PATIENCE

ENSURE = """
import sys
from pathlib import Path
from chandlery import embedded
print(embedded.ensure(Path(sys.argv[1])), embedded.status(Path(sys.argv[1])).pid)
"""

HYPERTABLE = """
create extension if not exists timescaledb;
create table reading (t timestamptz not null, n int);
select create_hypertable('reading', by_range('t'));
create materialized view daily with (timescaledb.continuous) as
    select time_bucket('1 day', t) as day, sum(n) as n from reading group by 1 with no data;
"""


def value(dsn: str, sql: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(sql).fetchone()
    assert row
    return row[0]


def running(home: Path) -> embedded.Status:
    found = embedded.status(home)
    assert found
    return found


def gone(home: Path) -> bool:
    """Wait until an engine is gone, by the lock that it holds as long as it lives."""
    with (home / "engine.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    return embedded.status(home) is None


def kill(home: Path) -> None:
    os.kill(running(home).pid, signal.SIGKILL)
    assert gone(home)


WITH_TCP = """
import sys
from pathlib import Path
from chandlery import embedded
embedded.ensure(Path(sys.argv[1]), tcp=int(sys.argv[2]))
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose sockets have paths that are short enough to lie in it."""
    with TemporaryDirectory(prefix="h") as name:
        yield Path(name)


def test_whatever_the_umask_all_of_it_is_for_its_user_alone(short: Path) -> None:
    home = short / "above" / "home"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [sys.executable, "-c", WITH_TCP, str(home), str(port)]
    try:
        subprocess.run(command, check=True, env=environment(), umask=0)
        found = [home.parent, *home.parent.rglob("*")]
        assert len(found) > 1000
        assert (home / "pgpass").exists()
        assert (home / "run" / place.SOCKET_NAME).exists()
        modes = {path: path.lstat().st_mode for path in found}
        assert [path for path, mode in modes.items() if mode & 0o077] == []
        assert stat.S_IMODE(modes[home / "pgdata"]) == 0o700
        told = Path(f"/proc/{running(home).pid}/cmdline")
        if told.exists():
            password = (home / "pgpass").read_text("utf-8").strip().rpartition(":")[2]
            assert password not in told.read_text("utf-8")
    finally:
        embedded.stop(home)


def test_many_processes_at_once_share_one_engine(new_home: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", ENSURE, str(new_home)]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
        for _ in range(4)
    ]
    answers = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(answers)) == 1


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(embedded.__file__).parents[2])}


def test_many_threads_at_once_share_one_engine(home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(lambda _: embedded.ensure(home), range(4)))
    assert len(answers) == 1


def test_a_new_engine_says_what_it_is(home: Path) -> None:
    dsn = embedded.ensure(home, idle=None)
    found = running(home)
    assert (found.dsn, found.tcp_port, found.edition, found.home) == (dsn, None, "community", home)
    assert str(value(dsn, "select version()")).startswith("PostgreSQL 17")


def test_nobody_else_can_look_in(home: Path) -> None:
    embedded.ensure(home, idle=None)
    for path in [home / "pgdata", home / "run"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_stopping_is_clean_and_waits(home: Path) -> None:
    assert embedded.stop(home) is False
    dsn = embedded.ensure(home)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table kept as select 1 as n")
    assert embedded.stop(home) is True
    assert embedded.status(home) is None
    assert "stopped" in (home / "engine.log").read_text()
    assert value(embedded.ensure(home), "select n from kept") == 1


def test_stopping_ends_an_open_transaction(home: Path) -> None:
    dsn = embedded.ensure(home)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table kept (n int)")
    holder = psycopg.connect(dsn)
    holder.execute("insert into kept values (1)")
    assert embedded.stop(home) is True
    with pytest.raises(psycopg.OperationalError):
        holder.execute("select 1")
    holder.close()
    assert value(embedded.ensure(home), "select count(*) from kept") == 0


def copy_numbers(connection: psycopg.Connection, numbers: range) -> None:
    with connection.cursor().copy("copy kept from stdin") as copy:
        for n in numbers:
            copy.write_row((n,))


def copy_and_kill(connection: psycopg.Connection, home: Path) -> None:
    with connection.cursor().copy("copy kept from stdin") as copy:
        for n in range(50_000, 100_000):
            copy.write_row((n,))
        kill(home)


def test_committed_rows_survive_a_kill_in_the_middle_of_a_copy(home: Path) -> None:
    with psycopg.connect(embedded.ensure(home), autocommit=True) as connection:
        connection.execute("create table kept (n int primary key)")
        copy_numbers(connection, range(50_000))
        with pytest.raises(psycopg.OperationalError):
            copy_and_kill(connection, home)
    again = embedded.ensure(home)
    assert value(again, "select count(*) from kept") == 50_000
    assert value(again, "select count(*) from kept where n > 0") == 49_999


def test_timescaledb_survives_a_kill(home: Path) -> None:
    dsn = embedded.ensure(home)
    with psycopg.connect(dsn, autocommit=True) as connection:
        for sql in HYPERTABLE.split(";"):
            connection.execute(sql)
        connection.execute(
            "insert into reading select t, 1 from generate_series"
            "(timestamptz '2026-01-01', '2026-02-01', '1 hour') t"
        )
        connection.execute("call refresh_continuous_aggregate('daily', null, '2026-02-01')")
    kill(home)
    again = embedded.ensure(home)
    assert value(again, "show timescaledb.license") == "timescale"
    assert value(again, "select sum(n) from daily where day < '2026-02-01'") == 31 * 24
    with psycopg.connect(again, autocommit=True) as connection:
        connection.execute("alter table reading set (timescaledb.compress)")
        connection.execute("select compress_chunk(c) from show_chunks('reading') c")
        connection.execute("insert into reading values ('2026-01-02 00:30Z', 5)")
        connection.execute("call refresh_continuous_aggregate('daily', null, '2026-02-01')")
    assert value(again, "select n from daily where day = '2026-01-02'") == 29


def test_a_first_start_that_is_cut_short_leaves_nothing_half_made(new_home: Path) -> None:
    half = new_home / "pgdata.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("17\n")
    assert value(embedded.ensure(new_home), "select 1") == 1


def test_without_clients_it_goes(home: Path) -> None:
    dsn = embedded.ensure(home, idle=0.2)
    assert gone(home)
    assert embedded.ensure(home, idle=0.2) == dsn
    with psycopg.connect(dsn) as connection:
        connection.execute("select pg_sleep(0.6)")
        connection.execute("select 1")
    assert gone(home)


def test_an_engine_on_its_way_out_is_followed_by_a_new_one(home: Path) -> None:
    for _ in range(3):
        dsn = embedded.ensure(home, idle=0.0)
        assert dsn
        assert gone(home)
    assert value(embedded.ensure(home), "select 1") == 1


def test_a_long_home_gets_a_short_private_socket_folder(home: Path, tmp_path: Path) -> None:
    home = home.rename(tmp_path / ("long" * 30))
    dsn = embedded.ensure(home)
    try:
        folder = Path(str(psycopg.conninfo.conninfo_to_dict(dsn)["host"]))
        assert len(os.fsencode(folder)) < place.LONGEST_SOCKET_PATH
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert value(dsn, "select 1") == 1
    finally:
        embedded.stop(home)
        folder.rmdir()


def test_a_home_with_odd_letters(home: Path, tmp_path: Path) -> None:
    home = home.rename(tmp_path / "a home, d'été & 100%")
    try:
        assert value(embedded.ensure(home), "select 1") == 1
    finally:
        embedded.stop(home)


def test_a_second_engine_on_a_folder_is_refused(home: Path) -> None:
    embedded.ensure(home, idle=None)
    command = Path(f"/proc/{running(home).pid}/cmdline")
    if not command.exists():
        pytest.skip("no /proc here to read the engine's command from")
    words = command.read_text().split("\0")[:-1]
    by_hand = [word for word in words if "-fd=" not in word]
    second = subprocess.run(by_hand, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 2
    assert "run `chandlery db start`" in second.stderr
    assert value(running(home).dsn, "select 1") == 1


def test_an_engine_whose_folder_was_taken_away_writes_nothing_into_the_next(
    home: Path, template: Path
) -> None:
    embedded.ensure(home, idle=None)
    with (home / "engine.lock").open() as lock:
        shutil.rmtree(home)
        shutil.copytree(template, home / "pgdata")
        dsn = embedded.ensure(home)
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first engine held it as long as it lived
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table kept (n int)")
    embedded.stop(home)
    assert value(embedded.ensure(home), "select count(*) from kept") == 0


def test_an_engine_that_does_not_answer_is_not_doubled(home: Path) -> None:
    embedded.ensure(home, idle=None)
    pid = running(home).pid
    (home / "engine.json").unlink()
    with pytest.raises(embedded.EngineError, match="does not answer"):
        embedded.ensure(home, patience=embedded.Patience(leave=0.1))
    os.kill(pid, signal.SIGTERM)
    assert value(embedded.ensure(home), "select 1") == 1


def test_a_file_in_the_way_of_the_home_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(embedded.EngineError, match="set CHANDLERY_HOME"):
        embedded.ensure(tmp_path / "file" / "home")


def test_data_of_another_version_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "pgdata").mkdir()
    (tmp_path / "pgdata" / "PG_VERSION").write_text("15\n")
    with pytest.raises(embedded.EngineError, match="PostgreSQL 15"):
        embedded.ensure(tmp_path)


def test_data_that_cannot_be_opened_is_an_engine_error(new_home: Path) -> None:
    (new_home / "pgdata").mkdir(parents=True)
    (new_home / "pgdata" / "PG_VERSION").write_text("17\n")
    with pytest.raises(embedded.EngineError, match=r"words are in .*engine\.log") as caught:
        embedded.ensure(new_home)
    assert "\n" not in str(caught.value)


def test_over_tcp_it_asks_for_a_password(home: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dsn = embedded.ensure(home, tcp=port)
    tcp = running(home).tcp_dsn
    assert tcp
    assert value(tcp, "select 1") == value(dsn, "select 1") == 1
    assert stat.S_IMODE((home / "pgpass").stat().st_mode) == 0o600
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://postgres:wrong@127.0.0.1:{port}/postgres")
    with pytest.raises(embedded.EngineError, match="db stop"):
        embedded.ensure(home, tcp=port + 1)


def test_a_tcp_port_in_use_is_an_engine_error(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(embedded.EngineError, match="EADDRINUSE"):
            embedded.ensure(home, tcp=taken.getsockname()[1])
    assert value(embedded.ensure(home), "select 1") == 1


def test_who_is_cut_short_while_asking_for_timescaledb_leaves_it_to_the_next(home: Path) -> None:
    """A session in which CREATE EXTENSION was rolled back refuses it for ever."""
    ask = "create extension if not exists timescaledb"
    with psycopg.connect(embedded.ensure(home), autocommit=True) as connection:
        connection.execute("begin")
        connection.execute(ask)
        connection.execute("rollback")
        connection.execute(ask)
        connection.execute("create table reading (t timestamptz not null)")
        connection.execute("select create_hypertable('reading', by_range('t'))")


def test_a_plain_postgresql_is_to_be_had_for_tests(new_home: Path) -> None:
    with psycopg.connect(embedded.ensure(new_home, edition="none"), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="not available"):
            connection.execute("create extension timescaledb")
        offered = "select count(*) from pg_available_extensions where name = 'timescaledb'"
        assert connection.execute(offered).fetchone() == (0,)


def test_a_client_that_keeps_the_engine_idle_is_sent_away(home: Path) -> None:
    dsn = embedded.ensure(home, patience=embedded.Patience(idle_client=0.2))
    with contextlib.closing(psycopg.connect(dsn)) as keeper:
        keeper.execute("create table kept ()")
        assert value(dsn, "select to_regclass('kept')") is None
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout, match="kept the emb"):
            keeper.execute("select 1")


def test_a_client_that_does_not_read_is_sent_away(home: Path) -> None:
    dsn = embedded.ensure(home, patience=embedded.Patience(idle_client=0.2))
    with contextlib.closing(psycopg.connect(dsn)) as keeper:
        keeper.pgconn.send_query(b"select repeat('x', 1000) from generate_series(1, 50000)")
        keeper.pgconn.flush()
        assert value(dsn, "select 1") == 1


def test_its_log_has_an_end(home: Path) -> None:
    """Nobody else makes a checkpoint: without one, 300 MB lie there until the engine stops."""
    dsn = embedded.ensure(home, idle=None)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("create table wide (n int, text text storage plain)")
        for _ in range(6):
            connection.execute(
                "insert into wide select n, repeat('x', 8000) from generate_series(1, 6400) n"
            )
        connection.execute("select")  # the checkpoint is done before
        behind = connection.execute(
            "select pg_current_wal_lsn() - redo_lsn from pg_control_checkpoint()"
        ).fetchone()
    assert behind
    assert behind[0] < 256 << 20


def test_what_a_power_cut_left_empty_is_written_anew(home: Path) -> None:
    """The names of the engine's own small files may be there without their bytes."""
    for name in ("engine.json", "pgpass"):
        (home / name).touch(0o600)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    embedded.ensure(home, tcp=port)
    assert running(home).tcp_port == port
    assert (home / "pgpass").read_text("utf-8").startswith("127.0.0.1:*:*:postgres:")
