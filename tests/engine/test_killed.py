"""SIGKILL at random instants of a run's life, and what the next run makes of it.

`--rounds N` says how often; each round has a week more to fetch. Killed is the run, or the embedded
engine under it, or both. In every second round the venue holds an answer back meanwhile: such a run
is under way for certain, however fast or busy the machine is. The other instants are the clock's.
"""

import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chandlery import embedded, store
from chandlery.settings import Settings
from sandbox import Serving, serving
from tests.conftest import Say
from tests.engine.killing import LEFT, NOW, TABLES, contents, kill_engines, process
from tests.fault_table import Happened
from tests.waiting import PATIENCE

PAGES = 10  # a week of ten listed coins
VICTIMS = (("run",), ("run",), ("run",), ("engine",), ("run", "engine"))
EVERY = 10  # rounds, one run is left alone, to see how long it takes
STARTED_OVER = 2  # exit code: the engine died before the run had a connection
SCHEMA = """
select table_name, column_name, data_type, is_nullable from information_schema.columns
where table_schema = 'public'
union all select indexname, indexdef, '', '' from pg_indexes where schemaname = 'public'
union all select name, checksum, '', '' from migration
union all select view_name, view_definition, '', '' from timescaledb_information.continuous_aggregates
union all select hypertable_name, column_name, time_interval::text, '' from timescaledb_information.dimensions
order by 1, 2, 3, 4
"""  # noqa: E501


def backfill(weeks: int, rounds: int) -> tuple[str, ...]:
    """So many of as many weeks as there are rounds."""
    start = NOW.replace(hour=0, minute=0) - timedelta(weeks=rounds + 2)
    end = start + timedelta(weeks=weeks)
    ends = (f"--start={start:%FT%RZ}", f"--end={end:%FT%RZ}")
    # Which way an hour comes would else depend on how much is missing, and the row says which.
    return ("backfill", "--json", "--no-archive", f"--now={NOW:%FT%TZ}", *ends)


def kill(victims: tuple[str, ...], running: subprocess.Popen[str], home: Path) -> bool:
    """Whether the run was under way."""
    alive = running.poll() is None
    if "run" in victims:
        running.kill()
    if "engine" in victims:
        kill_engines(home)
    return alive


def well(running: subprocess.Popen[str]) -> int:
    """The exit code of a run that nobody killed, and whose engine somebody may have."""
    _, said = running.communicate(timeout=PATIENCE)
    assert "Traceback" not in said
    assert running.returncode in {0, STARTED_OVER}, said
    return running.returncode


def until_held(venues: Serving, running: subprocess.Popen[str], answers: int) -> None:
    """Until the venue has given so many answers of candles, and holds the next one back."""
    venues.fault("held", path="klines", after=answers)
    while running.poll() is None and not venues.faults()[0]["done"]:
        pass


def uncut(settings: Settings, venues: Serving, words: tuple[str, ...]) -> float:
    """The seconds that it took."""
    began = time.monotonic()
    with process(settings, venues.url, *words) as running:
        assert well(running) == 0
    return time.monotonic() - began


def stage(requests: int) -> str:
    return "before it asked" if not requests else "asking" if requests < PAGES else "after it asked"


