"""What tests share: a database of their own each, sandbox venues, and the real recordings.

Without more, a test's database is the embedded TimescaleDB in a folder of its own; with
`--server DSN` it is a new database on that server.
"""

import shutil
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from time import monotonic, time
from typing import Any
from uuid import uuid4

import polars as pl
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from chandlery import embedded, store
from chandlery.engine.context import RunContext, open_context
from chandlery.model import HOUR, SCHEMA
from chandlery.model.frame import TAKER
from chandlery.rate_limit.gate import Timepiece
from chandlery.settings import Settings
from tests import fault_table, fuzz
from tests.emptied import Shared
from tests.made_once import made_once

Frame = Callable[..., pl.DataFrame]
Learn = Callable[..., int]
As = Callable[[str], Settings]
Open = Callable[..., AbstractContextManager[RunContext]]
Say = Callable[[str], None]

SHARED = Path(__file__).resolve().parents[2] / "shared"
MARKET = SHARED / "market"
TROUBLE = SHARED / "trouble"
T0 = datetime(2024, 2, 28, tzinfo=UTC)
NOW = datetime(2026, 4, 30, 4, tzinfo=UTC)  # when the last recorded hour has closed
LONGEST = ("test_deployments", "test_killed", "test_benches", "test_month", "test_venue")


def pytest_configure(config: pytest.Config) -> None:
    for plugin in (fault_table, fuzz):
        config.pluginmanager.register(plugin)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server", help="run database tests on this TimescaleDB, not the embedded")
    parser.addoption("--tools", default="", help="interpreters of tools that read files, by commas")
    parser.addoption("--rounds", type=int, default=6, metavar="N", help="how often runs are killed")
    parser.addoption("--seed", type=int, help="of what is killed and when; else another each time")
    parser.addoption("--disturb-seconds", type=float, default=60, help="for all verbs at once")
    parser.addoption("--fault-table", type=Path, help="write the table of faults to this file")
    parser.addoption("--fuzz-seconds", type=float, default=6, help="for all fuzzers together")
    parser.addoption("--fuzz-first", type=int, default=0, help="the number of their first input")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first: whoever is last at work has a short one then."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an up-to-date, empty database, to be copied: making one takes seconds."""

    def make(home: Path) -> None:
        with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=home)) as connection:
            store.migrate(connection)
        embedded.stop(home)

    return made_once(tmp_path_factory, "template", make)


