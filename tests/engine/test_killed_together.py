"""Every verb that writes, at once on one database, each killed at random and started anew.

`--disturb-seconds N` says for how long; `--seed` makes the same dice, and each actor has its own.
How far a verb gets before it is killed is the machine's affair. What is asserted holds however
little that is, and no limit is set to what comes after.
"""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chandlery import store
from chandlery.settings import Settings
from sandbox import Serving, serving
from tests.command_line import chandlery
from tests.conftest import Say
from tests.engine.killing import NOW, kill_engines, process
from tests.fault_table import Happened
from tests.waiting import PATIENCE

STEP = timedelta(weeks=1)  # that each backfill goes back further than the one before it
DEEPEST = timedelta(weeks=300)
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
LEFT_ALONE = 0.2  # of all starts
KILL_ENGINE = 0.05  # of all kills, where it is embedded
ENDS = {signal.SIGKILL: {-9}, signal.SIGTERM: {143, -15}}  # -15: before there was a handler
EARLY = 0.2  # of all kills: any instant from the start, while Python still imports
LIFE = 10.0  # seconds of a verb of which none has ended by itself yet
NEVER_SAYS = ("traceback", "deadlock", "exception ignored")
AT = f"--now={NOW:%FT%TZ}"
Verb = Callable[[datetime], Sequence[str]]
VERBS: dict[str, Verb] = {
    "backfill": lambda start: ("backfill", "--no-archive", f"--start={start:%FT%RZ}"),
    "another backfill": lambda start: (
        "backfill",
        "--no-archive",
        "--max-coins=7",
        f"--start={start - STEP:%FT%RZ}",
    ),
    "hourly": lambda _: ("hourly", "--hours=48"),
    "fill-gaps": lambda start: ("fill-gaps", "--again", f"--start={start:%FT%RZ}"),
    "quality": lambda _: ("quality",),
    "maintain": lambda _: ("maintain", "--after-days=20", "--bars"),
    "coins": lambda _: ("coins",),
}
# Of every table, what is the same however often a run was cut short.
SAME = {
    "absence": "select coin, source, outcome, generate_series(starts_at,"
    " ends_at - interval '1 hour', interval '1 hour') from absence",
    "account": "select place from account where false",
    "adjustment": "select * from adjustment",
    "candle_1d": "select * from candle_1d",
    "candle_1h": "select * from candle_1h",
    "candle_4h": "select * from candle_4h",
    "claim": "select * from claim",
    "coin": "select * from coin",
    "coin_alias": "select * from coin_alias",
    "coin_rank": "select * from coin_rank",
    "copied": "select * from copied",
    "finding": "select coin, kind, open_time, detail from finding where ended_at is null",
    "health": "select source, words from health",
    "imported": "select * from imported",
    "last_run": "select verb, failed from last_run",  # whose `now` is one for all: the longest's
    "learnt": "select * from learnt",
    "listing": "select * from listing",
    "migration": "select name, checksum from migration",
    "outage": "select * from outage",
    "quality": "select * from quality where at = (select max(at) from quality)",
    "restated": "select * from restated",
    "source": "select * from source",
    "spent": "select source, month from spent",
    "stale": "select * from stale",
    "unconfirmed": "select * from unconfirmed",
    "wanted": "select * from wanted",
}
EMPTY = ("claim", "stale", "copied", "imported", "restated", "unconfirmed")
ALL_TABLES = """
select table_name from information_schema.tables
where table_schema = 'public' and table_type = 'BASE TABLE'
union select view_name from timescaledb_information.continuous_aggregates
"""
# What a client that was killed may leave behind on a server.
HANGS = """
select state from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
"""
LOCKS = "select locktype from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()"
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


def at_work(pid: int) -> bool:
    """Whether it has loaded what speaks to the database: nothing is lost before that."""
    with suppress(OSError):
        return b"libpq" in Path(f"/proc/{pid}/maps").read_bytes()
    return False