@pytest.fixture
def undisturbed(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A second database, for the run that nobody kills."""
    if settings.database_url is not None:
        pytest.skip("kills the embedded engine too")
    home = tmp_path / "undisturbed"
    embedded.stop(settings.home)
    shutil.copytree(settings.home / "pgdata", home / "pgdata")
    yield settings.model_copy(update={"home": home})
    embedded.stop(home)


@pytest.mark.fault(
    "process",
    "SIGKILL of runs, and of the engine under them, at random instants",
    "the tables, 4h and 1d among them, are those of an undisturbed run, row for row",
)
def test_killed_runs_lose_nothing(  # noqa: PLR0913, PLR0917 - fixtures
    settings: Settings,
    undisturbed: Settings,
    rounds: int,
    seed: int,
    say: Say,
    happened: Happened,
) -> None:
    chance = random.Random(seed)  # noqa: S311
    cut: Counter[str] = Counter()
    with serving(coins=12, seed=7, now=NOW, limits=False, process=True) as venues:
        for week in range(1, rounds + 1):
            if week % EVERY == 1:
                life = uncut(settings, venues, backfill(week, rounds))
            venues.forget()
            victims = chance.choice(VICTIMS)
            with process(settings, venues.url, *backfill(week + 1, rounds)) as running:
                if week % 2:
                    until_held(venues, running, chance.randrange(PAGES))
                else:
                    with suppress(subprocess.TimeoutExpired):
                        running.wait(chance.uniform(0, 1.2 * life))
                if kill(victims, running, settings.home):
                    cut[f"{' and '.join(victims)}, {stage(venues.requests()['total'])}"] += 1
                venues.clear()
                if "run" not in victims:
                    cut[f"exit code {well(running)} after its engine was killed"] += 1
        for each in (settings, undisturbed):
            uncut(each, venues, backfill(rounds + 1, rounds))
    found, wanted = contents(settings), contents(undisturbed)
    say(f"{rounds} rounds: {dict(sorted(cut.items()))}")
    say(f"rows: { {name: len(each) for name, each in found.items()} }")
    short = sum(count for what, count in cut.items() if "exit" not in what)
    assert short >= rounds // 2  # those whose venue held an answer back
    for name in TABLES:
        assert found[name] == wanted[name], name
    assert [found[name] for name in LEFT] == [[], []]
    rows = ", ".join(f"{len(found[name]):,} of {name}" for name in TABLES)
    happened(f"{short} of {rounds} cut short; equal rows: {rows}")


@pytest.mark.fault(
    "process",
    "SIGKILL of a run that asks files and the API at once",
    "the tables are those of an undisturbed run, row for row",
)
def test_killed_runs_that_ask_files_and_the_api_at_once_lose_nothing(
    settings: Settings, undisturbed: Settings, rounds: int, seed: int, happened: Happened
) -> None:
    """Three months: two are files, what is newer is the API's, and one month is compared."""
    chance, killed = random.Random(seed), 0  # noqa: S311
    words = ("backfill", "--json", f"--now={NOW:%FT%TZ}", "--start=2026-09-01")
    with serving(coins=12, seed=7, now=NOW, limits=False, process=True) as venues:
        uncut(undisturbed, venues, words)
        asked = [each["path"] for each in venues.requests()["requests"]]
        assert any(path.endswith(".zip") for path in asked)
        candles = sum("klines" in path for path in asked)
        for number in range(rounds // 2):
            with process(settings, venues.url, *words) as running:
                until_held(venues, running, chance.randrange(candles) if number else candles // 2)
                killed += kill(("run",), running, settings.home)
            venues.clear()
        uncut(settings, venues, words)
    assert killed  # the first has all to ask for; those after it may have less
    found, wanted = contents(settings), contents(undisturbed)
    for name in TABLES:
        assert found[name] == wanted[name], name
    assert [found[name] for name in LEFT] == [[], []]
    happened(f"{killed} killed; equal rows: {len(found['candle_1h']):,} of candle_1h")


def test_a_database_killed_while_it_is_made_is_made_by_the_next(
    settings: Settings, tmp_path: Path, rounds: int, seed: int
) -> None:
    if settings.database_url is not None:
        pytest.skip("kills the embedded engine too")
    chance = random.Random(seed)  # noqa: S311
    life = 8.0
    for number in range(max(rounds // 20, 1)):
        bare = settings.model_copy(update={"home": tmp_path / f"bare{number}"})
        with process(bare, "", "migrate") as running:
            with suppress(subprocess.TimeoutExpired):
                running.wait(chance.uniform(0, life))
            kill(chance.choice(VICTIMS), running, bare.home)
            running.wait()
        began = time.monotonic()
        with process(bare, "", "migrate") as running:
            assert well(running) == 0
        life = max(life, time.monotonic() - began)
        assert schema(bare) == schema(settings)
        embedded.stop(bare.home)
        shutil.rmtree(bare.home)


def schema(settings: Settings) -> list[tuple[Any, ...]]:
    with store.connect(settings) as connection:
        return connection.execute(SCHEMA).fetchall()
