"""Power cuts at any instant of a database's life, and what the next start makes of each.

The engine runs once, and each of its calls to the system is written down. A cut is made from that:
what was synced, and of the rest what the disk happened to have done. `--rounds N` says how many.
"""

import fcntl
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from chandlery import embedded, moving, store
from chandlery.settings import Settings
from tests.conftest import T0, Frame
from tests.embedded.power import LUCK, Disk, calls, instants
from tests.fault_table import Happened
from tests.made_once import made_once

RECORDER = Path(__file__).with_name("recorder.mjs")
COINS = (1, 2, 3)
DAYS = 12
WAITING = "days wait for a refresh"
HELD = "select count(*), coalesce(sum(hashtextextended(it::text, 0)::numeric), 0) from candle_1h it"

Held = tuple[int, int]
"""How many hours are held, and a sum of their values: equal where all are."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which nothing is yet."""

    def make(home: Path) -> None:
        with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=home)) as connection:
            store.migrate(connection)
            connection.execute(
                "insert into coin (id, ticker, symbol, name, rank, seen_at)"
                " select t, t, t, t, n, now() from unnest('{a,b,c}'::text[])"
                " with ordinality as _ (t, n); insert into source values (0, 'here'), (1, 'there')"
            )
        embedded.stop(home)

    return made_once(tmp_path_factory, "power-template", make) / "pgdata"


@dataclass
class Recorded:
    """What the engine did, and after which of its calls which hours were committed."""

    before: Path
    below: Path
    log: Path
    held: list[tuple[int, Held]]

    def may_be_held(self, at: int) -> list[Held]:
        """After a cut there: what was committed, or what was just being committed, too."""
        done = [held for reach, held in self.held if reach <= at]
        after = [held for reach, held in self.held if reach > at]
        return [done[-1], *after[:1]]


def steps(frame: Frame) -> Iterator[Callable[[store.Connection], object]]:
    """A database's life: hours by days, some told anew, bars, compressed chunks, a checkpoint."""
    for day in range(DAYS):
        hours = range(day * 24, day * 24 + 24)
        yield lambda it, hours=hours: store.write(it, {c: frame(hours) for c in COINS}, 0)
        if day % 3 == 1:
            yield lambda it, hours=hours: store.write(it, {2: frame(hours, close=2.5)}, 1)
            yield store.refresh
        if day % 5 == 4:
            yield lambda it, day=day: store.compress(it, T0 + timedelta(days=day))
        if day == DAYS // 2:
            yield lambda it: it.execute("checkpoint")


@pytest.fixture
def recorded(
    template: Path, tmp_path: Path, frame: Frame, monkeypatch: pytest.MonkeyPatch
) -> Recorded:
    home = tmp_path / "home"
    made = Recorded(template, home / "pgdata", tmp_path / "log", [])
    shutil.copytree(template, made.below)
    settings = Settings(DATABASE_URL=None, CHANDLERY_HOME=home)
    with recording(monkeypatch, made.below, made.log):
        for number, step in enumerate(steps(frame)):
            with store.connect(settings) as connection:
                if not number:
                    made.held.append((0, held(connection)))
                step(connection)
                # How far the log reaches before anything is read: that may write, too.
                reach = made.log.stat().st_size
                made.held.append((reach, held(connection)))
            if number % 9 == 4:
                kill(home)
            elif number % 9 == 8:
                embedded.stop(home)
        embedded.stop(home)
    return made


def kill(home: Path) -> None:
    running = embedded.status(home)
    assert running
    os.kill(running.pid, signal.SIGKILL)
    with (home / "engine.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def held(connection: store.Connection) -> Held:
    row = connection.execute(HELD).fetchone()
    assert row
    return int(row[0]), int(row[1])


@pytest.mark.fault("process", "power cuts (embedded)", "each committed hour is there, all is sound")
def test_no_committed_row_is_lost(
    recorded: Recorded, tmp_path: Path, frame: Frame, rounds: int, happened: Happened
) -> None:
    dice = Random(2026)  # noqa: S311  nobody's secret
    disk, home = Disk(recorded.below, recorded.before), tmp_path / "after"
    cuts, unsynced = Counter(instants(recorded.log, dice, rounds)), 0
    for at, call, data in calls(recorded.log):
        disk.take(call, data)
        for _ in range(cuts[at]):
            keeps = dice.choice(list(LUCK))
            unsynced += disk.unsynced()
            disk.cut(home / "pgdata", keeps, dice)
            told = f"cut at {at} of the log, kept: {keeps}"
            assert_sound(home, recorded.may_be_held(at), frame, told)
    happened(f"{rounds} cuts with {unsynced:,} writes unsynced: no committed hour lost, all sound")


def assert_sound(home: Path, expected: list[Held], frame: Frame, told: str) -> None:
    with store.connect(Settings(DATABASE_URL=None, CHANDLERY_HOME=home)) as connection:
        assert held(connection) in expected, told
        faults = [each for each in moving.check(connection).faults if WAITING not in each.what]
        assert faults == [], told
        store.write(connection, {1: frame(range(24 * DAYS, 24 * DAYS + 24))}, 0)
        store.refresh(connection)
        assert moving.check(connection).faults == [], told
    embedded.stop(home)


@pytest.mark.fault(
    "process", "power cuts in a first start (embedded)", "no database, or a whole one"
)
def test_a_first_start_makes_all_of_a_database_or_none(
    tmp_path: Path, rounds: int, monkeypatch: pytest.MonkeyPatch, happened: Happened
) -> None:
    home, log, nothing = (tmp_path / name for name in ("home", "log", "nothing"))
    nothing.mkdir()
    with recording(monkeypatch, home / "pgdata", log):
        embedded.ensure(home)
        embedded.stop(home)
    dice = Random(2027)  # noqa: S311  nobody's secret
    cuts, whole = Counter(instants(log, dice, rounds)), 0
    disk, after = Disk(home, nothing), tmp_path / "after"
    for at, call, data in calls(log):
        disk.take(call, data)
        for _ in range(cuts[at]):
            keeps = dice.choice(list(LUCK))
            disk.cut(after, keeps, dice)
            if (after / "pgdata").exists():
                whole += 1
                embedded.ensure(after)
                embedded.stop(after)
    happened(f"{rounds} cuts: {whole} whole, the others without")


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch, below: Path, log: Path) -> Iterator[None]:
    """Engines that are started meanwhile write down what they do to files below a path."""
    with monkeypatch.context() as at:
        at.setenv("NODE_OPTIONS", f"--import={RECORDER}")
        at.setenv("RECORD_BELOW", str(below))
        at.setenv("RECORD_INTO", str(log))
        yield