@dataclass
class Disturbance:
    """Who is at work, for how long, and what came of it."""

    settings: Settings
    venues: Serving
    seed: int
    until: float
    came_of_it: Counter[str] = field(default_factory=Counter)
    starts: dict[str, datetime] = field(default_factory=dict)  # the oldest that a verb was asked
    killed_engines: list[float] = field(default_factory=list)

    def act(self, name: str) -> None:
        """Start a verb over and over, each time with more to do once it has ended by itself."""
        chance, start, life = random.Random(f"{self.seed} {name}"), NOW - STEP, LIFE  # noqa: S311
        try:
            while time.monotonic() < self.until:
                self.starts[name] = start
                began = time.monotonic()
                if self.ended(name, start, life, chance):
                    life = 1.2 * (time.monotonic() - began)
                    start = max(start - STEP, NOW - DEEPEST)
        finally:
            self.until = 0.0  # for all, where one fails

    def ended(self, name: str, start: datetime, life: float, chance: random.Random) -> bool:
        """Whether it ended by itself, and well."""
        alone, instant = chance.random() < LEFT_ALONE, chance.random() * life
        number, engine = chance.choice(SIGNALS), chance.random() < KILL_ENGINE
        early, began = chance.random() < EARLY, time.monotonic()
        with process(self.settings, self.venues.url, *VERBS[name](start), AT) as running:
            while not early and running.poll() is None and not at_work(running.pid):
                time.sleep(0.02)
            left = max(self.until - time.monotonic(), 0.0)
            try:
                said = running.communicate(timeout=left if alone else min(instant, left))
            except subprocess.TimeoutExpired:
                if engine and self.settings.database_url is None:
                    self.killed_engines.append(time.monotonic())
                    kill_engines(self.settings.home)
                running.send_signal(number)
                said = running.communicate(timeout=PATIENCE)
                return self.told(name, running.returncode, said, began, number)
        return self.told(name, running.returncode, said, began, None)

    def told(
        self,
        name: str,
        code: int,
        said: tuple[str, str],
        began: float,
        number: signal.Signals | None,
    ) -> bool:
        """Whether a process ended well; what nobody did to it, it may not say."""
        words = f"{name}, {number!r}, exit code {code}: {said[1]}"
        assert not any(each in said[1].lower() for each in NEVER_SAYS), words
        disturbed = any(killed > began for killed in self.killed_engines)
        may = {0} | (ENDS[number] if number else set()) | ({1, 2} if disturbed else set())
        assert code in may, words
        self.came_of_it["ended" if code == 0 else number.name if number else "engine gone"] += 1
        self.came_of_it["starts"] += 1
        return code == 0


def disturb(settings: Settings, venues: Serving, seed: int, seconds: float) -> Disturbance:
    at = Disturbance(settings, venues, seed, time.monotonic() + seconds)
    with ThreadPoolExecutor(len(VERBS)) as actors:
        for acted in [actors.submit(at.act, name) for name in VERBS]:
            acted.result()
    return at


def settle(settings: Settings, venues: str, start: datetime) -> None:
    """Every verb once, undisturbed, the backfill as far back as any was asked for."""
    with store.connect(settings) as connection:
        store.migrate(connection)
        # Ten requests a minute: as if one had passed.
        connection.execute("delete from account where place like '%coingecko%'")
    environment = {
        "CHANDLERY_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url or "",
        "CHANDLERY_VENUES_URL": venues,
        "CHANDLERY_SOURCES": "binance_futures,binance_spot",
    }
    for verb in ("coins", *(name for name in VERBS if name != "coins")):
        done = chandlery(*VERBS[verb](start), AT, environment=environment)
        assert (done.returncode, done.stderr) == (0, ""), (verb, done)
    done = chandlery("check", environment=environment)
    assert done.returncode == 0, done


def same(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with store.connect(settings) as connection:
        assert {name for (name,) in connection.execute(ALL_TABLES).fetchall()} == SAME.keys()
        return {
            name: sorted(connection.execute(query.encode()).fetchall(), key=repr)
            for name, query in SAME.items()
        }


def refused(venues: Serving) -> list[int]:
    """What the venues answered to who asked for more than their limits allow."""
    found = [each["status"] for each in venues.requests()["requests"]]
    return [status for status in found if status in {418, 429}]


@pytest.mark.fault(
    "process",
    "two backfills, hourly, fill-gaps, quality, maintain and coins at once, each killed at random",
    "no deadlock, nothing left behind; all tables are those of undisturbed runs, row for row",
)
def test_all_at_once_and_each_killed_at_random(  # noqa: PLR0913, PLR0917 - fixtures
    settings: Settings,
    bare: Settings,
    seed: int,
    say: Say,
    happened: Happened,
    request: pytest.FixtureRequest,
) -> None:
    seconds = request.config.getoption("--disturb-seconds")
    made_up = {"coins": 12, "seed": 7, "now": NOW, "process": True}
    with serving(**made_up) as venues, serving(**made_up, limits=False) as others:
        at = disturb(settings, venues, seed, seconds)
        say(f"{seconds:.0f} s: {dict(at.came_of_it)}, {len(at.killed_engines)} engines killed")
        start = min(at.starts.values()) - STEP
        settle(settings, venues.url, start)
        assert refused(venues) == []
        settle(bare, others.url, start)
    found, wanted = same(settings), same(bare)
    say(f"rows: { {name: len(each) for name, each in found.items() if each} }")
    for name in SAME:
        assert found[name] == wanted[name], name
    assert [name for name in EMPTY if found[name]] == []
    with store.connect(settings) as connection:
        assert connection.execute(HANGS).fetchall() == []
        assert connection.execute(LOCKS).fetchall() == []
        assert connection.execute(DEADLOCKS).fetchall() == [(0,)]
    assert at.came_of_it["starts"] > at.came_of_it["ended"]
    cut = at.came_of_it["starts"] - at.came_of_it["ended"]
    happened(
        f"{at.came_of_it['starts']} starts, {cut} cut short, {len(found['candle_1h']):,} candles:"
        " equal rows in all tables; no deadlock, no claim left"
    )
