"""What tests share: a database of their own each, sandbox venues, and the real recordings.

Without more, a test's database is the embedded TimescaleDB in a folder of its own; with
`--server DSN` it is a new database on that server.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import embedded
import store
from candles import HOUR, SCHEMA
from candles.settings import Settings

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]

SHARED = Path(__file__).resolve().parents[2] / "shared"
MARKET = SHARED / "market"
T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOW = datetime(2026, 4, 30, 4, tzinfo=UTC)  # when the last recorded hour has closed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", help="run database tests on this TimescaleDB, not the embedded")
    parser.addoption(
        "--rounds", type=int, default=20, metavar="N", help="how often runs are killed"
    )
    parser.addoption("--fault-table", type=Path, help="write the table of faults to this file")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an up-to-date, empty database, to be copied: making one takes seconds."""
    home = tmp_path_factory.mktemp("template")
    with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=home)) as connection:
        store.migrate(connection)
    embedded.stop(home)
    return home


@pytest.fixture
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a database in which nothing is yet."""
    yield from _settings(request, tmp_path)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with an up-to-date, empty database."""
    if request.config.getoption("--server") is None:
        template = request.getfixturevalue("template")
        shutil.copytree(template / "pgdata", tmp_path / "home" / "pgdata")
    for made in _settings(request, tmp_path):
        with store.connect(made) as connection:
            store.migrate(connection)
        yield made


@pytest.fixture
def connection(settings: Settings) -> Iterator[store.Connection]:
    """A connection to an up-to-date, empty database."""
    with store.connect(settings) as opened:
        yield opened


def _settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    server = request.config.getoption("--server")
    home = tmp_path / "home"
    if server is None:
        yield Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
        embedded.stop(home)
        return
    name = f"chandlery_test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"create database {name}".encode())
    yield Settings(DATABASE_URL=make_conninfo(server, dbname=name), CHANDLERY_HOME=home)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session")
def market() -> Path:
    """The real candles, where they are at hand."""
    if not MARKET.is_dir():
        pytest.skip("needs the recorded candles in ../shared/market, which are not here")
    return MARKET


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often runs are killed: few times in `make test`, often in `make nightly`."""
    return int(request.config.getoption("--rounds"))


@pytest.fixture
def frame() -> Frame:
    """Make candles at these hours after 2024-02-28, all alike but for the columns given."""

    def make(hours: Iterable[int], **columns: Any) -> pl.DataFrame:
        times = [T0 + hour * HOUR for hour in sorted(hours)]
        values = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0, "volume": 10.0}
        alike = values | {"quote_volume": 20.0, "trades": 5} | columns
        return pl.DataFrame({"open_time": times} | alike, schema=SCHEMA)

    return make


@pytest.fixture
def learn(connection: store.Connection) -> Learn:
    """Learn coins, best-ranked first, from (id, ticker); the first one's key is 1."""

    def learnt(*coins: tuple[str, str]) -> int:
        seen = pl.DataFrame(coins, schema=["id", "ticker"], orient="row").with_columns(
            name="id", rank=pl.int_range(1, pl.len() + 1)
        )
        return store.learn_coins(connection, seen, T0)

    return learnt
