"""Files of the database that are not what was written, as after a fault of the disk."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chandlery import embedded, moving, store
from chandlery.engine.maintenance import MOST_DAYS, maintain
from chandlery.settings import Settings
from tests.command_line import chandlery
from tests.conftest import NOW, T0, Frame
from tests.fault_table import Happened

PARTS = (range(2000), range(2000, 6000))
COINS = (1, 2, 3)

Aged = Callable[[str], Path]


@pytest.fixture
def aged(template: Path, tmp_path: Path, frame: Frame) -> Iterator[Aged]:
    """A home in which a chunk's table, or its index, is an older one: the rest goes on without."""
    homes: list[Path] = []

    def make(which: str) -> Path:
        home = tmp_path / which.replace(" ", "-")
        homes.append(home)
        shutil.copytree(template / "pgdata", home / "pgdata")
        settings = Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
        older = tmp_path / "older"
        for part, hours in enumerate(PARTS):
            with store.connect(settings) as connection:
                if not part:
                    connection.execute(
                        "insert into coin (id, ticker, symbol, name, rank, seen_at)"
                        " select t, t, upper(t), t, n, now() from unnest('{a,b,c}'::text[])"
                        " with ordinality as _ (t, n); insert into source values (0, 'here')"
                    )
                store.write(connection, {coin: frame(hours) for coin in COINS}, 0)
                store.refresh(connection)
                path = file(connection, which)
            embedded.stop(home)
            if not part:
                shutil.copy(home / "pgdata" / path, older)
        shutil.copy(older, home / "pgdata" / path)
        return home

    yield make
    for home in homes:
        embedded.stop(home)


def file(connection: store.Connection, which: str) -> str:
    """Of the chunk that both parts write to."""
    row = connection.execute(
        "select pg_relation_filepath(case when %s = 'table' then held.tableoid else"
        " (select indexrelid from pg_index where indrelid = held.tableoid and indisprimary) end)"
        " from candle_1h held where coin = 1 and open_time = %s + interval '1999 hours'",
        (which, T0),
    ).fetchone()
    assert row
    return str(row[0])


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return chandlery(*words, environment={"CHANDLERY_HOME": str(home), "DATABASE_URL": ""})


@pytest.mark.fault("process", "a table's file is an older one", "one line that names what mends it")
def test_a_table_that_its_index_does_not_know_is_one_line(
    aged: Aged, tmp_path: Path, happened: Happened
) -> None:
    home = aged("table")
    told = [run(home, *words) for words in (("quality",), ("backup", str(tmp_path / "b")))]
    assert [done.returncode for done in told] == [1, 1]
    assert all("damaged (could not read block" in done.stderr for done in told)
    assert all(done.stderr.count("\n") == 1 for done in told)
    checked, mended = run(home, "check"), run(home, "maintain", "--reindex")
    assert "`chandlery maintain --reindex`" in checked.stderr
    assert "`chandlery backfill --start 2024-05-21" in mended.stderr  # for the rows that are gone
    assert run(home, "check").returncode == 0
    happened(told[0].stderr.strip())


GONE = {
    "global/pg_control": "could not open file",
    "base/5/1259": "could not open file",
    "pg_xact/0000": "could not access status of transaction",
}
"""A file that is lost, and PostgreSQL's words for it."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.fault(
                "process", f"the database's {name} is lost", "one line: why, and what to do"
            ),
        )
        for name in GONE
    ],
)
def test_an_engine_that_does_not_start_says_why_and_what_to_do(
    template: Path, tmp_path: Path, name: str, happened: Happened
) -> None:
    home = tmp_path / "home"
    shutil.copytree(template / "pgdata", home / "pgdata")
    (home / "pgdata" / name).unlink()
    done = run(home, "status")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"the engine did not start ({GONE[name]}" in done.stderr
    assert "`chandlery restore` a backup there, or `chandlery backfill` anew" in done.stderr
    happened(done.stderr.strip().replace(str(tmp_path), "…"))


@pytest.mark.fault(
    "process", "an index's file is an older one", "found and made anew by the verb told"
)
def test_an_index_that_does_not_fit_is_found_and_made_anew(aged: Aged, happened: Happened) -> None:
    home = aged("index")
    settings = Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
    with store.connect(settings) as connection:
        (found,) = moving.check(connection).faults
        assert " does not fit _hyper_" in found.what
        assert found.mend == "`chandlery maintain --reindex`"
        done = maintain(settings, NOW, MOST_DAYS, reindex=True)
        assert done.reindexed == 1
        assert moving.check(connection).faults == []
    happened(str(found))
