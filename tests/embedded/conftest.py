"""One engine for most tests, and a home of its own for those that stop or kill theirs."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from chandlery import embedded
from tests.made_once import made_once

Connect = Callable[[], psycopg.Connection]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Status]:
    home = tmp_path_factory.mktemp("engine")
    embedded.ensure(home, idle=None)
    running = embedded.status(home)
    assert running
    yield running
    embedded.stop(home)


@pytest.fixture
def connect(engine: embedded.Status) -> Iterator[Connect]:
    """Connections to the shared engine; they and what they made go with the test."""
    with contextlib.ExitStack() as stack:

        def open_one() -> psycopg.Connection:
            return stack.enter_context(
                contextlib.closing(psycopg.connect(engine.dsn, autocommit=True))
            )

        yield open_one
    with psycopg.connect(engine.dsn, autocommit=True) as cleaner:
        cleaner.execute("drop schema public cascade; create schema public")


@pytest.fixture
def connection(connect: Connect) -> psycopg.Connection:
    return connect()


@pytest.fixture
def new_home(tmp_path: Path) -> Iterator[Path]:
    """A home where no engine ever was."""
    place = tmp_path / "home"
    yield place
    embedded.stop(place)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an engine that was started once: making it takes seconds, opening it does not."""

    def make(home: Path) -> None:
        embedded.ensure(home)
        embedded.stop(home)

    return made_once(tmp_path_factory, "engine-template", make) / "pgdata"


@pytest.fixture
def home(new_home: Path, template: Path) -> Path:
    """A home for an engine of the test's own."""
    shutil.copytree(template, new_home / "pgdata")
    return new_home


@pytest.fixture(scope="session")
def resident() -> Callable[[int], int]:
    """A process's memory, in bytes, as `ps` has it."""

    def of(pid: int) -> int:
        status = Path(f"/proc/{pid}/status")
        if not status.exists():
            pytest.skip("no /proc here to read a process's memory from")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    return of