@pytest.fixture
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a database in which nothing is yet."""
    yield from _settings(request, tmp_path)


@pytest.fixture(scope="session", autouse=True)
def heeds_ctrl_c() -> None:
    """As at a terminal: a shell has it ignored in the background, and so have our processes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def emptied(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A database that tests share, one after the other."""
    made = Shared(template, tmp_path_factory.mktemp("shared"))
    yield made
    made.throw_away()


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings with an up-to-date, empty database."""
    if request.config.getoption("--server") is None:
        shared = request.getfixturevalue("emptied")
        yield shared.give()
        shared.tidy()
        return
    for made in _settings(request, tmp_path):
        with store.connect(made) as connection:
            store.migrate(connection)
        yield made


def _owned(bare: Settings) -> As:
    """Give the database an owner that is no superuser, and take on roles by a connection's option.

    The embedded engine knows that option too.
    """
    with store.connect(bare) as connection:
        dsn, name = connection.info.dsn, connection.info.dbname
        connection.execute(
            f"create role {name}_owner createrole;"
            f"grant create, connect, temporary on database {name} to {name}_owner;"
            f"alter schema public owner to {name}_owner".encode()
        )

    return _roles_at(bare, dsn, name)


def _roles_at(settings: Settings, dsn: str, name: str) -> As:
    def as_(role: str) -> Settings:
        url = make_conninfo(dsn, options=f"-c role={name}_{role}")
        return settings.model_copy(update={"database_url": url})

    return as_


def _shared(owned: As) -> None:
    with store.connect(owned("owner")) as connection:
        store.migrate(connection)
        store.make_roles(connection)
        store.share(connection)


@pytest.fixture(scope="session")
def owned_template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two homes to be copied: with an owner and no tables; with tables, made and shared out."""

    def own(home: Path) -> None:
        _owned(Settings(DATABASE_URL=None, CHANDLERY_HOME=home))
        embedded.stop(home)

    def share(home: Path) -> None:
        shutil.copytree(owned / "pgdata", home / "pgdata")
        made = Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
        _shared(_roles_at(made, embedded.ensure(home), "postgres"))
        embedded.stop(home)

    owned = made_once(tmp_path_factory, "owned", own)
    return owned, made_once(tmp_path_factory, "owned-and-shared", share)


@pytest.fixture
def owned(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[As]:
    """Settings as the owner, and in time the writer and the reader, of a database without tables.

    None of them is a superuser.
    """
    yield from _as_roles(request, tmp_path, 0)


@pytest.fixture
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[As]:
    """The same, with the tables made and shared out."""
    yield from _as_roles(request, tmp_path, 1)


def _as_roles(request: pytest.FixtureRequest, tmp_path: Path, which: int) -> Iterator[As]:
    if request.config.getoption("--server") is not None:
        for made in _settings(request, tmp_path):
            owned = _owned(made)
            if which:
                _shared(owned)
            yield owned
        return
    template = request.getfixturevalue("owned_template")[which]
    shutil.copytree(template / "pgdata", tmp_path / "home" / "pgdata")
    for made in _settings(request, tmp_path):
        with store.connect(made) as connection:
            dsn = connection.info.dsn
        yield _roles_at(made, dsn, "postgres")


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
        admin.execute(f"drop role if exists {name}_writer, {name}_reader, {name}_owner".encode())


@pytest.fixture(scope="session")
def market() -> Path:
    """The real candles, where they are at hand."""
    if not MARKET.is_dir():
        pytest.skip("needs the recorded candles in ../shared/market, which are not here")
    return MARKET


@pytest.fixture(scope="session")
def trouble() -> Path:
    """The real candles of coins that were delisted, relisted, redenominated or doubled."""
    if not TROUBLE.is_dir():
        pytest.skip("needs the recorded candles in ../shared/trouble, which are not here")
    return TROUBLE


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """How often runs are killed: few times in `make test`, often in `make nightly`."""
    return int(request.config.getoption("--rounds"))


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print what was seen."""

    def out(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end="")  # noqa: T201

    return out


@pytest.fixture
def seed(request: pytest.FixtureRequest, say: Say) -> int:
    """What a test's dice begin with, said at once: --seed gives it again."""
    given = request.config.getoption("--seed")
    number = SystemRandom().randrange(10**6) if given is None else int(given)
    say(f"--seed={number} ")
    return number


@pytest.fixture
def frame() -> Frame:
    """Make candles at these hours after 2024-02-28, all alike but for the columns given."""

    def make(hours: Iterable[int], **columns: Any) -> pl.DataFrame:
        times = [T0 + hour * HOUR for hour in sorted(hours)]
        values = {"open": 2.0, "high": 4.0, "low": 1.0, "close": 3.0, "volume": 10.0}
        more = {"quote_volume": 20.0, "trades": 5} | dict.fromkeys(TAKER)
        alike = values | more | columns
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


def simulated_clock() -> Timepiece:
    """A clock that whoever sleeps moves on: nobody waits."""
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds

    return Timepiece(
        monotonic=lambda: monotonic() + slept[0],
        wall=lambda: time() + slept[0],
        sleep=sleep,
    )


@pytest.fixture(scope="session")
def open_tools() -> Open:
    """Open the tools of a run, with a clock that makes nobody wait."""
    return lambda settings, **given: open_context(settings, timepiece=simulated_clock(), **given)
